package bitnami

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "BIT-nginx-2024-0001.json"

const small = `{"id":"BIT-nginx-2024-0001","modified":"2024-01-02T00:00:00Z","aliases":["CVE-2024-0001"],"affected":[{"package":{"ecosystem":"Bitnami","name":"nginx"},"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"5.15.14"}]},{"type":"SEMVER","events":[{"introduced":"5.16.0"},{"last_affected":"5.16.0"}]}]}]}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.Zip(contract.Member{Name: member, Content: small})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "bitnami"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if diff := cmp.Diff(map[string]int{}, r.Reasons()); diff != "" || r.Kept() != 7147 {
		t.Errorf("%d kept\n%s", r.Kept(), diff)
	}
	i := slices.IndexFunc(r.Advisories, func(a assay.Advisory) bool { return a.ID == "BIT-activemq-2021-21341" })
	if i < 0 {
		t.Fatal("BIT-activemq-2021-21341 is not there")
	}
	a := r.Advisories[i]
	want := []assay.Affected{{Stream: "bitnami", Name: "activemq", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "5.15.14"}, {Introduced: "5.16.0", LastAffected: "5.16.0"}, {Introduced: "5.16.1", LastAffected: "5.16.1"}}}}
	if diff := cmp.Diff(want, a.Affected); diff != "" || !slices.Contains(a.Aliases, "CVE-2021-21341") {
		t.Errorf("%v\n%s", a.Aliases, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.Zip, member), small)
}
