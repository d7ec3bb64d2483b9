package nodecore

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{
	"1": {"cve": ["CVE-2022-0002", "CVE-2022-0001"], "vulnerable": "14.x || 16.x || 18.x", "patched": "^14.20.1 || ^16.17.1 || ^18.9.1", "ref": "https://x", "overview": "Words.", "affectedEnvironments": ["win32"], "severity": "medium", "cvss": "3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N"},
	"2": {"cve": [], "vulnerable": "6.x", "patched": " ", "affectedEnvironments": ["all"], "severity": "unknown"},
	"3": {"cve": [], "vulnerable": "", "patched": "^1"},
	"4": {"cve": "CVE-2022-0003"}
}`

// brief writes an advisory as "ID {systems} [from,fixed …".
func brief(a assay.Advisory) string {
	p := a.Affected[0]
	s := fmt.Sprintf("%s %v", a.ID, p.Qualifiers.OS)
	for _, r := range p.Ranges {
		s += fmt.Sprintf(" [%s,%s%s", r.Introduced, r.Fixed, r.LastAffected)
		if r.Before != "" {
			s += r.Before + "!"
		}
	}
	return s
}

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: []byte(small)}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "node"})
	r := contract.Fetch(t, Feed{}, docs)
	var got []string
	for _, a := range r.Advisories {
		got = append(got, brief(a))
	}
	want := []string{
		"CVE-2022-0001 [windows] [14.0.0-0,14.20.1 [16.0.0-0,16.17.1 [18.0.0-0,18.9.1",
		"CVE-2022-0002 [windows] [14.0.0-0,14.20.1 [16.0.0-0,16.17.1 [18.0.0-0,18.9.1",
		"nodejs-core-2 [] [6.0.0-0,7.0.0-0!",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed requirement on versions": {"nodejs-core-3"}, "malformed record": {"nodejs-core-4"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	if a := r.Advisories[0]; a.VendorIDs[0] != "nodejs-core-1" || a.CVSS[0].Score != 4.8 || a.Severity != assay.SeverityMedium {
		t.Errorf("%+v", a)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	var got []string
	for _, a := range r.Advisories {
		if len(a.VendorIDs) > 0 && (a.VendorIDs[0] == "nodejs-core-100" || a.VendorIDs[0] == "nodejs-core-3") {
			got = append(got, brief(a))
		}
	}
	want := []string{
		"CVE-2017-3731 [] [4.0.0-0,4.7.3 [5.0.0-0,6.9.5 [7.0.0-0,7.5.0", // nothing fixed release line 5
		"CVE-2022-35256 [] [14.0.0-0,14.20.1 [16.0.0-0,16.17.1 [18.0.0-0,18.9.1",
	}
	if diff := cmp.Diff(want, got); diff != "" || r.Kept() != 186 || len(r.Skipped) > 0 {
		t.Errorf("%d kept, skipped %v\n%s", r.Kept(), r.Skipped, diff)
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
