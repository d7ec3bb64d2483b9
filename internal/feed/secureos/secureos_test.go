package secureos

import (
	"os"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"packages": [{"pkg": {"name": "redis-8.0", "secfixes": {"0": ["CVE-2022-0001"], "8.0.4": ["CVE-2025-0002"]}}}]}`

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte(small)}, Wanted: "secureos"})
}

// TestCorpus reads the sample, which lies elsewhere than the publisher has it.
func TestCorpus(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "feeds/secureos/secdb.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: b})
	not := 0
	for _, a := range r.Advisories {
		if a.Affected[0].Status == assay.StatusNotAffected {
			not++
		}
	}
	if r.Kept() != 27 || not != 17 || len(r.Skipped) != 0 {
		t.Errorf("%d kept, %d not affected, %v skipped", r.Kept(), not, r.Reasons())
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
