package bottlerocket

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `<?xml version="1.0"?><updates>
<update type="security"><id>BRSA-1</id><title>kernel CVE-2024-0001</title><issued date="2024-01-02T03:04:05Z"/><severity>moderate</severity><description>Words.</description>
	<references><reference id="CVE-2024-0001" type="cve"/><reference id="BRSA-1" type="brsa" href="https://example.org/BRSA-1"/></references>
	<pkglist><collection short="bottlerocket"><package name="kernel-6.1" version="6.1.1" release="1" epoch="0" arch="x86_64"/><package name="kernel-6.1" version="6.1.1" release="1" epoch="0" arch="aarch64"/></collection></pkglist></update>
<update type="security"><id>GHSA-1</id><severity>low</severity><pkglist><collection><package name="a" version="1" release="1" arch="x86_64"/></collection></pkglist></update>
<update type="bugfix"><id>B-1</id></update><update type="security"><id>GHSA-2</id></update><update type="security"><title>t</title></update></updates>`

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte(small)}, Wanted: "bottlerocket"})
}

func TestWhole(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: []byte(small)})
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	want := []assay.Advisory{{
		ID: "CVE-2024-0001", VendorIDs: []string{"BRSA-1"}, Feed: "bottlerocket", Title: "kernel CVE-2024-0001", Text: "Words.", Severity: assay.SeverityMedium, URL: "https://example.org/BRSA-1", Published: at,
		Affected: []assay.Affected{{Stream: "bottlerocket", Name: "kernel-6.1", Status: assay.StatusAffected, FixDate: at, Ranges: []assay.Range{{Fixed: "6.1.1-1"}}}},
	}, {
		ID: "GHSA-1", Feed: "bottlerocket", Severity: assay.SeverityLow, URL: "https://github.com/bottlerocket-os/bottlerocket/security/advisories",
		Affected: []assay.Affected{{Stream: "bottlerocket", Name: "a", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "1-1"}}}},
	}}
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"not a security advisory": {"B-1"}, "no package with a fixed version": {"GHSA-2"}, "advisory without identifier": {"t"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

// TestCorpus reads a sample, which lies elsewhere than the publisher has it.
func TestCorpus(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "feeds/advisories.bottlerocket.aws/happy/updateinfo.xml.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: b})
	if len(r.Advisories) != 1 || len(r.Skipped) != 0 {
		t.Fatalf("%d %v", len(r.Advisories), r.Skipped)
	}
	a := r.Advisories[0]
	if a.ID != "CVE-2020-10711" || a.VendorIDs[0] != "GHSA-mgxf-pj6m-9494" || a.Severity != assay.SeverityMedium || a.Affected[0].Ranges[0].Fixed != "0.3.3-b7d91846" || len(a.Affected) != 1 {
		t.Errorf("%+v", a)
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }
