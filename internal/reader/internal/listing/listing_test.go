package listing

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

func TestList(t *testing.T) {
	l := New(assay.TypeGem)
	a := l.AddDev("a", "1", true)
	b := l.AddDev("b", "2", true)
	if l.AddDev("a", "1", false) != a || l.Find("b", "2") != b || l.Find("b", "1") != -1 {
		t.Error("one package for each name and version")
	}
	for _, bad := range [][2]string{{"", "1"}, {"x\ny", "1"}, {"x", "1\n"}, {"x", strings.Repeat("1", 300)}, {" x", "1"}, {"bare", ""}, {"bare", ""}} {
		if i := l.Add(bad[0], bad[1]); i != -1 {
			t.Errorf("%q is package %d", bad, i)
		}
	}
	l.Need(a, b, b, a, -1)
	l.Licences(a, "MIT", "MIT", "the text\nof a licence", "")
	l.Mark([]int{a, -1}, nil)
	facts, err := l.Facts()
	want := []assay.Package{
		{Type: "gem", Name: "a", Version: "1", DependsOn: []string{"b@2"}, Relation: "direct", Licences: []string{"MIT"}},
		{Type: "gem", Name: "b", Version: "2", Relation: "indirect", Dev: true},
	}
	if d := cmp.Diff(want, facts.Packages); d != "" {
		t.Error(d)
	}
	if err == nil || !strings.Contains(err.Error(), "1 package has no version: bare") {
		t.Error(err)
	}
}

func TestOwnRules(t *testing.T) {
	l := New(assay.TypeNPM)
	l.Name = func(s string) bool { return s != "no" }
	l.Version = func(s string) bool { return s != "bad" }
	if l.Add(" a ", "\n") != 0 || l.Add("no", "1") != -1 || l.Add("b", "bad") != -1 {
		t.Error(l.Packages)
	}
}

func TestManyLicences(t *testing.T) {
	l := New(assay.TypeGem)
	i := l.Add("a", "1")
	for n := range 2 * maxLicences {
		l.Licences(i, fmt.Sprint(n))
	}
	if n := len(l.Packages[i].Licences); n != maxLicences {
		t.Error(n)
	}
}

func TestManyWithoutVersion(t *testing.T) {
	l := New(assay.TypeGem)
	for i := range 12 {
		l.NoVersion(fmt.Sprint("n", i))
	}
	if _, err := l.Facts(); err == nil || !strings.HasPrefix(err.Error(), "12 packages have no version: n0, n1") || !strings.Contains(err.Error(), "n9 and 2 more") {
		t.Error(err)
	}
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"nothing", " \n", nil},
		{"a byte order mark", "\ufeff{}", nil},
		{"invalid JSON", "bogus", assay.ErrMalformed},
		{"too large", `{"a":"` + strings.Repeat("x", 100) + `"}`, assay.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &assay.File{Path: "x", Size: int64(len(tt.in)), ReaderAt: strings.NewReader(tt.in)}
			var v map[string]any
			if err := Decode(f, 64, json.Unmarshal, &v); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			f.Other = func(string, int64) ([]byte, error) { return []byte(tt.in), nil }
			if found, err := Sibling(f, "y", 64, json.Unmarshal, &v); !found || tt.want == assay.ErrMalformed && (err == nil || !strings.HasPrefix(err.Error(), "y: offset 1")) {
				t.Error(found, err)
			}
		})
	}
	for _, want := range []error{assay.ErrMalformed, assay.ErrTooLarge} {
		once := func([]byte, any) error { return fmt.Errorf("here: %w", want) }
		if err := DecodeBytes([]byte("x"), once, nil); err.Error() != "here: "+want.Error() {
			t.Error(err)
		}
	}
	if err := JSON(nil, new(any)); err == nil || !strings.HasPrefix(err.Error(), "offset 0") {
		t.Error(err)
	}
	if found, err := Sibling(&assay.File{Path: "x"}, "y", 1, json.Unmarshal, nil); found || err != nil {
		t.Error(found, err)
	}
}
