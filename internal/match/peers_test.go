package match_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// A rule of a distribution or an ecosystem, called as docs/accuracy.md calls it,
// with a case that goes wrong without it.
type rule struct {
	name       string
	release    assay.Release
	packages   []assay.Package
	advisories memory
	want       []string // as show writes it; what was suppressed begins with "not: "
	naive      []string // what comes out where the rule is not known
}

// hold checks the rules.
func hold(t *testing.T, rules []rule, o match.Options) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.name] {
			t.Errorf("%s: twice", r.name)
		}
		seen[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			inv := &assay.Inventory{Release: r.release, Packages: r.packages}
			db := slices.Clone(r.advisories)
			streams, _ := match.Streams(inv, o)
			for _, s := range streams { // each is to be had
				db = append(db, adv("CVE-0", row(s, "no package's name")))
			}
			res, err := match.Packages(t.Context(), inv, db, o)
			if err != nil {
				t.Fatal(err)
			}
			got := show(inv, res.Findings, res.Gaps)
			for _, f := range res.Suppressed {
				got = append(got, "not: "+inv.Packages[f.Package].Name+" "+f.ID)
			}
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Error(diff)
			}
			if slices.Equal(r.want, r.naive) {
				t.Error("nothing goes wrong without the rule")
			}
		})
	}
}

// pkg is a package of the system.
func pkg(kind, name, version string, change ...func(*assay.Package)) assay.Package {
	p := assay.Package{Type: kind, Name: name, Version: version, PURL: "pkg:" + kind + "/" + name + "@" + version}
	for _, c := range change {
		c(&p)
	}
	return p
}

func from(source string) func(*assay.Package)  { return func(p *assay.Package) { p.Source = source } }
func arch(a string) func(*assay.Package)       { return func(p *assay.Package) { p.Arch = a } }
func module(label string) func(*assay.Package) { return func(p *assay.Package) { p.Module = label } }

func release(id, version string) assay.Release { return assay.Release{ID: id, Version: version} }

// fix is a row that names a version with a fix; "" is none yet.
func fix(s assay.Stream, name, fixed string, change ...func(*assay.Affected)) assay.Affected {
	r := row(s, name, assay.Range{Fixed: fixed})
	for _, c := range change {
		c(&r)
	}
	return r
}

func as(s assay.Status) func(*assay.Affected) { return func(r *assay.Affected) { r.Status = s } }

func meant(q assay.Qualifiers) func(*assay.Affected) {
	return func(r *assay.Affected) { r.Qualifiers = q }
}

func withdrawn(a *assay.Advisory) { a.Withdrawn = time.Unix(1, 0) }
