package dotnet

import (
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/assaysec/assay"
)

// Bounds of a Portable Executable.
const (
	maxSections  = 96      // as the format has it
	maxResources = 4096    // entries of a directory of resources that are looked at
	maxVersion   = 1 << 20 // a version resource; they have 1 kB
	maxStrings   = 1000    // blocks in it
)

// Numbers of the format.
const (
	directoryResources = 2
	directoryCLR       = 14
	resourceVersion    = 16
)

// image is a Portable Executable.
//
// Format: https://learn.microsoft.com/windows/win32/debug/pe-format
type image struct {
	r           io.ReaderAt
	sections    []section
	directories [16]struct{ at, size uint32 }
}

type section struct{ name, virtual, virtualSize, raw, rawSize uint32 }

// openImage reads the headers. Nil when the file is none; an error when it says
// that it is one and is not.
func openImage(r io.ReaderAt) (*image, error) {
	le := binary.LittleEndian
	head := make([]byte, 64)
	if _, err := r.ReadAt(head, 0); err != nil || head[0] != 'M' || head[1] != 'Z' {
		return nil, nil
	}
	at := int64(le.Uint32(head[60:]))
	head = make([]byte, 24)
	if _, err := r.ReadAt(head, at); err != nil || string(head[:4]) != "PE\x00\x00" {
		return nil, nil // a program of DOS or of older Windows
	}
	n, size := int(le.Uint16(head[6:])), int64(le.Uint16(head[20:]))
	optional := make([]byte, size)
	if _, err := r.ReadAt(optional, at+24); err != nil || size < 96 || n > maxSections {
		return nil, fmt.Errorf("headers: %w", assay.ErrMalformed)
	}
	first := 96
	if le.Uint16(optional) == 0x20b { // 64 bits
		first = 112
	}
	m := &image{r: r}
	for i := range m.directories {
		if o := first + 8*i; o+8 <= len(optional) {
			m.directories[i].at, m.directories[i].size = le.Uint32(optional[o:]), le.Uint32(optional[o+4:])
		}
	}
	table := make([]byte, 40*n)
	if _, err := r.ReadAt(table, at+24+size); err != nil {
		return nil, fmt.Errorf("sections: %w", assay.ErrMalformed)
	}
	for ; len(table) > 0; table = table[40:] {
		m.sections = append(m.sections, section{le.Uint32(table), le.Uint32(table[12:]), le.Uint32(table[8:]), le.Uint32(table[20:]), le.Uint32(table[16:])})
	}
	return m, nil
}

// read returns bytes by their address when loaded.
func (m *image) read(address uint32, n int) ([]byte, error) {
	for _, s := range m.sections {
		if off := address - s.virtual; address >= s.virtual && off < max(s.rawSize, s.virtualSize) && uint64(off)+uint64(n) <= uint64(s.rawSize) {
			b := make([]byte, n)
			if _, err := m.r.ReadAt(b, int64(s.raw)+int64(off)); err != nil {
				return nil, fmt.Errorf("cut off: %w", assay.ErrMalformed)
			}
			return b, nil
		}
	}
	return nil, fmt.Errorf("an address in no section: %w", assay.ErrMalformed)
}

// managed reports whether it holds code of .NET.
func (m *image) managed() bool { return m.directories[directoryCLR].at != 0 }

// version reads the strings of the version resource; nil when there is none.
func (m *image) version() (map[string]string, error) {
	base := m.directories[directoryResources].at
	if base == 0 {
		return nil, nil
	}
	offset := uint32(0)
	for level := range 3 { // kinds, names, languages
		entry, err := m.entry(base, offset, level == 0)
		if err != nil || entry == 0 {
			return nil, err
		}
		if leaf := entry&0x8000_0000 == 0; leaf != (level == 2) {
			return nil, fmt.Errorf("resources: %w", assay.ErrMalformed)
		}
		offset = entry & 0x7fff_ffff
	}
	leaf, err := m.read(base+offset, 8)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(leaf[4:])
	if n > maxVersion {
		return nil, fmt.Errorf("a version resource of %d bytes: %w", n, assay.ErrTooLarge)
	}
	b, err := m.read(binary.LittleEndian.Uint32(leaf), int(n))
	if err != nil {
		return nil, err
	}
	v := versionBlock{strings: map[string]string{}, left: maxStrings}
	v.block(b, 0)
	return v.strings, nil
}

// entry is where a directory of resources leads: at its first level to the
// version's, at others to the first there is. 0 when there is none.
func (m *image) entry(base, offset uint32, kinds bool) (uint32, error) {
	le := binary.LittleEndian
	head, err := m.read(base+offset, 16)
	if err != nil {
		return 0, err
	}
	n := min(int(le.Uint16(head[12:]))+int(le.Uint16(head[14:])), maxResources)
	b, err := m.read(base+offset+16, 8*n)
	if err != nil {
		return 0, err
	}
	for ; len(b) > 0; b = b[8:] {
		if !kinds || le.Uint32(b) == resourceVersion {
			return le.Uint32(b[4:]), nil
		}
	}
	return 0, nil
}

// versionBlock gathers the strings of a version resource.
// https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo
type versionBlock struct {
	strings map[string]string
	left    int
}

// block reads one block and those in it: the whole, StringFileInfo, a table for
// a language, a string.
func (v *versionBlock) block(b []byte, depth int) (used int) {
	le := binary.LittleEndian
	if len(b) < 6 || v.left == 0 {
		return len(b)
	}
	v.left--
	size, value, text := int(le.Uint16(b)), int(le.Uint16(b[2:])), le.Uint16(b[4:]) == 1
	if size < 6 || size > len(b) {
		size = len(b)
	}
	b = b[:size]
	key, at := utf16z(b, 6)
	at = min((at+3)&^3, len(b))
	if depth == 3 {
		if s, _ := utf16z(b, at); s != "" && v.strings[key] == "" {
			v.strings[key] = s
		}
		return size
	}
	if depth == 1 && key != "StringFileInfo" {
		return size
	}
	if text {
		value *= 2
	}
	for at = min((at+value+3)&^3, len(b)); at < len(b); at = (at + 3) &^ 3 {
		at += v.block(b[at:], depth+1)
	}
	return size
}

// utf16z is the text at an offset up to a zero, and where it ends.
func utf16z(b []byte, at int) (string, int) {
	var units []uint16
	for ; at+1 < len(b); at += 2 {
		u := binary.LittleEndian.Uint16(b[at:])
		if u == 0 {
			return string(utf16.Decode(units)), at + 2
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units)), len(b)
}
