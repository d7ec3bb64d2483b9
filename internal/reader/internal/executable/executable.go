// Package executable finds the sections of executables, libraries and object
// files: ELF, PE and Mach-O, the latter also several in one ("fat"; then the
// first that can be read). Nothing but headers is read, and what they claim is
// held against the file's size, so that opening costs microseconds on any
// bytes. Sections that lie outside the file are left out, and a file whose
// table of sections is missing or damaged has none: programs run without. An ELF file is
// loaded by its segments, so that sections that contradict these are left out, too.
//
// Formats: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html,
// https://learn.microsoft.com/windows/win32/debug/pe-format,
// https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h
package executable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
)

// A Format is a form of executables.
type Format uint8

const (
	ELF Format = iota + 1
	PE
	MachO
)

// A Section is a named part of an executable that has bytes in the file.
type Section struct {
	Name         string // "__TEXT" and the like of Mach-O's segments are left out
	Addr         uint64 // where it is in memory; of PE relative to the image
	Offset, Size int64  // where it is in the reader
}

// A File is an executable.
type File struct {
	Format   Format
	Order    binary.ByteOrder
	Bits     int // 32 or 64
	Sections []Section
	Segments []Segment // of ELF
	Partial  bool      // sections are missing, or were left out because they contradict the segments

	r    io.ReaderAt
	size int64
}

// A Segment is what an ELF file's program headers say about a part of it.
type Segment struct {
	Kind, Flags  uint32
	Addr         uint64
	Offset, Size int64 // in the reader
}

// Kinds and flags of segments.
const (
	SegmentLoad = 1
	SegmentNote = 4
	Writable    = 2
)

// Bounds of what is read; a genuine file has some dozens of sections, a kernel
// module a hundred, an object file with a section a function some ten thousand.
const (
	maxSections = 1 << 17
	maxNames    = 16 << 20 // bytes of section names
	maxCommands = 1 << 20  // bytes of Mach-O's load commands
	maxSegments = 1 << 10  // genuine files have about ten
	maxFat      = 32       // architectures; also tells it from a Java class, which begins alike
)

// Open reads the headers; false where r does not begin as an executable does.
func Open(r io.ReaderAt, size int64) (*File, bool) {
	f := &File{r: r, size: size}
	head := f.read(0, 64)
	if len(head) < 4 {
		return nil, false
	}
	switch {
	case string(head[:4]) == "\x7fELF":
		return f, f.elf(head)
	case string(head[:2]) == "MZ":
		return f, f.pe(head)
	case len(head) >= 8 && (string(head[:4]) == "\xca\xfe\xba\xbe" || string(head[:4]) == "\xca\xfe\xba\xbf"):
		return f.fat(head)
	}
	return f, f.machO(0)
}

// Section returns the first section of one of the names.
func (f *File) Section(names ...string) (Section, bool) {
	for _, s := range f.Sections {
		for _, name := range names {
			if s.Name == name {
				return s, true
			}
		}
	}
	return Section{}, false
}

// Data reads a section; over most bytes it is ErrTooLarge.
func (f *File) Data(s Section, most int64) ([]byte, error) {
	if s.Size > most {
		return nil, fmt.Errorf("section %s: over %d bytes: %w", s.Name, most, assay.ErrTooLarge)
	}
	b := f.read(s.Offset, s.Size)
	if int64(len(b)) < s.Size {
		return nil, fmt.Errorf("section %s: cut off: %w", s.Name, assay.ErrMalformed)
	}
	return b, nil
}

// read returns n bytes at off, fewer where the file ends.
func (f *File) read(off, n int64) []byte {
	if off < 0 || n < 0 || off >= f.size {
		return nil
	}
	b := make([]byte, min(n, f.size-off))
	got, err := f.r.ReadAt(b, off)
	if err != nil && err != io.EOF {
		return nil
	}
	return b[:got]
}

// add notes a section that lies in the file.
func (f *File) add(name string, addr, off, size uint64) {
	if size > 0 && off < uint64(f.size) && size <= uint64(f.size)-off {
		f.Sections = append(f.Sections, Section{name, addr, int64(off), int64(size)})
	}
}

func (f *File) elf(head []byte) bool {
	if len(head) < 52 || head[4] < 1 || head[4] > 2 || head[5] < 1 || head[5] > 2 {
		return false
	}
	f.Format, f.Bits, f.Order = ELF, 32*int(head[4]), binary.LittleEndian
	if head[5] == 2 {
		f.Order = binary.BigEndian
	}
	var shoff uint64
	var tail []byte
	entry := int64(40)
	f.Partial = true
	if f.Bits == 64 && len(head) < 64 {
		return true
	}
	f.elfSegments(head)
	if f.Bits == 64 {
		shoff, tail, entry = f.Order.Uint64(head[40:]), head[58:], 64
	} else {
		shoff, tail = uint64(f.Order.Uint32(head[32:])), head[46:]
	}
	size, n, names := int64(f.Order.Uint16(tail)), uint64(f.Order.Uint16(tail[2:])), uint64(f.Order.Uint16(tail[4:]))
	if shoff == 0 || shoff >= uint64(f.size) || size < entry {
		return true
	}
	first := f.read(int64(shoff), entry)
	if int64(len(first)) < entry {
		return true
	}
	if n == 0 { // too many for the header: the first entry tells
		n = f.elfSection(first).size
	}
	if names == 0xffff {
		names = uint64(f.elfSection(first).link)
	}
	if n <= maxSections && names < n {
		f.Partial = false
		f.elfSections(f.read(int64(shoff), int64(n)*size), int(size), int(names))
	}
	return true
}

// elfSegments reads the program headers.
func (f *File) elfSegments(head []byte) {
	off, tail, entry := uint64(f.Order.Uint32(head[28:])), head[42:], 32
	if f.Bits == 64 {
		off, tail, entry = f.Order.Uint64(head[32:]), head[54:], 56
	}
	size, n := int(f.Order.Uint16(tail)), int(f.Order.Uint16(tail[2:]))
	if off >= uint64(f.size) || size < entry || n > maxSegments {
		return
	}
	table := f.read(int64(off), int64(size)*int64(n))
	for ; len(table) >= size; table = table[size:] {
		s := Segment{Kind: f.Order.Uint32(table)}
		var at, length uint64
		if f.Bits == 64 {
			s.Flags, at, s.Addr, length = f.Order.Uint32(table[4:]), f.Order.Uint64(table[8:]), f.Order.Uint64(table[16:]), f.Order.Uint64(table[32:])
		} else {
			s.Flags, at, s.Addr, length = f.Order.Uint32(table[24:]), uint64(f.Order.Uint32(table[4:])), uint64(f.Order.Uint32(table[8:])), uint64(f.Order.Uint32(table[16:]))
		}
		if length > 0 && at < uint64(f.size) {
			s.Offset, s.Size = int64(at), int64(min(length, uint64(f.size)-at))
			f.Segments = append(f.Segments, s)
		}
	}
}

// isLoaded reports whether the segments have a section that is in memory where it says.
// An object file has no segments.
func (f *File) isLoaded(s *elfSection) bool {
	const alloc = 2
	if s.flags&alloc == 0 || s.size == 0 {
		return true
	}
	known := false
	for i := range f.Segments {
		p := &f.Segments[i]
		if p.Kind != SegmentLoad {
			continue
		}
		known = true
		if at := uint64(p.Offset); s.off >= at && s.size <= uint64(p.Size) && s.off-at <= uint64(p.Size)-s.size && s.addr-p.Addr == s.off-at {
			return true
		}
	}
	return !known
}

// WithoutSections returns an ELF file as if it had no table of sections.
func (f *File) WithoutSections() io.ReaderAt { return withoutSections{f} }

type withoutSections struct{ f *File }

func (w withoutSections) ReadAt(b []byte, off int64) (int, error) {
	n, err := w.f.r.ReadAt(b, off)
	hide := func(from, to int64) { // the bytes between two offsets
		for i := max(from, off); i < min(to, off+int64(n)); i++ {
			b[i-off] = 0
		}
	}
	if w.f.Bits == 64 {
		hide(40, 48)
		hide(60, 64)
	} else {
		hide(32, 36)
		hide(48, 52)
	}
	return n, err
}

type elfSection struct {
	name, kind, link       uint32
	flags, addr, off, size uint64
}

func (f *File) elfSection(b []byte) (s elfSection) {
	s.name, s.kind = f.Order.Uint32(b), f.Order.Uint32(b[4:])
	if f.Bits == 64 {
		s.flags, s.addr, s.off, s.size, s.link = f.Order.Uint64(b[8:]), f.Order.Uint64(b[16:]), f.Order.Uint64(b[24:]), f.Order.Uint64(b[32:]), f.Order.Uint32(b[40:])
		return s
	}
	s.flags, s.addr, s.off, s.size, s.link = uint64(f.Order.Uint32(b[8:])), uint64(f.Order.Uint32(b[12:])), uint64(f.Order.Uint32(b[16:])), uint64(f.Order.Uint32(b[20:])), f.Order.Uint32(b[24:])
	return s
}

// elfSections reads the table of sections, whose entries have size bytes each;
// the one of index names holds their names.
func (f *File) elfSections(table []byte, size, names int) {
	n := len(table) / size
	if names >= n {
		return
	}
	s := f.elfSection(table[names*size:])
	if s.size > maxNames || s.off > uint64(f.size) {
		return
	}
	text := string(f.read(int64(s.off), int64(s.size)))
	f.Sections = make([]Section, 0, n)
	for i := range n {
		s := f.elfSection(table[i*size:])
		if s.kind == 0 || s.kind == 8 || int64(s.name) >= int64(len(text)) { // none, or no bytes in the file
			continue
		}
		if !f.isLoaded(&s) {
			f.Partial = true
			continue
		}
		name, _, _ := strings.Cut(text[s.name:], "\x00")
		f.add(name, s.addr, s.off, s.size)
	}
}

func (f *File) pe(head []byte) bool {
	if len(head) < 64 {
		return false
	}
	f.Format, f.Order, f.Bits = PE, binary.LittleEndian, 32
	at := int64(f.Order.Uint32(head[60:]))
	coff := f.read(at, 26)
	if len(coff) < 26 || string(coff[:4]) != "PE\x00\x00" {
		return false
	}
	if f.Order.Uint16(coff[24:]) == 0x20b {
		f.Bits = 64
	}
	const entry = 40
	table := f.read(at+24+int64(f.Order.Uint16(coff[20:])), entry*int64(f.Order.Uint16(coff[6:])))
	for ; len(table) >= entry; table = table[entry:] {
		name := string(bytes.TrimRight(table[:8], "\x00"))
		f.add(name, uint64(f.Order.Uint32(table[12:])), uint64(f.Order.Uint32(table[20:])), uint64(f.Order.Uint32(table[16:])))
	}
	return true
}

// fat opens the first architecture of several.
func (f *File) fat(head []byte) (*File, bool) {
	n, entry := binary.BigEndian.Uint32(head[4:]), int64(20)
	if head[3] == 0xbf {
		entry = 32
	}
	if n == 0 || n > maxFat {
		return nil, false
	}
	for i := range int64(n) {
		b := f.read(8+i*entry, entry)
		if int64(len(b)) < entry {
			return nil, false
		}
		off := uint64(binary.BigEndian.Uint32(b[8:]))
		if entry == 32 {
			off = binary.BigEndian.Uint64(b[8:])
		}
		if off < uint64(f.size) && f.machO(int64(off)) {
			return f, true
		}
	}
	return nil, false
}

// machO reads the load commands of a Mach-O file at base.
func (f *File) machO(base int64) bool {
	head := f.read(base, 28)
	if len(head) < 28 {
		return false
	}
	at := base + 28
	switch string(head[:4]) {
	case "\xce\xfa\xed\xfe":
		f.Order, f.Bits = binary.LittleEndian, 32
	case "\xcf\xfa\xed\xfe":
		f.Order, f.Bits, at = binary.LittleEndian, 64, base+32
	case "\xfe\xed\xfa\xce":
		f.Order, f.Bits = binary.BigEndian, 32
	case "\xfe\xed\xfa\xcf":
		f.Order, f.Bits, at = binary.BigEndian, 64, base+32
	default:
		return false
	}
	f.Format = MachO
	commands := f.read(at, min(int64(f.Order.Uint32(head[20:])), maxCommands))
	for len(commands) >= 8 {
		size := f.Order.Uint32(commands[4:])
		if size < 8 || int64(size) > int64(len(commands)) {
			break
		}
		f.segment(base, f.Order.Uint32(commands), commands[:size])
		commands = commands[size:]
	}
	return true
}

// segment notes the sections of a load command that has some.
func (f *File) segment(base int64, kind uint32, b []byte) {
	const segment, segment64 = 0x1, 0x19
	header, entry := 56, 68
	switch kind {
	case segment:
	case segment64:
		header, entry = 72, 80
	default:
		return
	}
	for b = b[min(header, len(b)):]; len(b) >= entry; b = b[entry:] {
		name := string(bytes.TrimRight(b[:16], "\x00"))
		var addr, size, off uint64
		if kind == segment {
			addr, size, off = uint64(f.Order.Uint32(b[32:])), uint64(f.Order.Uint32(b[36:])), uint64(f.Order.Uint32(b[40:]))
		} else {
			addr, size, off = f.Order.Uint64(b[32:]), f.Order.Uint64(b[40:]), uint64(f.Order.Uint32(b[48:]))
		}
		if off > 0 {
			f.add(name, addr, uint64(base)+off, size)
		}
	}
}

// Find returns where the first of the pattern's bytes is between the offsets;
// -1 where they are not.
func (f *File) Find(pattern string, from, to int64) int64 {
	const window = 256 << 10
	to = min(to, f.size)
	b := make([]byte, min(window, max(to-from, 0)))
	for from < to {
		n, err := f.r.ReadAt(b[:min(int64(len(b)), to-from)], from)
		if err != nil && err != io.EOF {
			return -1
		}
		if i := bytes.Index(b[:n], []byte(pattern)); i >= 0 {
			return from + int64(i)
		}
		if n < len(b) || n <= len(pattern) {
			return -1
		}
		from += int64(n - len(pattern) + 1)
	}
	return -1
}

// At reads n bytes at off, fewer where the file ends.
func (f *File) At(off, n int64) []byte { return f.read(off, n) }
