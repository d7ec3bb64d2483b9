// Package jsonwriter writes large values as indented JSON, element by element, so that the
// text is never whole in memory.
package jsonwriter

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"strings"
)

// streamed is the number of elements from which a list is written element by element.
const streamed = 64

// Write writes v and a line break, byte for byte as an Encoder of encoding/json does with
// SetEscapeHTML(false) and SetIndent("", indent). What it wrote before an error is
// incomplete.
func Write(w io.Writer, v any, indent string) error {
	b := bufio.NewWriterSize(w, bufferSize)
	e := &writer{w: b, indent: indent}
	e.value(reflect.ValueOf(v), "\n")
	e.write("\n")
	return cmp.Or(e.err, b.Flush())
}

const bufferSize = 64 << 10

// A writer writes one value.
type writer struct {
	w      io.Writer
	indent string
	err    error
	buffer bytes.Buffer
}

func (e *writer) write(s string) {
	if e.err == nil {
		_, e.err = io.WriteString(e.w, s)
	}
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// value writes v; line is a line break and the indentation of the line on which v begins.
func (e *writer) value(v reflect.Value, line string) {
	if e.err != nil {
		return
	}
	if v.IsValid() && !v.Type().Implements(jsonMarshaler) && !v.Type().Implements(textMarshaler) {
		switch {
		case (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil():
			e.value(v.Elem(), line)
			return
		case v.Kind() == reflect.Struct && e.object(v, line):
			return
		case v.Kind() == reflect.Slice && v.Len() >= streamed && v.Type().Elem().Kind() != reflect.Uint8:
			e.list(v, line)
			return
		}
	}
	e.whole(v, line)
}

// whole writes a value with encoding/json.
func (e *writer) whole(v reflect.Value, line string) {
	var x any
	if v.IsValid() {
		x = v.Interface()
	}
	e.buffer.Reset()
	j := json.NewEncoder(&e.buffer)
	j.SetEscapeHTML(false)
	j.SetIndent(line[1:], e.indent)
	if e.err = j.Encode(x); e.err == nil {
		_, e.err = e.w.Write(bytes.TrimSuffix(e.buffer.Bytes(), []byte("\n")))
	}
}

func (e *writer) list(v reflect.Value, line string) {
	inner, before := line+e.indent, "["
	for i := range v.Len() {
		e.write(before + inner)
		e.value(v.Index(i), inner)
		before = ","
	}
	e.write(line + "]")
}

// object writes a struct member by member. It returns false, and writes nothing, for a
// struct with embedded ones or with methods that encode, whose rules encoding/json knows,
// and for one without long lists, which that writes faster.
func (e *writer) object(v reflect.Value, line string) bool {
	if v.CanAddr() && (v.Addr().Type().Implements(jsonMarshaler) || v.Addr().Type().Implements(textMarshaler)) || !isLong(v) {
		return false
	}
	t := v.Type()
	inner, before := line+e.indent, "{"
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Tag.Get("json") == "-" || !f.IsExported() || isOmitted(v.Field(i), options) {
			continue
		}
		if name == "" {
			name = f.Name
		}
		e.write(before + inner + `"` + name + `": `)
		e.value(v.Field(i), inner)
		before = ","
	}
	if before == "{" {
		e.write("{}")
		return true
	}
	e.write(line + "}")
	return true
}

// isLong reports whether a struct has a long list somewhere, and only members that object
// can write.
func isLong(v reflect.Value) (long bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous || strings.Contains(f.Tag.Get("json"), ",string") {
			return false
		}
		m := v.Field(i)
		for (m.Kind() == reflect.Pointer || m.Kind() == reflect.Interface) && !m.IsNil() {
			m = m.Elem()
		}
		switch m.Kind() {
		case reflect.Slice:
			long = long || m.Len() >= streamed || m.Len() > 0 && f.IsExported() && isLongElement(m.Index(0))
		case reflect.Struct:
			long = long || f.IsExported() && isLong(m)
		}
	}
	return long
}

// isLongElement reports whether the first element of a list has a long list.
func isLongElement(v reflect.Value) bool {
	for (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil() {
		v = v.Elem()
	}
	return v.Kind() == reflect.Struct && isLong(v)
}

// isOmitted reports whether a member is left out.
func isOmitted(v reflect.Value, options string) bool {
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitzero":
			if z, ok := v.Interface().(interface{ IsZero() bool }); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
				if z.IsZero() {
					return true
				}
			} else if v.IsZero() {
				return true
			}
		case "omitempty":
			switch v.Kind() {
			case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
				if v.Len() == 0 {
					return true
				}
			case reflect.Struct:
			default:
				if v.IsZero() {
					return true
				}
			}
		}
	}
	return false
}
