package cpan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"meta": {}, "dists": {"Archive-Tar": {"main_module": "Archive::Tar", "advisories": [
	{"id": "CPANSA-1", "cves": ["CVE-2018-12015"], "description": "Words.\n", "severity": "medium", "reported": "2018-06-12", "references": ["https://x"],
	 "affected_versions": [">0,<2.28", "==3.01"], "fixed_versions": [">=2.28"]},
	{"id": "CPANSA-1", "affected_versions": ["==3.02,==3.03"]},
	{"id": "CPANSA-2", "severity": null, "reported": null, "affected_versions": [], "fixed_versions": [">=2"]},
	{"id": "CPANSA-3", "affected_versions": ["<two"]}]},
	"Odd": []}}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: []byte(small)}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "cpan"})
	const page = "https://github.com/briandfoy/cpan-security-advisory/blob/master/cpansa/CPANSA-Archive-Tar.yml"
	want := []assay.Advisory{{
		ID: "CPANSA-1", Aliases: []string{"CVE-2018-12015"}, Feed: "cpan", Text: "Words.", Severity: assay.SeverityMedium, URL: page, References: []string{"https://x"},
		Published: time.Date(2018, 6, 12, 0, 0, 0, 0, time.UTC),
		Affected:  []assay.Affected{{Stream: "cpan", Name: "Archive-Tar", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "2.28"}, {Introduced: "3.01", LastAffected: "3.01"}, {Introduced: "3.02", LastAffected: "3.02"}, {Introduced: "3.03", LastAffected: "3.03"}}}},
	}, {
		ID: "CPANSA-2", Feed: "cpan", URL: page,
		Affected: []assay.Affected{{Stream: "cpan", Name: "Archive-Tar", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "2"}}}},
	}}
	r := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed requirement on versions": {"Archive-Tar CPANSA-3"}, "malformed record": {"Odd"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	dists, rated := map[string]bool{}, 0
	for _, a := range r.Advisories {
		dists[a.Affected[0].Name] = true
		if a.Severity != assay.SeverityUnknown {
			rated++
		}
	}
	// Of 2,061 records 1,058 are further ones of an identifier; Net-Dropbear's says "<0".
	if r.Kept() != 1002 || len(dists) != 418 || rated != 395 || cmp.Diff(map[string][]string{"no version is affected": {"Net-Dropbear CPANSA-Net-Dropbear-2019-17362"}}, r.Skipped) != "" {
		t.Errorf("%d kept of %d distributions, %d rated, skipped %v", r.Kept(), len(dists), rated, r.Skipped)
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
