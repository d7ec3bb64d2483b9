package tomldoc

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

// A filler converts a document to Go values.
type filler struct {
	names map[reflect.Type][]string // of the fields of structs
	path  []string                  // path of the current field
	err   error                     // the first
}

// fill converts a document into the value that v points to. Its error names the
// first value of another type.
func fill(v any, doc map[string]any) error {
	f := filler{names: map[reflect.Type][]string{}}
	f.set(reflect.ValueOf(v).Elem(), doc)
	return f.err
}

func (f *filler) set(v reflect.Value, x any) {
	ok := true
	switch v.Kind() {
	case reflect.Interface:
		v.Set(reflect.ValueOf(x))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.set(v.Elem(), x)
	case reflect.Struct:
		var t map[string]any
		if t, ok = x.(map[string]any); ok {
			f.fields(v, t)
		}
	case reflect.Map:
		var t map[string]any
		if t, ok = x.(map[string]any); ok {
			f.entries(v, t)
		}
	case reflect.Slice:
		var list []any
		if list, ok = x.([]any); ok {
			v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
			for i, e := range list {
				f.set(v.Index(i), e)
			}
		}
	default:
		ok = scalar(v, x)
	}
	if !ok && f.err == nil {
		f.err = fmt.Errorf("%s has the type %s: %w", strings.Join(f.path, "."), kind(x), assay.ErrMalformed)
	}
}

func (f *filler) fields(v reflect.Value, t map[string]any) {
	names, ok := f.names[v.Type()]
	if !ok {
		for i := range v.NumField() {
			names = append(names, v.Type().Field(i).Tag.Get("toml"))
		}
		f.names[v.Type()] = names
	}
	for i, name := range names {
		if x, ok := t[name]; ok && name != "" {
			f.path = append(f.path, name)
			f.set(v.Field(i), x)
			f.path = f.path[:len(f.path)-1]
		}
	}
}

func (f *filler) entries(v reflect.Value, t map[string]any) {
	v.Set(reflect.MakeMapWithSize(v.Type(), len(t)))
	for name, x := range t {
		e := reflect.New(v.Type().Elem()).Elem()
		f.set(e, x)
		v.SetMapIndex(reflect.ValueOf(name), e)
	}
}

// scalar sets a text, a boolean or a whole number, and reports whether x is
// one that fits.
func scalar(v reflect.Value, x any) bool {
	switch x := x.(type) {
	case bool:
		if v.Kind() != reflect.Bool {
			return false
		}
		v.SetBool(x)
		return true
	case string:
		switch v.Kind() {
		case reflect.String:
			v.SetString(x)
			return true
		case reflect.Int, reflect.Int64:
			n, err := strconv.ParseInt(x, 0, 64)
			v.SetInt(n)
			return err == nil
		}
	}
	return false
}

func kind(x any) string {
	switch x.(type) {
	case map[string]any:
		return "table"
	case []any:
		return "list"
	case bool:
		return "boolean"
	}
	return "string or number"
}
