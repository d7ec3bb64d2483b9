package phpsec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "security-advisories-master/symfony/http-kernel/CVE-2015-2308.yaml"

const small = `title: Esi Code Injection
link: https://x
cve: CVE-2015-2308
branches:
    2.5.x:
        time: 2015-04-01 18:55:26
        versions: ['>=2.5.0', '<2.5.11']
    2.6.x:
        time: 2015-04-02
        versions: ['>2.6.0', '<=2.6.6']
reference: composer://symfony/HTTP-kernel
`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small},
		contract.Member{Name: "security-advisories-master/a/b/2024-01-01.yaml", Content: "reference: composer://a/b\ncve: ~\nbranches:\n  1:\n    versions: ['<1']"},
		contract.Member{Name: "security-advisories-master/a/b/1.yaml", Content: "reference: composer://a/b"},
		contract.Member{Name: "security-advisories-master/a/b/2.yaml", Content: "reference: pear://a/b"},
		contract.Member{Name: "security-advisories-master/a/b/3.yaml", Content: "- x"},
		contract.Member{Name: "security-advisories-master/.php-cs.yaml", Content: "x"})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "packagist"})
	want := []assay.Advisory{{
		ID: "CVE-2015-2308", VendorIDs: []string{"symfony/http-kernel/CVE-2015-2308"}, Feed: "phpsec", Title: "Esi Code Injection", URL: "https://x", Published: time.Date(2015, 4, 1, 18, 55, 26, 0, time.UTC),
		Affected: []assay.Affected{{Stream: "packagist", Name: "symfony/http-kernel", Status: assay.StatusAffected, Ranges: []assay.Range{
			{Introduced: "2.5.0", Fixed: "2.5.11"}, {Introduced: "2.6.0.1-dev", LastAffected: "2.6.6"}}}},
	}, {
		ID: "a/b/2024-01-01", Feed: "phpsec",
		Affected: []assay.Affected{{Stream: "packagist", Name: "a/b", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "1"}}}},
	}}
	r := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed record": {"a/b/3"}, "no package of a known ecosystem": {"a/b/2"}, "no version is affected": {"a/b/1"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

// TestNames holds that records go by the names that others give them.
func TestNames(t *testing.T) {
	for _, tt := range []struct{ cve, stem, link, want string }{
		{"CVE-2024-2653", "CVE-2024-2653", "https://github.com/a/b/security/advisories/GHSA-w8gf-g2vq-j2f4", "CVE-2024-2653 GHSA-w8gf-g2vq-j2f4"},
		{"~", "GHSA-2wwr-9x6f-88gp", "https://x", "GHSA-2wwr-9x6f-88gp"},
		{"", "ghsa-2WWR-9x6f-88gp", "", "GHSA-2wwr-9x6f-88gp"},
		{"", "2026-04-28", "https://github.com/advisories/GHSA-4rm2-28vj-fj39", "GHSA-4rm2-28vj-fj39"},
		{"", "CVE-2019-12139", "https://x", "CVE-2019-12139"},
		{" cve-2019-12139 ", "CVE-2019-12140", "", "CVE-2019-12139"},
		{"", "2018-03-06", "https://x/GHSA-none", ""},
	} {
		r := record{CVE: tt.cve, Link: tt.link}
		if got := strings.Join(r.names(tt.stem), " "); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := map[string]int{}
	for _, a := range r.Advisories {
		n["kept"]++
		n["ranges"] += len(a.Affected[0].Ranges)
		if len(a.VendorIDs) > 0 {
			n["named"]++
		}
		if a.Title == "" || a.URL == "" || a.Published.IsZero() {
			n["incomplete"]++
		}
	}
	if diff := cmp.Diff(map[string]int{"kept": 1583, "named": 1174, "ranges": 3491, "incomplete": 40}, n); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}
