package virtualdisk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// VMDK: grains that two levels of tables find, or flat files, and a text that
// says how files make up the disk.
//
// Specification: VMware, Virtual Disk Format 5.0 (2011),
// https://www.vmware.com/app/vmdk/?src=vmdk
const (
	sparseMagic      = "KDMV"
	descriptorMagic  = "# disk descriptorfile"
	sparseZero       = 1 << 2  // an entry of 1 is a grain of zeros
	sparseCompressed = 1 << 16 // grains are zlib streams behind a head

	// tableAtEnd: the table is not where the head says, but where its copy at the
	// end of the file does.
	tableAtEnd = 1<<64 - 1

	maxGrain      = 2 << 20 // 64 KB is the rule
	maxGrains     = 1 << 16 // of one table; 512 is the rule
	maxDescriptor = 1 << 20 // 1 KB is the rule
	maxExtents    = 4096
)

type sparse struct {
	file       io.ReaderAt
	size       int64 // of the file
	grain      int64 // size
	perTable   int64
	directory  int64 // its place
	capacity   int64 // of the disk
	zero       bool
	compressed bool
	tables     *table
	cache      *cache
	inflates   sync.Pool
}

func openSparse(f io.ReaderAt, size int64) (*Disk, error) {
	b := make([]byte, 512)
	if err := filesystem.ReadFull(f, b, 0); err != nil {
		return nil, fmt.Errorf("VMDK: %w", err)
	}
	le := binary.LittleEndian
	if text := int64(le.Uint64(b[28:])); text > 0 && text < size/512 {
		d := make([]byte, min(le.Uint64(b[36:])*512, maxDescriptor, uint64(size-text*512)))
		if err := filesystem.ReadFull(f, d, text*512); err != nil {
			return nil, fmt.Errorf("VMDK: descriptor: %w", err)
		}
		if err := checkDescriptor(d); err != nil {
			return nil, err
		}
	}
	if le.Uint64(b[56:]) == tableAtEnd {
		if err := filesystem.ReadFull(f, b, max(size-1024, 0)); err != nil {
			return nil, fmt.Errorf("VMDK: %w", err)
		}
		if string(b[:4]) != sparseMagic {
			return nil, fmt.Errorf("VMDK: its end is missing: %w", assay.ErrMalformed)
		}
	}
	flags, capacity, grain, directory := le.Uint32(b[8:]), le.Uint64(b[12:]), le.Uint64(b[20:]), le.Uint64(b[56:])
	s := &sparse{
		file: f, size: size, grain: int64(grain) * 512, perTable: int64(le.Uint32(b[44:])), directory: int64(directory) * 512,
		zero: flags&sparseZero != 0, compressed: flags&sparseCompressed != 0,
		tables: newTable(f, size), cache: newCache(maxCache),
	}
	switch {
	case le.Uint32(b[4:]) < 1 || le.Uint32(b[4:]) > 3:
		return nil, fmt.Errorf("VMDK of version %d: %w", le.Uint32(b[4:]), assay.ErrUnsupported)
	case s.compressed && le.Uint16(b[77:]) != 1:
		return nil, fmt.Errorf("VMDK: compressed in an unknown way (%d): %w", le.Uint16(b[77:]), assay.ErrUnsupported)
	case capacity > maxSize/512, grain == 0 || grain > maxGrain/512, s.perTable < 1 || s.perTable > maxGrains, directory >= uint64(size/512):
		return nil, fmt.Errorf("VMDK: sizes that cannot be: %w", assay.ErrMalformed)
	}
	d := &Disk{Format: "VMDK", Size: int64(capacity) * 512}
	s.capacity, d.ReaderAt = d.Size, &mapped{d.Size, s.find}
	return d, nil
}

func (s *sparse) find(at int64) (chunk, int64, error) {
	n, in := at/s.grain, at%s.grain
	b, err := s.tables.entry(s.directory+n/s.perTable*4, 4)
	if err != nil {
		return chunk{}, 0, fmt.Errorf("VMDK: directory: %w", err)
	}
	entries := int64(binary.LittleEndian.Uint32(b)) * 512
	if entries == 0 {
		return chunk{}, s.grain - in, nil
	}
	if b, err = s.tables.entry(entries+n%s.perTable*4, 4); err != nil {
		return chunk{}, 0, fmt.Errorf("VMDK: table: %w", err)
	}
	e := binary.LittleEndian.Uint32(b)
	switch offset := int64(e) * 512; {
	case e == 0 || e == 1 && s.zero:
		return chunk{}, s.grain - in, nil
	case s.compressed:
		b, err := s.cache.get(offset, func() ([]byte, error) { return s.decompress(offset, n) })
		if err != nil {
			return chunk{}, 0, fmt.Errorf("VMDK: grain %d: %w", n, err)
		}
		return chunk{bytes.NewReader(b), in}, int64(len(b)) - in, nil
	default:
		return chunk{s.file, offset + in}, s.grain - in, nil
	}
}

// decompress reads a grain: its first sector on the disk, its length, and a zlib
// stream (RFC 1950), whose checksum is not verified.
func (s *sparse) decompress(offset, n int64) ([]byte, error) {
	const head, zlibHead = 12, 2
	b := make([]byte, head)
	if err := filesystem.ReadFull(s.file, b, offset); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(b[8:]))
	if first := binary.LittleEndian.Uint64(b); first != uint64(n*(s.grain/512)) || length < zlibHead || length > 2*maxGrain || length > s.size-offset-head {
		return nil, fmt.Errorf("its head is of another, or broken: %w", assay.ErrMalformed)
	}
	in := make([]byte, length)
	if err := filesystem.ReadFull(s.file, in, offset+head); err != nil {
		return nil, err
	}
	if in[0]&0xf != 8 || in[1]&0x20 != 0 {
		return nil, fmt.Errorf("no zlib stream: %w", assay.ErrMalformed)
	}
	out := make([]byte, min(s.grain, s.capacity-n*s.grain)) // the last may be cut
	return out, inflate(&s.inflates, out, in[zlibHead:])
}

func isDescriptor(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	return len(head) > len(descriptorMagic) && strings.EqualFold(string(head[:len(descriptorMagic)]), descriptorMagic)
}

var (
	parentLine = regexp.MustCompile(`(?im)^\s*parentCID\s*=\s*([0-9a-f]+)`)
	extentLine = regexp.MustCompile(`(?i)^\s*(RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?`)
)

func checkDescriptor(text []byte) error {
	if m := parentLine.FindSubmatch(text); m != nil && !bytes.EqualFold(m[1], []byte("ffffffff")) {
		return fmt.Errorf("VMDK: holds only what differs from another disk (a snapshot); consolidate it first: %w", assay.ErrUnsupported)
	}
	return nil
}

// An extent is a part of a disk of several files.
type extent struct {
	end  int64 // on the disk
	from int64 // in the file: where the disk's byte 0 would be
	r    io.ReaderAt
}

// openDescriptor opens the files that a text says are the disk.
func openDescriptor(head []byte, sibling Sibling) (*Disk, error) {
	if err := checkDescriptor(head); err != nil {
		return nil, err
	}
	var extents []extent
	end := int64(0)
	for sc := bufio.NewScanner(bytes.NewReader(head)); sc.Scan(); {
		m := extentLine.FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		sectors, err := strconv.ParseInt(m[2], 10, 64)
		offset, _ := strconv.ParseInt("0"+m[5], 10, 64)
		if err != nil || sectors > (maxSize-end)/512 || offset > maxSize/512 || len(extents) == maxExtents {
			return nil, fmt.Errorf("VMDK: sizes that cannot be: %w", assay.ErrMalformed)
		}
		r, err := openExtent(strings.ToUpper(m[3]), m[4], sectors*512, sibling)
		if err != nil {
			return nil, fmt.Errorf("VMDK: %s: %w", m[4], err)
		}
		extents = append(extents, extent{end: end + sectors*512, from: offset*512 - end, r: r})
		end += sectors * 512
	}
	if end == 0 {
		return nil, fmt.Errorf("VMDK: names no files: %w", assay.ErrMalformed)
	}
	find := func(at int64) (chunk, int64, error) {
		e := extents[sort.Search(len(extents), func(i int) bool { return extents[i].end > at })]
		return chunk{e.r, at + e.from}, e.end - at, nil
	}
	return &Disk{Format: "VMDK", Size: end, ReaderAt: &mapped{end, find}}, nil
}

// openExtent opens one file of a disk; nil for zeros.
func openExtent(kind, name string, size int64, sibling Sibling) (io.ReaderAt, error) {
	switch kind {
	case "ZERO":
		return nil, nil
	case "FLAT", "VMFS", "SPARSE":
	default:
		return nil, fmt.Errorf("of kind %s: %w", kind, assay.ErrUnsupported)
	}
	if name == "" || strings.ContainsAny(name, `/\`) {
		return nil, fmt.Errorf("not beside its descriptor: %w", assay.ErrUnsupported)
	}
	f, length, err := sibling(name)
	if err != nil || kind != "SPARSE" {
		return f, err
	}
	d, err := openSparse(f, length)
	if err != nil {
		return nil, err
	}
	if d.Size < size {
		return nil, fmt.Errorf("%d bytes instead of %d: %w", d.Size, size, assay.ErrMalformed)
	}
	return d, nil
}
