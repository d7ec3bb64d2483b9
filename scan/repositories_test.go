package scan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

var update = flag.Bool("update", false, "write what was found into testdata; read the difference before it is committed")

// TestRepositories: small repositories, one for each way in which public projects state
// their dependencies, give the packages, places and gaps that stand before their files.
func TestRepositories(t *testing.T) {
	files, err := filepath.Glob("testdata/repositories/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d repositories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, want := testimage.Directory(t, string(text))
			img, err := scan.OpenRepository(t.Context(), dir, scan.RepositoryOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			r, err := scan.Scan(t.Context(), scan.Request{Image: img, ListOnly: true, Packages: scan.Packages{Dev: true}})
			if err != nil {
				t.Fatal(err)
			}
			got := contents(r)
			if *update {
				if err := os.WriteFile(file, []byte(got+strings.TrimPrefix(string(text), want)), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// contents lists the packages and gaps of a report, a line each.
func contents(r *assay.Report) string {
	var out []string
	for i := range r.Packages {
		p := &r.Packages[i]
		line := fmt.Sprintf("%s %s in %s", p.Type, p.Ref(), p.Place())
		if p.Relation != "" {
			line += ", " + string(p.Relation)
		}
		if p.Dev {
			line += ", development"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	for _, g := range r.Gaps {
		out = append(out, fmt.Sprintf("gap: %s: %s", g.Where, g.What))
	}
	return strings.Join(out, "\n") + "\n"
}
