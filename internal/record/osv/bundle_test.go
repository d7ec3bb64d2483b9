package osv

import (
	"archive/zip"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// TestFetchYAML reads OSV's copies of records as YAML, which their JSON is, too.
func TestFetchYAML(t *testing.T) {
	for _, tt := range []struct {
		copied string
		stream assay.Stream
		kept   int
	}{
		{"osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip", "pypi", 2629},
		{"osv-vulnerabilities.storage.googleapis.com/CRAN/all.zip", "cran", 14},
	} {
		t.Run(string(tt.stream), func(t *testing.T) {
			z, err := zip.OpenReader(corpus.Path(t, "feeds/"+tt.copied))
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			var members []contract.Member
			for _, f := range z.File {
				b, err := fs.ReadFile(z, f.Name)
				if err != nil {
					t.Fatal(err)
				}
				members = append(members, contract.Member{Name: "d/vulns/x/" + strings.TrimSuffix(f.Name, ".json") + ".yaml", Content: string(b)})
			}
			p := Publisher{Feed: "one", Wanted: Wants(nil, []assay.Stream{tt.stream})}
			const document = "https://example.org/main.tar.gz"
			var got, want contract.Records
			if err := p.FetchYAML(t.Context(), contract.Documents{document: contract.TarGz(members...)}, document, &got); err != nil {
				t.Fatal(err)
			}
			if err := p.Fetch(t.Context(), contract.Mirror(corpus.Path(t, "feeds")), "https://"+tt.copied, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" || got.Kept() != tt.kept {
				t.Errorf("%d kept\n%s", got.Kept(), diff)
			}
		})
	}
}
