package kev

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"title": "x", "dateReleased": "2025-06-25T16:52:26.9744Z", "count": 3, "vulnerabilities": [
	{"cveID": "CVE-2019-6693", "vendorProject": "F", "product": "O", "vulnerabilityName": " Hard-coded key ", "dateAdded": "2025-06-25", "shortDescription": "Words. ",
	 "requiredAction": "Apply mitigations.", "dueDate": "2025-07-16", "knownRansomwareCampaignUse": "Known", "notes": "https:\/\/a\/1 ; https:\/\/b\/2; see there", "cwes": ["CWE-798"]},
	{"cveID": "CVE-2020-0001", "dateAdded": "2021-11-03", "knownRansomwareCampaignUse": "Unknown"},
	{"cveID": "CVE-2020-0002", "dateAdded": "soon"}, {"cveID": 7}]}`

func TestWhole(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: []byte(small)})
	want := []assay.Detail{{
		ID: "CVE-2019-6693", Feed: "kev", Title: "Hard-coded key", Text: "Words.", CWEs: []string{"CWE-798"}, References: []string{"https://a/1", "https://b/2"},
		KEV: &assay.KEV{Added: "2025-06-25", Due: "2025-07-16", Ransomware: true, Action: "Apply mitigations."},
	}, {ID: "CVE-2020-0001", Feed: "kev", KEV: &assay.KEV{Added: "2021-11-03"}}}
	if diff := cmp.Diff(want, r.Details); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"malformed record": 2}, r.Reasons()); diff != "" {
		t.Error(diff)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte(small)}, Wanted: "kev"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	ransomware := 0
	for _, d := range r.Details {
		if d.KEV.Ransomware {
			ransomware++
		}
		if d.KEV.Due == "" || d.KEV.Action == "" || d.Title == "" {
			t.Errorf("incomplete: %+v", d)
		}
	}
	if len(r.Details) != 1370 || len(r.Skipped) != 0 || ransomware != 287 {
		t.Errorf("%d kept, %d of ransomware, skipped %v", len(r.Details), ransomware, r.Skipped)
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
