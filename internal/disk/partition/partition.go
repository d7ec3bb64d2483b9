// Package partition reads the tables that say which part of a disk is what: GPT,
// and the MBR with its chain of logical partitions.
//
// Specifications: UEFI 2.10 §5 https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html,
// and for the MBR https://en.wikipedia.org/wiki/Master_boot_record, there is no other.
package partition

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

const (
	sector = 512

	// maxLogical bounds the chain of logical partitions: Linux has names for 60
	// of a disk.
	maxLogical = 256

	// maxTable bounds a GPT, in bytes: 128 entries of 128 bytes are the rule.
	maxTable = 1 << 20
)

// A Partition is a part of a disk.
type Partition struct {
	Number int    // as systems count: 1 is the first; logical ones begin with 5
	Offset int64  // in bytes
	Size   int64  // in bytes, as far as the disk goes; 0 when it begins beyond the end
	Type   string // GPT: a UUID in lower case; MBR: two hexadecimal digits
	UUID   string // as systems name it in PARTUUID=
	Name   string // of GPT only, PARTLABEL=
}

// Table reads the table of a disk of size bytes. A disk without one has no
// partitions and no error. With an error come the partitions that could be read.
func Table(disk io.ReaderAt, size int64) ([]Partition, error) {
	b := make([]byte, sector)
	if size < sector {
		return nil, nil
	}
	if err := filesystem.ReadFull(disk, b, 0); err != nil {
		return nil, err
	}
	main := entries(b)
	if b[510] != 0x55 || b[511] != 0xaa {
		main = nil
	}
	for _, e := range main {
		if e.kind == 0xee {
			return gpt(disk, size)
		}
	}
	return mbr(disk, size, b, main)
}

// An entry is one of the four of a sector, in sectors.
type entry struct {
	status, kind byte
	first, count int64
}

func entries(b []byte) []entry {
	es := make([]entry, 0, 4)
	for at := 446; at < 510; at += 16 {
		es = append(es, entry{b[at], b[at+4], int64(binary.LittleEndian.Uint32(b[at+8:])), int64(binary.LittleEndian.Uint32(b[at+12:]))})
	}
	return es
}

func (e entry) extended() bool { return e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85 }

// mbr gives what the first sector says. Sectors that begin a file system look
// alike, so what cannot be a table is none.
func mbr(disk io.ReaderAt, size int64, b []byte, main []entry) (ps []Partition, err error) {
	inside := false
	for _, e := range main {
		used := e.kind != 0 && e.count > 0
		if e.status&0x7f != 0 || used && e.first == 0 {
			return nil, nil
		}
		inside = inside || used && e.first*sector < size
	}
	if !inside {
		return nil, nil
	}
	id := binary.LittleEndian.Uint32(b[440:])
	add := func(number int, first int64, e entry) {
		ps = append(ps, Partition{Number: number, Offset: first * sector, Size: max(0, min(e.count*sector, size-first*sector)), Type: fmt.Sprintf("%02x", e.kind), UUID: fmt.Sprintf("%08x-%02x", id, number)})
	}
	logical := 5
	for i, e := range main {
		switch {
		case e.kind == 0 || e.count == 0:
		case e.extended():
			bad := chain(disk, size, e.first, func(first int64, e entry) { add(logical, first, e); logical++ })
			if bad != nil {
				err = fmt.Errorf("extended partition %d: %w", i+1, bad)
			}
		default:
			add(i+1, e.first, e)
		}
	}
	return ps, err
}

// chain gives the logical partitions of an extended one: each is in a sector
// that also says where the next such sector is.
func chain(disk io.ReaderAt, size, begin int64, add func(int64, entry)) error {
	b := make([]byte, sector)
	for n, at := 0, begin; ; n++ {
		if n == maxLogical {
			return fmt.Errorf("more than %d logical partitions: %w", maxLogical, assay.ErrTooLarge)
		}
		if err := filesystem.ReadFull(disk, b, at*sector); err != nil {
			return err
		}
		if b[510] != 0x55 || b[511] != 0xaa {
			return fmt.Errorf("sector %d lists no partitions: %w", at, assay.ErrMalformed)
		}
		next := int64(0)
		for _, e := range entries(b) {
			switch {
			case e.kind == 0 || e.count == 0:
			case e.extended():
				if next == 0 {
					next = begin + e.first
				}
			default:
				add(at+e.first, e)
			}
		}
		if next == 0 {
			return nil
		}
		if next <= at { // chains go on, so this one would not end
			return fmt.Errorf("the list of logical partitions goes back: %w", assay.ErrMalformed)
		}
		at = next
	}
}

// gpt reads the table at the disk's begin, or its copy at the end.
func gpt(disk io.ReaderAt, size int64) ([]Partition, error) {
	var first error
	for _, unit := range []int64{512, 4096} {
		for _, at := range []int64{unit, (size/unit - 1) * unit} {
			ps, err := header(disk, size, at, unit)
			if err == nil {
				return ps, nil
			}
			if first == nil {
				first = err
			}
		}
	}
	return nil, fmt.Errorf("partition table (GPT): %w", first)
}

func header(disk io.ReaderAt, size, at, unit int64) ([]Partition, error) {
	le := binary.LittleEndian
	b := make([]byte, sector)
	if err := filesystem.ReadFull(disk, b, at); err != nil {
		return nil, err
	}
	length := le.Uint32(b[12:])
	if string(b[:8]) != "EFI PART" || length < 92 || length > sector {
		return nil, fmt.Errorf("no header: %w", assay.ErrMalformed)
	}
	sum := le.Uint32(b[16:])
	if clear(b[16:20]); crc32.ChecksumIEEE(b[:length]) != sum {
		return nil, fmt.Errorf("header: wrong checksum: %w", assay.ErrMalformed)
	}
	list, count, width := le.Uint64(b[72:]), int64(le.Uint32(b[80:])), int64(le.Uint32(b[84:]))
	switch {
	case width < 128 || width%8 != 0 || count > maxTable/width:
		return nil, fmt.Errorf("header: %d entries of %d bytes: %w", count, width, assay.ErrMalformed)
	case list >= uint64(size/unit):
		return nil, fmt.Errorf("header: the entries lie beyond the end of the disk: %w", assay.ErrMalformed)
	}
	sum, b = le.Uint32(b[88:]), make([]byte, count*width)
	if err := filesystem.ReadFull(disk, b, int64(list)*unit); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(b) != sum {
		return nil, fmt.Errorf("entries: wrong checksum: %w", assay.ErrMalformed)
	}
	var ps []Partition
	for n := int64(1); len(b) > 0; b, n = b[width:], n+1 {
		from, to := le.Uint64(b[32:]), le.Uint64(b[40:])
		if [16]byte(b) == [16]byte{} {
			continue
		}
		end := int64(min(to, uint64(size/unit)-1)) + 1
		begin := int64(min(from, uint64(end)))
		ps = append(ps, Partition{Number: int(n), Offset: begin * unit, Size: (end - begin) * unit, Type: guid(b), UUID: guid(b[16:]), Name: text(b[56:128])})
	}
	return ps, nil
}

// guid writes a GUID, the first three parts of which are little endian.
func guid(b []byte) string {
	return filesystem.UUID([16]byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]})
}

func text(b []byte) string {
	var u []uint16
	for ; len(b) >= 2; b = b[2:] {
		u = append(u, binary.LittleEndian.Uint16(b))
	}
	name, _, _ := strings.Cut(string(utf16.Decode(u)), "\x00")
	return name
}
