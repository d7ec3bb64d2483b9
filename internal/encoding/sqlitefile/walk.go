package sqlitefile

import (
	"encoding/binary"
	"fmt"
	"iter"
	"sort"

	"github.com/assaysec/assay"
)

// A node is a page of a table's b-tree.
type node struct {
	number   uint32
	leaf     bool
	page     []byte // its usable bytes
	pointers []byte // offset of the cell pointers
	cells    int
	right    uint32 // the last child of an interior page
}

// node decodes a page.
func (f *File) node(n uint32, p []byte) (node, error) {
	head := p
	if n == 1 {
		head = p[header:]
	}
	d := node{number: n, leaf: head[0] == leaf, page: p[:f.usable], pointers: head[8:], cells: int(binary.BigEndian.Uint16(head[3:]))}
	switch head[0] {
	case interior:
		d.right, d.pointers = binary.BigEndian.Uint32(head[8:]), head[12:]
	case indexes, leaves:
		return d, malformed("page %d belongs to an index or to a table without rowid", n)
	}
	if !d.leaf && head[0] != interior || 2*d.cells > len(d.pointers) {
		return d, malformed("page %d: invalid type %d or number of cells %d", n, head[0], d.cells)
	}
	return d, nil
}

// cell returns the bytes of cell i; nil if it is outside the page.
func (d *node) cell(i int) []byte {
	return d.page[min(int(binary.BigEndian.Uint16(d.pointers[2*i:])), len(d.page)):]
}

func (d *node) bad(i int, err error) error {
	return fmt.Errorf("page %d: cell %d: %w", d.number, i, err)
}

// child is the page below cell i of an interior page; after the last cell it is
// right.
func (d *node) child(i int) (uint32, error) {
	if i == d.cells {
		return d.right, nil
	}
	c := d.cell(i)
	if len(c) < 4 {
		return 0, d.bad(i, malformed("exceeds its page"))
	}
	return binary.BigEndian.Uint32(c), nil
}

// id is the rowid of cell i; 0 without one.
func (d *node) id(i int) int64 {
	c := d.cell(i)
	if d.leaf {
		_, n := varint(c)
		c = c[n:]
	} else {
		c = c[min(4, len(c)):]
	}
	id, _ := varint(c)
	return int64(id)
}

// A walk visits the rows of a table.
type walk struct {
	*File
	seen   pageSet
	left   int64                // bytes that rows may still have on their leaves: the size of the file
	levels [maxDepth + 1][]byte // the current page on each level
	spare  []byte
	row    Row
	yield  func(*Row, error) bool
}

// Rows yields the rows by rowid. An unreadable row or page is yielded as an
// error, and reading continues after it.
func (t *Table) Rows() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		if t.err != nil {
			yield(nil, t.err)
			return
		}
		w := &walk{File: t.file, seen: newPageSet(t.file.pages), left: t.file.size, spare: make([]byte, t.file.pageSize), yield: yield}
		w.row.key = t.key
		w.below(t.root, 0)
	}
}

// below visits the rows below page n, and reports whether the caller wants more.
func (w *walk) below(n uint32, depth int) bool {
	if depth > maxDepth || !w.seen.add(n) {
		return w.yield(nil, malformed("page %d is missing, in use or too deep", n))
	}
	if w.levels[depth] == nil {
		w.levels[depth] = make([]byte, w.pageSize)
	}
	p := w.levels[depth]
	if err := w.page(n, p); err != nil {
		return w.yield(nil, err)
	}
	d, err := w.node(n, p)
	if err != nil {
		return w.yield(nil, err)
	}
	if d.leaf {
		return w.leaf(&d)
	}
	for i := range d.cells + 1 {
		child, err := d.child(i)
		if err != nil {
			if !w.yield(nil, err) {
				return false
			}
		} else if !w.below(child, depth+1) {
			return false
		}
	}
	return true
}

// leaf visits the rows of a leaf.
func (w *walk) leaf(d *node) bool {
	for i := range d.cells {
		c, err := w.cell(d.cell(i))
		if w.left -= int64(len(c.local)); w.left < 0 {
			w.yield(nil, malformed("rows overlap"))
			return false
		}
		if err == nil {
			err = w.fill(&w.row, c, w.spare, w.seen.add)
		}
		if err != nil {
			if !w.yield(nil, d.bad(i, err)) {
				return false
			}
		} else if !w.yield(&w.row, nil) {
			return false
		}
	}
	return true
}

// Row looks a row up. ErrNotFound: there is none.
func (t *Table) Row(id int64, r *Row) error {
	if t.err != nil {
		return t.err
	}
	f := t.file
	n := t.root
	for range maxDepth + 1 {
		p, err := f.cache.get(f, n)
		if err != nil {
			return err
		}
		d, err := f.node(n, p)
		if err != nil {
			return err
		}
		i := sort.Search(d.cells, func(i int) bool { return d.id(i) >= id })
		if !d.leaf {
			if n, err = d.child(i); err != nil {
				return err
			}
			continue
		}
		if i == d.cells || d.id(i) != id {
			return fmt.Errorf("row %d of %s: %w", id, t.Name, assay.ErrNotFound)
		}
		return t.readRow(r, &d, i)
	}
	return malformed("page %d is too deep", n)
}

// readRow reads the row in cell i. A chain of overflow pages ends with the row,
// whichever way it runs.
func (t *Table) readRow(r *Row, d *node, i int) error {
	f := t.file
	c, err := f.cell(d.cell(i))
	if err != nil {
		return d.bad(i, err)
	}
	if f.budget -= c.size; f.budget < 0 {
		return malformed("rows share overflow pages")
	}
	r.key = t.key
	if err := f.fill(r, c, f.cache.spare, func(uint32) bool { return true }); err != nil {
		return d.bad(i, err)
	}
	return nil
}

// A cache stores pages, each at the only index for its number.
type cache struct {
	size    int
	numbers []uint32
	pages   [][]byte
	spare   []byte
}

func (c *cache) init(pageSize int) {
	n := cacheSize / pageSize
	*c = cache{size: pageSize, numbers: make([]uint32, n), pages: make([][]byte, n)}
}

// get returns page n, valid until the next call.
func (c *cache) get(f *File, n uint32) ([]byte, error) {
	if c.spare == nil {
		c.spare = make([]byte, c.size)
	}
	i := n % uint32(len(c.numbers))
	if c.numbers[i] == n && n != 0 {
		return c.pages[i], nil
	}
	if c.pages[i] == nil {
		c.pages[i] = make([]byte, c.size)
	}
	c.numbers[i] = 0
	if err := f.page(n, c.pages[i]); err != nil {
		return nil, err
	}
	c.numbers[i] = n
	return c.pages[i], nil
}

// pageSet is a set of page numbers. A page has only one use, so a repeated page
// means a cycle or an overlap.
type pageSet []uint64

func newPageSet(pages uint32) pageSet { return make(pageSet, pages/64+1) }

// add reports whether page is in range and new.
func (s pageSet) add(page uint32) bool {
	i, bit := page/64, uint64(1)<<(page%64)
	if page == 0 || int(i) >= len(s) || s[i]&bit != 0 {
		return false
	}
	s[i] |= bit
	return true
}
