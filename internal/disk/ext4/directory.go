package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// List gives the entries of a directory, in no order; with an error those that
// could be read. Indexed directories are lists too, whose index looks like unused
// entries.
func (f *FS) List(number uint64) ([]filesystem.Name, error) {
	i, err := f.inode(number)
	switch {
	case err != nil:
		return nil, err
	case !i.mode.IsDir():
		return nil, fmt.Errorf("inode %d is no directory: %w", number, assay.ErrMalformed)
	case i.flags&flagEncrypted != 0:
		return nil, fmt.Errorf("encrypted: %w", assay.ErrUnsupported)
	case i.flags&flagInline != 0:
		names, err := f.entries(nil, i.content()[4:]) // behind the parent's number
		rest := i.inlineRest()
		if err == nil && len(rest) > 0 {
			names, err = f.entries(names, rest)
		}
		return names, err
	case i.size > filesystem.MaxDir:
		return nil, fmt.Errorf("a directory of %d bytes: %w", i.size, assay.ErrTooLarge)
	}
	file, err := f.file(i)
	if err != nil {
		return nil, err
	}
	return f.list(file)
}

// list reads the blocks of a directory; one that cannot be read hides no other.
func (f *FS) list(file *filesystem.File) (names []filesystem.Name, bad error) {
	b := make([]byte, f.block)
	for _, r := range file.Runs() {
		for at := r.At; at < r.At+r.Length; at += f.block {
			if len(names) > filesystem.MaxNames {
				return names, fmt.Errorf("more than %d entries: %w", filesystem.MaxNames, assay.ErrTooLarge)
			}
			b := b[:min(f.block, r.At+r.Length-at)]
			err := filesystem.ReadFull(file, b, at)
			if err == nil {
				names, err = f.entries(names, b)
			}
			if err != nil && bad == nil {
				bad = fmt.Errorf("block %d of the directory: %w", at/f.block, err)
			}
		}
	}
	return names, bad
}

// entries reads one block's entries.
func (f *FS) entries(names []filesystem.Name, b []byte) ([]filesystem.Name, error) {
	const head = 8
	le := binary.LittleEndian
	bad := error(nil)
	for len(b) >= head {
		length, name := int(le.Uint16(b[4:])), int(b[6])
		if length == 0xffff || length == 0 && f.block == 0x10000 {
			length = 0x10000
		}
		if f.incompat&featureFileType == 0 {
			name = int(le.Uint16(b[6:]))
		}
		if length < head || length > len(b) || head+name > length {
			return names, errors.Join(bad, fmt.Errorf("a broken entry, what follows it is not read: %w", assay.ErrMalformed))
		}
		if node := le.Uint32(b); node != 0 {
			switch text := b[head : head+name]; {
			case filesystem.Good(text):
				names = append(names, filesystem.Name{Text: string(text), Node: uint64(node)})
			case string(text) != "." && string(text) != "..":
				bad = fmt.Errorf("a name that cannot be: %w", assay.ErrMalformed)
			}
		}
		b = b[length:]
	}
	return names, bad
}
