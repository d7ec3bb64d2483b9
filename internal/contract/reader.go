package contract

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// glob is what a reader may ask for: components of names with "*" in them,
// perhaps after "**/".
var glob = regexp.MustCompile(`^(\*\*/)?[^/]+(/[^/]+)*$`)

// Reader holds what every reader owes: patterns that the engine can compile,
// a constant answer to Wants, and no panic, endless loop or unbounded result
// from any beginning of a genuine file. samples are contents by path.
func Reader(t *testing.T, r assay.Reader, samples map[string]string) {
	t.Helper()
	if r.Name() == "" || strings.ContainsAny(r.Name(), " /") {
		t.Errorf("name %q", r.Name())
	}
	wants := r.Wants()
	if len(wants) == 0 || len(wants) != len(r.Wants()) {
		t.Errorf("wants %d patterns, then %d", len(wants), len(r.Wants()))
	}
	for _, p := range wants {
		if !glob.MatchString(p.Glob) || strings.Contains(strings.TrimPrefix(p.Glob, "**/"), "**") || p.MaxSize < 0 {
			t.Errorf("pattern %+v", p)
		}
	}
	for path, content := range samples {
		for i := range 32 {
			Read(t, r, path, content[:len(content)*i/32])
		}
		facts, err := Read(t, r, path, content)
		again, err2 := Read(t, r, path, content)
		if len(facts.Packages) != len(again.Packages) || (err == nil) != (err2 == nil) {
			t.Errorf("%s: not the same twice", path)
		}
	}
}

// Read has a reader read a content, and holds that its packages have names and
// versions.
func Read(t testing.TB, r assay.Reader, path, content string) (assay.Facts, error) {
	t.Helper()
	facts, err := r.Read(context.Background(), &assay.File{Path: path, Size: int64(len(content)), ReaderAt: strings.NewReader(content)})
	for _, p := range facts.Packages {
		if p.Type == "" || p.Name == "" || p.Version == "" {
			t.Errorf("%s: package without type, name or version: %+v", path, p)
		}
	}
	return facts, err
}
