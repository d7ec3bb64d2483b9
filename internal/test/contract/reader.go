package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// glob is what a reader may ask for: components of names with "*" in them,
// perhaps after "**/".
var glob = regexp.MustCompile(`^(\*\*/)?[^/]+(/[^/]+)*$`)

// Reader holds what every reader owes: patterns that the engine can compile,
// a constant answer to Wants, the same facts each time, and no panic, endless loop
// or unbounded result from any beginning of a genuine file. samples are contents by
// path; the reader wants each of them, and at least one has facts, or is
// reported as unsupported.
func Reader(t *testing.T, r assay.Reader, samples map[string]string) {
	t.Helper()
	if r.Name() == "" || strings.ContainsAny(r.Name(), " /") {
		t.Errorf("name %q", r.Name())
	}
	wants := r.Wants()
	if len(wants) == 0 {
		t.Error("no patterns")
	}
	if d := cmp.Diff(wants, r.Wants()); d != "" {
		t.Errorf("wants other patterns the second time:\n%s", d)
	}
	for _, p := range wants {
		if !glob.MatchString(p.Glob) || strings.Contains(strings.TrimPrefix(p.Glob, "**/"), "**") || p.MaxSize < 0 {
			t.Errorf("pattern %+v", p)
		}
	}
	hasFacts := false
	for path, content := range samples {
		if !wanted(r, path) {
			t.Errorf("%s: no pattern matches the sample's path", path)
		}
		for i := range 32 {
			Read(t, r, path, content[:len(content)*i/32])
		}
		facts, err := Read(t, r, path, content)
		again, err2 := Read(t, r, path, content)
		if d := cmp.Diff(facts, again); d != "" || (err == nil) != (err2 == nil) {
			t.Errorf("%s: errors %v, then %v; another reading differs:\n%s", path, err, err2, d)
		}
		hasFacts = hasFacts || facts.Release != nil || len(facts.Packages)+len(facts.Owns)+len(facts.Sections) > 0 || errors.Is(err, assay.ErrUnsupported)
	}
	if !hasFacts {
		t.Error("no sample has facts")
	}
}

// Read has a reader read a content, and holds that its packages have names and
// versions.
func Read(t testing.TB, r assay.Reader, path, content string) (assay.Facts, error) {
	t.Helper()
	return read(t, r, &assay.File{Path: path, Mode: 0o755, Size: int64(len(content)), ReaderAt: strings.NewReader(content)})
}

func read(t testing.TB, r assay.Reader, f *assay.File) (assay.Facts, error) {
	t.Helper()
	facts, err := r.Read(context.Background(), f)
	for _, p := range facts.Packages {
		if p.Type == "" || p.Name == "" || p.Version == "" && p.Digest == "" && p.Relation != assay.RelationRoot && p.Relation != assay.RelationWorkspace {
			t.Errorf("%s: package without type, name or version: %+v", f.Path, p)
		}
	}
	return facts, err
}

// ReadDir has a reader read those files of a directory that it wants, with the
// directory as the target, so that they may ask for other files.
func ReadDir(t testing.TB, r assay.Reader, dir string) (map[string]assay.Facts, map[string]error) {
	t.Helper()
	facts, errs := map[string]assay.Facts{}, map[string]error{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !wanted(r, path) {
			return err
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		f := &assay.File{Path: path, Mode: 0o755, Size: int64(len(b)), ReaderAt: bytes.NewReader(b)}
		f.Other = func(path string, most int64) ([]byte, error) {
			b, err := fs.ReadFile(root, path)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: %w", path, assay.ErrNotFound)
			case int64(len(b)) > most:
				return nil, fmt.Errorf("%s: %w", path, assay.ErrTooLarge)
			}
			return b, nil
		}
		f.List = func(dir string) (names []string, err error) {
			entries, err := fs.ReadDir(root, dir)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", dir, assay.ErrNotFound)
			}
			for _, e := range entries {
				name := e.Name()
				if e.IsDir() {
					name += "/"
				}
				names = append(names, name)
			}
			return names, nil
		}
		facts[path], errs[path] = read(t, r, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts, errs
}

// ReadFiles is ReadDir of a directory with these files.
func ReadFiles(t testing.TB, r assay.Reader, files map[string]string) (map[string]assay.Facts, map[string]error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return ReadDir(t, r, dir)
}

// Failed holds that an error is one of the sentinels and says want, or is none
// where want is "".
func Failed(t testing.TB, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want %q", err, want)
	case err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrUnsupported):
		t.Errorf("error %v wraps no sentinel", err)
	}
}

// wanted reports whether one of a reader's patterns matches a path.
func wanted(r assay.Reader, file string) bool {
	for _, p := range r.Wants() {
		glob, anywhere := strings.CutPrefix(p.Glob, "**/")
		tail := file
		for n := strings.Count(file, "/") - strings.Count(glob, "/"); anywhere && n > 0; n-- {
			_, tail, _ = strings.Cut(tail, "/")
		}
		if ok, _ := path.Match(glob, tail); ok {
			return true
		}
	}
	return false
}
