package compression

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
)

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func zs(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

func unhex(t *testing.T, s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReader(t *testing.T) {
	long := strings.Repeat("layer ", 100_000)
	skippable := "\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
	for _, tt := range []struct {
		name, in string
		kind     Kind
		want     string
		err      error
	}{
		{name: "empty", kind: Plain},
		{name: "short", in: "ab", kind: Plain, want: "ab"},
		{name: "plain", in: long, kind: Plain, want: long},
		{name: "gzip", in: gz(long), kind: Gzip, want: long},
		{name: "gzip of nothing", in: gz(""), kind: Gzip},
		{name: "gzip members", in: gz("a") + gz(long) + gz("b"), kind: Gzip, want: "a" + long + "b"},
		{name: "zstd", in: zs(long), kind: Zstd, want: long},
		{name: "zstd frames", in: zs("a") + skippable + zs("b"), kind: Zstd, want: "ab"},
		{name: "zstd skippable first", in: skippable + zs("a"), kind: Zstd, want: "a"},
		{name: "gzip cut in the header", in: gz(long)[:5], kind: Gzip, err: assay.ErrMalformed},
		{name: "gzip cut", in: gz(long)[:500], kind: Gzip, want: long, err: assay.ErrMalformed},
		{name: "gzip checksum", in: strings.Replace(gz("abc"), gz("abc")[len(gz("abc"))-8:], "12345678", 1), kind: Gzip, want: "abc", err: assay.ErrMalformed},
		{name: "gzip and garbage", in: gz("abc") + "garbage is here", kind: Gzip, want: "abc", err: assay.ErrMalformed},
		{name: "zstd cut", in: zs(long)[:30], kind: Zstd, want: long, err: assay.ErrMalformed},
		{name: "zstd with a window of 1 TiB", in: "\x28\xb5\x2f\xfd\x00\xf0\x01\x00\x00", kind: Zstd, err: assay.ErrTooLarge},
		{name: "bzip2", in: "BZh91AY&SY\x00\x00", kind: "bzip2", err: assay.ErrUnsupported},
		{name: "a file called BZh9", in: "BZh9" + strings.Repeat("\x00", 508), kind: Plain, want: "BZh9" + strings.Repeat("\x00", 508)},
		{name: "xz", in: "\xfd7zXZ\x00\x00\x04", kind: "xz", err: assay.ErrUnsupported},
	} {
		for range 2 { // the second time with used decoders
			t.Run(tt.name, func(t *testing.T) {
				r, kind, err := Reader(strings.NewReader(tt.in))
				var got []byte
				if err == nil {
					got, err = io.ReadAll(r)
					if err := r.Close(); err != nil {
						t.Error(err)
					}
					if _, err := r.Read(make([]byte, 1)); err == nil {
						t.Error("read after close: no error")
					}
				}
				if kind != tt.kind || !errors.Is(err, tt.err) {
					t.Errorf("%s, %v, want %s, %v", kind, err, tt.kind, tt.err)
				}
				if err == nil && string(got) != tt.want || !strings.HasPrefix(tt.want, string(got)) {
					t.Errorf("%d bytes, want %d", len(got), len(tt.want))
				}
			})
		}
	}
}

func TestSourceError(t *testing.T) {
	boom := errors.New("connection reset")
	for _, in := range []string{"plain", gz("abc")[:8], gz("abc")[:15], zs("abc")[:6], ""} {
		r, _, err := Reader(io.MultiReader(strings.NewReader(in), failing{boom}))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, boom) || errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%q: %v, want the source's own error", in, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReader(f *testing.F) {
	for _, s := range []string{"", "plain", gz("abc"), gz("a") + gz("b"), zs("abc"), gz("abc")[:9], zs("abc")[:7]} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, kind, err := Reader(bytes.NewReader(b))
		if err != nil {
			return
		}
		defer r.Close()
		n, err := io.Copy(io.Discard, io.LimitReader(r, 64<<20))
		if kind == Plain && (err != nil || n != int64(len(b))) {
			t.Errorf("plain: %d of %d bytes, %v", n, len(b), err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	var text strings.Builder
	for i := range 1 << 17 {
		fmt.Fprintf(&text, "%d usr/share/doc/package-%d\n", i, i*i)
	}
	for name, in := range map[string]string{"gzip": gz(text.String()), "zstd": zs(text.String())} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				r, _, err := Reader(strings.NewReader(in))
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, r)
				r.Close()
			}
		})
	}
}

// The documents are "abc\n" compressed by bzip2 1.0.8 and xz 5.4.
func TestDocument(t *testing.T) {
	bz := unhex(t, "425a6839314159265359ad6755d6000000c100001038002000219a68334d133c5dc914e14242b59d5758")
	x := unhex(t, "fd377a585a000004e6d6b4460200210116000000742fe5a30100036162630a0087692d8f3933e9db00011c046f2c9cc11fb6f37d010000000004595a")
	for _, tt := range []struct {
		name, in string
		kind     Kind
		want     string
		err      error
	}{
		{name: "bzip2", in: bz, kind: Bzip2, want: "abc\n"},
		{name: "xz", in: x, kind: XZ, want: "abc\n"},
		{name: "bzip2 cut", in: bz[:20], kind: Bzip2, err: assay.ErrMalformed},
		{name: "gzip", in: gz("abc"), kind: Gzip, want: "abc"},
		{name: "xz cut", in: x[:40], kind: XZ, err: assay.ErrMalformed},
		{name: "xz with a dictionary of 4 GiB", in: strings.Replace(x, "\x21\x01\x16", "\x21\x01\x28", 1), kind: XZ, err: assay.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, kind, err := Document(strings.NewReader(tt.in))
			var got []byte
			if err == nil {
				defer r.Close()
				got, err = io.ReadAll(r)
			}
			if kind != tt.kind || !errors.Is(err, tt.err) || string(got) != tt.want && err == nil {
				t.Errorf("%q, %s, %v: want %q, %s, %v", got, kind, err, tt.want, tt.kind, tt.err)
			}
		})
	}
}
