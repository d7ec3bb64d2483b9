package stanza

import (
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", MaxLine+70000)
	var got []string
	for l, err := range Lines(strings.NewReader("a\r\n\n" + long + "\nlast")) {
		if err != nil {
			t.Fatal(err)
		}
		if l.Cut {
			l.Text = l.Text[:3] + "…"
		}
		got = append(got, l.Text)
	}
	if d := cmp.Diff([]string{"a", "", "xxx…", "last"}, got); d != "" {
		t.Error(d)
	}
}

func TestRecords(t *testing.T) {
	in := "Package: a\nDescription: x\n more: words\nversion: 1\n\n\ngarbage\nPackage: b\nVersion: 1\nVersion: 2\r\n\nVersion: 3"
	var got []string
	bad := 0
	for r, err := range Records(strings.NewReader(in), "Package", "Version") {
		if err != nil {
			if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), "line 7") {
				t.Error(err)
			}
			bad++
			continue
		}
		got = append(got, r.Get("package")+" "+r.Get("Version")+r.Get("Description"))
	}
	if d := cmp.Diff([]string{"a 1", "b 2", " 3"}, got); d != "" || bad != 1 {
		t.Errorf("%d bad lines; %s", bad, d)
	}
}

func TestNames(t *testing.T) {
	got := Names("libc6 (>= 2.4), a | b, python3:any,  z, ")
	if d := cmp.Diff([]string{"libc6", "a", "python3", "z"}, got); d != "" {
		t.Error(d)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add("Package: a\nx\n y\n\nVersion: 1")
	f.Fuzz(func(t *testing.T, s string) {
		for r, err := range Records(strings.NewReader(s), "Package") {
			if err == nil && r == nil {
				t.Fatal("neither a record nor an error")
			}
		}
	})
}
