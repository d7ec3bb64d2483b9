package minimos

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"packages": [{"pkg": {"name": "curl", "secfixes": {"0": ["CVE-2020-0001"], "8.1-r0": ["CVE-2023-0002", "GHSA-aaaa-bbbb-cccc"]}}}]}`

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte(small)}, Wanted: "minimos"})
}

func TestCorpus(t *testing.T) {
	for directory, want := range map[string][2]int{"feeds": {59, 6}, "feeds/_alt/MaineK00n+vuls-data-update": {19, 18}} {
		r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, directory)))
		not := 0
		for _, a := range r.Advisories {
			if a.Affected[0].Status == assay.StatusNotAffected {
				not++
			}
		}
		if got := [2]int{r.Kept(), not}; got != want || len(r.Skipped) != 0 {
			t.Errorf("%s: %v kept and not affected, want %v; %v skipped", directory, got, want, r.Reasons())
		}
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
