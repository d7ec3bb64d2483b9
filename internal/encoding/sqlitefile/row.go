package sqlitefile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/assaysec/assay"
)

// A Row is a row of a table. It is valid until the next row is read the same
// way.
type Row struct {
	ID      int64
	payload []byte
	values  []value
	key     int
}

type value struct {
	kind uint64
	b    []byte
}

// maxColumns bounds the columns of a row; SQLite's limit is 32,767.
const maxColumns = 32767

// decode splits the payload into values.
func (r *Row) decode() error {
	r.values = r.values[:0]
	size, n := varint(r.payload)
	if n == 0 || size > uint64(len(r.payload)) || size < uint64(n) {
		return malformed("row with a header of %d bytes", size)
	}
	head, body := r.payload[n:size], r.payload[size:]
	for len(head) > 0 {
		kind, n := varint(head)
		w := width(kind)
		if n == 0 || w > uint64(len(body)) || len(r.values) == maxColumns {
			return malformed("column %d of type %d", len(r.values), kind)
		}
		r.values = append(r.values, value{kind, body[:w:w]})
		head, body = head[n:], body[w:]
	}
	return nil
}

// width is the length in bytes of a value.
func width(kind uint64) uint64 {
	if kind >= 12 {
		return (kind - 12) / 2
	}
	return [...]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[kind]
}

// Value is the value of column i: nil, an int64, a float64, a string, or []byte,
// which belongs to the row. Columns that were added to the table after the row
// are nil.
func (r *Row) Value(i int) any {
	if n, ok := r.Int(i); ok {
		return n
	}
	if i < 0 || i >= len(r.values) {
		return nil
	}
	switch v := r.values[i]; {
	case v.kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(v.b))
	case v.kind >= 12 && v.kind%2 == 0:
		return v.b
	case v.kind >= 12:
		return string(v.b)
	}
	return nil
}

// Int is the whole number in column i.
func (r *Row) Int(i int) (_ int64, ok bool) {
	if i < 0 || i >= len(r.values) {
		return 0, false
	}
	v := r.values[i]
	switch {
	case v.kind == 0 && i == r.key:
		return r.ID, true
	case v.kind == 8, v.kind == 9:
		return int64(v.kind) - 8, true
	case v.kind == 0, v.kind > 6:
		return 0, false
	}
	n := int64(int8(v.b[0]))
	for _, b := range v.b[1:] {
		n = n<<8 | int64(b)
	}
	return n, true
}

// Float is the number in column i; SQLite stores whole numbers as integers.
func (r *Row) Float(i int) (_ float64, ok bool) {
	switch v := r.Value(i).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Bytes is the text or blob in column i, which belongs to the row; nil for other
// types.
func (r *Row) Bytes(i int) []byte {
	if i < 0 || i >= len(r.values) || r.values[i].kind < 12 {
		return nil
	}
	return r.values[i].b
}

// Text is Bytes as a string.
func (r *Row) Text(i int) string { return string(r.Bytes(i)) }

// varint reads a number of up to nine bytes, most significant first, and returns
// its length; 0 if b is too short.
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

// A cell is a row's representation on a leaf.
type cell struct {
	id       int64
	size     int64  // of the payload
	local    []byte // the part on the leaf
	overflow uint32 // the first overflow page
}

// cell decodes a cell of a leaf.
func (f *File) cell(b []byte) (c cell, err error) {
	size, n := varint(b)
	id, m := varint(b[n:])
	if n == 0 || m == 0 || size > math.MaxInt64 {
		return c, malformed("missing length or key")
	}
	c = cell{id: int64(id), size: int64(size)}
	b = b[n+m:]
	if c.size > maxRow {
		return c, fmt.Errorf("row of %d bytes, over the limit of %d: %w", c.size, maxRow, assay.ErrTooLarge)
	}
	local := c.size
	if most := int64(f.usable - 35); local > most {
		least := int64((f.usable-12)*32/255 - 23)
		if local = least + (c.size-least)%int64(f.usable-4); local > most {
			local = least
		}
		if int64(len(b)) < local+4 {
			return c, malformed("cell exceeds its page")
		}
		c.overflow = binary.BigEndian.Uint32(b[local:])
	} else if int64(len(b)) < local {
		return c, malformed("cell exceeds its page")
	}
	c.local = b[:local]
	return c, nil
}

// fill reads the payload of a cell and decodes it. It calls enter for each
// overflow page; spare has room for one.
func (f *File) fill(r *Row, c cell, spare []byte, enter func(page uint32) bool) error {
	r.ID = c.id
	r.payload = append(r.payload[:0], c.local...)
	for page := c.overflow; int64(len(r.payload)) < c.size; page = binary.BigEndian.Uint32(spare) {
		if !enter(page) {
			return malformed("overflow page %d after %d of %d bytes is missing or in use", page, len(r.payload), c.size)
		}
		if err := f.page(page, spare); err != nil {
			return err
		}
		r.payload = append(r.payload, spare[4:4+min(int64(f.usable-4), c.size-int64(len(r.payload)))]...)
	}
	return r.decode()
}
