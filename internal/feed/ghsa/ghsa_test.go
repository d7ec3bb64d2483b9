package ghsa

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// archive packs records; those behind the first are not reviewed.
func archive(records ...string) []byte {
	members := []contract.Member{{Name: "advisory-database-main/package.json", Content: "{}"}}
	for i, r := range records {
		folder := []string{"github-reviewed", "unreviewed", "unreviewed"}[i]
		members = append(members, contract.Member{Name: "advisory-database-main/advisories/" + folder + "/2024/01/GHSA-1/GHSA-1.json", Content: r})
	}
	return contract.TarGz(members...)
}

const small = `{"id":"GHSA-1","summary":"S","affected":[
	{"package":{"ecosystem":"npm","name":"@x/y"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.0.0"}]}],"database_specific":{"last_known_affected_version_range":"<= 1.2.0"}},
	{"package":{"ecosystem":"NuGet","name":"New.Soft"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}],
	"database_specific":{"severity":"CRITICAL","cwe_ids":["CWE-79"],"github_reviewed":true}}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: archive(small, `{"id":"GHSA-2","affected":[]}`,
		`{"id":"GHSA-3","affected":[{"package":{"ecosystem":"npm","name":"z"},"versions":["1.0.0"]}]}`)}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "npm"})
	r := contract.Fetch(t, Feed{}, docs)
	if len(r.Advisories) != 2 || r.Advisories[1].ID != "GHSA-3" || len(r.Skipped["unreviewed and without a package"]) != 1 {
		t.Fatalf("%+v, skipped %v", r.Advisories, r.Skipped)
	}
	want := []assay.Affected{
		{Stream: "npm", Name: "@x/y", Status: assay.StatusAffected, Ranges: []assay.Range{{Introduced: "1.0.0", LastAffected: "1.2.0"}}},
		{Stream: "nuget", Name: "new.soft", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "2"}}},
	}
	if diff := cmp.Diff(want, r.Advisories[0].Affected); diff != "" || r.Advisories[0].Severity != assay.SeverityCritical {
		t.Errorf("%s\n%s", r.Advisories[0].Severity, diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if r.Kept() != 12 || cmp.Diff(map[string]int{"unreviewed and without a package": 1}, r.Reasons()) != "" {
		t.Errorf("%d kept, skipped %v", r.Kept(), r.Skipped)
	}
	i := slices.IndexFunc(r.Advisories, func(a assay.Advisory) bool { return a.ID == "GHSA-92r3-m2mg-pj97" })
	if i < 0 {
		t.Fatal("GHSA-92r3-m2mg-pj97 is not there")
	}
	a := r.Advisories[i]
	a.Affected[0].Versions = nil // 4.5.0, which a range holds, too
	want := []assay.Affected{{Stream: "npm", Name: "vite", Status: assay.StatusAffected, Ranges: []assay.Range{
		{Introduced: "4.4.0", Fixed: "4.4.12"}, {Introduced: "4.5.0", Fixed: "4.5.1"}, {Introduced: "5.0.0", Fixed: "5.0.5"}}}}
	if diff := cmp.Diff(want, a.Affected); diff != "" || a.Severity != assay.SeverityMedium || a.CVSS[0].Score != 6.1 || a.Aliases[0] != "CVE-2023-49293" || a.CWEs[0] != "CWE-79" {
		t.Errorf("%+v\n%s", a, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, func(b []byte) []byte { return archive(string(b)) }, small)
}
