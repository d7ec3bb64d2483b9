package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
)

// held lists what a report holds: findings with the words that decided, what
// was suppressed, and gaps.
func held(r *assay.Report) (out []string) {
	line := func(f *assay.Finding) string {
		p := &r.Packages[f.Package]
		return fmt.Sprintf("%s %s %s %s %s %s: %s, layer %d", f.ID, p.PURL, p.Path, f.FixedIn, f.Severity, f.Status, f.Because, p.Layer.Index)
	}
	for i := range r.Findings {
		out = append(out, line(&r.Findings[i]))
	}
	for i := range r.Suppressed {
		out = append(out, "not "+line(&r.Suppressed[i].Finding))
	}
	for _, g := range r.Gaps {
		out = append(out, "gap "+g.String())
	}
	return out
}

// TestSBOMOfImages: a scan of an SBOM gives the same packages and findings as a
// scan of its image.
func TestSBOMOfImages(t *testing.T) {
	db := database(t, t.TempDir())
	for _, name := range []string{"debian-old", "alpine", "rpm-sqlite", "httpd", "python", "node", "java", "go", "polyglot"} {
		t.Run(name, func(t *testing.T) {
			path := corpus.Image(t, name+".docker.tar")
			whole, err := scan.Scan(context.Background(), scan.Request{Database: db, Image: open(t, path)})
			if err != nil {
				t.Fatal(err)
			}
			listed, err := scan.Scan(context.Background(), scan.Request{ListOnly: true, Image: open(t, path)})
			if err != nil {
				t.Fatal(err)
			}
			forms := 0
			for _, f := range report.All() {
				if !f.SBOM {
					continue
				}
				forms++
				var b bytes.Buffer
				if err := f.Write(&b, listed, assay.FormatOptions{}); err != nil {
					t.Fatal(err)
				}
				img, err := source.SBOM("-", &b)
				if err != nil {
					t.Fatal(err)
				}
				again, err := scan.Scan(context.Background(), scan.Request{Database: db, Scopes: assay.ScopeSBOM, Image: img})
				if err != nil {
					t.Fatal(f.Name, err)
				}
				if d := cmp.Diff(held(whole), held(again)); d != "" {
					t.Errorf("%s (-image +bill):\n%.3000s", f.Name, d)
				}
			}
			t.Logf("%d findings, %d suppressed, %d gaps, the same from %d forms", len(whole.Findings), len(whole.Suppressed), len(whole.Gaps), forms)
		})
	}
}
