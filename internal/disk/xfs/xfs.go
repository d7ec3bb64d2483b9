// Package xfs reads XFS file systems of versions 4 and 5, damaged ones too: what
// cannot be read is an error of the file or directory it is in, and everything is
// bounded by what is really there. Nothing is verified by checksum and the log
// is not applied. Files on a realtime device are ErrUnsupported.
//
// Specification: https://www.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf
package xfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

const superSize = 512

// Features of the superblock.
const (
	versionDir2     = 0x2000 // directories as they are since 2001
	versionMore     = 0x8000 // there is a second word of features
	feature2Type    = 0x200  // entries of directories tell the kind: version 4
	featureType     = 0x1    // the same: version 5
	featuresUnknown = ^uint32(0x1ff)
)

// An FS is a file system. It is safe for use by several goroutines if its volume
// is.
type FS struct {
	volume io.ReaderAt
	size   int64 // of the volume

	block       int64 // size
	blockLog    int
	groupBlocks uint64
	groupLog    int // bits of a block's number in its group
	groups      uint64
	inodeSize   int64
	perBlockLog int   // bits of an inode's number in its block
	dirBlock    int64 // size of the blocks of directories
	root        uint64
	v5          bool
	kinds       bool // entries of directories tell the kind
	logStart    uint64
	logBlocks   int64
	label       filesystem.Label
}

// Is reports whether the volume seems to have an XFS file system.
func Is(volume io.ReaderAt) bool {
	var b [4]byte
	return filesystem.ReadFull(volume, b[:], 0) == nil && string(b[:]) == "XFSB"
}

// Open reads the superblock of a volume of size bytes.
func Open(volume io.ReaderAt, size int64) (*FS, error) {
	b := make([]byte, superSize)
	if err := filesystem.ReadFull(volume, b, 0); err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	if string(b[:4]) != "XFSB" {
		return nil, fmt.Errorf("superblock: no magic number of XFS: %w", assay.ErrMalformed)
	}
	be := binary.BigEndian
	version, features2 := be.Uint16(b[100:]), be.Uint32(b[200:])
	f := &FS{
		volume: volume, size: size,
		block: int64(be.Uint32(b[4:])), blockLog: int(b[120]), groupBlocks: uint64(be.Uint32(b[84:])), groupLog: int(b[124]), groups: uint64(be.Uint32(b[88:])),
		inodeSize: int64(be.Uint16(b[104:])), perBlockLog: int(b[123]), root: be.Uint64(b[56:]),
		v5: version&0xf == 5, kinds: version&versionMore != 0 && features2&feature2Type != 0,
		logStart: be.Uint64(b[48:]), logBlocks: int64(be.Uint32(b[96:])),
		label: filesystem.Label{UUID: filesystem.UUID([16]byte(b[32:])), Name: string(bytes.TrimRight(b[108:120], "\x00"))},
	}
	switch {
	case version&0xf < 4 || version&0xf > 5 || version&versionDir2 == 0:
		return nil, fmt.Errorf("version %d: %w", version&0xf, assay.ErrUnsupported)
	case f.v5 && be.Uint32(b[216:])&featuresUnknown != 0:
		return nil, fmt.Errorf("unknown features %#x: %w", be.Uint32(b[216:])&featuresUnknown, assay.ErrUnsupported)
	case f.blockLog < 9 || f.blockLog > 16, f.block != 1<<f.blockLog,
		b[122] < 8 || b[122] > 11 || f.inodeSize != 1<<b[122], f.perBlockLog != f.blockLog-int(b[122]), f.v5 && b[122] < 9,
		f.groupLog < 1 || f.groupLog > 31, f.groups == 0, f.groupBlocks == 0 || f.groupBlocks > 1<<f.groupLog,
		b[192] > 16 || f.blockLog+int(b[192]) > 16:
		return nil, fmt.Errorf("superblock: sizes that cannot be: %w", assay.ErrMalformed)
	}
	f.dirBlock = f.block << b[192]
	if f.v5 {
		f.kinds = be.Uint32(b[216:])&featureType != 0
	}
	return f, nil
}

// Root is the number of the root directory.
func (f *FS) Root() uint64 { return f.root }

// Label is how the file system may be named.
func (f *FS) Label() filesystem.Label { return f.label }

// at is the place on the volume of a block, whose number has that of its group
// in front.
func (f *FS) at(block uint64) (int64, error) {
	group, in := block>>f.groupLog, block&(1<<f.groupLog-1)
	n := group*f.groupBlocks + in
	if group >= f.groups || in >= f.groupBlocks || n >= uint64(f.size)>>f.blockLog {
		return 0, fmt.Errorf("block %#x is not on the volume: %w", block, assay.ErrMalformed)
	}
	return int64(n << f.blockLog), nil
}

// read reads a block.
func (f *FS) read(block uint64) ([]byte, error) {
	at, err := f.at(block)
	if err != nil {
		return nil, err
	}
	b := make([]byte, f.block)
	return b, filesystem.ReadFull(f.volume, b, at)
}
