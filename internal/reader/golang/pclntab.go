package golang

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/executable"
)

// maxNames bounds the names of a program's functions: the largest programs
// have some 30 MB of them, or 200 MB of the older tables, which hold more.
const maxNames = 512 << 20

// A header is that of the table of functions (pclntab), which stripped
// programs have, too: tracebacks need it. Of what follows it the names alone
// are read. https://go.dev/s/go12symtab and, for the newer forms,
// https://cs.opensource.google/go/go/+/master:src/debug/gosym/pclntab.go
type header struct {
	order binary.ByteOrder
	names int64 // offset of the names
	end   int64 // of the names; 0 where they lie scattered up to the table's end
}

// headerSize is enough for the longest form.
const headerSize = 8 + 8*8

// parseHeader reads a header; false where there is none.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSize || b[4] != 0 || b[5] != 0 || b[6] != 1 && b[6] != 2 && b[6] != 4 || b[7] != 4 && b[7] != 8 {
		return h, false
	}
	h.order = binary.LittleEndian
	if b[0] == 0xff {
		h.order = binary.BigEndian
	}
	word := func(i int) int64 {
		if b[7] == 4 {
			return int64(h.order.Uint32(b[8+4*i:]))
		}
		return int64(h.order.Uint64(b[8+8*i:]))
	}
	switch h.order.Uint32(b) {
	case 0xfffffffb: // Go 1.2
		return h, h.order == binary.LittleEndian // else what is before a name may look like a part of it
	case 0xfffffffa: // Go 1.16
		h.names, h.end = word(2), word(3)
	case 0xfffffff0, 0xfffffff1: // Go 1.18, 1.20
		h.names, h.end = word(3), word(4)
	default:
		return h, false
	}
	return h, h.names >= headerSize/2 && h.end > h.names
}

// functionNames returns the names of the program's functions, each between
// NULs; from old tables also what lies between them. Functions that are nowhere
// but inlined into others are among them.
func functionNames(x *executable.File, size int64) ([]byte, error) {
	if s, ok := x.Section(".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"); ok {
		if h, ok := parseHeader(x.At(s.Offset, headerSize)); ok {
			return namesAt(x, h, s.Offset, s.Offset+s.Size)
		}
	}
	for _, s := range x.Sections {
		switch s.Name {
		case ".rdata", ".text", ".data.rel.ro", ".rodata", ".data", "__rodata", "__const":
			if b, err := searchNames(x, s.Offset, s.Offset+s.Size); err == nil {
				return b, nil
			}
		}
	}
	if len(x.Sections) == 0 || x.Format == executable.ELF { // the sections may lie
		return searchNames(x, 0, size)
	}
	return nil, errNoTable
}

// searchNames looks for the table where no section tells of it.
func searchNames(x *executable.File, from, to int64) ([]byte, error) {
	for _, m := range []string{"\xf1\xff\xff\xff\x00\x00", "\xf0\xff\xff\xff\x00\x00", "\xfa\xff\xff\xff\x00\x00", "\xfb\xff\xff\xff\x00\x00",
		"\xff\xff\xff\xf1\x00\x00", "\xff\xff\xff\xf0\x00\x00", "\xff\xff\xff\xfa\x00\x00", "\xff\xff\xff\xfb\x00\x00"} {
		for at := x.Find(m, from, to); at >= 0; at = x.Find(m, at+1, to) {
			h, ok := parseHeader(x.At(at, headerSize))
			if !ok || at+h.end > to {
				continue
			}
			if b, err := namesAt(x, h, at, to); err == nil {
				return b, nil
			}
		}
	}
	return nil, errNoTable
}

// namesAt reads the names of the table between the offsets. Every program has
// the function main.main, or is a library with the runtime's.
func namesAt(x *executable.File, h header, from, to int64) ([]byte, error) {
	end := to
	if h.end > 0 {
		end = from + h.end
	}
	if end > to || end-from-h.names > maxNames {
		return nil, errNoTable
	}
	b := x.At(from+h.names, end-from-h.names)
	if int64(len(b)) < end-from-h.names || !bytes.Contains(b, []byte("\x00runtime.")) {
		return nil, errNoTable
	}
	if h.end == 0 {
		for i, c := range b {
			if c < ' ' {
				b[i] = 0
			}
		}
	}
	return b, nil
}

// assign gives every module the functions that are its own; the standard
// library, which is the last, gets those that are nobody's.
func assign(modules []*module, mainPath string, table []byte) {
	byPath := make(map[string]*module, len(modules))
	for _, m := range modules {
		m.Symbols = assay.Symbols{}
		byPath[m.path] = m
	}
	rest := modules[len(modules)-1]
	var pkg, renamed string // of the last name, for its neighbours are of the same package
	var owner *module
	for len(table) > 0 {
		i := bytes.IndexByte(table, 0)
		if i < 0 {
			break
		}
		raw := table[:i]
		table = table[i+1:]
		path, name, ok := split(raw)
		if !ok {
			continue
		}
		if owner == nil || string(path) != pkg {
			pkg = string(path)
			full := unescape(pkg)
			if full == "main" && mainPath != "" {
				full = mainPath
			}
			owner = ownerOf(byPath, full)
			if owner == nil {
				owner = rest
			}
			renamed = full
			if rest, ok := strings.CutPrefix(full, owner.path); ok && owner.path != owner.Name && owner.path != "" && owner.path != "cmd" {
				renamed = owner.Name + rest
			}
			owner.Symbols = append(owner.Symbols, assay.SymbolHash(renamed))
		}
		owner.Symbols = append(owner.Symbols, assay.SymbolHash(renamed+"."+symbol(string(name))))
	}
	merge(modules)
}

// merge sorts the functions, and joins those of modules that came to be one.
func merge(modules []*module) {
	first := map[string]*module{}
	for _, m := range modules {
		if f := first[m.Ref()]; f != nil {
			f.Symbols = append(f.Symbols, m.Symbols...)
			continue
		}
		first[m.Ref()] = m
	}
	for _, m := range modules {
		slices.Sort(m.Symbols)
		m.Symbols = slices.Clip(slices.Compact(m.Symbols))
	}
}

// ownerOf finds the module of a package: that with the longest path.
func ownerOf(byPath map[string]*module, pkg string) *module {
	for p := pkg; ; {
		if m, ok := byPath[p]; ok && p != "" {
			return m
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return nil
		}
		p = p[:i]
	}
}

// split cuts a function's name, "a/b.(*T[...]).M", after its package's path;
// false for what is no name, or one of the compiler's own.
func split(raw []byte) (pkg, name []byte, ok bool) {
	path := raw
	if i := bytes.IndexAny(path, "[("); i >= 0 {
		path = path[:i]
	}
	from := bytes.LastIndexByte(path, '/') + 1
	dot := bytes.IndexByte(path[from:], '.')
	if dot <= 0 || from+dot+1 >= len(raw) {
		return nil, nil, false
	}
	pkg, name = raw[:from+dot], raw[from+dot+1:]
	if bytes.IndexByte(pkg, ':') >= 0 || string(pkg) == "type" {
		return nil, nil, false
	}
	for _, c := range pkg {
		if c <= ' ' || c == 0x7f {
			return nil, nil, false
		}
	}
	return pkg, name, true
}

// unescape undoes what the compiler did to a path: dots of the last element,
// control characters, quotes, percent signs and bytes over 0x7f are "%2e".
func unescape(path string) string {
	i := strings.IndexByte(path, '%')
	if i < 0 {
		return path
	}
	var b strings.Builder
	for ; i >= 0; i = strings.IndexByte(path, '%') {
		b.WriteString(path[:i])
		if i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]) {
			b.WriteByte(hex(path[i+1])<<4 | hex(path[i+2]))
			path = path[i+3:]
			continue
		}
		b.WriteByte('%')
		path = path[i+1:]
	}
	b.WriteString(path)
	return b.String()
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func hex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}

// symbol spells what follows the package as Go's vulnerability database does,
// "Func" or "Type.Method": type parameters and the pointer go, and of a closure
// there remains the function that it is written in.
func symbol(name string) string {
	name = strings.TrimSuffix(name, "-fm")
	name, _, _ = strings.Cut(name, "-range")
	name, _, _ = strings.Cut(name, "·")
	if strings.ContainsAny(name, "[(") {
		name = plain(name)
	}
	first := strings.IndexByte(name, '.')
	if first < 0 {
		return name
	}
	second := name[first+1:]
	if i := strings.IndexByte(second, '.'); i >= 0 {
		second = second[:i]
	}
	if isClosure(second) {
		return name[:first]
	}
	return name[:first+1+len(second)]
}

// isClosure tells the names that the compiler makes.
func isClosure(s string) bool {
	for _, prefix := range []string{"func", "gowrap", "deferwrap"} {
		if n, ok := strings.CutPrefix(s, prefix); ok && n != "" && strings.Trim(n, "0123456789") == "" {
			return true
		}
	}
	return s == "" || strings.Trim(s, "0123456789") == ""
}

// plain leaves out parentheses, asterisks, and brackets with what is in them.
func plain(name string) string {
	b := make([]byte, 0, len(name))
	depth := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth = max(depth-1, 0)
		case depth > 0 || c == '(' || c == ')' || c == '*':
		default:
			b = append(b, c)
		}
	}
	return string(b)
}
