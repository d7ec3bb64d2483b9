package r

import (
	"archive/zip"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/contract"
	"github.com/assaysec/assay/internal/corpus"
	"github.com/assaysec/assay/internal/osv"
)

const member = "d/vulns/readxl/RSEC-2023-1.yaml"

const small = `id: RSEC-2023-1
modified: 2025-05-16T00:12:44Z
published: "2023-07-13T02:37:06.6Z"
details: |
  Words.
aliases: [CVE-2017-1000]
affected:
- package: {name: readxl, ecosystem: CRAN}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: "0"
    - fixed: 1.10
  versions: [0.1, 1.20]
`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small}, contract.Member{Name: "d/vulns/x/odd.yaml", Content: "a: &a [*a]"})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "cran"})
	r := contract.Fetch(t, Feed{}, docs)
	want := []assay.Affected{{Stream: "cran", Name: r.Advisories[0].Affected[0].Name, Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "1.10"}}, Versions: []string{"1.20"}}}
	if diff := cmp.Diff(want, r.Advisories[0].Affected); diff != "" || len(r.Skipped["malformed record"]) != 1 || r.Advisories[0].Published.IsZero() || r.Advisories[0].Modified.IsZero() {
		t.Errorf("%+v, skipped %v\n%s", r.Advisories[0], r.Skipped, diff)
	}
}

// TestCorpus reads OSV's copy of the records, whose JSON is YAML, too.
func TestCorpus(t *testing.T) {
	const copied = "osv-vulnerabilities.storage.googleapis.com/CRAN/all.zip"
	z, err := zip.OpenReader(corpus.Path(t, "feeds/"+copied))
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
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: contract.TarGz(members...)})
	var want contract.Records
	p := osv.Publisher{Feed: "r", Wanted: osv.Wants(nil, []assay.Stream{"cran"})}
	if err := p.Fetch(t.Context(), contract.Mirror(corpus.Path(t, "feeds")), "https://"+copied, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *r); diff != "" || r.Kept() != 14 {
		t.Errorf("%d kept\n%s", r.Kept(), diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}
