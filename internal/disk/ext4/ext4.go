// Package ext4 reads ext2, ext3 and ext4 file systems, damaged ones too: what
// cannot be read is an error of the file or directory it is in, and everything is
// bounded by what is really there. Nothing is verified by checksum, the journal
// is not applied, and of extended attributes only the content of small files is
// read. Encrypted files and directories are ErrUnsupported.
//
// Specification: https://docs.kernel.org/filesystems/ext4/index.html
package ext4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

const (
	superOffset = 1024
	superSize   = 1024
	superMagic  = 0xef53

	rootInode = 2
)

// Features without which a file system must not be read.
const (
	featureCompression = 0x1
	featureFileType    = 0x2
	featureRecover     = 0x4
	featureJournal     = 0x8
	featureMetaGroups  = 0x10
	feature64Bit       = 0x80
	featureLargeDir    = 0x4000

	// what is read, or makes no difference to reading: extents, mmp, flex_bg,
	// ea_inode, dirdata, csum_seed, inline_data, encrypt, casefold
	featuresKnown = featureFileType | featureRecover | featureMetaGroups | feature64Bit | featureLargeDir |
		0x40 | 0x100 | 0x200 | 0x400 | 0x1000 | 0x2000 | 0x8000 | 0x10000 | 0x20000

	compatSparseSuper2  = 0x200
	roCompatSparseSuper = 0x1
)

// An FS is a file system. It is safe for use by several goroutines if its volume
// is.
type FS struct {
	volume io.ReaderAt
	size   int64 // of the volume

	block          int64 // size
	blocks         int64 // how many there are
	firstBlock     int64
	groupBlocks    int64
	groupInodes    uint64
	inodes         uint64
	inodeSize      int64
	descriptorSize int64
	firstMetaGroup int64
	backups        [2]uint32 // groups with copies of the superblock, of sparse_super2
	compat         uint32
	incompat       uint32
	roCompat       uint32
	label          filesystem.Label
	unclean        bool
}

// Is reports whether the volume seems to have an ext file system.
func Is(volume io.ReaderAt) bool {
	var b [2]byte
	return filesystem.ReadFull(volume, b[:], superOffset+56) == nil && binary.LittleEndian.Uint16(b[:]) == superMagic
}

// Open reads the superblock of a volume of size bytes.
func Open(volume io.ReaderAt, size int64) (*FS, error) {
	b := make([]byte, superSize)
	if err := filesystem.ReadFull(volume, b, superOffset); err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	le := binary.LittleEndian
	if le.Uint16(b[56:]) != superMagic {
		return nil, fmt.Errorf("superblock: no magic number of ext4: %w", assay.ErrMalformed)
	}
	f := &FS{
		volume: volume, size: size,
		inodes: uint64(le.Uint32(b)), firstBlock: int64(le.Uint32(b[20:])), blocks: int64(le.Uint32(b[4:])),
		groupBlocks: int64(le.Uint32(b[32:])), groupInodes: uint64(le.Uint32(b[40:])), inodeSize: 128, descriptorSize: 32,
		firstMetaGroup: int64(le.Uint32(b[260:])), backups: [2]uint32{le.Uint32(b[588:]), le.Uint32(b[592:])},
		label: filesystem.Label{UUID: filesystem.UUID([16]byte(b[104:])), Name: string(bytes.TrimRight(b[120:136], "\x00"))},
	}
	if log := le.Uint32(b[24:]); log <= 6 {
		f.block = 1024 << log
	}
	if le.Uint32(b[76:]) > 0 { // revision 1, since 1997
		f.inodeSize = int64(le.Uint16(b[88:]))
		f.compat, f.incompat, f.roCompat = le.Uint32(b[92:]), le.Uint32(b[96:]), le.Uint32(b[100:])
	}
	if f.incompat&feature64Bit != 0 {
		f.descriptorSize = int64(le.Uint16(b[254:]))
		f.blocks |= int64(le.Uint32(b[336:])) << 32
	}
	f.unclean = f.incompat&featureRecover != 0
	return f, f.check()
}

// check refuses what cannot be read at all.
func (f *FS) check() error {
	switch {
	case f.incompat&featureJournal != 0:
		return fmt.Errorf("a journal of another file system: %w", assay.ErrUnsupported)
	case f.incompat&featureCompression != 0:
		return fmt.Errorf("compressed in the way of ext2: %w", assay.ErrUnsupported)
	case f.incompat&^featuresKnown != 0:
		return fmt.Errorf("unknown features %#x: %w", f.incompat&^featuresKnown, assay.ErrUnsupported)
	case f.block == 0, f.groupBlocks == 0, f.groupInodes == 0, f.blocks < 0,
		f.inodeSize < 128 || f.inodeSize > f.block || bits.OnesCount64(uint64(f.inodeSize)) != 1,
		f.descriptorSize < 32 || f.descriptorSize > f.block || bits.OnesCount64(uint64(f.descriptorSize)) != 1,
		f.incompat&feature64Bit != 0 && f.descriptorSize < 64:
		return fmt.Errorf("superblock: sizes that cannot be: %w", assay.ErrMalformed)
	}
	return nil
}

// Root is the number of the root directory.
func (f *FS) Root() uint64 { return rootInode }

// Label is how the file system may be named.
func (f *FS) Label() filesystem.Label { return f.label }

// Unclean reports whether the journal holds changes that were not yet made.
func (f *FS) Unclean() (bool, error) { return f.unclean, nil }

// at is the place of a block on the volume, if it is there.
func (f *FS) at(block int64) (int64, error) {
	if block <= 0 || block >= f.blocks || block > f.size/f.block {
		return 0, fmt.Errorf("block %d of %d: %w", block, f.blocks, assay.ErrMalformed)
	}
	return block * f.block, nil
}

// table is the place of a group's inodes on the volume.
func (f *FS) table(group int64) (int64, error) {
	perBlock := f.block / f.descriptorSize
	meta := group / perBlock
	block := superOffset/f.block + 1 + meta
	if f.incompat&featureMetaGroups != 0 && meta >= f.firstMetaGroup {
		first := meta * perBlock
		if block = first*f.groupBlocks + f.firstBlock; f.hasSuper(first) {
			block++
		}
		if first == 0 && f.firstBlock == 0 && f.block == superOffset { // of bigalloc: the superblock is the second block
			block++
		}
	}
	at, err := f.at(block)
	if err != nil {
		return 0, fmt.Errorf("group %d: %w", group, err)
	}
	var b [64]byte
	d := b[:min(f.descriptorSize, 64)]
	if err := filesystem.ReadFull(f.volume, d, at+group%perBlock*f.descriptorSize); err != nil {
		return 0, fmt.Errorf("group %d: %w", group, err)
	}
	block = int64(binary.LittleEndian.Uint32(b[8:])) | int64(binary.LittleEndian.Uint32(b[40:]))<<32
	if at, err = f.at(block); err != nil {
		return 0, fmt.Errorf("group %d: its inodes: %w", group, err)
	}
	return at, nil
}

// hasSuper reports whether a group begins with a copy of the superblock.
func (f *FS) hasSuper(group int64) bool {
	switch {
	case group == 0:
		return true
	case f.compat&compatSparseSuper2 != 0:
		return group == int64(f.backups[0]) || group == int64(f.backups[1])
	case group == 1 || f.roCompat&roCompatSparseSuper == 0:
		return true
	}
	for _, base := range []int64{3, 5, 7} {
		n := base
		for n < group {
			n *= base
		}
		if n == group {
			return true
		}
	}
	return false
}
