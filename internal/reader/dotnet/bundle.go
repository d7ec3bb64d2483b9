package dotnet

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"debug/macho"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Bounds of an application in one file.
const (
	maxData  = 64 << 20 // of the sections in which the mark is looked for; the host's has 300 kB
	maxFiles = 100_000  // in the bundle
	maxName  = 32 << 10 // of one
)

// mark lies in each host of .NET, after the place of the bundle's header: the
// SHA-256 of ".net core bundle".
var mark = []byte{
	0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
	0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
}

// Bundle reads applications that were published as a single executable, which
// has their .deps.json inside.
//
// Format: https://github.com/dotnet/designs/blob/main/accepted/2020/single-file/bundler.md
type Bundle struct{}

func (Bundle) Name() string { return "dotnet-bundle" }

func (Bundle) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*", Executable: true, Scope: assay.ScopeInstalled, MaxSize: maxImage}}
}

func (Bundle) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	at, err := header(f)
	if err != nil || at <= 0 {
		return assay.Facts{}, nil // of no host of .NET, or of one without a bundle
	}
	if at >= f.Size {
		return assay.Facts{}, fmt.Errorf("the bundle begins beyond the end of the file: %w", assay.ErrMalformed)
	}
	from, size, err := depsInside(f, at)
	if err != nil {
		return assay.Facts{}, fmt.Errorf("bundle: %w", err)
	}
	if size == 0 {
		return assay.Facts{}, nil
	}
	if size > maxJSON {
		return assay.Facts{}, fmt.Errorf("bundle: deps.json of %d bytes: %w", size, assay.ErrTooLarge)
	}
	b, err := limit.ReadAll(io.NewSectionReader(f, from, size), maxJSON)
	if err != nil {
		return assay.Facts{}, err
	}
	name := path.Base(f.Path)
	if path.Ext(strings.ToLower(name)) == ".exe" {
		name = name[:len(name)-4]
	}
	facts, err := parseDeps(b, name)
	if err != nil {
		err = fmt.Errorf("deps.json in the bundle: %w", err)
	}
	return facts, err
}

// header finds where in an executable the bundle's header is; 0 when it has
// none. The mark lies among the data that a program comes with.
func header(f *assay.File) (int64, error) {
	left := int64(maxData)
	head := make([]byte, 4)
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, nil
	}
	switch {
	case string(head) == elf.ELFMAG:
		e, err := elf.NewFile(f)
		if err != nil {
			return 0, err
		}
		for _, s := range e.Sections {
			if s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_WRITE != 0 && s.Flags&elf.SHF_COMPRESSED == 0 {
				if at, ok := marked(f, int64(s.Offset), int64(s.FileSize), &left); ok {
					return at, nil
				}
			}
		}
	case head[0] == 'M' && head[1] == 'Z':
		m, err := openImage(f)
		if err != nil || m == nil {
			return 0, err
		}
		for _, s := range m.sections {
			if s.name != binary.LittleEndian.Uint32([]byte(".dat")) {
				continue
			}
			if at, ok := marked(f, int64(s.raw), int64(s.rawSize), &left); ok {
				return at, nil
			}
		}
	default:
		m, err := macho.NewFile(f)
		if err != nil {
			return 0, err
		}
		for _, s := range m.Sections {
			if s.Seg == "__DATA" {
				if at, ok := marked(f, int64(s.Offset), int64(s.Size), &left); ok {
					return at, nil
				}
			}
		}
	}
	return 0, nil
}

// marked looks for the mark in a part of the file, and returns what is written
// before it. Of all such parts it reads what is left.
func marked(f *assay.File, from, size int64, left *int64) (int64, bool) {
	if from <= 0 || size < int64(len(mark))+8 || size > *left || from > f.Size {
		return 0, false
	}
	*left -= size
	b, err := limit.ReadAll(io.NewSectionReader(f, from, size), maxData)
	i := bytes.Index(b, mark)
	if err != nil || i < 8 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(b[i-8:])), true
}

// depsInside reads the bundle's header, and tells where in the file the
// deps.json is; size 0 when there is none.
func depsInside(f *assay.File, at int64) (from, size int64, err error) {
	r := &fields{r: bufio.NewReader(io.NewSectionReader(f, at, f.Size-at))}
	major, _, n := r.number(4), r.number(4), r.number(4)
	r.text() // the bundle's own name
	if r.err != nil || major == 0 || major > 32 || n < 0 || n > maxFiles {
		return 0, 0, fmt.Errorf("header: %w", assay.ErrMalformed)
	}
	if major >= 2 {
		from, size = r.number(8), r.number(8)
		return check(f, from, size, r.err)
	}
	for range n {
		from, size = r.number(8), r.number(8)
		kind := r.number(1)
		if name := r.text(); r.err == nil && (kind == 3 || strings.HasSuffix(name, ".deps.json")) {
			break
		}
		if from, size = 0, 0; r.err != nil {
			break
		}
	}
	return check(f, from, size, r.err)
}

func check(f *assay.File, from, size int64, err error) (int64, int64, error) {
	if err != nil || from < 0 || size < 0 || from > f.Size || size > f.Size-from {
		return 0, 0, fmt.Errorf("location of deps.json: %w", assay.ErrMalformed)
	}
	return from, size, nil
}

// fields reads the header; the first error stays.
type fields struct {
	r   *bufio.Reader
	err error
}

func (r *fields) number(size int) int64 {
	b := make([]byte, 8)
	if r.err == nil {
		_, r.err = io.ReadFull(r.r, b[:size])
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// text reads a string with its length in front, seven bits a byte.
func (r *fields) text() string {
	if r.err != nil {
		return ""
	}
	n, err := binary.ReadUvarint(r.r)
	if err != nil || n > maxName {
		r.err = fmt.Errorf("name: %w", assay.ErrMalformed)
		return ""
	}
	b := make([]byte, n)
	_, r.err = io.ReadFull(r.r, b)
	return string(b)
}
