package scan_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/memory"
	"github.com/assaysec/assay/scan"
)

// TestHostileDirectory: what cannot be read in a directory of source code is reported,
// soon, and the rest is found.
func TestHostileDirectory(t *testing.T) {
	deep := strings.Repeat(`{"dependencies":{"a":`, 20_000) + "{}" + strings.Repeat("}}", 20_000)
	circle := "# yarn lockfile v1\n\na@1:\n  version \"1.0.0\"\n  dependencies:\n    b \"1\"\n\nb@1:\n  version \"1.0.0\"\n  dependencies:\n    a \"1\"\n"
	dir := contract.WriteDir(t,
		contract.File{Name: "good/requirements.txt", Content: "requests==2.0.0\n"},
		contract.File{Name: "deep/package-lock.json", Content: deep},
		contract.File{Name: "circle/yarn.lock", Content: circle},
		contract.File{Name: "latin/poetry.lock", Content: "[[package]]\nname = \"caf\xe9\"\nversion = \"1\"\n"},
		contract.File{Name: "binary/Cargo.lock", Content: "\x00\x01\x02\xff"},
		contract.File{Name: "empty/Gemfile.lock"},
		contract.File{Name: "cut/composer.lock", Content: `{"packages": [{"name": "a/b", "vers`},
		contract.File{Name: "loop/self", Link: "self"}, contract.File{Name: "loop/up", Link: ".."},
		contract.File{Name: "out/go.mod", Link: "/etc/passwd"},
		contract.File{Name: "huge/package-lock.json"})
	if err := os.Truncate(filepath.Join(dir, "huge", "package-lock.json"), 3<<30); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	img, err := source.Directory(dir, assay.KindFilesystem)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	allocated := memory.Allocated()
	r, err := scan.Scan(ctx, scan.Request{Scopes: assay.ScopeSystem | assay.ScopeDeclared, ListOnly: true, Image: img})
	if err != nil {
		t.Fatal(err)
	}
	if used := allocated(); used > 256<<20 {
		t.Errorf("%d bytes allocated", used)
	}
	var got []string
	for _, p := range r.Packages {
		got = append(got, p.Path+" "+p.Ref())
	}
	want := "circle/yarn.lock a@1.0.0, circle/yarn.lock b@1.0.0, good/requirements.txt requests@2.0.0"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
	for _, where := range []string{"deep/package-lock.json", "latin/poetry.lock", "binary/Cargo.lock", "cut/composer.lock", "huge/package-lock.json"} {
		n := 0
		for _, g := range r.Gaps {
			if g.Where == where {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s: no gap; %v", where, r.Gaps)
		}
	}
}
