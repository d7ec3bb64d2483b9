// Package sqlitefile reads tables of SQLite databases from other programs, page
// by page, and validates everything in them. It needs neither SQL nor indexes:
// tables are read from start to end, or a row is looked up by its rowid.
//
// It does not read write-ahead logs (package rpmdb applies one to the file),
// databases in UTF-16, virtual tables and tables WITHOUT ROWID.
//
// Specification: https://www.sqlite.org/fileformat2.html
package sqlitefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"

	"github.com/assaysec/assay"
)

// Magic is the beginning of a database.
const Magic = "SQLite format 3\x00"

// Bounds of a database.
const (
	maxRow    = 64 << 20 // bytes of a row; SQLite's limit is 1 GB, the largest known row (an rpm header) has 10 MB
	maxSchema = 1 << 20  // bytes of the definition of a table; Grype's longest has 1 kB
	maxDepth  = 20       // levels of a b-tree: a page has at least four children, and there are at most 2³² pages
	cacheSize = 4 << 20  // bytes of pages in the cache of look-ups: more than the interior pages of a million rows

	// lookups bounds the bytes that look-ups together may return, as a multiple
	// of the file, because rows of a malicious file may share pages. Grype's
	// database, whose handles share blobs, returns about ten times its size.
	lookups = 100
)

const (
	header   = 100 // bytes before the b-tree page in the first page
	minPage  = 512
	maxPage  = 64 << 10
	minUse   = 480 // minimum bytes of a page without the reserved ones
	interior = 5   // kinds of pages: of tables,
	leaf     = 13
	indexes  = 2 // and of indexes
	leaves   = 10
)

// A File is an open database. It is not for use by several goroutines at once.
type File struct {
	r        io.ReaderAt
	size     int64
	pageSize int
	usable   int // bytes of a page, less those that extensions reserve
	pages    uint32
	cache    cache
	budget   int64 // bytes that look-ups may still return
}

// PageSize reads the page size of a database. Any other file is ErrUnsupported.
func PageSize(r io.ReaderAt) (int, error) {
	var head [header]byte
	return pageSize(r, head[:])
}

func pageSize(r io.ReaderAt, head []byte) (int, error) {
	if n, err := r.ReadAt(head, 0); n < len(Magic) || string(head[:len(Magic)]) != Magic {
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		return 0, fmt.Errorf("not an SQLite database: %w", assay.ErrUnsupported)
	} else if n < len(head) {
		return 0, malformed("truncated header")
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = maxPage
	}
	if size < minPage || size&(size-1) != 0 {
		return 0, malformed("page size %d", size)
	}
	return size, nil
}

// Open reads the header of a database of size bytes. Any other file is
// ErrUnsupported.
func Open(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, header)
	n, err := pageSize(r, head)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, pageSize: n, usable: n - int(head[20]), budget: lookups*size + maxRow}
	f.pages = uint32(min(size/int64(n), math.MaxUint32))
	f.cache.init(n)
	switch encoding := binary.BigEndian.Uint32(head[56:]); {
	case f.usable < minUse:
		return nil, malformed("%d usable bytes a page", f.usable)
	case head[19] > 2:
		return nil, fmt.Errorf("read format %d: %w", head[19], assay.ErrUnsupported)
	case encoding > 1:
		return nil, fmt.Errorf("text encoding %d: %w", encoding, assay.ErrUnsupported)
	}
	return f, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, assay.ErrMalformed)...)
}

// page reads page n into p.
func (f *File) page(n uint32, p []byte) error {
	if n == 0 || n > f.pages {
		return malformed("page %d of %d", n, f.pages)
	}
	got, err := f.r.ReadAt(p, (int64(n)-1)*int64(f.pageSize))
	if got == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return malformed("truncated in page %d", n)
	}
	return err
}

// A Table is a table of the database.
type Table struct {
	Name    string
	Columns []string // "" if its definition cannot be parsed
	file    *File
	root    uint32
	key     int   // the column that is the rowid; -1 without one
	err     error // why it is unreadable
}

// Tables yields the tables, and errors of the schema.
func (f *File) Tables() iter.Seq2[*Table, error] {
	return func(yield func(*Table, error) bool) {
		schema := Table{file: f, root: 1, key: -1}
		for r, err := range schema.Rows() {
			if err != nil {
				if !yield(nil, fmt.Errorf("schema: %w", err)) {
					return
				}
				continue
			}
			root, ok := r.Int(3)
			if string(r.Bytes(0)) != "table" || ok && root == 0 { // virtual
				continue
			}
			t := &Table{Name: r.Text(1), file: f, root: uint32(root), key: -1}
			if root < 2 || root > int64(f.pages) || len(r.Bytes(4)) > maxSchema {
				if !yield(nil, malformed("schema: table %.80q with root %d and a definition of %d bytes", t.Name, root, len(r.Bytes(4)))) {
					return
				}
				continue
			}
			d := define(r.Text(4))
			t.Columns, t.key = d.columns, d.key
			if d.keyed {
				t.err = fmt.Errorf("table %s is without rowid: %w", t.Name, assay.ErrUnsupported)
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// Table finds a table by name, ignoring case. ErrNotFound: there is none.
func (f *File) Table(name string) (*Table, error) {
	for t, err := range f.Tables() {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(t.Name, name) {
			return t, t.err
		}
	}
	return nil, fmt.Errorf("table %s: %w", name, assay.ErrNotFound)
}

// Column finds a column by name, ignoring case; -1 if there is none.
func (t *Table) Column(name string) int {
	for i, c := range t.Columns {
		if strings.EqualFold(c, name) {
			return i
		}
	}
	return -1
}

// RowID is the column that Row looks up; -1 if none of the columns is.
func (t *Table) RowID() int { return t.key }
