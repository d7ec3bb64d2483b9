package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// Flags of an inode.
const (
	flagEncrypted = 0x800
	flagExtents   = 0x80000
	flagInline    = 0x10000000
)

const (
	extentMagic = 0xf30a
	extentSize  = 12 // of an extent, an index and their header
	maxDepth    = 5  // of a tree of extents, as the kernel has it

	// maxIndexes bounds the blocks read to find a file's pieces: the million that
	// a file may have are in some three thousand.
	maxIndexes = 1 << 16
)

// An inode is what the table of inodes says of a file.
type inode struct {
	number uint64
	raw    []byte
	mode   fs.FileMode
	size   int64
	flags  uint32
}

// content is the part that says where the bytes are, or has them.
func (i *inode) content() []byte { return i.raw[40:100] }

func (f *FS) inode(number uint64) (*inode, error) {
	if number == 0 || number > f.inodes {
		return nil, fmt.Errorf("inode %d of %d: %w", number, f.inodes, assay.ErrMalformed)
	}
	at, err := f.table(int64((number - 1) / f.groupInodes))
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	i := &inode{number: number, raw: make([]byte, f.inodeSize)}
	if err := filesystem.ReadFull(f.volume, i.raw, at+int64((number-1)%f.groupInodes)*f.inodeSize); err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	le := binary.LittleEndian
	var ok bool
	if i.mode, ok = filesystem.Mode(le.Uint16(i.raw)); !ok {
		return nil, fmt.Errorf("inode %d is of no kind: %w", number, assay.ErrMalformed)
	}
	i.flags = le.Uint32(i.raw[32:])
	i.size = int64(le.Uint32(i.raw[4:]))
	if i.mode.IsRegular() || i.mode.IsDir() && f.incompat&featureLargeDir != 0 {
		i.size |= int64(le.Uint32(i.raw[108:])) << 32
	}
	if i.size < 0 {
		return nil, fmt.Errorf("inode %d: a size below zero: %w", number, assay.ErrMalformed)
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
	le := binary.LittleEndian
	n := filesystem.Node{Number: number, Mode: i.mode, Size: i.size,
		UID: int64(le.Uint16(i.raw[2:])) | int64(le.Uint16(i.raw[120:]))<<16,
		GID: int64(le.Uint16(i.raw[24:])) | int64(le.Uint16(i.raw[122:]))<<16}
	if i.mode&fs.ModeSymlink != 0 {
		n.Link, err = f.link(i)
	}
	return n, err
}

// link reads the target of a symbolic link: short ones are in the inode.
func (f *FS) link(i *inode) (string, error) {
	if i.flags&flagEncrypted != 0 {
		return "", fmt.Errorf("encrypted: %w", assay.ErrUnsupported)
	}
	if i.size > filesystem.MaxLink {
		return "", fmt.Errorf("a link of %d bytes: %w", i.size, assay.ErrTooLarge)
	}
	if i.flags&(flagExtents|flagInline) == 0 && i.size < int64(len(i.content())) {
		return string(i.content()[:i.size]), nil
	}
	r, err := f.open(i)
	if err != nil {
		return "", err
	}
	b := make([]byte, i.size)
	err = filesystem.ReadFull(r, b, 0)
	return string(b), err
}

// Open gives the bytes of a file.
func (f *FS) Open(number uint64) (io.ReaderAt, error) {
	i, err := f.inode(number)
	if err != nil {
		return nil, err
	}
	if !i.mode.IsRegular() {
		return nil, fmt.Errorf("inode %d is no file: %w", number, assay.ErrMalformed)
	}
	return f.open(i)
}

func (f *FS) open(i *inode) (io.ReaderAt, error) {
	switch {
	case i.flags&flagEncrypted != 0:
		return nil, fmt.Errorf("encrypted: %w", assay.ErrUnsupported)
	case i.flags&flagInline != 0:
		b := append(bytes.Clone(i.content()), i.inlineRest()...)
		if int64(len(b)) < i.size {
			return nil, fmt.Errorf("inode %d has %d of %d bytes in itself: %w", i.number, len(b), i.size, assay.ErrMalformed)
		}
		return bytes.NewReader(b[:i.size]), nil
	}
	return f.file(i)
}

// file finds the pieces of a file or directory.
func (f *FS) file(i *inode) (*filesystem.File, error) {
	m := mapping{fs: f, file: filesystem.NewFile(f.volume, f.size, i.size)}
	err := error(nil)
	if i.flags&flagExtents != 0 {
		err = m.extents(i.content(), maxDepth+1)
	} else {
		err = m.blocks(i.content())
	}
	if err != nil && !errors.Is(err, errEnd) {
		return nil, fmt.Errorf("inode %d: %w", i.number, err)
	}
	return m.file, nil
}

// errEnd ends a mapping behind the file's end.
var errEnd = errors.New("end")

// A mapping collects the pieces of a file.
type mapping struct {
	fs    *FS
	file  *filesystem.File
	reads int // of blocks that tell where others are
}

// read reads a block that tells where others are.
func (m *mapping) read(block int64) ([]byte, error) {
	if m.reads++; m.reads > maxIndexes {
		return nil, fmt.Errorf("more than %d blocks say where a file is: %w", maxIndexes, assay.ErrTooLarge)
	}
	at, err := m.fs.at(block)
	if err != nil {
		return nil, err
	}
	b := make([]byte, m.fs.block)
	return b, filesystem.ReadFull(m.fs.volume, b, at)
}

// add adds blocks, the first of which is number first of the file.
func (m *mapping) add(first, block, count int64) error {
	at, err := m.fs.at(block)
	if err != nil {
		return err
	}
	if first*m.fs.block >= m.file.Size() {
		return errEnd
	}
	return m.file.Add(filesystem.Run{At: first * m.fs.block, Offset: at, Length: count * m.fs.block})
}

// extents reads a node of a tree of extents, whose depth is below most.
func (m *mapping) extents(b []byte, most int) error {
	le := binary.LittleEndian
	count, depth := int(le.Uint16(b[2:])), int(le.Uint16(b[6:]))
	if le.Uint16(b) != extentMagic || depth >= most || count > len(b)/extentSize-1 {
		return fmt.Errorf("a broken tree of extents: %w", assay.ErrMalformed)
	}
	for n := range count {
		e := b[(n+1)*extentSize:]
		first := int64(le.Uint32(e))
		if depth > 0 {
			child, err := m.read(int64(le.Uint32(e[4:])) | int64(le.Uint16(e[8:]))<<32)
			if err == nil {
				err = m.extents(child, depth)
			}
			if err != nil {
				return err
			}
			continue
		}
		length := int64(le.Uint16(e[4:]))
		if length > 0x8000 { // allocated, but not written: zero
			continue
		}
		if err := m.add(first, int64(le.Uint32(e[8:]))|int64(le.Uint16(e[6:]))<<32, length); err != nil {
			return err
		}
	}
	return nil
}

// blocks reads the map of ext2 and ext3: twelve blocks, and three trees of one
// to three levels.
func (m *mapping) blocks(b []byte) error {
	first := int64(0)
	for level := range 4 {
		n, from := 1, 44+level*4
		if level == 0 {
			n, from = 12, 0
		}
		if err := m.level(b[from:from+n*4], level, &first); err != nil {
			return err
		}
	}
	return nil
}

// level takes pointers to trees of some levels; next is the file's block that
// comes next.
func (m *mapping) level(pointers []byte, level int, next *int64) error {
	span := int64(1)
	for range level {
		span *= m.fs.block / 4
	}
	for ; len(pointers) > 0; pointers = pointers[4:] {
		if *next*m.fs.block >= m.file.Size() {
			return errEnd
		}
		block := int64(binary.LittleEndian.Uint32(pointers))
		switch {
		case block == 0: // a hole
			*next += span
		case level == 0:
			if err := m.add(*next, block, 1); err != nil {
				return err
			}
			*next++
		default:
			b, err := m.read(block)
			if err == nil {
				err = m.level(b, level-1, next)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// inlineRest is what a small file or directory has in its inode beside the content:
// the value of the attribute "system.data".
func (i *inode) inlineRest() []byte {
	const attributeMagic, entrySize, systemIndex = 0xea020000, 16, 7
	le := binary.LittleEndian
	if len(i.raw) < 132 {
		return nil
	}
	begin := 128 + int(le.Uint16(i.raw[128:]))
	if begin+4 > len(i.raw) || le.Uint32(i.raw[begin:]) != attributeMagic {
		return nil
	}
	values := i.raw[begin+4:]
	for e := values; len(e) >= entrySize && le.Uint32(e) != 0; {
		name, index := int(e[0]), e[1]
		if entrySize+name > len(e) {
			return nil
		}
		if index == systemIndex && string(e[entrySize:entrySize+name]) == "data" {
			from, length := int(le.Uint16(e[2:])), le.Uint32(e[8:])
			if le.Uint32(e[4:]) != 0 || from > len(values) || int64(length) > int64(len(values)-from) {
				return nil
			}
			return values[from : from+int(length)]
		}
		e = e[min((entrySize+name+3)&^3, len(e)):]
	}
	return nil
}
