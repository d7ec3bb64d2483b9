package ziparchive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// archive makes one of names and contents; those whose names end in "+" are
// deflated.
func archive(t testing.TB, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		h := &zip.FileHeader{Name: members[i], Method: zip.Store}
		if strings.HasSuffix(h.Name, "+") {
			h.Method = zip.Deflate
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, members[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// read lists names and contents, or the errors in their place.
func read(b []byte, most int) ([]string, error) {
	z, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var got []string
	for m, err := range z.Members(most, func(name []byte) bool { return name[0] != 'x' }) {
		if err != nil {
			return got, err
		}
		var content []byte
		r, err := z.Open(&m)
		if err == nil {
			content, err = io.ReadAll(r)
		}
		if err != nil {
			content = []byte(err.Error())
		}
		got = append(got, m.Name+"="+string(content))
	}
	return got, nil
}

func TestRead(t *testing.T) {
	b := archive(t, "a", "first", "x", "not wanted", "b+", strings.Repeat("second", 100), "c+", "third")
	want := []string{"a=first", "b+=" + strings.Repeat("second", 100), "c+=third"}
	for name, b := range map[string][]byte{
		"plain":    b,
		"in front": append([]byte("#!/bin/sh\nexec java -jar $0\n"), b...),
	} {
		got, err := read(b, 100)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	if got, err := read(b, 2); len(got) != 1 || !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("too many: %v %v", got, err)
	}
	if got, err := read(archive(t), 1); len(got) != 0 || err != nil {
		t.Errorf("empty: %v %v", got, err)
	}
	for i := range b {
		if got, err := read(b[:i], 100); err == nil {
			t.Errorf("cut at %d: %q", i, got)
		}
	}
}

func TestDamage(t *testing.T) {
	b := archive(t, "a", "first", "b", "second")
	directory := bytes.Index(b, centralMark)
	second := bytes.LastIndex(b, centralMark)
	le := binary.LittleEndian
	for _, tt := range []struct {
		name   string
		change func(b []byte)
		want   string
	}{
		{"checksum", func(b []byte) { b[directory+16]++ }, "a=wrong checksum: malformed b=second"},
		{"encrypted", func(b []byte) { b[directory+8] |= 1 }, "a=encrypted: unsupported b=second"},
		{"method", func(b []byte) { b[directory+10] = 93 }, "a=compressed by method 93: unsupported b=second"},
		{"longer", func(b []byte) { b[directory+24] = 4 }, "a=longer than the directory says: malformed b=second"},
		{"shorter", func(b []byte) { b[directory+24] = 6 }, "a=cut off: malformed b=second"},
		{"no header", func(b []byte) { b[directory+42] = 1 }, "a=no header where the directory says: malformed b=second"},
		{"outside", func(b []byte) { le.PutUint32(b[directory+42:], 1<<30) }, "a=begins outside the archive: malformed b=second"},
		{"too long", func(b []byte) { le.PutUint32(b[directory+20:], 1<<30) }, "a=ends outside the archive: malformed b=second"},
		{"shared", func(b []byte) { le.PutUint32(b[second+42:], 0) }, "a=first b=shares bytes with another member: malformed"},
		{"directory", func(b []byte) { b[second] = 'X' }, "a=first, member 2 of the archive's directory: no entry: malformed"},
	} {
		b := bytes.Clone(b)
		tt.change(b)
		got, err := read(b, 100)
		text := strings.Join(got, " ")
		if err != nil {
			text += ", " + err.Error()
		}
		if text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
}

func TestLarge(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := range 1<<16 + 5 { // more than the usual end record can count
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint("x", i), Method: zip.Store}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.CreateHeader(&zip.FileHeader{Name: "last", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "content")
	w.Close()
	for _, b := range [][]byte{buf.Bytes(), append([]byte("in front"), buf.Bytes()...)} {
		if got, err := read(b, 1<<20); err != nil || len(got) != 1 || got[0] != "last=content" {
			t.Errorf("%v %v", got, err)
		}
	}
}

func TestOutside(t *testing.T) {
	for name, want := range map[string]bool{"a/b": false, "a/..b/c": false, "../a": true, "a/../b": true, `a\..\b`: true, "/a": true, "a\x00": true, "a/..": true} {
		if m := (Member{Name: name}); m.Outside() != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archive(f, "a", "first", "b+", "second"))
	f.Fuzz(func(t *testing.T, b []byte) { read(b, 1000) })
}
