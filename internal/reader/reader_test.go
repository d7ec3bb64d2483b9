package reader_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/internal/source/dir"
	"github.com/assaysec/assay/internal/test/corpus"
)

// TestNames: each reader has a name of its own, by which users call it.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range reader.All() {
		if n := r.Name(); seen[n] || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(n) {
			t.Errorf("reader %q is there twice, or is no name", n)
		}
		seen[r.Name()] = true
	}
}

// notWanted are paths of Syft's suite that it reads only when asked to, or that
// are beside what it reads; and libraries of Windows, which we look into to see
// that these are none.
var notWanted = regexp.MustCompile(`(?i)\.(dll|exe|bpl)$|/archives/example\.t|/(LICENSE|copyright)|\.preinst$|\.conffiles$|/files$|/md5sums$|partial-binary$|\.md5sums$`)

// TestGlobPaths: every path that Syft's test suite holds to be read is read by
// one of the readers: their contents are made up, so a gap will do.
func TestGlobPaths(t *testing.T) {
	suites, err := filepath.Glob(filepath.Join(corpus.Path(t, "conformance/syft"), "*", "glob-paths"))
	if err != nil || len(suites) < 8 {
		t.Fatalf("%d suites, %v", len(suites), err)
	}
	for _, suite := range suites {
		var files []string
		err := fs.WalkDir(os.DirFS(suite), ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !notWanted.MatchString("/"+path) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		read := readOf(t, suite)
		for _, f := range files {
			if !read[f] {
				t.Errorf("%s: %s is read by nobody", suite[strings.Index(suite, "syft/"):], f)
			}
		}
	}
}

// readOf lists the files of a directory that readers want.
func readOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	img, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	out := map[string]bool{}
	var readers []assay.Reader
	for _, r := range reader.All() {
		readers = append(readers, spy{r, out})
	}
	if _, err := inventory.Build(t.Context(), img, inventory.Options{Readers: readers, Scopes: assay.ScopeSystem | assay.ScopeInstalled | assay.ScopeDeclared}); err != nil {
		t.Fatal(err)
	}
	return out
}

// spy notes which files a reader reads.
type spy struct {
	assay.Reader
	files map[string]bool
}

func (s spy) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	s.files[f.Path] = true
	return s.Reader.Read(ctx, f)
}
