package tardoc

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

// archive holds a directory, a link and two files.
func archive(t testing.TB) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "d/", Typeflag: tar.TypeDir},
		{Name: "d/a.json", Typeflag: tar.TypeReg, Size: 1},
		{Name: "d/l.json", Typeflag: tar.TypeSymlink, Linkname: "a.json"},
		{Name: "d/b.txt", Typeflag: tar.TypeReg, Size: 1},
		{Name: "d/c.json", Typeflag: tar.TypeReg, Size: 1},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			fmt.Fprint(w, path.Base(h.Name)[:1])
		}
	}
	w.Close()
	return b.Bytes()
}

func isJSON(name string) bool { return path.Ext(name) == ".json" }

func cut(b []byte) []byte { return b[:len(b)-1] }

// flipped has a bit of gzip's checksum changed.
func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-8] ^= 1
	return b
}

func TestWalk(t *testing.T) {
	plain := archive(t)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(plain)
	w.Close()
	zw, _ := zstd.NewWriter(nil)
	long := bytes.Clone(plain)
	for _, tt := range []struct {
		name string
		in   []byte
		want []string
		err  error
	}{
		{name: "plain", in: plain, want: []string{"d/a.json a", "d/c.json c"}},
		{name: "gzip", in: gz.Bytes(), want: []string{"d/a.json a", "d/c.json c"}},
		{name: "zstd", in: zw.EncodeAll(plain, nil), want: []string{"d/a.json a", "d/c.json c"}},
		{name: "cut in a member", in: long[:3*512+7], want: []string{"d/a.json a"}, err: assay.ErrMalformed},
		{name: "gzip cut", in: gz.Bytes()[:gz.Len()/2], err: assay.ErrMalformed},
		{name: "gzip cut in its trailer", in: cut(gz.Bytes()), err: assay.ErrMalformed},
		{name: "zstd cut in its checksum", in: cut(zw.EncodeAll(plain, nil)), err: assay.ErrMalformed},
		{name: "wrong checksum", in: flipped(gz.Bytes()), err: assay.ErrMalformed},
		{name: "padded", in: append(bytes.Clone(plain), make([]byte, 10<<10)...), want: []string{"d/a.json a", "d/c.json c"}},
		{name: "much behind it", in: append(bytes.Clone(plain), make([]byte, maxTail+1)...), err: assay.ErrTooLarge},
		{name: "no archive", in: []byte(strings.Repeat("text ", 200)), err: assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := Walk(t.Context(), bytes.NewReader(tt.in), isJSON, func(name string, content []byte, err error) error {
				got = append(got, name+" "+string(content))
				return err
			})
			if !errors.Is(err, tt.err) || tt.err == nil && !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v: want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestWalkEnds(t *testing.T) {
	stop := errors.New("stop")
	err := Walk(t.Context(), bytes.NewReader(archive(t)), isJSON, func(string, []byte, error) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("%v: want the visitor's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Walk(ctx, bytes.NewReader(archive(t)), isJSON, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v: want cancelled", err)
	}
}

// TestBundles walks publishers' own bundles in all their compressions.
func TestBundles(t *testing.T) {
	for name, want := range map[string]int{
		"security.access.redhat.com/data/csaf/v2/vex/csaf_vex_2024-08-04.tar.zst": 3,
		"security-metadata.canonical.com/osv/osv-all.tar.xz":                      2,
		"ftp.suse.com/pub/projects/security/csaf-vex.tar.bz2":                     4,
		"github.com/rustsec/advisory-db/archive/refs/heads/main.tar.gz":           1000,
	} {
		f, err := os.Open(corpus.Path(t, path.Join("feeds", name)))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		err = Walk(t.Context(), f, func(string) bool { return true }, func(_ string, b []byte, err error) error {
			if n++; len(b) == 0 {
				n--
			}
			return err
		})
		if err != nil || n < want {
			t.Errorf("%s: %d members, %v: want %d at least", name, n, err, want)
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(archive(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		Walk(t.Context(), bytes.NewReader(b), isJSON, func(string, []byte, error) error { return nil })
	})
}
