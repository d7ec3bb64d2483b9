package match_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// row is a row about a package of a registry.
func row(s assay.Stream, name string, ranges ...assay.Range) assay.Affected {
	return assay.Affected{Stream: s, Name: name, Ranges: ranges}
}

func kind(k assay.Kind) func(*assay.Advisory) { return func(a *assay.Advisory) { a.Kind = k } }

func with(r assay.Affected, change func(*assay.Affected)) assay.Affected {
	change(&r)
	return r
}

// TestLanguages: the findings' aliases follow in brackets.
func TestLanguages(t *testing.T) {
	lodash := func(v string) assay.Package { return assay.Package{Type: assay.TypeNPM, Name: "lodash", Version: v} }
	of := func(kind, name, v string) assay.Package { return assay.Package{Type: kind, Name: name, Version: v} }
	js := func(ranges ...assay.Range) assay.Affected { return row("npm", "lodash", ranges...) }
	golang := func(name string, ranges ...assay.Range) assay.Affected { return row("go", name, ranges...) }
	status := func(r assay.Affected, s assay.Status) assay.Affected {
		return with(r, func(r *assay.Affected) { r.Status = s })
	}
	type span = assay.Range
	all := span{}
	tests := []struct {
		name       string
		pkg        assay.Package
		advisories memory
		want       []string
	}{
		{"affected", lodash("4.17.4"), memory{adv("CVE-1", js(span{Fixed: "4.17.12"}))}, []string{"lodash CVE-1 fixed 4.17.12"}},
		{"fixed", lodash("4.17.12"), memory{adv("CVE-1", js(span{Fixed: "4.17.12"}))}, nil},
		{"below a pre-release", lodash("4.17.12-rc.1"), memory{adv("CVE-1", js(span{Fixed: "4.17.12"}))}, []string{"lodash CVE-1 fixed 4.17.12"}},
		{"the end is no fix", lodash("1.0.0"), memory{adv("CVE-1", js(span{Before: "2.0.0"}))}, []string{"lodash CVE-1 affected"}},
		{"the last affected and the fix", lodash("1.0.0"), memory{adv("CVE-1", js(span{LastAffected: "1.0.0", Fixed: "1.0.5"}))}, []string{"lodash CVE-1 fixed 1.0.5"}},
		{"between the last affected and the fix", lodash("1.0.2"), memory{adv("CVE-1", js(span{LastAffected: "1.0.0", Fixed: "1.0.5"}))}, nil},
		{"withdrawn", lodash("1.0.0"), memory{adv("CVE-1", js(all), func(a *assay.Advisory) { a.Withdrawn = time.Unix(1, 0) })}, nil},

		{"names of PyPI", of(assay.TypePyPI, "Zope.Interface", "1.0"), memory{adv("CVE-1", row("pypi", "zope-interface", span{Fixed: "1.0.post1"}))}, []string{"Zope.Interface CVE-1 fixed 1.0.post1"}},
		{"names of NuGet", of(assay.TypeNuGet, "Newtonsoft.Json", "9.0.1"), memory{adv("GHSA-1", row("nuget", "newtonsoft.json", span{Fixed: "13.0.1"}))}, []string{"Newtonsoft.Json GHSA-1 fixed 13.0.1"}},
		{"names of npm", of(assay.TypeNPM, "Lodash", "1.0.0"), memory{adv("CVE-1", js(all))}, nil},
		{"subspecs", of(assay.TypeCocoaPods, "Pod/Core", "1.0"), memory{adv("CVE-1", row("cocoapods", "Pod", span{Fixed: "1.0.1"}))}, []string{"Pod/Core CVE-1 fixed 1.0.1"}},
		{"Maven's order", of(assay.TypeMaven, "g:a", "2.9.10-rc1"), memory{adv("CVE-1", row("maven", "g:a", span{Fixed: "2.9.10"}))}, []string{"g:a CVE-1 fixed 2.9.10"}},
		{"Go with v", of(assay.TypeGo, "x/y", "v1.2.3"), memory{adv("CVE-1", golang("x/y", span{Fixed: "1.2.4"}))}, []string{"x/y CVE-1 fixed 1.2.4"}},
		{"Go without v", of(assay.TypeGo, "x/y", "1.2.3"), memory{adv("CVE-1", golang("x/y", span{Fixed: "v1.2.4"}))}, []string{"x/y CVE-1 fixed v1.2.4"}},
		{"Go, incompatible", of(assay.TypeGo, "x/y", "v2.8.0+incompatible"), memory{adv("CVE-1", golang("x/y", span{Fixed: "2.8.0"}))}, nil},
		{"Go's library", of(assay.TypeGo, "stdlib", "go1.22.3"), memory{adv("CVE-1", golang("stdlib", span{Fixed: "1.21.10"}, span{Introduced: "1.22.0-0", Fixed: "1.22.4"}))}, []string{"stdlib CVE-1 fixed 1.22.4"}},
		{"Go's library, a candidate", of(assay.TypeGo, "stdlib", "go1.22rc1"), memory{adv("CVE-1", golang("stdlib", span{Introduced: "1.22.0-rc.1", Fixed: "1.22.0-rc.2"}))}, []string{"stdlib CVE-1 fixed 1.22.0-rc.2"}},

		{"Go's library of a vendor", of(assay.TypeGo, "stdlib", "1.22.3b7"), memory{adv("CVE-1", golang("stdlib", span{Fixed: "1.22.3"})), adv("CVE-2", golang("stdlib", span{Fixed: "1.22.4"}))}, []string{"stdlib CVE-2 fixed 1.22.4"}},
		{"a gem for one platform", of(assay.TypeGem, "g", "1.13.9-aarch64-linux"), memory{adv("CVE-1", row("rubygems", "g", span{Fixed: "1.13.9"})), adv("CVE-2", row("rubygems", "g", span{Fixed: "1.13.10"}))}, []string{"g CVE-2 fixed 1.13.10"}},
		{"fewer numbers than four", of(assay.TypeComposer, "a/b", "v3.0"), memory{adv("CVE-1", row("packagist", "a/b", span{Fixed: "3.0.0"})), adv("CVE-2", row("packagist", "a/b", span{Introduced: "3.0.0", Fixed: "3.0.0.1"}))}, []string{"a/b CVE-2 fixed 3.0.0.1"}},
		{"a named branch", of(assay.TypeComposer, "a/b", "dev-master"), memory{adv("CVE-1", row("packagist", "a/b", span{Fixed: "3.0.0"}))},
			[]string{"gap: package a/b dev-master: its version cannot be compared with 1 of the 1 known vulnerabilities of a/b: "}},
		{"a branch with a number", of(assay.TypeComposer, "a/b", "2.x-dev"), memory{adv("CVE-1", row("packagist", "a/b", span{Fixed: "2.1.0"})), adv("CVE-2", row("packagist", "a/b", span{Fixed: "3.0.0"}))}, []string{"a/b CVE-2 fixed 3.0.0"}},
		{"a commit", of(assay.TypeSwift, "github.com/a/b", "98ed4a1b2c3d4e5f60718293a4b5c6d7e8f90a1b"), memory{adv("CVE-1", row("swift", "github.com/a/b", span{Fixed: "300.0.0"}))},
			[]string{"gap: package github.com/a/b 98ed4a1b2c3d4e5f60718293a4b5c6d7e8f90a1b: its version cannot be compared with 1 of the 1 known vulnerabilities of github.com/a/b: "}},
		{"a version of no form", of(assay.TypePyPI, "p", "2.0.0-final"), memory{adv("CVE-1", row("pypi", "p", span{Fixed: "3"}))},
			[]string{"gap: package p 2.0.0-final: its version cannot be compared with 1 of the 1 known vulnerabilities of p: "}},
		{"the text of an invalid version", of(assay.TypePyPI, "p", "2.0.0-final"), memory{adv("CVE-1", row("pypi", "p", span{Fixed: "2.0.0-final"})), adv("CVE-2", row("pypi", "p", span{LastAffected: "2.0.0-final"})),
			adv("CVE-3", row("pypi", "p", span{Introduced: "2.0.0-final", Fixed: "3"})), adv("CVE-4", with(row("pypi", "p"), func(r *assay.Affected) { r.Versions = []string{"2.0.0-final"} }))},
			[]string{"p CVE-2 affected", "p CVE-3 affected", "p CVE-4 affected"}},
		{"a local version", of(assay.TypePyPI, "torch", "2.6.0+cu124"), memory{adv("CVE-1", row("pypi", "torch", span{LastAffected: "2.6.0"})), adv("CVE-2", row("pypi", "torch", span{Introduced: "2.6.0", LastAffected: "2.6.0"})),
			adv("CVE-3", row("pypi", "torch", span{Fixed: "2.6.0"})), adv("CVE-4", with(row("pypi", "torch"), func(r *assay.Affected) { r.Versions = []string{"2.6.0"} })),
			adv("CVE-5", row("pypi", "torch", span{Fixed: "2.6.0+cu125"})), adv("CVE-6", row("pypi", "torch", span{LastAffected: "2.6.0+cu123"}))},
			[]string{"torch CVE-1 affected", "torch CVE-2 affected", "torch CVE-4 affected", "torch CVE-5 fixed 2.6.0+cu125"}},
		{"an action by a moving tag", of(assay.TypeActions, "a/b", "v7"), memory{adv("CVE-1", row("github-actions", "a/b", span{Fixed: "7.0.7"})), adv("CVE-2", row("github-actions", "a/b", span{LastAffected: "7.0.6"})),
			adv("CVE-3", row("github-actions", "a/b", span{Introduced: "7.1.0", Fixed: "8.0.0"})), adv("CVE-4", row("github-actions", "a/b", span{LastAffected: "6.9.9"})), adv("CVE-5", row("github-actions", "a/b", span{Introduced: "8.0.0"}))},
			[]string{"a/b CVE-2 affected", "a/b CVE-3 fixed 8.0.0"}},

		{"the fix of its branch", lodash("1.2.0"), memory{adv("CVE-1", js(span{Fixed: "1.2.5"}, span{Introduced: "2.0.0", Fixed: "2.0.3"}))}, []string{"lodash CVE-1 fixed 1.2.5"}},
		{"the fix of a later branch", lodash("1.2.0"), memory{adv("CVE-1", js(span{LastAffected: "1.9.0"}, span{Introduced: "2.0.0", Fixed: "2.0.3"}))}, []string{"lodash CVE-1 fixed 2.0.3"}},
		{"the highest of two publishers", lodash("1.2.0"), memory{adv("GHSA-1", js(span{Fixed: "1.2.5"}), aliases("CVE-1")), adv("CVE-1", js(span{Fixed: "1.2.4"}))}, []string{"lodash CVE-1 fixed 1.2.5 [GHSA-1]"}},
		{"a fix that brought it back", lodash("1.2.0"), memory{adv("CVE-1", js(span{Fixed: "1.2.5"})), adv("CVE-1", js(span{Introduced: "1.2.5", Fixed: "1.2.7"}))}, []string{"lodash CVE-1 fixed 1.2.7"}},
		{"one publisher knows of no fix", lodash("1.2.0"), memory{adv("CVE-1", js(span{Fixed: "1.2.5"})), adv("CVE-1", js(all))}, []string{"lodash CVE-1 affected"}},
		{"one publisher holds it fixed", lodash("1.2.5"), memory{adv("CVE-1", js(span{Fixed: "1.2.5"})), adv("CVE-1", js(span{Fixed: "1.2.6"}))}, []string{"lodash CVE-1 fixed 1.2.6"}},
		{"a fix below", lodash("3.0.0"), memory{adv("CVE-1", js(span{Fixed: "1.2.5"}, span{Introduced: "3.0.0"}))}, []string{"lodash CVE-1 affected"}},
		{"a version named", lodash("1.2.0"), memory{adv("CVE-1", with(js(), func(r *assay.Affected) { r.Versions = []string{"nonsense!", "1.2.0"} }))}, []string{"lodash CVE-1 affected"}},
		{"named, and fixed elsewhere", lodash("1.2.0"), memory{adv("CVE-1", with(js(), func(r *assay.Affected) { r.Versions = []string{"1.2.0", "1.2.1"} })), adv("CVE-1", js(span{Introduced: "1.0.0", Fixed: "1.2.1"}, span{Introduced: "1.2.2", Fixed: "1.2.3"}))}, []string{"lodash CVE-1 fixed 1.2.3"}},
		{"a version not named", lodash("1.2.0"), memory{adv("CVE-1", with(js(), func(r *assay.Affected) { r.Versions = []string{"nonsense!"} }))}, nil},

		{"three names, one vulnerability", lodash("1.0.0"), memory{adv("GO-1", js(all), aliases("GHSA-1")), adv("PYSEC-1", js(all), aliases("CVE-1")), adv("GHSA-1", js(all), aliases("CVE-1"))},
			[]string{"lodash CVE-1 affected [GHSA-1 GO-1 PYSEC-1]"}},
		{"GitHub's name", lodash("1.0.0"), memory{adv("RUSTSEC-1", js(all)), adv("OSV-1", js(all), aliases("RUSTSEC-1", "GHSA-1"))}, []string{"lodash GHSA-1 affected [OSV-1 RUSTSEC-1]"}},
		{"the publisher's name", lodash("1.0.0"), memory{adv("RUSTSEC-1", js(all)), adv("RUSTSEC-1", js(all))}, []string{"lodash RUSTSEC-1 affected"}},
		{"joined by one that does not hold it", lodash("1.0.0"), memory{adv("GHSA-1", js(all)), adv("RUSTSEC-1", js(all), aliases("CVE-1")), adv("OSV-1", js(span{Introduced: "9.0.0"}), aliases("CVE-1", "GHSA-1"))},
			[]string{"lodash CVE-1 affected [GHSA-1 OSV-1 RUSTSEC-1]"}},
		{"joined from afar", lodash("1.0.0"), memory{adv("A", js(all), aliases("GHSA-1")), adv("B", js(all), aliases("GHSA-1", "GHSA-2")), adv("C", js(all), aliases("GHSA-2", "CVE-1"))},
			[]string{"lodash CVE-1 affected [A B C GHSA-1 GHSA-2]"}},
		{"different CVEs are two", lodash("1.0.0"), memory{adv("PYSEC-1", js(all), aliases("CVE-1", "GHSA-1")), adv("PYSEC-2", js(all), aliases("CVE-2", "GHSA-1"))},
			[]string{"lodash CVE-1 affected [GHSA-1 PYSEC-1]", "lodash CVE-2 affected [GHSA-1 PYSEC-2]"}},
		{"a notice of several, which others tell apart", lodash("1.0.0"), memory{adv("GO-1", js(all), aliases("CVE-1", "CVE-2", "CVE-3")), adv("GHSA-1", js(span{Fixed: "1.0.1"}), aliases("CVE-1"))},
			[]string{"lodash CVE-1 affected [GHSA-1 GO-1]", "lodash CVE-2 affected [CVE-3 GO-1]"}},
		{"a notice of several, which nobody tells apart", lodash("1.0.0"), memory{adv("GO-1", js(all), aliases("CVE-2", "CVE-1")), adv("GO-2", js(all), aliases("CVE-2", "CVE-3"))},
			[]string{"lodash CVE-1 affected [CVE-2 CVE-3 GO-1 GO-2]"}},
		{"a foreign alias in common", lodash("1.0.0"), memory{adv("A", js(all), aliases("X-1")), adv("B", js(all), aliases("X-1"))}, []string{"lodash A affected [X-1]", "lodash B affected [X-1]"}},

		{"not affected", lodash("1.0.0"), memory{adv("CVE-1", js(all)), adv("VEX-1", status(js(all), assay.StatusNotAffected), aliases("CVE-1"))}, nil},
		{"not affected, by GitHub's name", lodash("1.0.0"), memory{adv("GHSA-1", js(all), aliases("CVE-1")), adv("GHSA-1", status(js(all), assay.StatusNotAffected))}, nil},
		{"not affected in other versions", lodash("1.0.0"), memory{adv("CVE-1", js(all)), adv("CVE-1", status(js(span{Introduced: "2.0.0"}), assay.StatusNotAffected))}, []string{"lodash CVE-1 affected"}},
		{"not affected by one of two", lodash("1.0.0"), memory{adv("GO-1", js(all), aliases("CVE-1", "CVE-2")), adv("CVE-1", status(js(all), assay.StatusNotAffected))}, []string{"lodash CVE-2 affected [GO-1]"}},
		{"undetermined", lodash("1.0.0"), memory{adv("CVE-1", status(js(all), assay.StatusUnknown))},
			nil},
		{"will not be fixed", lodash("1.0.0"), memory{adv("CVE-1", status(js(all), assay.StatusWillNotFix))}, []string{"lodash CVE-1 will_not_fix"}},

		{"malware", lodash("1.0.0"), memory{adv("MAL-1", js(all), kind(assay.KindMalware))}, []string{"lodash MAL-1 affected"}},
		{"notices", of(assay.TypeCargo, "c", "1.0.0"), memory{adv("R-1", row("crates.io", "c", all), kind(assay.KindUnmaintained)), adv("R-1", row("crates.io", "c", all), kind(assay.KindUnmaintained)),
			adv("R-2", row("crates.io", "c", all), kind(assay.KindUnsound)), adv("R-3", row("crates.io", "c", span{Introduced: "2.0.0"}), kind(assay.KindNotice))},
			[]string{"gap: crates.io: notices, not listed as findings: c 1.0.0 is unmaintained (R-1), c 1.0.0 is unsound (R-2)"}},
		{"a notice to one, a vulnerability to another", of(assay.TypeCargo, "c", "1.0.0"), memory{adv("R-1", row("crates.io", "c", all), kind(assay.KindUnsound)), adv("GHSA-1", row("crates.io", "c", span{Fixed: "1.0.1"}), aliases("R-1"))},
			[]string{"c GHSA-1 fixed 1.0.1 [R-1]"}},

		{"what nobody reviewed", of(assay.TypeGo, "x/y", "v1.2.3"), memory{adv("GO-1", golang("x/y", all), aliases("GHSA-1")), // another feed's copy
			adv("GO-1", with(golang("x/y", all), func(r *assay.Affected) { r.Reason = "unreviewed" }), aliases("GHSA-1")), adv("GHSA-1", golang("x/y", span{Fixed: "1.2.0"}))}, nil},
		{"what nobody reviewed, alone", of(assay.TypeGo, "x/y", "v1.2.3"), memory{adv("GO-1", with(golang("x/y", all), func(r *assay.Affected) { r.Reason = "unreviewed" }))}, []string{"x/y GO-1 affected"}},
		{"another architecture", assay.Package{Type: assay.TypeCargo, Name: "c", Version: "1.0.0", Arch: "arm64"}, memory{adv("R-1", with(row("crates.io", "c", all), func(r *assay.Affected) { r.Qualifiers.Arches = []string{"x86", "x86_64"} })),
			adv("R-2", with(row("crates.io", "c", all), func(r *assay.Affected) { r.Qualifiers.Arches = []string{"aarch64"} })),
			adv("R-3", with(row("crates.io", "c", all), func(r *assay.Affected) {
				r.Qualifiers.Imports = []assay.Import{{Path: "a", Arches: []string{"amd64"}}}
			}))}, []string{"c R-2 affected"}},
		{"another UUID", assay.Package{Type: assay.TypeJulia, Name: "HTTP", Version: "1.0.0", PURL: "pkg:julia/HTTP@1.0.0?uuid=0a"}, memory{adv("CVE-1", with(row("julia", "HTTP", all), func(r *assay.Affected) { r.Qualifiers.UUID = "0b" })),
			adv("CVE-2", with(row("julia", "HTTP", all), func(r *assay.Affected) { r.Qualifiers.UUID = "0a" })), adv("CVE-3", row("julia", "HTTP", all))}, []string{"HTTP CVE-2 affected", "HTTP CVE-3 affected"}},
		{"no UUID", of(assay.TypeJulia, "HTTP", "1.0.0"), memory{adv("CVE-1", with(row("julia", "HTTP", all), func(r *assay.Affected) { r.Qualifiers.UUID = "0b" }))}, []string{"HTTP CVE-1 affected"}},
		{"no architecture", of(assay.TypeCargo, "c", "1.0.0"), memory{adv("R-1", with(row("crates.io", "c", all), func(r *assay.Affected) { r.Qualifiers.Arches = []string{"x86"} }))}, []string{"c R-1 affected"}},

		{"no version", lodash(""), memory{adv("CVE-1", js(span{Fixed: "1.0.0"})), adv("MAL-1", js(all), kind(assay.KindMalware))},
			[]string{"lodash MAL-1 affected", "gap: package lodash: its version cannot be compared with 1 of the 2 known vulnerabilities of lodash: the version is unknown"}},
		{"a directory of the project", assay.Package{Type: assay.TypeGo, Name: "x/y", Relation: assay.RelationWorkspace}, memory{adv("CVE-1", golang("x/y", span{Fixed: "1.0.0"})), adv("CVE-2", golang("x/y", all))},
			[]string{"gap: package x/y: its version cannot be compared with 2 of the 2 known vulnerabilities of x/y: it is built from a directory of the project"}},
		{"no version, and nothing known", of(assay.TypeNPM, "other", ""), memory{adv("CVE-1", js(span{Fixed: "1.0.0"}))}, nil},
		{"a version that is none", of(assay.TypeGo, "x/y", "(devel)"), memory{adv("CVE-1", golang("x/y", span{Fixed: "1.0.0"}))},
			[]string{"gap: package x/y (devel): its version cannot be compared with 1 of the 1 known vulnerabilities of x/y: "}},
		{"a version that is none, but named", lodash("a b"), memory{adv("CVE-1", with(js(), func(r *assay.Affected) { r.Versions = []string{"a b"} }))}, []string{"lodash CVE-1 affected"}},
		{"a published version that is none", lodash("1.0.0"), memory{adv("CVE-1", js(span{Fixed: "1 0"}))}, []string{"gap: npm CVE-1: not compared with lodash 1.0.0: a version in the advisory cannot be compared: "}},
		{"one of several that is none", lodash("1.0.0"), memory{adv("CVE-1", js(span{Fixed: "1 0"})), adv("CVE-1", js(span{Fixed: "1.0.2"}))}, []string{"lodash CVE-1 fixed 1.0.2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv := &assay.Inventory{Release: bookworm, Packages: []assay.Package{tt.pkg}}
			res, err := match.Packages(t.Context(), inv, tt.advisories, match.Options{})
			fs, gaps := res.Findings, res.Gaps
			got := show(inv, fs, gaps)
			for i := range got {
				if i < len(fs) && len(fs[i].Aliases) > 0 {
					got[i] += " [" + strings.Join(fs[i].Aliases, " ") + "]"
				}
				if i < len(tt.want) && strings.HasSuffix(tt.want[i], ": ") && strings.HasPrefix(got[i], tt.want[i]) {
					got[i] = tt.want[i] // a cause in another package's words
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// TestPage: the page on the vulnerability comes before that of a whole project.
func TestPage(t *testing.T) {
	about := func(id, url string, names ...string) assay.Advisory {
		return adv(id, row("npm", "lodash", assay.Range{Fixed: "9"}), aliases(names...), func(a *assay.Advisory) { a.URL = url })
	}
	for _, tt := range []struct {
		name, want string
		all        memory
	}{
		{"its own", "https://a.org/cve-1", memory{about("CVE-1", "https://a.org/cve-1"), about("GHSA-1", "https://b.org/GHSA-1", "CVE-1")}},
		{"another's", "https://b.org/GHSA-1", memory{about("CVE-1", "https://a.org/"), about("GHSA-1", "https://b.org/GHSA-1", "CVE-1")}},
		{"GitHub's", "https://github.com/advisories/GHSA-1", memory{about("CVE-1", "https://a.org/", "GHSA-1")}},
		{"NVD's", "https://nvd.nist.gov/vuln/detail/CVE-1", memory{about("CVE-1", "")}},
		{"a project's", "https://a.org/", memory{about("X-1", "https://a.org/")}},
	} {
		inv := &assay.Inventory{Packages: []assay.Package{{Type: "npm", Name: "lodash", Version: "1.0.0"}}}
		if r, err := match.Packages(t.Context(), inv, tt.all, match.Options{}); err != nil || len(r.Findings) != 1 || r.Findings[0].URL != tt.want {
			t.Errorf("%s: %v %+v", tt.name, err, r.Findings)
		}
	}
}

func TestLanguageFinding(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	score := func(source string) []assay.CVSS {
		return []assay.CVSS{{Source: source, Version: "3.1", Score: 9.8}}
	}
	a := adv("GHSA-1", row("npm", "lodash", assay.Range{Fixed: "4.17.12"}), aliases("CVE-1"), notice("N-2"))
	a.Severity, a.URL, a.CVSS, a.References, a.Published, a.Modified = assay.SeverityHigh, "https://example.org/GHSA-1", score("ghsa"), []string{"r1", "r2"}, day(2), day(3)
	b := adv("CVE-1", row("npm", "lodash", assay.Range{Fixed: "4.17.14"}), notice("N-1"))
	b.Feed, b.Title, b.URL, b.CVSS, b.References, b.CWEs, b.Published, b.Modified = "other", "Title", "https://example.org/cve-1", score("nvd"), []string{"r2", "r3"}, []string{"CWE-1"}, day(1), day(4)
	c := adv("OSV-1", with(row("npm", "lodash", assay.Range{Introduced: "9.0.0"}), func(r *assay.Affected) { r.Severity = assay.SeverityCritical }), aliases("CVE-1"))
	inv := &assay.Inventory{Packages: []assay.Package{{Type: "npm", Name: "x", Version: "1"}, {Type: "npm", Name: "lodash", Version: "4.17.4"}}}
	res, err := match.Packages(t.Context(), inv, memory{a, b, c}, match.Options{})
	fs, gaps := res.Findings, res.Gaps
	want := []assay.Finding{{
		ID: "CVE-1", Aliases: []string{"GHSA-1", "OSV-1"}, VendorIDs: []string{"N-1", "N-2"}, Package: 1, FixedIn: "4.17.14", Fixes: []string{"4.17.14"}, Status: assay.StatusFixed, Severity: assay.SeverityHigh, SeveritySource: "test",
		Stream: "npm", Feed: "other", URL: "https://example.org/cve-1", Because: "npm: package lodash is affected below 4.17.14; installed is 4.17.4",
		Detail: assay.Detail{ID: "CVE-1", Title: "Title", CVSS: append(score("nvd"), score("ghsa")...), Ratings: []assay.Rating{{Source: "test", Severity: assay.SeverityHigh}}, CWEs: []string{"CWE-1"}, References: []string{"r2", "r3", "r1"}, Published: day(1), Modified: day(4)},
	}}
	if diff := cmp.Diff(want, fs); diff != "" || gaps != nil || err != nil {
		t.Errorf("%v %v\n%s", gaps, err, diff)
	}
}

func TestLanguageSeverity(t *testing.T) {
	low := func(a *assay.Advisory) { a.Severity = assay.SeverityLow }
	mal := adv("MAL-1", row("npm", "p", assay.Range{}), kind(assay.KindMalware))
	for _, tt := range []struct {
		name string
		as   memory
		want string
	}{
		{"none", memory{adv("CVE-1", row("npm", "p", assay.Range{}))}, "UNKNOWN "},
		{"the package's own", memory{adv("CVE-1", with(row("npm", "p", assay.Range{}), func(r *assay.Affected) { r.Severity = assay.SeverityMedium }), func(a *assay.Advisory) { a.Severity = assay.SeverityHigh })}, "MEDIUM test"},
		{"of one that does not hold it", memory{adv("CVE-1", row("npm", "p", assay.Range{})), adv("CVE-1", row("npm", "p", assay.Range{Introduced: "5.0.0"}), low)}, "LOW test"},
		{"malware", memory{mal}, "CRITICAL test"},
		{"malware that is rated", memory{mal, adv("GHSA-1", row("npm", "p", assay.Range{}), aliases("MAL-1"), low)}, "LOW test"},
	} {
		inv := &assay.Inventory{Packages: []assay.Package{{Type: "npm", Name: "p", Version: "1.0.0"}}}
		res, err := match.Packages(t.Context(), inv, tt.as, match.Options{})
		fs := res.Findings
		if err != nil || len(fs) != 1 || fs[0].Severity.String()+" "+fs[0].SeveritySource != tt.want {
			t.Errorf("%s: %v %+v, want %s", tt.name, err, fs, tt.want)
		}
	}
}

func TestLanguageBecause(t *testing.T) {
	lib := func(ranges ...assay.Range) assay.Affected { return row("go", "stdlib", ranges...) }
	windows := func(r *assay.Affected) {
		r.Qualifiers.Imports = []assay.Import{{Path: "os", OS: []string{"windows"}}, {Path: "net", OS: []string{"plan9", "windows"}}}
	}
	for _, tt := range []struct {
		as   memory
		want string
	}{
		{memory{adv("CVE-1", lib(assay.Range{Introduced: "1.22.0-0", Fixed: "1.22.4"}))}, "affected from 1.22.0-0 to below 1.22.4; installed is go1.22.3"},
		{memory{adv("CVE-1", with(lib(assay.Range{Fixed: "1.22.4"}), windows))}, "affected below 1.22.4 (on plan9, windows only); installed is go1.22.3"},
		{memory{adv("CVE-1", with(lib(assay.Range{}), func(r *assay.Affected) { r.Qualifiers.OS, r.Reason = []string{"darwin"}, "unreviewed" }))}, "affected in every version, without a fix (unreviewed, on darwin only); installed is go1.22.3"},
		{memory{adv("MAL-1", lib(assay.Range{}), kind(assay.KindMalware))}, "malicious in every version, without a fix; installed is go1.22.3"},
		{memory{adv("GO-0", lib(assay.Range{Fixed: "1.22.4"}), aliases("CVE-1")), adv("GO-1", lib(assay.Range{Introduced: "1.22.4", Fixed: "1.22.6"}), aliases("CVE-1"))},
			"affected below 1.22.4; installed is go1.22.3; 1.22.4 is not a fix: GO-1 says that it is affected from 1.22.4 to below 1.22.6"},
	} {
		inv := &assay.Inventory{Packages: []assay.Package{{Type: assay.TypeGo, Name: "stdlib", Version: "go1.22.3"}}}
		res, err := match.Packages(t.Context(), inv, tt.as, match.Options{})
		fs := res.Findings
		if want := "go: package stdlib is " + tt.want; err != nil || len(fs) != 1 || fs[0].Because != want {
			t.Errorf("%v %+v, want %q", err, fs, want)
		}
	}
}

// TestMixed: packages of the system and of languages do not meet.
func TestMixed(t *testing.T) {
	inv := &assay.Inventory{Release: bookworm, Packages: []assay.Package{src("1.0"), {Type: "npm", Name: "src", Version: "1.0.0", ThirdParty: "a npm package on Debian"}, {Type: "pypi", Name: "src", Version: "1.0"}}}
	db := memory{adv("CVE-1", deb(every, "")), adv("CVE-2", row("npm", "src", assay.Range{})), adv("CVE-3", row("pypi", "src", assay.Range{}))}
	res, err := match.Packages(t.Context(), inv, db, match.Options{})
	fs, gaps := res.Findings, res.Gaps
	if diff := cmp.Diff([]string{"bin CVE-1 affected", "src CVE-2 affected", "src CVE-3 affected"}, show(inv, fs, gaps)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if streams, _ := match.Streams(inv, match.Options{}); !slices.Equal(streams, []assay.Stream{"debian:12", "npm", "pypi"}) {
		t.Errorf("%v", streams)
	}
}
