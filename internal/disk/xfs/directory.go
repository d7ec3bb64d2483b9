package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// indexAt is where, in a directory, its index follows its entries.
const indexAt = 32 << 30

// List gives the entries of a directory, in no order; with an error those that
// could be read. Its index is not used.
func (f *FS) List(number uint64) ([]filesystem.Name, error) {
	i, err := f.inode(number)
	switch {
	case err != nil:
		return nil, err
	case !i.mode.IsDir():
		return nil, fmt.Errorf("inode %d is no directory: %w", number, assay.ErrMalformed)
	case i.format == formatLocal:
		return f.short(i)
	}
	file, err := f.file(i, min(i.size, indexAt))
	if err != nil {
		return nil, err
	}
	return f.list(file)
}

// short reads a directory that is in its inode.
func (f *FS) short(i *inode) (names []filesystem.Name, err error) {
	b := i.fork
	if int64(len(b)) < i.size || i.size < 6 {
		return nil, fmt.Errorf("inode %d: %w", i.number, errShort)
	}
	b = b[:i.size]
	count, wide, width := int(b[0]), b[1] > 0, 4
	if wide {
		width = 8
	}
	kind := 0
	if f.kinds {
		kind = 1
	}
	b = b[min(2+width, len(b)):]
	for range count {
		if len(b) < 3 || 3+int(b[0])+kind+width > len(b) {
			return names, fmt.Errorf("inode %d: a broken entry, what follows it is not read: %w", i.number, assay.ErrMalformed)
		}
		text, node := b[3:3+int(b[0])], b[3+int(b[0])+kind:]
		n := uint64(binary.BigEndian.Uint32(node))
		if wide {
			n = binary.BigEndian.Uint64(node)
		}
		if names, err = put(names, text, n); err != nil {
			return names, err
		}
		b = node[width:]
	}
	return names, nil
}

func put(names []filesystem.Name, text []byte, node uint64) ([]filesystem.Name, error) {
	if !filesystem.Good(text) {
		return names, fmt.Errorf("a name that cannot be: %w", assay.ErrMalformed)
	}
	return append(names, filesystem.Name{Text: string(text), Node: node}), nil
}

// list reads the blocks of a directory; one that cannot be read hides no other.
func (f *FS) list(file *filesystem.File) (names []filesystem.Name, bad error) {
	b, next, read := make([]byte, f.dirBlock), int64(0), int64(0)
	for _, r := range file.Runs() {
		for at := max(r.At&^(f.dirBlock-1), next); at < r.At+r.Length; at += f.dirBlock {
			next = at + f.dirBlock
			if read += f.dirBlock; read > filesystem.MaxDir || len(names) > filesystem.MaxNames {
				return names, fmt.Errorf("more than %d entries, or %d bytes: %w", filesystem.MaxNames, filesystem.MaxDir, assay.ErrTooLarge)
			}
			err := filesystem.ReadFull(file, b, at)
			if err == nil {
				names, err = f.entries(names, b)
			}
			if err != nil && bad == nil {
				bad = fmt.Errorf("block %d of the directory: %w", at/f.dirBlock, err)
			}
		}
	}
	return names, bad
}

// entries reads the entries of one block. The only block of a directory has its
// index at the end.
func (f *FS) entries(names []filesystem.Name, b []byte) ([]filesystem.Name, error) {
	b, err := f.entryBytes(b)
	if err != nil {
		return names, err
	}
	be, bad := binary.BigEndian, error(nil)
	for len(b) >= 8 {
		if be.Uint16(b) == 0xffff { // unused
			length := int(be.Uint16(b[2:]))
			if length < 8 || length > len(b) || length%8 != 0 {
				return names, errors.Join(bad, errEntry)
			}
			b = b[length:]
			continue
		}
		length := 8 + 1 + 2
		if f.kinds {
			length++
		}
		if len(b) > 8 {
			length = (length + int(b[8]) + 7) &^ 7
		}
		if length > len(b) {
			return names, errors.Join(bad, errEntry)
		}
		if text := b[9 : 9+int(b[8])]; string(text) != "." && string(text) != ".." {
			var err error
			if names, err = put(names, text, be.Uint64(b)); err != nil {
				bad = err
			}
		}
		b = b[length:]
	}
	return names, bad
}

// entryBytes is the part of a block of a directory that holds entries, between its
// head and its index.
func (f *FS) entryBytes(b []byte) ([]byte, error) {
	head := 16
	if f.v5 {
		head = 64
	}
	magic := string(b[:4])
	index := false // a block that is the whole directory ends with an index
	switch {
	case f.v5 && magic == "XDB3", !f.v5 && magic == "XD2B":
		index = true
	case f.v5 && magic == "XDD3", !f.v5 && magic == "XD2D":
	default:
		return nil, fmt.Errorf("no block of a directory: %w", assay.ErrMalformed)
	}
	if index {
		size := int64(binary.BigEndian.Uint32(b[len(b)-8:]))*8 + 8
		if size > int64(len(b)-head) {
			return nil, fmt.Errorf("a broken index: %w", assay.ErrMalformed)
		}
		b = b[:int64(len(b))-size]
	}
	return b[head:], nil
}

var errEntry = fmt.Errorf("a broken entry, what follows it is not read: %w", assay.ErrMalformed)
