package xfs

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// How an inode says where its content is.
const (
	formatLocal   = 1 // in the inode
	formatExtents = 2 // a list in the inode
	formatTree    = 3 // a tree of lists, its root in the inode
)

const (
	flagRealtime = 0x1
	flag2Wide    = 0x10 // counts of extents have 64 bits

	coreV2, coreV3 = 100, 176 // sizes of the fixed part of inodes
	extentSize     = 16
	maxDepth       = 9 // of a tree of extents, as the kernel has it

	// maxTreeBlocks bounds the blocks read to find a file's pieces: the million
	// that a file may have are in some five thousand.
	maxTreeBlocks = 1 << 16
)

// An inode is what is known of a file.
type inode struct {
	number  uint64
	mode    fs.FileMode
	size    int64
	format  byte
	flags   uint16
	extents uint64
	uid     int64
	gid     int64
	fork    []byte // says where the content is, or has it
}

func (f *FS) inode(number uint64) (*inode, error) {
	at, err := f.at(number >> f.perBlockLog)
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	at += int64(number&(1<<f.perBlockLog-1)) * f.inodeSize
	b := make([]byte, f.inodeSize)
	if err := filesystem.ReadFull(f.volume, b, at); err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	be := binary.BigEndian
	i := &inode{number: number, format: b[5], size: int64(be.Uint64(b[56:])), flags: be.Uint16(b[90:]), extents: uint64(be.Uint32(b[76:])),
		uid: int64(be.Uint32(b[8:])), gid: int64(be.Uint32(b[12:]))}
	core := coreV2
	if b[4] >= 3 {
		if core = coreV3; be.Uint64(b[120:])&flag2Wide != 0 {
			i.extents = be.Uint64(b[24:])
		}
	}
	i.fork = b[core:]
	if end := int(b[82]) * 8; end > 0 && end < len(i.fork) { // attributes follow
		i.fork = i.fork[:end]
	}
	var ok bool
	i.mode, ok = filesystem.Mode(be.Uint16(b[2:]))
	if string(b[:2]) != "IN" || !ok || i.size < 0 {
		return nil, fmt.Errorf("inode %d is not in use, or broken: %w", number, assay.ErrMalformed)
	}
	return i, nil
}

// Node gives what a number stands for. A link whose target cannot be read comes
// with its kind and the error.
func (f *FS) Node(number uint64) (filesystem.Node, error) {
	i, err := f.inode(number)
	if err != nil {
		return filesystem.Node{}, err
	}
	n := filesystem.Node{Number: number, Mode: i.mode, Size: i.size, UID: i.uid, GID: i.gid}
	if i.mode&fs.ModeSymlink != 0 {
		n.Link, err = f.link(i)
	}
	return n, err
}

// link reads the target of a symbolic link. In version 5 each of its pieces
// begins with a head.
func (f *FS) link(i *inode) (string, error) {
	if i.size > filesystem.MaxLink {
		return "", fmt.Errorf("a link of %d bytes: %w", i.size, assay.ErrTooLarge)
	}
	if i.format == formatLocal {
		if i.size > int64(len(i.fork)) {
			return "", fmt.Errorf("inode %d: %w", i.number, errShort)
		}
		return string(i.fork[:i.size]), nil
	}
	head := 0
	if f.v5 {
		head = 56
	}
	m := mapping{fs: f}
	target := make([]byte, 0, i.size)
	m.add = func(_, block, count uint64) error {
		at, err := f.at(block)
		if err != nil {
			return err
		}
		piece := make([]byte, min(int64(count)<<f.blockLog, i.size-int64(len(target))+int64(head)))
		if err := filesystem.ReadFull(f.volume, piece, at); err != nil {
			return err
		}
		if head > 0 && string(piece[:4]) != "XSLM" {
			return fmt.Errorf("a broken link: %w", assay.ErrMalformed)
		}
		target = append(target, piece[head:]...)
		return nil
	}
	err := m.inode(i)
	if err == nil && int64(len(target)) < i.size {
		err = fmt.Errorf("inode %d: %w", i.number, errShort)
	}
	return string(target), err
}

var errShort = fmt.Errorf("has less than its size says: %w", assay.ErrMalformed)

// Open gives the bytes of a file.
func (f *FS) Open(number uint64) (io.ReaderAt, error) {
	i, err := f.inode(number)
	switch {
	case err != nil:
		return nil, err
	case !i.mode.IsRegular():
		return nil, fmt.Errorf("inode %d is no file: %w", number, assay.ErrMalformed)
	case i.flags&flagRealtime != 0:
		return nil, fmt.Errorf("on a realtime device: %w", assay.ErrUnsupported)
	}
	return f.file(i, i.size)
}

// file finds the pieces of a file or directory, in its first size bytes.
func (f *FS) file(i *inode, size int64) (*filesystem.File, error) {
	file := filesystem.NewFile(f.volume, f.size, size)
	m := mapping{fs: f}
	m.add = func(first, block, count uint64) error {
		at, err := f.at(block)
		if err != nil || first >= 1<<(63-f.blockLog)-count {
			return err // the latter is behind what a file can be
		}
		return file.Add(filesystem.Run{At: int64(first << f.blockLog), Offset: at, Length: int64(count << f.blockLog)})
	}
	return file, m.inode(i)
}

// A mapping goes through the extents of a file.
type mapping struct {
	fs    *FS
	add   func(first, block, count uint64) error
	reads int // of blocks that tell where others are
}

func (m *mapping) inode(i *inode) (err error) {
	switch i.format {
	case formatExtents:
		if i.extents > uint64(len(i.fork)/extentSize) {
			err = errShort
			break
		}
		err = m.extents(i.fork[:i.extents*extentSize])
	case formatTree:
		if len(i.fork) < 4 {
			err = errShort
			break
		}
		level, count := int(binary.BigEndian.Uint16(i.fork)), int(binary.BigEndian.Uint16(i.fork[2:]))
		err = m.children(i.fork[4:], count, level)
	default:
		err = fmt.Errorf("content in an unknown way (%d): %w", i.format, assay.ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("inode %d: %w", i.number, err)
	}
	return nil
}

// extents reads a list of extents.
func (m *mapping) extents(b []byte) error {
	for ; len(b) >= extentSize; b = b[extentSize:] {
		high, low := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		if high>>63 != 0 { // allocated, but not written: zero
			continue
		}
		first, block, count := high<<1>>10, (high&0x1ff)<<43|low>>21, low&(1<<21-1)
		if err := m.add(first, block, count); err != nil {
			return err
		}
	}
	return nil
}

// children reads the blocks that a node of some level points to; b holds as many
// keys as fit, then as many pointers.
func (m *mapping) children(b []byte, count, level int) error {
	fit := len(b) / 16
	if count > fit || level < 1 || level > maxDepth {
		return fmt.Errorf("a broken tree of extents: %w", assay.ErrMalformed)
	}
	for n := range count {
		if m.reads++; m.reads > maxTreeBlocks {
			return fmt.Errorf("more than %d blocks say where a file is: %w", maxTreeBlocks, assay.ErrTooLarge)
		}
		child, err := m.fs.read(binary.BigEndian.Uint64(b[(fit+n)*8:]))
		if err == nil {
			err = m.node(child, level-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// node reads a block of the tree, which is of the level.
func (m *mapping) node(b []byte, level int) error {
	magic, head := "BMAP", 24
	if m.fs.v5 {
		magic, head = "BMA3", 72
	}
	count := int(binary.BigEndian.Uint16(b[6:]))
	if string(b[:4]) != magic || int(binary.BigEndian.Uint16(b[4:])) != level {
		return fmt.Errorf("a broken tree of extents: %w", assay.ErrMalformed)
	}
	if b = b[head:]; level > 0 {
		return m.children(b, count, level)
	}
	if count > len(b)/extentSize {
		return fmt.Errorf("a broken tree of extents: %w", assay.ErrMalformed)
	}
	return m.extents(b[:count*extentSize])
}
