// Package wire encodes Go values as bytes by reflection, so that a new field of
// a struct needs no more code. Only the program that wrote the bytes can read
// them, because a field is identified by its index in the struct.
//
// A value consists of bools, numbers, strings, slices, arrays, maps with string
// keys, pointers, time.Time, and structs of those whose fields are all exported.
// A field with the tag `wire:"-"` is left out. Nil and empty slices are
// distinguished.
package wire

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/assaysec/assay"
)

// maxDepth bounds the nesting of values: types that contain themselves through a
// pointer or a slice have no bound of their own.
const maxDepth = 100

// Check returns ErrUnsupported if values of a type cannot be encoded.
func Check(t reflect.Type) error { return codecOf(t).err }

// Append appends the encoding of the value that v points to. It panics on a type
// that Check refuses.
func Append[T any](b []byte, v *T) []byte {
	return AppendValue(b, reflect.ValueOf(v).Elem())
}

// AppendValue is Append for a value of any type.
func AppendValue(b []byte, v reflect.Value) []byte {
	c := codecOf(v.Type())
	if c.err != nil {
		panic(c.err)
	}
	return c.append(b, v)
}

// Decode decodes a value that Append wrote, and returns the data after it. Other
// data are ErrMalformed.
func Decode[T any](b []byte, v *T) (rest []byte, err error) {
	return DecodeValue(b, reflect.ValueOf(v).Elem())
}

// DecodeValue is Decode for a settable value of any type.
func DecodeValue(b []byte, v reflect.Value) (rest []byte, err error) {
	c := codecOf(v.Type())
	if c.err != nil {
		return b, c.err
	}
	r := &reader{b: b}
	c.decode(r, v)
	return r.b, r.err
}

// Footprint is the approximate size in memory of the value that v points to.
func Footprint[T any](v *T) int64 {
	e := reflect.ValueOf(v).Elem()
	return int64(e.Type().Size()) + codecOf(e.Type()).outside(e)
}

// A codec encodes and decodes the values of one type.
type codec struct {
	err     error
	append  func([]byte, reflect.Value) []byte
	decode  func(*reader, reflect.Value)
	outside func(reflect.Value) int64 // bytes that the value refers to
}

var (
	codecs   sync.Map // reflect.Type → *codec
	timeType = reflect.TypeFor[time.Time]()
)

func codecOf(t reflect.Type) *codec {
	if c, ok := codecs.Load(t); ok {
		return c.(*codec)
	}
	b := &compiler{making: map[reflect.Type]*codec{}}
	c := b.codec(t)
	for _, m := range b.making { // an invalid type makes the types that contain it invalid, in any order of creation
		if m.err != nil && c.err == nil {
			c.err = m.err
		}
	}
	stored, _ := codecs.LoadOrStore(t, c)
	return stored.(*codec)
}

// A compiler creates the codec of one type and of the types in it, which may be
// recursive.
type compiler struct{ making map[reflect.Type]*codec }

func (b *compiler) codec(t reflect.Type) *codec {
	if c := b.making[t]; c != nil {
		return c
	}
	c := &codec{outside: func(reflect.Value) int64 { return 0 }}
	b.making[t] = c
	switch k := t.Kind(); {
	case t == timeType:
		timeCodec(c)
	case k == reflect.Bool:
		c.append = func(out []byte, v reflect.Value) []byte { return append(out, bit(v.Bool())) }
		c.decode = func(r *reader, v reflect.Value) { v.SetBool(r.uvarint() != 0) }
	case k >= reflect.Int && k <= reflect.Int64:
		c.append = func(out []byte, v reflect.Value) []byte { return binary.AppendVarint(out, v.Int()) }
		c.decode = decodeInt
	case k >= reflect.Uint && k <= reflect.Uint64:
		c.append = func(out []byte, v reflect.Value) []byte { return binary.AppendUvarint(out, v.Uint()) }
		c.decode = decodeUint
	case k == reflect.Float32 || k == reflect.Float64:
		c.append = func(out []byte, v reflect.Value) []byte {
			return binary.LittleEndian.AppendUint64(out, math.Float64bits(v.Float()))
		}
		c.decode = func(r *reader, v reflect.Value) {
			if p := r.takeBytes(8); p != nil {
				v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(p)))
			}
		}
	case k == reflect.String:
		c.append = func(out []byte, v reflect.Value) []byte {
			return append(binary.AppendUvarint(out, uint64(v.Len())), v.String()...)
		}
		c.decode = func(r *reader, v reflect.Value) { v.SetString(string(r.takeBytes(r.length()))) }
		c.outside = func(v reflect.Value) int64 { return int64(v.Len()) }
	case k == reflect.Pointer:
		b.pointer(c, t)
	case k == reflect.Slice:
		b.slice(c, t)
	case k == reflect.Array:
		b.array(c, t)
	case k == reflect.Map && t.Key().Kind() == reflect.String:
		b.mapping(c, t)
	case k == reflect.Struct:
		b.structure(c, t)
	default:
		c.err = fmt.Errorf("cannot write a value of type %v: %w", t, assay.ErrUnsupported)
	}
	return c
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func decodeInt(r *reader, v reflect.Value) {
	n := r.varint()
	if v.OverflowInt(n) {
		r.fail("number out of range")
		return
	}
	v.SetInt(n)
}

func decodeUint(r *reader, v reflect.Value) {
	n := r.uvarint()
	if v.OverflowUint(n) {
		r.fail("number out of range")
		return
	}
	v.SetUint(n)
}

// timeCodec stores the instant and the offset, like time.Time's own encoding.
func timeCodec(c *codec) {
	c.append = func(out []byte, v reflect.Value) []byte {
		p, err := v.Interface().(time.Time).MarshalBinary()
		if err != nil { // an offset with seconds: the instant matters
			p, _ = v.Interface().(time.Time).UTC().MarshalBinary()
		}
		return append(binary.AppendUvarint(out, uint64(len(p))), p...)
	}
	c.decode = func(r *reader, v reflect.Value) {
		var t time.Time
		if p := r.takeBytes(r.length()); r.err == nil {
			if err := t.UnmarshalBinary(p); err != nil {
				r.fail(err.Error())
			}
		}
		v.Set(reflect.ValueOf(t))
	}
}

func (b *compiler) pointer(c *codec, t reflect.Type) {
	e := b.codec(t.Elem())
	size := int64(t.Elem().Size())
	c.append = func(out []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(out, 0)
		}
		return e.append(append(out, 1), v.Elem())
	}
	c.decode = func(r *reader, v reflect.Value) {
		if r.uvarint() == 0 || r.err != nil {
			v.SetZero()
			return
		}
		v.Set(reflect.New(t.Elem()))
		r.inside(func() { e.decode(r, v.Elem()) })
	}
	c.outside = func(v reflect.Value) int64 {
		if v.IsNil() {
			return 0
		}
		return size + e.outside(v.Elem())
	}
}

// Bounds of the memory that is taken for a slice before its elements are read.
const (
	minRoom      = 64 // elements
	maxExpansion = 16 // bytes of elements for each encoded byte that is left
)

// slice writes the length plus one, 0 for nil. Large unsigned numbers, which are
// hashes, have their full width.
func (b *compiler) slice(c *codec, t reflect.Type) {
	if t.Elem().Kind() == reflect.Uint8 {
		byteSlice(c)
		return
	}
	e, size := b.codec(t.Elem()), t.Elem().Size()
	if k := t.Elem().Kind(); k == reflect.Uint32 || k == reflect.Uint64 {
		e = fixed(int(size))
	}
	c.append = func(out []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(out, 0)
		}
		out = binary.AppendUvarint(out, uint64(v.Len())+1)
		for i := range v.Len() {
			out = e.append(out, v.Index(i))
		}
		return out
	}
	c.decode = func(r *reader, v reflect.Value) {
		n := r.length() - 1 // no element is of less than a byte
		if n < 0 || r.err != nil {
			v.SetZero()
			return
		}
		// There is room for all elements, where their bytes are not far fewer than
		// what they stand for; else it grows with what is read.
		room := min(n, minRoom+maxExpansion*len(r.b)/max(int(size), 1))
		s := reflect.MakeSlice(t, room, room)
		i := 0
		r.inside(func() {
			for ; i < n && r.err == nil; i++ {
				if i == s.Len() {
					s = reflect.Append(s, reflect.Zero(t.Elem()))
				}
				e.decode(r, s.Index(i))
			}
		})
		s = s.Slice(0, i)
		v.Set(s)
	}
	c.outside = func(v reflect.Value) int64 {
		n := int64(v.Len()) * int64(size)
		for i := range v.Len() {
			n += e.outside(v.Index(i))
		}
		return n
	}
}

func byteSlice(c *codec) {
	c.append = func(out []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(out, 0)
		}
		return append(binary.AppendUvarint(out, uint64(v.Len())+1), v.Bytes()...)
	}
	c.decode = func(r *reader, v reflect.Value) {
		n := r.length() - 1
		if n < 0 || r.err != nil {
			v.SetZero()
			return
		}
		v.SetBytes(append(make([]byte, 0, n), r.takeBytes(n)...))
	}
	c.outside = func(v reflect.Value) int64 { return int64(v.Len()) }
}

// fixed writes an unsigned number in n bytes.
func fixed(n int) *codec {
	return &codec{
		append: func(out []byte, v reflect.Value) []byte {
			if n == 4 {
				return binary.LittleEndian.AppendUint32(out, uint32(v.Uint()))
			}
			return binary.LittleEndian.AppendUint64(out, v.Uint())
		},
		decode: func(r *reader, v reflect.Value) {
			switch p := r.takeBytes(n); {
			case p == nil:
			case n == 4:
				v.SetUint(uint64(binary.LittleEndian.Uint32(p)))
			default:
				v.SetUint(binary.LittleEndian.Uint64(p))
			}
		},
		outside: func(reflect.Value) int64 { return 0 },
	}
}

func (b *compiler) array(c *codec, t reflect.Type) {
	e := b.codec(t.Elem())
	c.append = func(out []byte, v reflect.Value) []byte {
		for i := range t.Len() {
			out = e.append(out, v.Index(i))
		}
		return out
	}
	c.decode = func(r *reader, v reflect.Value) {
		for i := range t.Len() {
			e.decode(r, v.Index(i))
		}
	}
	c.outside = func(v reflect.Value) (n int64) {
		for i := range t.Len() {
			n += e.outside(v.Index(i))
		}
		return n
	}
}

// mapping writes keys in order, so that equal maps have equal encodings.
func (b *compiler) mapping(c *codec, t reflect.Type) {
	const room = 64 // bytes of an entry besides key and value
	e := b.codec(t.Elem())
	c.append = func(out []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(out, 0)
		}
		out = binary.AppendUvarint(out, uint64(v.Len())+1)
		entries := make(map[string]reflect.Value, v.Len())
		for i := v.MapRange(); i.Next(); {
			entries[i.Key().String()] = i.Value()
		}
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			out = append(binary.AppendUvarint(out, uint64(len(k))), k...)
			out = e.append(out, entries[k])
		}
		return out
	}
	c.decode = func(r *reader, v reflect.Value) {
		n := r.length() - 1
		if n < 0 || r.err != nil {
			v.SetZero()
			return
		}
		m := reflect.MakeMap(t)
		r.inside(func() {
			for i := 0; i < n && r.err == nil; i++ {
				k := reflect.New(t.Key()).Elem()
				k.SetString(string(r.takeBytes(r.length())))
				x := reflect.New(t.Elem()).Elem()
				e.decode(r, x)
				m.SetMapIndex(k, x)
			}
		})
		v.Set(m)
	}
	c.outside = func(v reflect.Value) (n int64) {
		for i := v.MapRange(); i.Next(); {
			n += room + int64(i.Key().Len()) + int64(t.Elem().Size()) + e.outside(i.Value())
		}
		return n
	}
}

type field struct {
	index int
	*codec
}

// structure writes each field that is not zero after its number, from 1, and
// ends with 0: most fields of a package are empty.
func (b *compiler) structure(c *codec, t reflect.Type) {
	var fields []field
	for i := range t.NumField() {
		switch f := t.Field(i); {
		case f.Tag.Get("wire") == "-":
		case !f.IsExported():
			c.err = fmt.Errorf("%v.%s is not exported, so it cannot be written: %w", t, f.Name, assay.ErrUnsupported)
			return
		default:
			fields = append(fields, field{i, b.codec(f.Type)})
		}
	}
	c.append = func(out []byte, v reflect.Value) []byte {
		for i, f := range fields {
			if x := v.Field(f.index); !x.IsZero() {
				out = f.append(binary.AppendUvarint(out, uint64(i)+1), x)
			}
		}
		return append(out, 0)
	}
	c.decode = func(r *reader, v reflect.Value) {
		r.inside(func() {
			for {
				n := r.uvarint()
				if n == 0 || r.err != nil {
					return
				}
				if n > uint64(len(fields)) {
					r.fail("unknown field")
					return
				}
				f := fields[n-1]
				f.decode(r, v.Field(f.index))
			}
		})
	}
	c.outside = func(v reflect.Value) (n int64) {
		for _, f := range fields {
			if x := v.Field(f.index); !x.IsZero() {
				n += f.outside(x)
			}
		}
		return n
	}
}

// A reader reads values from the start of b. After its first error it returns
// zeros.
type reader struct {
	b     []byte
	err   error
	depth int
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("stored value: %s: %w", what, assay.ErrMalformed)
	}
	r.b = nil
}

// inside reads nested values.
func (r *reader) inside(read func()) {
	if r.depth++; r.depth > maxDepth {
		r.fail("nested too deep")
	} else {
		read()
	}
	r.depth--
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail("missing number")
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail("missing number")
		return 0
	}
	r.b = r.b[size:]
	return n
}

// length reads the length of data whose elements have at least one byte, or the
// length plus one.
func (r *reader) length() int {
	n := r.uvarint()
	if n > uint64(len(r.b))+1 {
		r.fail("length exceeds the data")
		return 0
	}
	return int(n)
}

// takeBytes returns the next n bytes; nil if there are fewer.
func (r *reader) takeBytes(n int) []byte {
	if n > len(r.b) || r.err != nil {
		r.fail("truncated")
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}
