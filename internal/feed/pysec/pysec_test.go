package pysec

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

const member = "d/vulns/x/PYSEC-2023-1.yaml"

const small = `id: PYSEC-2023-1
modified: 2025-05-16T00:12:44Z
published: "2023-07-13T02:37:06.6Z"
details: |
  Words.
aliases: [CVE-2017-1000]
affected:
- package: {name: x_y, ecosystem: PyPI}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: "0"
    - fixed: 1.10
  versions: [0.1, 1.20]
`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small}, contract.Member{Name: "d/vulns/x/odd.yaml", Content: "a: &a [*a]"})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "pypi"})
	r := contract.Fetch(t, Feed{}, docs)
	want := []assay.Affected{{Stream: "pypi", Name: r.Advisories[0].Affected[0].Name, Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "1.10"}}, Versions: []string{"1.20"}}}
	if diff := cmp.Diff(want, r.Advisories[0].Affected); diff != "" || len(r.Skipped["malformed record"]) != 1 || r.Advisories[0].Published.IsZero() || r.Advisories[0].Modified.IsZero() {
		t.Errorf("%+v, skipped %v\n%s", r.Advisories[0], r.Skipped, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}
