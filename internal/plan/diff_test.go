package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/plan"
)

// TestDiff: packages by version, findings by vulnerability and package, each
// change with its reason.
func TestDiff(t *testing.T) {
	old := report(deb("same", "1", ""), deb("up", "1", ""), deb("gone", "1", ""), deb("bin1", "1", "src"), deb("bin2", "1", "src"), npm("a/node_modules/x", "1.0.0"), npm("a/node_modules/y/node_modules/x", "2.0.0"))
	old.Findings = []assay.Finding{{ID: "CVE-1", Package: 0}, {ID: "CVE-2", Package: 1, FixedIn: "2"}, {ID: "CVE-3", Package: 2}, {ID: "CVE-4", Package: 0, Aliases: []string{"GHSA-4"}}, {ID: "CVE-5", Package: 3}, {ID: "CVE-6", Package: 0}, {ID: "CVE-7", Package: 0}}
	next := report(deb("same", "1", ""), deb("up", "2", ""), deb("came", "1", ""), deb("bin1", "1", "src"), deb("bin2", "1", "src"), npm("b/node_modules/x", "1.0.0"), npm("b/node_modules/y/node_modules/x", "2.0.1"))
	next.Findings = []assay.Finding{{ID: "CVE-1", Package: 0}, {ID: "GHSA-4", Package: 0}, {ID: "CVE-8", Package: 2}, {ID: "CVE-9", Package: 1}, {ID: "CVE-5", Package: 3}, {ID: "CVE-10", Package: 0}, {ID: "CVE-10", Package: 0}}
	next.Suppressed = []assay.Suppressed{{Finding: assay.Finding{ID: "CVE-6", Package: 0}, Suppression: assay.Suppression{As: assay.StatusIgnored, By: ".assayignore:3"}}}
	next.Database.Digest, old.Database.Digest = "sha256:b", "sha256:a"
	d := plan.Diff(old, next)
	turns := func(all []plan.FindingChange) (out []string) {
		for _, f := range all {
			out = append(out, strings.TrimRight(f.ID+" "+f.Package+" "+f.Version+": "+f.Why, ": "))
		}
		return out
	}
	changes := func(all []plan.Change) (out []string) {
		for _, c := range all {
			out = append(out, strings.Join([]string{c.Name, c.Old, c.New}, " "))
		}
		return out
	}
	for _, tt := range []struct {
		name      string
		want, got []string
	}{
		{"added", []string{"CVE-8 came 1: the package is new", "CVE-9 up 2: the package was 1", "CVE-10 same 1: the package is the same: the advisories, the filters or the image's release differ"}, turns(d.Findings.Added)},
		{"fixed", []string{"CVE-2 up 1: the package is now 2", "CVE-3 gone 1: the package is gone", "CVE-6 same 1: it is now suppressed as ignored by .assayignore:3",
			"CVE-7 same 1: the package is the same: the advisories, the filters or the image's release differ"}, turns(d.Findings.Fixed)},
		{"unchanged", []string{"CVE-1 same 1", "GHSA-4 same 1", "CVE-5 bin1 1"}, turns(d.Findings.Unchanged)},
		{"packages added", []string{"came  1"}, changes(d.Packages.Added)},
		{"packages removed", []string{"gone 1 "}, changes(d.Packages.Removed)},
		{"packages changed", []string{"up 1 2", "x 2.0.0 2.0.1"}, changes(d.Packages.Changed)},
		{"notes", []string{"the reports are based on different versions of the advisories"}, d.Notes},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if d.Packages.Unchanged != 4 {
		t.Errorf("%d packages are unchanged, want 4", d.Packages.Unchanged)
	}
	var b strings.Builder
	if err := d.Text(&b, 80); err != nil || !strings.Contains(b.String(), "Vulnerabilities: 3 new, 4 fixed, 3 unchanged.") {
		t.Errorf("%v\n%s", err, b.String())
	}
	same := plan.Diff(old, old)
	if len(same.Findings.Added)+len(same.Findings.Fixed)+len(same.Packages.Added)+len(same.Packages.Removed)+len(same.Packages.Changed) != 0 {
		t.Errorf("a report differs from itself: %+v", same)
	}
}

// TestDiffNames: findings are paired one for one, whatever names they share.
func TestDiffNames(t *testing.T) {
	of := func(ids ...string) *assay.Report {
		r := report(deb("p", "1", ""))
		for _, id := range ids {
			id, alias, _ := strings.Cut(id, "=")
			r.Findings = append(r.Findings, assay.Finding{ID: id, Aliases: []string{alias}})
		}
		return r
	}
	for _, tt := range []struct {
		old, next               []string
		added, fixed, unchanged int
	}{
		{[]string{"CVE-1=GHSA-a"}, []string{"CVE-1=GHSA-a", "CVE-2=GHSA-a"}, 1, 0, 1},
		{[]string{"CVE-1=GHSA-a", "CVE-2=GHSA-a"}, []string{"CVE-2=GHSA-a"}, 0, 1, 1},
		{[]string{"CVE-1=GHSA-a"}, []string{"CVE-2=GHSA-a"}, 1, 1, 0},
		{[]string{"GHSA-a="}, []string{"CVE-1=GHSA-a"}, 0, 0, 1},
		{[]string{"GHSA-a="}, []string{"CVE-1=GHSA-a", "CVE-2=GHSA-a"}, 1, 0, 1},
		{[]string{"PYSEC-1=GHSA-a", "CVE-1=GHSA-a"}, []string{"GHSA-a="}, 0, 1, 1},
	} {
		d := plan.Diff(of(tt.old...), of(tt.next...))
		if a, f, u := len(d.Findings.Added), len(d.Findings.Fixed), len(d.Findings.Unchanged); a != tt.added || f != tt.fixed || u != tt.unchanged {
			t.Errorf("%v → %v: %d added, %d fixed, %d unchanged", tt.old, tt.next, a, f, u)
		}
	}
}

// TestDiffAdded: what is held back is what came, in all its places, and nothing of another
// package with the same name.
func TestDiffAdded(t *testing.T) {
	old := report(deb("x", "1", ""))
	old.Findings = []assay.Finding{{ID: "CVE-1", Package: 0}}
	next := report(deb("x", "1", ""), npm("a/node_modules/x", "1.0.0"), npm("b/node_modules/x", "1.0.0"))
	next.Findings = []assay.Finding{{ID: "CVE-1", Package: 0}, {ID: "CVE-1", Package: 1}, {ID: "CVE-1", Package: 2}}
	var got []int
	for _, f := range plan.Diff(old, next).Added(next).Findings {
		got = append(got, f.Package)
	}
	if !slices.Equal(got, []int{1, 2}) || len(next.Findings) != 3 {
		t.Errorf("findings of packages %v are held back, want those of 1 and 2", got)
	}
}
