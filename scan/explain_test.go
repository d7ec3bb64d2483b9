package scan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
)

// TestExplain: everything that is known under any name, the findings with the
// dependency paths to their packages, or why there are none.
func TestExplain(t *testing.T) {
	a := row("CVE-2024-1", "npm", "c", assay.SeverityHigh)
	a.Affected[0].Ranges = []assay.Range{{Fixed: "1.0.5"}}
	a.Aliases, a.Title = []string{"GHSA-1"}, "A flaw"
	notice := row("CVE-2024-1", "debian:12", "src", assay.SeverityLow)
	notice.VendorIDs = []string{"DSA-1"}
	own := &published{rows: map[assay.Stream][]assay.Advisory{"npm": {a}, "debian:12": {notice}, assay.StreamEOL: nil},
		details: []assay.Detail{{ID: "CVE-2024-1", Text: "What it is.", CVSS: []assay.CVSS{{Source: "nvd", Version: "3.1", Score: 9.8}}, KEV: &assay.KEV{Added: "2024-02-01"}}}}
	request := scan.Request{Database: own}
	install := func(version string) *assay.Report {
		npm := func(path, version string, needs ...string) assay.Package {
			return assay.Package{Type: assay.TypeNPM, Name: path[strings.LastIndex(path, "/")+1:], Version: version, Path: path + "/package.json", DependsOn: needs}
		}
		root := npm("srv/app", "1.0.0", "a", "b")
		root.Relation = assay.RelationRoot
		r := &assay.Report{Created: today, Image: assay.ImageInfo{Name: "app:1"}, Packages: []assay.Package{root, npm("srv/app/node_modules/a", "1.0.0", "c"), npm("srv/app/node_modules/b", "1.0.0", "c"), npm("srv/app/node_modules/c", version)}}
		if version < "1.0.5" {
			r.Findings = []assay.Finding{{ID: "CVE-2024-1", Aliases: []string{"GHSA-1"}, Package: 3, FixedIn: "1.0.5", Because: "because"}}
		}
		return r
	}
	for _, tt := range []struct {
		name, id string
		r        *assay.Report
		want     []string
	}{
		{"affected", "CVE-2024-1", install("1.0.0"), []string{"also GHSA-1", "CRITICAL nvd", "2 records", "affected: 1 finding", "found c 1.0.0: app@1.0.0 a@1.0.0 c@1.0.0", "! c affected below 1.0.5; installed is 1.0.0"}},
		{"by another name", "GHSA-1", install("1.0.0"), []string{"also CVE-2024-1", "CRITICAL nvd", "2 records", "affected: 1 finding", "found c 1.0.0: app@1.0.0 a@1.0.0 c@1.0.0", "! c affected below 1.0.5; installed is 1.0.0"}},
		{"fixed", "CVE-2024-1", install("1.0.5"), []string{"also GHSA-1", "CRITICAL nvd", "2 records", "not affected: no advisory applies to what is installed", "c affected only below 1.0.5; installed is 1.0.5"}},
		{"not installed", "CVE-2024-1", &assay.Report{Created: today, Packages: []assay.Package{{Type: assay.TypeNPM, Name: "other", Version: "1.0.0"}}},
			[]string{"also GHSA-1", "CRITICAL nvd", "2 records", "not affected: no package that the advisories name is installed"}},
		{"another distribution", "CVE-2024-1", &assay.Report{Created: today}, []string{"also GHSA-1", "CRITICAL nvd", "2 records", "unknown: the advisories are about other distributions and registries than this target's"}},
		{"unknown", "CVE-1999-1", &assay.Report{Created: today}, []string{"0 records", "unknown: the database has no advisory about it"}},
		{"alone", "CVE-2024-1", nil, []string{"also GHSA-1", "CRITICAL nvd", "2 records"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := scan.Explain(t.Context(), tt.id, tt.r, request)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, inShort(e)); d != "" {
				t.Error(d)
			}
		})
	}
	suppressed := install("1.0.0")
	suppressed.Suppressed, suppressed.Findings = []assay.Suppressed{{Finding: suppressed.Findings[0], Suppression: assay.Suppression{As: assay.StatusIgnored, By: "me"}}}, nil
	if e, err := scan.Explain(t.Context(), "CVE-2024-1", suppressed, request); err != nil || e.Verdict != "not affected: the finding is suppressed" || e.Found[0].Suppression.By != "me" {
		t.Errorf("%v %+v", err, e)
	}
	if _, err := scan.Explain(t.Context(), "CVE-2024-1", nil, scan.Request{}); !errors.Is(err, assay.ErrUnsupported) {
		t.Error(err)
	}
}

// inShort is an explanation in short.
func inShort(e *scan.Explanation) (out []string) {
	if len(e.Names) > 0 {
		out = append(out, "also "+strings.Join(e.Names, " "))
	}
	if e.Source != "" {
		out = append(out, e.Severity+" "+e.Source)
	}
	out = append(out, string(rune('0'+len(e.Records)))+" records")
	if e.Verdict != "" {
		out = append(out, e.Verdict)
	}
	for _, f := range e.Found {
		s := "found " + f.Of.Name + " " + f.Of.Version
		if len(f.Paths) > 0 {
			s += ": " + strings.Join(f.Paths[0], " ")
		}
		out = append(out, s)
	}
	for _, j := range e.Judged {
		s := j.Name + " " + j.Why
		if j.Holds {
			s = "! " + s
		}
		out = append(out, s)
	}
	return out
}

// TestFix: planned versions are matched with the same advisories, and what was
// suppressed before does not come back.
func TestFix(t *testing.T) {
	fix := row("CVE-2024-1", "npm", "c", assay.SeverityHigh)
	fix.Affected[0].Ranges = []assay.Range{{Fixed: "1.0.5"}}
	never := row("CVE-2024-2", "npm", "c", assay.SeverityLow)
	request := scan.Request{Database: &published{rows: map[assay.Stream][]assay.Advisory{"npm": {fix, never}, assay.StreamEOL: {ends("debian", "12", "2028-06-30"), ends("debian", "11", "2026-08-31"), ends("debian", "13", "2030-06-30"), ends("debian", "10", "2024-06-30")}}}}
	r := &assay.Report{Created: today, Image: assay.ImageInfo{Name: "app:1", Base: &assay.BaseImage{Name: "base:1", Layers: 1}}, Release: assay.Release{ID: "debian", Version: "11", EOL: "2026-08-31"},
		Packages:   []assay.Package{{Type: assay.TypeNPM, Name: "c", Version: "1.0.0", Path: "srv/node_modules/c/package.json", FoundBy: "npm-installed"}},
		Findings:   []assay.Finding{{ID: "CVE-2024-1", FixedIn: "1.0.5", Risk: 10}},
		Suppressed: []assay.Suppressed{{Finding: assay.Finding{ID: "CVE-2024-2"}, Suppression: assay.Suppression{By: "me"}}}}
	p, err := scan.Fix(t.Context(), r, request)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Upgrades) != 1 || p.Upgrades[0].To != "1.0.5" || p.After.Findings != 0 || len(p.Remaining)+len(p.Introduced) != 0 {
		t.Errorf("%+v", p)
	}
	want := []string{"debian 11 is at its end of life (2026-08-31): move to 13 (supported until 2030-06-30) or 12 (supported until 2028-06-30)",
		"1 of 1 findings come from the base image base:1: rebuild on its newest build first (docker build --pull)"}
	if d := cmp.Diff(want, p.Advice); d != "" {
		t.Error(d)
	}
}
