package retirejs

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{
	"retire-example": {"vulnerabilities": [{"atOrAbove": "0.0.1", "below": "0.0.2", "identifiers": {"CVE": ["CVE-2000-0001"]}}]},
	"jQuery": {"npmname": "jquery", "vulnerabilities": [
		{"below": "1.6.3", "severity": "medium", "cwe": ["CWE-79"], "identifiers": {"summary": "XSS", "CVE": ["CVE-2011-4969"], "githubID": "GHSA-x"}, "info": ["https://x", "y"]},
		{"atOrAbove": "2.0.0", "below": "2.0.3", "severity": "medium", "identifiers": {"githubID": "GHSA-x"}},
		{"atOrAbove": "1.12.3", "below": "3.0.0-beta1", "excludes": ["1.12.4-aem"], "severity": "low", "identifiers": {"retid": "7"}},
		{"below": "9", "identifiers": {"issue": "1"}}]},
	"moment.js": {"basePurl": "pkg:npm/moment", "vulnerabilities": [{"below": "2.11.2", "identifiers": {"CVE": ["CVE-2016-4055"]}}]},
	"odd": []
}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: []byte(small)}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "npm"})
	affected := func(name string, r ...assay.Range) []assay.Affected {
		return []assay.Affected{{Stream: "npm", Name: name, Status: assay.StatusAffected, Ranges: r}}
	}
	const page = "https://retirejs.github.io/retire.js/"
	want := []assay.Advisory{
		{ID: "GHSA-x", Aliases: []string{"CVE-2011-4969"}, Feed: "retirejs", Title: "XSS", Severity: assay.SeverityMedium, CWEs: []string{"CWE-79"}, URL: page, References: []string{"https://x"},
			Affected: affected("jquery", assay.Range{Fixed: "1.6.3"}, assay.Range{Introduced: "2.0.0", Fixed: "2.0.3"})},
		{ID: "retire-jQuery-7", Feed: "retirejs", Severity: assay.SeverityLow, URL: page,
			Affected: affected("jquery", assay.Range{Introduced: "1.12.3", Fixed: "1.12.4-aem"}, assay.Range{Introduced: "1.12.4-aem.0", Fixed: "3.0.0-beta1"})},
		{ID: "CVE-2016-4055", Feed: "retirejs", URL: page, Affected: affected("moment", assay.Range{Fixed: "2.11.2"})},
	}
	r := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"library without an npm name": 1, "no identifier": 1, "malformed record": 1}, r.Reasons()); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if diff := cmp.Diff(map[string]int{"library without an npm name": 343, "no identifier": 6}, r.Reasons()); diff != "" || r.Kept() != 238 {
		t.Errorf("%d kept\n%s", r.Kept(), diff)
	}
	i := slices.IndexFunc(r.Advisories, func(a assay.Advisory) bool { return a.ID == "GHSA-579v-mp3v-rrw5" })
	if i < 0 || r.Advisories[i].Affected[0].Name != "jquery" || r.Advisories[i].Affected[0].Ranges[0] != (assay.Range{Fixed: "1.6.3"}) {
		t.Error("GHSA-579v-mp3v-rrw5 is not as it should be")
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
