package tarstream

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

// list gives "kind name[ -> link][=content]" of every entry.
func list(r io.Reader) ([]string, error) {
	var got []string
	tr := NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		s := fmt.Sprintf("%c %s", " fdlhog"[h.Kind], h.Name)
		if h.Link != "" {
			s += " -> " + h.Link
		}
		if h.Kind == File && !h.Sparse {
			b, err := io.ReadAll(tr)
			if err != nil {
				return got, err
			}
			s += "=" + string(b)
		}
		got = append(got, s)
	}
}

func build(t testing.TB, format tar.Format, hs ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range hs {
		body := h.Uname // carries the content
		h.Uname, h.Format, h.Size = "", format, int64(len(body))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormats(t *testing.T) {
	long := strings.Repeat("d", 90) + "/" + strings.Repeat("n", 60)
	for _, tt := range []struct {
		name   string
		format tar.Format
		long   string
	}{
		{"ustar", tar.FormatUSTAR, long},
		{"pax", tar.FormatPAX, strings.Repeat(long+"/", 30) + "é"},
		{"gnu", tar.FormatGNU, strings.Repeat(long+"/", 30) + "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build(t, tt.format,
				tar.Header{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o755},
				tar.Header{Name: "a/f", Typeflag: tar.TypeReg, Uname: strings.Repeat("x", 1000)},
				tar.Header{Name: tt.long, Typeflag: tar.TypeReg, Uname: "y"},
				tar.Header{Name: "s", Typeflag: tar.TypeSymlink, Linkname: "../t"},
				tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "a/f"},
				tar.Header{Name: "p", Typeflag: tar.TypeFifo},
				tar.Header{Name: "empty", Typeflag: tar.TypeReg})
			want := []string{"d a/", "f a/f=" + strings.Repeat("x", 1000), "f " + tt.long + "=y", "l s -> ../t", "h h -> a/f", "o p", "f empty="}
			for name, r := range map[string]io.Reader{"stream": iotestReader{bytes.NewReader(b)}, "seeker": bytes.NewReader(b)} {
				got, err := list(r)
				if err != nil {
					t.Fatal(name, err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

// TestAsUnpacked: where headers contradict each other, a name is the one under
// which the file is unpacked by programs in Go, which all that run images are.
func TestAsUnpacked(t *testing.T) {
	pax := func(path string) []byte { // an extended header alone
		return build(t, tar.FormatPAX, tar.Header{Name: path + "é", Typeflag: tar.TypeReg})[:1024]
	}
	gnu := build(t, tar.FormatGNU, tar.Header{Name: strings.Repeat("g", 101), Typeflag: tar.TypeReg})[:1024]
	plain := build(t, tar.FormatUSTAR, tar.Header{Name: "plain", Typeflag: tar.TypeReg})
	slash := build(t, tar.FormatUSTAR, tar.Header{Name: "slash/", Typeflag: tar.TypeDir})[:512]
	other := build(t, tar.FormatPAX, tar.Header{Name: "x", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"A.b": "c"}})[:1024]
	slash[156] = '0'
	global := build(t, tar.FormatPAX, tar.Header{Name: "pax_global_header", Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}})[:1024]
	sparse := func(records ...string) []byte { // an extended header alone, which archive/tar does not write
		h := build(t, tar.FormatPAX, tar.Header{Name: "é", Typeflag: tar.TypeReg})[:1024]
		clear(h[512:])
		data := ""
		for i := 0; i < len(records); i += 2 {
			record := " " + records[i] + "=" + records[i+1] + "\n"
			data += fmt.Sprint(len(record)+2) + record
		}
		copy(h[512:], data)
		copy(h[124:136], fmt.Sprintf("%011o\x00", len(data)))
		fixSum(h[:512])
		return h
	}
	header := func(magic string, fields ...any) []byte { // plain, with other bytes in its header
		h := bytes.Clone(plain)
		copy(h[257:265], magic)
		for i := 0; i < len(fields); i += 2 {
			copy(h[fields[i].(int):], fields[i+1].(string))
		}
		fixSum(h[:512])
		return h
	}
	for _, tt := range []struct {
		name string
		tar  []byte
		want string
	}{
		{"GNU's name and pax", slices.Concat(gnu, pax("p"), plain), "f " + strings.Repeat("g", 101) + "="},
		{"two of pax", slices.Concat(pax("p"), pax("q"), plain), "f qé="},
		{"two of pax, the last without a name", slices.Concat(pax("p"), other, plain), "f plain="},
		{"a file with a slash", fixSum(slash), "f slash/="},
		{"a global header after one of pax", slices.Concat(pax("p"), global, plain), "g pax_global_header, f plain="},
		{"a global header after GNU's name", slices.Concat(gnu, global, plain), "g pax_global_header, f plain="},
		{"a sparse file's name alone", slices.Concat(sparse("GNU.sparse.name", "s"), plain), "f plain="},
		{"a sparse file of an unknown version", slices.Concat(sparse("GNU.sparse.name", "s", "GNU.sparse.major", "2", "GNU.sparse.minor", "0"), plain), "f plain="},
		{"a prefix in GNU's format", slices.Concat(header("ustar  \x00", 345, "a/b")), "f a/b/plain="},
		{"a time in GNU's format", slices.Concat(header("ustar  \x00", 345, "00000000017\x00")), "f plain="},
		{"a prefix in star's format", slices.Concat(header("ustar\x0000", 345, strings.Repeat("p", 131)+"00000000017\x00", 508, "tar\x00")), "f " + strings.Repeat("p", 131) + "/plain="},
		{"a size with bytes after NUL", slices.Concat(header("ustar\x0000", 124, "0000\x00zzzzzz\x00")), "f plain="},
	} {
		got, err := list(bytes.NewReader(tt.tar))
		if s := strings.Join(got, ", "); err != nil || s != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, s, err, tt.want)
		}
		if s, err := listGo(tt.tar); err != nil || strings.Join(s, ", ") != tt.want {
			t.Errorf("%s: archive/tar says %q, %v", tt.name, s, err)
		}
	}
}

// listGo is list by archive/tar.
func listGo(b []byte) ([]string, error) {
	var got []string
	tr := tar.NewReader(bytes.NewReader(b))
	kinds := map[byte]byte{tar.TypeDir: 'd', tar.TypeSymlink: 'l', tar.TypeLink: 'h', tar.TypeChar: 'o', tar.TypeBlock: 'o', tar.TypeFifo: 'o', tar.TypeXGlobalHeader: 'g'}
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		kind, ok := kinds[h.Typeflag]
		if !ok {
			kind = 'f'
		}
		s := fmt.Sprintf("%c %s", kind, h.Name)
		if h.Linkname != "" && kind != 'g' {
			s += " -> " + h.Linkname
		}
		if kind == 'f' && !isSparse(h) {
			b, err := io.ReadAll(tr)
			if err != nil {
				return got, err
			}
			s += "=" + string(b)
		}
		got = append(got, s)
	}
}

// isSparse reports whether archive/tar read a sparse file.
func isSparse(h *tar.Header) bool {
	version := h.PAXRecords["GNU.sparse.major"] + "." + h.PAXRecords["GNU.sparse.minor"]
	return h.Typeflag == tar.TypeGNUSparse || version == "0.0" || version == "0.1" || version == "1.0" || version == "." && h.PAXRecords["GNU.sparse.map"] != ""
}

// fixSum writes the checksum of a header anew.
func fixSum(h []byte) []byte {
	sum := int64(0)
	copy(h[148:156], "        ")
	for _, c := range h {
		sum += int64(c)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// iotestReader hides that the reader can seek.
type iotestReader struct{ io.Reader }

func TestDamage(t *testing.T) {
	good := build(t, tar.FormatPAX, tar.Header{Name: "a", Typeflag: tar.TypeReg, Uname: strings.Repeat("x", 600)})
	body := good[:512+1024]
	huge := bytes.Clone(good[:512])
	copy(huge[124:136], "\x80\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00")
	negative := bytes.Clone(good[:512])
	copy(negative[124:136], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	for _, h := range [][]byte{huge, negative} {
		sum := int64(0)
		copy(h[148:156], "        ")
		for _, c := range h {
			sum += int64(c)
		}
		copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	}
	first := []string{"f a=" + strings.Repeat("x", 600)}
	for _, tt := range []struct {
		name string
		in   []byte
		want []string
		err  error
	}{
		{"empty", nil, nil, nil},
		{"no end marker", body, first, nil},
		{"padding missing", body[:512+600], first, nil},
		{"garbage after the end", append(bytes.Clone(good), "garbage"...), first, nil},
		{"cut inside a file", body[:700], nil, assay.ErrMalformed},
		{"cut inside a header", append(bytes.Clone(body), good[:100]...), first, assay.ErrMalformed},
		{"not a header", append(bytes.Clone(body), bytes.Repeat([]byte("A"), 512)...), first, assay.ErrMalformed},
		{"not a tar", bytes.Repeat([]byte("A"), 2048), nil, assay.ErrMalformed},
		{"huge size", append(bytes.Clone(body), huge...), first, assay.ErrMalformed},
		{"negative size", append(bytes.Clone(body), negative...), first, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{"stream": iotestReader{bytes.NewReader(tt.in)}, "seeker": bytes.NewReader(tt.in)} {
				got, err := list(r)
				if !errors.Is(err, tt.err) {
					t.Errorf("%s: error %v, want %v", name, err, tt.err)
				}
				if d := cmp.Diff(tt.want, got); d != "" && name == "stream" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

func TestOddLayers(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"bad_name.tar", "f ./____________________________________________________________________________________________________bad\xfdname=mojibake\n"},
		{"known/oddlayer.tar", "d ./"},
		{"concat.tar", "d ./ d ./run/ d ./run/logs/ f ./run/logs/log.txt= d ./var/ l ./var/run -> ../run d ./ d ./var/ d ./var/run/ d ./var/run/console/ f ./var/run/console/algo.txt="},
	} {
		t.Run(tt.file, func(t *testing.T) {
			f := open(t, "conformance/claircore/tarfs/"+tt.file)
			got, err := list(f)
			if s := strings.Join(got, " "); err != nil || s != tt.want {
				t.Errorf("got %q, %v; want %q", s, err, tt.want)
			}
		})
	}
}

func open(t testing.TB, name string) io.Reader {
	b, err := os.ReadFile(corpus.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

// FuzzReader holds that no input panics or loops, and that what archive/tar
// accepts is listed alike.
func FuzzReader(f *testing.F) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		f.Add(build(f, format, tar.Header{Name: strings.Repeat("d/", 40) + "f", Typeflag: tar.TypeReg, Uname: "abc"},
			tar.Header{Name: "s", Typeflag: tar.TypeSymlink, Linkname: "t"}))
		f.Add(append(build(f, format, tar.Header{Name: strings.Repeat("d/", 60) + "f", Typeflag: tar.TypeReg, Uname: "abc"}), 'x'))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b)%2 == 1 { // with right checksums
			b = bytes.Clone(b)
			for i := 0; i+blockSize <= len(b); i += blockSize {
				if h := b[i : i+blockSize]; h[0] != 0 && h[156] != ' ' {
					fixSum(h)
				}
			}
		}
		got, err := list(iotestReader{bytes.NewReader(b)})
		again, err2 := list(iotestReader{bytes.NewReader(b)})
		if d := cmp.Diff(got, again); d != "" || (err == nil) != (err2 == nil) {
			t.Fatalf("not the same twice: %s", d)
		}
		if len(got) > len(b)/blockSize {
			t.Fatalf("%d entries from %d bytes", len(got), len(b))
		}
		if want, err := listGo(b); err == nil {
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("not as archive/tar reads it: %s", d)
			}
		}
	})
}

func BenchmarkEntries(b *testing.B) {
	var hs []tar.Header
	for i := range 1000 {
		hs = append(hs, tar.Header{Name: fmt.Sprintf("usr/share/doc/package-%d/copyright", i), Typeflag: tar.TypeReg, Uname: strings.Repeat("x", 3000)})
	}
	in := build(b, tar.FormatPAX, hs...)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		tr := NewReader(iotestReader{bytes.NewReader(in)})
		for {
			if _, err := tr.Next(); err != nil {
				break
			}
		}
	}
}
