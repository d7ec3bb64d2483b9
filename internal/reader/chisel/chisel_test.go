package chisel

import (
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/klauspost/compress/zstd"
)

const head = `{"jsonwall":"1.0","schema":"1.0","count":4}
`

func wall(t testing.TB, text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func read(t *testing.T, content string) (assay.Facts, error) {
	r := strings.NewReader(content)
	return Manifest{}.Read(t.Context(), &assay.File{Path: "var/lib/chisel/manifest.wall", Size: r.Size(), ReaderAt: r})
}

func TestManifest(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		err              error
	}{
		{"packages", head + `{"kind":"content","slice":"a_b","path":"/x"}
{"kind":"package","name":"libc6","version":"2.39-0ubuntu8","sha256":"11","arch":"amd64"}
{"kind":"package","name":"openssl","version":"3.0.13-0ubuntu3","arch":"amd64"}
{"kind":"slice","name":"a_b"}`, "libc6 2.39-0ubuntu8 amd64, openssl 3.0.13-0ubuntu3 amd64", nil},
		{"a damaged line", head + "{\n" + `{"kind":"package","name":"a","version":"1"}`, "a 1 ", assay.ErrMalformed},
		{"a package without a version", head + `{"kind":"package","name":"a"}`, "", assay.ErrMalformed},
		{"nothing", head, "", assay.ErrMalformed},
		{"another format", `{"jsonwall":"2.0"}`, "", assay.ErrUnsupported},
		{"a long line", head + `{"kind":"package","name":"a","version":"1"}` + "\n" + strings.Repeat(" ", maxLine+1), "a 1 ", assay.ErrTooLarge},
	} {
		facts, err := read(t, wall(t, tt.text))
		var got []string
		for _, p := range facts.Packages {
			got = append(got, p.Name+" "+p.Version+" "+p.Arch)
		}
		if s := strings.Join(got, ", "); s != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v", tt.name, s, err)
		}
	}
	if _, err := read(t, wall(t, head)[:10]); err == nil {
		t.Error("cut short: no error")
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Manifest{}, map[string]string{"var/lib/chisel/manifest.wall": wall(t, head+`{"kind":"package","name":"openssl","version":"3.0.13-0ubuntu3","arch":"amd64"}`)})
}

func FuzzRead(f *testing.F) {
	f.Add(wall(f, head+`{"kind":"package","name":"a","version":"1"}`))
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Manifest{}, "var/lib/chisel/manifest.wall", content)
	})
}
