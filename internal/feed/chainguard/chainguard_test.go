package chainguard

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"packages": [{"pkg": {"name": "curl", "secfixes": {"0": ["CVE-2020-0001"], "8.1-r0": ["CVE-2023-0002", "GHSA-aaaa-bbbb-cccc"]}}}]}`

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte(small)}, Wanted: "chainguard"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if r.Kept() != 21 || len(r.Skipped) != 0 {
		t.Errorf("%d kept, %v skipped", r.Kept(), r.Reasons())
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
