package julia

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "JLSEC-2024-1.json"

const small = `{"id":"JLSEC-2024-1","modified":"2024-01-02T00:00:00Z","aliases":["CVE-2024-0001"],"affected":[{"package":{"ecosystem":"Julia","name":"X_jll"},"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"5.15.14"}]},{"type":"SEMVER","events":[{"introduced":"5.16.0"},{"last_affected":"5.16.0"}]}]}]}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.Zip(contract.Member{Name: member, Content: small})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "julia"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if diff := cmp.Diff(map[string]int{"withdrawn": 4}, r.Reasons()); diff != "" || r.Kept() != 979 {
		t.Errorf("%d kept\n%s", r.Kept(), diff)
	}
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			if p.Stream != "julia" || p.Name == "" {
				t.Errorf("%s: %+v", a.ID, p)
			}
		}
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.Zip, member), small)
}
