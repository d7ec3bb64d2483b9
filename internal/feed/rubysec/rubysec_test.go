package rubysec

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "ruby-advisory-db-master/gems/rack/CVE-2015-3225.yml"

const small = `---
gem: rack
cve: 2015-3225
ghsa: rgr4-9jh5-j4j6
osvdb: 112347
url: https://x
title: A title
date: 2015-06-16
cvss_v2: 5.0
cvss_v3: 7.5
description: |
  Words.
patched_versions:
  - ">= 1.6.2"
  - "~> 1.5.4"
  - "~> 1.4.6, >= 1.4.7"
unaffected_versions:
  - "< 1.4"
related:
  cve: [2015-1]
  url: ["https://y"]
`

const engine = "---\nengine: jruby\ntitle: T\npatched_versions:\n  - '>= 9.4'\n"

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small},
		contract.Member{Name: "ruby-advisory-db-master/rubies/jruby/CVE-2024-0001.yml", Content: engine},
		contract.Member{Name: "ruby-advisory-db-master/gems/x/GHSA-1.yml", Content: "gem: x\npatched_versions: ['>= one']"},
		contract.Member{Name: "ruby-advisory-db-master/gems/x/GHSA-2.yml", Content: "gem: [x]"},
		contract.Member{Name: "ruby-advisory-db-master/gems/x/GHSA-3.yml", Content: "gem: x\npatched_versions: ['>= 0']"})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "rubygems"})
	want := []assay.Advisory{{
		ID: "CVE-2015-3225", Aliases: []string{"GHSA-rgr4-9jh5-j4j6", "OSVDB-112347"}, Feed: "rubysec", Title: "A title", Text: "Words.", URL: "https://x",
		CVSS:       []assay.CVSS{{Source: "rubysec", Version: "2.0", Score: 5}, {Source: "rubysec", Version: "3.1", Score: 7.5}},
		References: []string{"https://x", "https://y"}, Published: time.Date(2015, 6, 16, 0, 0, 0, 0, time.UTC),
		Affected: []assay.Affected{{Stream: "rubygems", Name: "rack", Status: assay.StatusAffected, Ranges: []assay.Range{
			{Introduced: "1.4", Fixed: "1.4.7"}, {Introduced: "1.5.a", Fixed: "1.5.4"}, {Introduced: "1.6.a", Fixed: "1.6.2"}}}},
	}, {
		ID: "CVE-2024-0001", Feed: "rubysec", Title: "T",
		Affected: []assay.Affected{{Stream: "ruby", Name: "jruby", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "9.4"}}}},
	}}
	r := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed requirement on versions": {"GHSA-1"}, "malformed record": {"GHSA-2"}, "no version is affected": {"GHSA-3"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := map[string]int{}
	for _, a := range r.Advisories {
		p := a.Affected[0]
		n[string(p.Stream)]++
		if a.Title == "" || a.URL == "" || a.Published.IsZero() && a.ID != "CVE-2026-54163" {
			t.Errorf("incomplete: %+v", a)
		}
		if len(p.Ranges) == 1 && p.Ranges[0] == (assay.Range{}) {
			n["all versions"]++
		}
	}
	if diff := cmp.Diff(map[string]int{"rubygems": 1186, "ruby": 145, "all versions": 84}, n); diff != "" {
		t.Error(diff)
	}
	// ckeditor's says "< 5.1.2" and ">= 5.1.2", cron_parser's "< 1.0.12" and "> 0.1.4".
	if diff := cmp.Diff(map[string][]string{"no version is affected": {"CVE-2021-32808", "CVE-2019-15224"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}
