package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/assaysec/assay"
)

// SQLite: a table is a b-tree of pages, whose leaves hold the rows.
// https://www.sqlite.org/fileformat2.html
const (
	sqliteMagic  = "SQLite format 3\x00"
	sqliteHeader = 100 // bytes of the first page before its b-tree page
	sqliteTable  = "Packages"

	sqliteInterior = 5
	sqliteLeaf     = 13
)

// maxDepth bounds the levels of a b-tree: four children a page is the least
// that the format allows, and 2³² pages the most.
const maxDepth = 20

// maxSchema bounds a row of the schema: rpm's longest is below 200 bytes.
const maxSchema = 64 << 10

type sqlite struct {
	*database
	pageSize int
	usable   int              // bytes of a page, less those that extensions reserve
	frames   map[uint32]int64 // pages in the log: their offset there
	seen     pageSet
	levels   [maxDepth + 1][]byte // the page in hand on each level of a b-tree
	overflow []byte
}

// A row is a cell of a table's leaf.
type row struct {
	local    []byte // what of the payload lies on the leaf
	size     int64  // of the payload
	overflow uint32 // page where it goes on
}

// sqlite visits the blobs of table Packages in the order of their keys.
func (d *database) sqlite(v visit) {
	size, err := sqlitePageSize(d.file)
	if err != nil {
		v(nil, fmt.Errorf("sqlite: %w", err))
		return
	}
	s := &sqlite{database: d, pageSize: size, overflow: make([]byte, size)}
	if d.log != nil {
		// A log that cannot be used leaves the database as it was before.
		if s.frames, err = readLog(d.log, size); err != nil && !v(nil, fmt.Errorf("write-ahead log: %w", err)) {
			return
		}
	}
	if err := s.open(); err != nil {
		v(nil, fmt.Errorf("sqlite: %w", err))
		return
	}
	root := uint32(0)
	if !s.walk(1, 0, func(r row, err error) bool {
		if err != nil {
			return v(nil, fmt.Errorf("schema: %w", err))
		}
		if root == 0 {
			root = s.schema(r)
		}
		return true
	}) {
		return
	}
	if root == 0 {
		v(nil, fmt.Errorf("sqlite: no table %s: %w", sqliteTable, assay.ErrMalformed))
		return
	}
	s.walk(root, 0, func(r row, err error) bool {
		if err != nil {
			return v(nil, err)
		}
		return v(s.blob(r))
	})
}

// open reads the header, which is that of the first page in the log if it is
// there.
func (s *sqlite) open() error {
	head := s.overflow[:sqliteHeader]
	if err := s.page(1, s.overflow); err != nil {
		return err
	}
	s.usable = s.pageSize - int(head[20])
	if s.usable < 480 {
		return fmt.Errorf("%d usable bytes a page: %w", s.usable, assay.ErrMalformed)
	}
	if encoding := binary.BigEndian.Uint32(head[56:]); encoding > 1 {
		return fmt.Errorf("text encoding %d: %w", encoding, assay.ErrUnsupported)
	}
	s.seen = newPageSet(s.file.Size()/int64(s.pageSize) + int64(len(s.frames)) + 1)
	return nil
}

// sqlitePageSize is the page size that the file's header states.
func sqlitePageSize(file *io.SectionReader) (int, error) {
	var b [2]byte
	if err := readAt(file, b[:], 16); err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint16(b[:]))
	if size == 1 {
		size = 64 << 10
	}
	if size < 512 || size&(size-1) != 0 {
		return 0, fmt.Errorf("page size %d: %w", size, assay.ErrMalformed)
	}
	return size, nil
}

// page reads page n, from the log if it is there.
func (s *sqlite) page(n uint32, p []byte) error {
	if off, ok := s.frames[n]; ok {
		return readAt(s.log, p, off)
	}
	if err := readAt(s.file, p, (int64(n)-1)*int64(s.pageSize)); err != nil {
		return fmt.Errorf("page %d: %w", n, err)
	}
	return nil
}

// walk visits the rows of the table whose b-tree is rooted at page n, and
// reports whether f wanted all of them.
func (s *sqlite) walk(n uint32, depth int, f func(row, error) bool) bool {
	if depth > maxDepth || n == 0 || !s.seen.add(n) {
		return f(row{}, fmt.Errorf("page %d is missing, in use or too deep: %w", n, assay.ErrMalformed))
	}
	if s.levels[depth] == nil {
		s.levels[depth] = make([]byte, s.pageSize)
	}
	p := s.levels[depth]
	if err := s.page(n, p); err != nil {
		return f(row{}, err)
	}
	head := p
	if n == 1 {
		head = p[sqliteHeader:]
	}
	kind, cells := head[0], int(binary.BigEndian.Uint16(head[3:]))
	pointers := head[8:]
	if kind == sqliteInterior {
		pointers = head[12:]
	}
	if kind != sqliteInterior && kind != sqliteLeaf || 2*cells > len(pointers) {
		return f(row{}, fmt.Errorf("page %d of type %d with %d cells: %w", n, kind, cells, assay.ErrMalformed))
	}
	for i := range cells {
		cell := p[min(int(binary.BigEndian.Uint16(pointers[2*i:])), s.usable):s.usable]
		if kind == sqliteInterior {
			if len(cell) < 4 {
				if !f(row{}, fmt.Errorf("page %d: cell %d: %w", n, i, assay.ErrMalformed)) {
					return false
				}
			} else if !s.walk(binary.BigEndian.Uint32(cell), depth+1, f) {
				return false
			}
			continue
		}
		r, err := s.row(cell)
		if err != nil {
			err = fmt.Errorf("page %d: cell %d: %w", n, i, err)
		}
		if !f(r, err) {
			return false
		}
	}
	return kind == sqliteLeaf || s.walk(binary.BigEndian.Uint32(head[8:]), depth+1, f)
}

// row takes a leaf's cell apart.
func (s *sqlite) row(cell []byte) (row, error) {
	size, n := varint(cell)
	_, m := varint(cell[n:]) // the key
	if n == 0 || m == 0 || size > math.MaxUint32 {
		return row{}, fmt.Errorf("no length or key: %w", assay.ErrMalformed)
	}
	r, cell := row{size: int64(size)}, cell[n+m:]
	local := r.size
	if most := int64(s.usable - 35); local > most {
		least := int64((s.usable-12)*32/255 - 23)
		if local = least + (r.size-least)%int64(s.usable-4); local > most {
			local = least
		}
		if int64(len(cell)) < local+4 {
			return row{}, fmt.Errorf("cell leaves its page: %w", assay.ErrMalformed)
		}
		r.overflow = binary.BigEndian.Uint32(cell[local:])
	} else if int64(len(cell)) < local {
		return row{}, fmt.Errorf("cell leaves its page: %w", assay.ErrMalformed)
	}
	r.local = cell[:local]
	return r, s.claim(local)
}

// payload is the whole payload of a row, of max bytes at most.
func (s *sqlite) payload(r row, max int64) ([]byte, error) {
	if r.size > max {
		return nil, tooLarge(r.size)
	}
	s.record = append(s.record[:0], r.local...)
	page := r.overflow
	for int64(len(s.record)) < r.size {
		if page == 0 || !s.seen.add(page) {
			return nil, fmt.Errorf("overflow page %d after %d of %d bytes is missing or in use: %w", page, len(s.record), r.size, assay.ErrMalformed)
		}
		if err := s.page(page, s.overflow); err != nil {
			return nil, err
		}
		s.record = append(s.record, s.overflow[4:4+min(int64(s.usable-4), r.size-int64(len(s.record)))]...)
		page = binary.BigEndian.Uint32(s.overflow)
	}
	return s.record, nil
}

// columns cuts a payload into its first columns, and gives their types.
func columns(b []byte, values [][]byte, types []uint64) error {
	size, n := varint(b)
	if n == 0 || size > uint64(len(b)) || size < uint64(n) {
		return fmt.Errorf("row with a header of %d bytes: %w", size, assay.ErrMalformed)
	}
	head, body := b[n:size], b[size:]
	for i := range values {
		t, n := varint(head)
		width := columnWidth(t)
		if n == 0 || width > uint64(len(body)) {
			return fmt.Errorf("column %d of type %d: %w", i, t, assay.ErrMalformed)
		}
		values[i], types[i] = body[:width], t
		head, body = head[n:], body[width:]
	}
	return nil
}

// columnWidth is the length of a value of type t in bytes.
func columnWidth(t uint64) uint64 {
	if t >= 12 {
		return (t - 12) / 2
	}
	return [...]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[t]
}

// schema returns the root page of the table that holds the headers, if that is
// what r describes, else 0. Its columns are type, name, tbl_name, rootpage, sql.
func (s *sqlite) schema(r row) uint32 {
	var v [4][]byte
	var types [4]uint64
	b, err := s.payload(r, maxSchema)
	if err != nil || columns(b, v[:], types[:]) != nil {
		return 0
	}
	if string(v[0]) != "table" || !strings.EqualFold(string(v[1]), sqliteTable) || types[3] < 1 || types[3] > 4 {
		return 0
	}
	root := uint32(0)
	for _, c := range v[3] {
		root = root<<8 | uint32(c)
	}
	return root
}

// blob is the header in a row of table Packages (hnum, blob).
func (s *sqlite) blob(r row) ([]byte, error) {
	var v [2][]byte
	var types [2]uint64
	b, err := s.payload(r, maxRecord)
	if err == nil {
		err = columns(b, v[:], types[:])
	}
	if err == nil && (types[1] < 12 || types[1]%2 != 0) {
		err = fmt.Errorf("column of type %d for a header: %w", types[1], assay.ErrMalformed)
	}
	return v[1], err
}

// varint reads a number of up to nine bytes, most significant first, and
// returns how many it took; 0 when b ends before.
func varint(b []byte) (v uint64, n int) {
	for n < len(b) && n < 8 {
		v = v<<7 | uint64(b[n]&0x7f)
		if n++; b[n-1] < 0x80 {
			return v, n
		}
	}
	if n < len(b) {
		return v<<8 | uint64(b[n]), n + 1
	}
	return 0, 0
}
