package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/wire"
	"github.com/google/go-cmp/cmp"
)

// kindName matches names that are keys in JSON and values of a flag without quotes.
var kindName = regexp.MustCompile(`^[a-z][a-z-]*$`)

// SectionKind holds what every kind of section owes: names, one that fits a JSON
// key and a flag, and items of which no field is lost in the cache or in a report.
func SectionKind(t *testing.T, k *assay.SectionKind) {
	t.Helper()
	if k.Name == "" || k.Title == "" || k.About == "" || !kindName.MatchString(k.Name) {
		t.Errorf("kind %q, title %q, about %q", k.Name, k.Title, k.About)
	}
	if len(k.Readers)+len(k.Streamers) == 0 {
		t.Errorf("kind %s: nothing finds its items", k.Name)
	}
	if err := wire.Check(k.ItemType()); err != nil {
		t.Fatalf("kind %s: %v", k.Name, err)
	}
	want, n := k.New(), 0
	Fill(t, reflect.ValueOf(want).Elem(), &n)
	got := k.New()
	rest, err := wire.DecodeValue(wire.AppendValue(nil, reflect.ValueOf(want).Elem()), reflect.ValueOf(got).Elem())
	if d := cmp.Diff(want, got); err != nil || len(rest) > 0 || d != "" {
		t.Errorf("kind %s, cached: %s %v", k.Name, d, err)
	}
	if row := k.Row(want); len(row) != len(k.Columns) {
		t.Errorf("kind %s: %d columns and a row of %d", k.Name, len(k.Columns), len(row))
	}
	k.Severity(want)
	k.Gates(want)
	k.Complete(got, true)

	report := assay.Sections{k.Name: assay.NewSection(k, func(yield func(assay.Item) bool) { yield(assay.Item{Path: "a/b", Layer: 3, Value: want}) })}
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var read assay.Sections
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	if err := read.Decode([]*assay.SectionKind{k}); err != nil {
		t.Fatal(err)
	}
	for i := range read[k.Name].Items() {
		if d := cmp.Diff(assay.Item{Path: "a/b", Layer: 3, Value: want}, i); d != "" {
			t.Errorf("kind %s, reported: %s", k.Name, d)
		}
		n = 0
	}
	if n != 0 {
		t.Errorf("kind %s: no item in the report", k.Name)
	}
}

// Fill gives every field of a value something that is not zero, different from
// field to field; n counts them. Fields that are not to be cached stay zero.
func Fill(t testing.TB, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 0).UTC()))
		return
	case v.CanInt():
		v.SetInt(int64(*n) & 0x7f)
		return
	case v.CanUint():
		v.SetUint(uint64(*n) & 0x7f)
		return
	case v.CanFloat():
		v.SetFloat(float64(*n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		Fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			Fill(t, v.Index(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			Fill(t, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		Fill(t, key, n)
		Fill(t, value, n)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("wire") != "-" {
				Fill(t, v.Field(i), n)
			}
		}
	default:
		t.Fatalf("%v cannot be filled, and is nothing to cache", v.Type())
	}
}
