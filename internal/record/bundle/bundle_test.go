package bundle

import (
	"bytes"
	"errors"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func zipped(names ...string) []byte { return contract.Zip(members(names)...) }
func tarred(names ...string) []byte { return contract.TarGz(members(names)...) }

func members(names []string) (out []contract.Member) {
	for _, n := range names {
		out = append(out, contract.Member{Name: n, Content: "of " + n})
	}
	return out
}

func TestWalk(t *testing.T) {
	damaged := zipped("d/a.json", "d/b.json")
	damaged[bytes.Index(damaged, []byte("PK\x07\x08"))-1] ^= 1
	whole := tarred("d/a.json", "README", "d/b.json")
	for _, tt := range []struct {
		name, url string
		body      []byte
		want      []string
		skipped   map[string]int
		err       error
	}{
		{"zip", "https://x/all.zip", zipped("d/a.json", "README", "d/b.json"), []string{"d/a.json: of d/a.json", "d/b.json: of d/b.json"}, nil, nil},
		{"tar", "https://x/all.tar.gz", whole, []string{"d/a.json: of d/a.json", "d/b.json: of d/b.json"}, nil, nil},
		{"a damaged member", "https://x/all.zip", damaged, []string{"d/b.json: of d/b.json"}, map[string]int{"unreadable archive member": 1}, nil},
		{"nothing wanted", "https://x/all.zip", zipped("README"), nil, nil, assay.ErrMalformed},
		{"nothing wanted, tar", "https://x/all.tar.gz", tarred("README"), nil, nil, assay.ErrMalformed},
		{"checksum cut off", "https://x/all.tar.gz", whole[:len(whole)-1], []string{"d/a.json: of d/a.json", "d/b.json: of d/b.json"}, nil, assay.ErrMalformed},
		{"no archive", "https://x/all.tar.gz", []byte("<html>"), nil, nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r contract.Records
			var got []string
			err := Walk(t.Context(), contract.Documents{tt.url: tt.body}, tt.url, func(n string) bool { return path.Ext(n) == ".json" }, &r,
				func(name string, b []byte) error { got = append(got, name+": "+string(b)); return nil })
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if len(tt.skipped) != len(r.Skipped) || len(tt.skipped) > 0 && cmp.Diff(tt.skipped, r.Reasons()) != "" {
				t.Errorf("skipped %v", r.Skipped)
			}
		})
	}
	if got := Stem("a/b/GO-2024-1.json"); got != "GO-2024-1" {
		t.Error(got)
	}
}
