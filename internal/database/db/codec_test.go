package db

import (
	"context"
	"crypto/sha1"
	"errors"
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
		got, err := decodeAdvisory(newMessage(encodeAdvisory(&want, want.Affected)), "s:1", "n")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	got, err := decodeAdvisory(newMessage(encodeAdvisory(&whole, whole.Affected[:1])), "s:1", "n")
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
	f.Add(encodeAdvisory(&a, a.Affected))
	f.Add(encodeDetail(&d))
	f.Add(appendItem(nil, encodeDetail(&d)))
	f.Fuzz(func(t *testing.T, b []byte) {
		items(newMessage(b), func(message) error { return nil })
		if a, err := decodeAdvisory(newMessage(b), "s", "n"); err == nil {
			again, err := decodeAdvisory(newMessage(encodeAdvisory(&a, a.Affected)), "s", "n")
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

func TestArtifactRoundTrip(t *testing.T) {
	want := assay.Artifact{SHA1: [20]byte{1, 2, 3}, Name: "g:a", Version: "1.0"}
	got, err := decodeArtifact(newMessage(encodeArtifact(&want, "x")))
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := decodeArtifact(newMessage([]byte{1<<3 | 2, 1, 'x'})); !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("digest of one byte: %v", err)
	}
}

// jars is a feed of artifacts.
type jars int

func (jars) Name() string            { return "jars" }
func (jars) Streams() []assay.Stream { return []assay.Stream{assay.StreamArtifacts} }

func (n jars) Fetch(_ context.Context, _ assay.Getter, _ []assay.Stream, s assay.Sink) error {
	for i := range int(n) {
		a := assay.Artifact{SHA1: sha1.Sum(fmt.Append(nil, i)), Name: fmt.Sprint("g:a", i%10), Version: fmt.Sprint(i)}
		if err := s.(assay.ArtifactSink).Artifact(a); err != nil {
			return err
		}
	}
	return s.(assay.ArtifactSink).Artifact(assay.Artifact{})
}

func TestArtifacts(t *testing.T) {
	dir := t.TempDir()
	const n = 3000
	if _, err := new(Builder).Update(t.Context(), dir, []assay.Feed{jars(n)}, nil, nil); err != nil {
		t.Fatal(err)
	}
	d := open(t, dir)
	for _, i := range []int{0, 1, n / 2, n - 1} {
		got, err := d.Artifact(t.Context(), sha1.Sum(fmt.Append(nil, i)))
		if err != nil || len(got) != 1 || got[0].Version != fmt.Sprint(i) {
			t.Errorf("%d: %v, %v", i, got, err)
		}
	}
	if _, err := d.Artifact(t.Context(), [20]byte{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if err := d.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	s := d.Shards()[0]
	if s.Records != n || s.Feeds[0].Skipped["name missing or too long"] != 1 {
		t.Errorf("%+v", s)
	}
}
