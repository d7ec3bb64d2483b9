package match_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// listed is a database that lists its names.
type listed struct{ memory }

func (l listed) Names(_ context.Context, s assay.Stream) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		seen := map[string]bool{}
		for _, a := range l.memory {
			for _, f := range a.Affected {
				if f.Stream == s && !seen[f.Name] && !yield(f.Name, nil) {
					return
				}
				seen[f.Name] = true
			}
		}
	}
}

// TestGroups: an archive without a group is matched if the advisories know one group for
// it; if they know several it is a gap.
func TestGroups(t *testing.T) {
	db := memory{
		adv("CVE-1", row("maven", "org.one:mapper", assay.Range{Fixed: "2"})), adv("CVE-2", row("maven", "org.one:mapper", assay.Range{Fixed: "3"})),
		adv("CVE-3", row("maven", "org.one:net", assay.Range{Fixed: "2"})), adv("CVE-4", row("maven", "org.two:net", assay.Range{Fixed: "2"})),
		adv("CVE-5", row("maven", "org.one:mapper-more", assay.Range{Fixed: "9"})),
		adv("CVE-6", row("maven", "com.big.log:core", assay.Range{Fixed: "2"})), adv("CVE-7", row("maven", "com.big:core", assay.Range{Fixed: "2"})),
		adv("CVE-8", row("maven", "com.big.json.core:bind", assay.Range{Fixed: "2"})), adv("CVE-9", row("maven", "com.large.json:bind", assay.Range{Fixed: "2"})),
	}
	for _, tt := range []struct {
		name, artifact, version string
		db                      assay.Advisories
		want                    []string
		root                    string
	}{
		{"one group", "mapper", "2", listed{db}, []string{"CVE-2"}, ""},
		{"two groups", "net", "1", listed{db}, []string{"gap: package net 1: its group is unknown, and there are advisories about org.one:net, org.two:net; not matched"}, ""},
		{"no group", "ours", "1", listed{db}, nil, ""},
		{"its own group", "org.three:mapper", "1", listed{db}, nil, ""},
		{"names that are not listed", "mapper", "1", db, []string{"gap: package mapper 1: its group is unknown; not matched"}, ""},
		{"no version", "mapper", "", listed{db}, []string{"gap: package mapper: its version cannot be compared with 2 of the 2 known vulnerabilities of org.one:mapper: the version is unknown"}, ""},
		{"two groups, one of which has the classes", "net", "1", listed{db}, []string{"CVE-4"}, "org.two.net.http"},
		{"two groups, neither of which has the classes", "net", "1", listed{db}, []string{"gap: package net 1: its group is unknown, and there are advisories about org.one:net, org.two:net; not matched"}, "org.onenote"},
		{"two groups, both of which have the classes", "core", "1", listed{db}, []string{"gap: package core 1: its group is unknown, and there are advisories about com.big.log:core, com.big:core; not matched"}, "com.big.log.impl"},
		{"two groups, one of which has the publisher's words", "bind", "1", listed{db}, []string{"CVE-8"}, "com.big.json.bind"},
		{"one group, elsewhere than the classes", "mapper", "2", listed{db}, []string{"CVE-2"}, "net.other.mapper"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := &assay.Inventory{Packages: []assay.Package{{Type: assay.TypeMaven, Name: tt.artifact, Version: tt.version, ClassRoot: tt.root}}}
			r, err := match.Packages(t.Context(), inv, tt.db, match.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.ID)
				how := "no other one with advisories"
				if tt.root != "" && tt.artifact != "mapper" {
					how = "all its classes are in " + tt.root
				}
				if !strings.Contains(f.Because, ":"+tt.artifact+" is affected") || !strings.Contains(f.Because, "does not state its group; "+how) {
					t.Errorf("because %s", f.Because)
				}
			}
			for _, g := range r.Gaps {
				got = append(got, "gap: "+g.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
