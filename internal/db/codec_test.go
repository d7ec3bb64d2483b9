package db

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// fill sets every field of v, and of what it holds, to a value of its own, so
// that a field which the codec does not know shows.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text", *n))
	case reflect.Uint8:
		v.SetUint(uint64(1 + *n%5))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 3)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(1900+*n%300, 2, 3, 4, 5, 6, *n, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("fill: " + v.Kind().String())
	}
}

func filled[T any]() T {
	var v T
	n := 0
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

func TestAdvisoryRoundTrip(t *testing.T) {
	whole := filled[assay.Advisory]()
	for i := range whole.Affected {
		whole.Affected[i].Stream, whole.Affected[i].Name = "s:1", "n"
	}
	for name, want := range map[string]assay.Advisory{
		"whole": whole, "nothing": {}, "an empty range": {Affected: []assay.Affected{{Stream: "s:1", Name: "n", Ranges: []assay.Range{{}}}}},
	} {
		got, err := decodeAdvisory(newMessage(encodeAdvisory(&want, "s:1", "n")), "s:1", "n")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	whole.Affected[1].Name = "another"
	got, err := decodeAdvisory(newMessage(encodeAdvisory(&whole, "s:1", "n")), "s:1", "n")
	if err != nil || len(got.Affected) != 1 {
		t.Errorf("%d affected, %v: want the one of the package", len(got.Affected), err)
	}
}

func TestDetailRoundTrip(t *testing.T) {
	for name, want := range map[string]assay.Detail{"whole": filled[assay.Detail](), "nothing": {}, "zeros": {KEV: &assay.KEV{}, EPSS: &assay.EPSS{}}} {
		got, err := decodeDetail(newMessage(encodeDetail(&want)))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestFieldsOfTheFuture(t *testing.T) {
	var w writer
	w.string(1, "CVE-2024-1")
	w.uint(7, 99) // a severity worse than we know
	w.string(500, "new")
	w.float(501, 1)
	a, err := decodeAdvisory(newMessage(w.b), "s", "n")
	if diff := cmp.Diff(assay.Advisory{ID: "CVE-2024-1"}, a); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func FuzzRecord(f *testing.F) {
	a, d := filled[assay.Advisory](), filled[assay.Detail]()
	f.Add(encodeAdvisory(&a, a.Affected[0].Stream, a.Affected[0].Name))
	f.Add(encodeDetail(&d))
	f.Add(appendItem(nil, encodeDetail(&d)))
	f.Fuzz(func(t *testing.T, b []byte) {
		items(newMessage(b), func(message) error { return nil })
		if a, err := decodeAdvisory(newMessage(b), "s", "n"); err == nil {
			again, err := decodeAdvisory(newMessage(encodeAdvisory(&a, "s", "n")), "s", "n")
			if diff := cmp.Diff(a, again); diff != "" && !nan(a.CVSS) || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		}
		if d, err := decodeDetail(newMessage(b)); err == nil {
			again, err := decodeDetail(newMessage(encodeDetail(&d)))
			if diff := cmp.Diff(d, again); diff != "" && !nan(d.CVSS) && (d.EPSS == nil || d.EPSS.Score == d.EPSS.Score && d.EPSS.Percentile == d.EPSS.Percentile) || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		}
	})
}

func nan(scores []assay.CVSS) bool {
	for _, c := range scores {
		if c.Score != c.Score {
			return true
		}
	}
	return false
}
