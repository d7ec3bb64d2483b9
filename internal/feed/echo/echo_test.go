package echo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"nginx": {"CVE-2021-3618": {"fixed_version": "1.21.0", "severity": "high"}, "CVE-2009-2940": {}, "CVE-2009-2941": {"fixed_version": "0"}, "CVE-2009-2942": []}, "odd": 1}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: []byte(small)}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "echo"})
	r := contract.Fetch(t, Feed{}, docs)
	row := func(id string, severity assay.Severity, status assay.Status, fixed string) assay.Advisory {
		return assay.Advisory{ID: id, Feed: "echo", Severity: severity, URL: "https://advisory.echohq.com/cve/" + id,
			Affected: []assay.Affected{{Stream: "echo", Name: "nginx", Status: status, Ranges: []assay.Range{{Fixed: fixed}}}}}
	}
	want := []assay.Advisory{
		row("CVE-2009-2940", assay.SeverityUnknown, assay.StatusAffected, ""), row("CVE-2009-2941", assay.SeverityUnknown, assay.StatusNotAffected, ""),
		row("CVE-2021-3618", assay.SeverityHigh, assay.StatusAffected, "1.21.0"),
	}
	if diff := cmp.Diff(want, r.Advisories); diff != "" || cmp.Diff(map[string]int{"malformed record": 2}, r.Reasons()) != "" {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	open := 0
	for _, a := range r.Advisories {
		if a.Affected[0].Ranges[0].Fixed == "" {
			open++
		}
	}
	if r.Kept() != 25 || open != 4 || len(r.Skipped) > 0 {
		t.Errorf("%d kept, %d without a fix, skipped %v", r.Kept(), open, r.Skipped)
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
