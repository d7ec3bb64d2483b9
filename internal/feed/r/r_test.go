package r

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
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
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}
