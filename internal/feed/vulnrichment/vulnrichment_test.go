package vulnrichment

import (
	"archive/zip"
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func bundle(members ...string) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		f, _ := w.Create("vulnrichment-develop/" + members[i])
		f.Write([]byte(members[i+1]))
	}
	w.Close()
	return buf.Bytes()
}

const (
	whole = `{"dataType": "CVE_RECORD", "cveMetadata": {"cveId": "CVE-2012-4792", "state": "PUBLISHED", "datePublished": "2012-12-30T18:00:00.000Z", "dateUpdated": "2024-08-06T20:50:16.917Z"},
	"containers": {
		"cna": {
			"title": "Use after free\n in a  browser", "descriptions": [{"lang": "de", "value": "Worte."}, {"lang": "en-US", "value": "Words."}],
			"metrics": [{"format": "CVSS", "scenarios": [{"lang": "en"}], "cvssV3_0": {"version": "3.0", "vectorString": "CVSS:3.0/AV:N", "baseScore": 7.5}}, {"other": "odd"}],
			"problemTypes": [{"descriptions": [{"lang": "en", "description": "CWE-416 Use After Free"}, {"description": "n/a"}]}],
			"references": [{"url": "https://b/"}]},
		"adp": [
			{"providerMetadata": {"shortName": "CVE"}, "references": [{"url": "https://a/"}, {"url": "https://b/"}]},
			{"providerMetadata": {"shortName": "CISA-ADP"}, "metrics": [
				{"cvssV3_1": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N", "baseScore": 8.8}}, {"other": {"type": "ssvc", "content": {"id": "x"}}}],
			 "problemTypes": [{"descriptions": [{"cweId": "CWE-787"}]}]}]}}`
	rejected = `{"cveMetadata": {"cveId": "CVE-2024-0002", "state": "REJECTED"}, "containers": {"cna": {"rejectedReasons": [{"lang": "en", "value": "Not one."}]}}}`
)

var small = bundle("README.md", "x", "assets/CVE.json", "{}", "2012/4xxx/CVE-2012-4792.json", whole, "2024/0xxx/CVE-2024-0002.json", rejected,
	"2024/0xxx/CVE-2024-0003.json", "{", "2024/0xxx/CVE-2024-0004.json", rejected)

func TestWhole(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: small})
	want := []assay.Detail{{
		ID: "CVE-2012-4792", Feed: "vulnrichment", Title: "Use after free in a browser", Text: "Words.",
		CWEs: []string{"CWE-416", "CWE-787"}, References: []string{"https://a/", "https://b/"},
		Published: time.Date(2012, 12, 30, 18, 0, 0, 0, time.UTC), Modified: time.Date(2024, 8, 6, 20, 50, 16, 917e6, time.UTC),
		CVSS: []assay.CVSS{
			{Source: "cna", Version: "3.0", Vector: "CVSS:3.0/AV:N", Score: 7.5},
			{Source: "cisa-adp", Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 8.8},
		},
	}, {ID: "CVE-2024-0002", Feed: "vulnrichment", Text: "Not one.", Rejected: true}}
	if diff := cmp.Diff(want, r.Details); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed record": {"CVE-2024-0003", "CVE-2024-0004"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: small}, Wanted: "details:2012"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	got := map[string]int{}
	for _, d := range r.Details {
		if d.Rejected {
			got["rejected"]++
		}
		for _, c := range d.CVSS {
			got[c.Source+" "+c.Version]++
		}
		if d.Text == "" || d.Modified.IsZero() {
			t.Errorf("incomplete: %+v", d)
		}
	}
	want := map[string]int{"rejected": 3, "cisa-adp 3.1": 589, "cna 2.0": 13, "cna 3.0": 166, "cna 3.1": 1763, "cna 4.0": 55}
	if diff := cmp.Diff(want, got); diff != "" || len(r.Details) != 4069 || len(r.Skipped) != 0 {
		t.Errorf("%d kept, skipped %v\n%s", len(r.Details), r.Reasons(), diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, func(b []byte) []byte { return bundle("2012/4xxx/CVE-2012-4792.json", string(b)) }, whole)
}
