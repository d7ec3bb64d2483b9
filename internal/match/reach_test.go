package match_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// symbols are the functions that a binary links.
func symbols(names ...string) assay.Symbols {
	s := assay.Symbols{}
	for _, n := range names {
		s = append(s, assay.SymbolHash(n))
	}
	slices.Sort(s)
	return s
}

func TestReach(t *testing.T) {
	binary := func(s assay.Symbols) assay.Package {
		return assay.Package{Type: assay.TypeGo, Name: "x/y", Version: "v1.0.0", Arch: "amd64", OS: "linux", Symbols: s}
	}
	at := func(is ...assay.Import) assay.Affected {
		r := row("go", "x/y", assay.Range{Fixed: "1.1.0"})
		r.Qualifiers.Imports = is
		return r
	}
	parse := assay.Import{Path: "x/y/z", Symbols: []string{"Parse", "T.Read"}}
	plain := adv("CVE-1", row("go", "x/y", assay.Range{Fixed: "1.1.0"}))
	for _, tt := range []struct {
		name       string
		pkg        assay.Package
		advisories memory
		o          match.Options
		want       string // end of because, or "not: " and the reason
	}{
		{"linked", binary(symbols("x/y/z.T.Read")), memory{adv("CVE-1", at(parse))}, match.Options{}, "(linked: x/y/z.T.Read); installed is v1.0.0"},
		{"not linked", binary(symbols("x/y/z.Other")), memory{adv("CVE-1", at(parse))}, match.Options{}, "not: the vulnerable code is not linked into the binary: x/y/z.Parse, x/y/z.T.Read"},
		{"not linked, and another publisher knows of no functions", binary(symbols("x/y/z.Other")), memory{adv("CVE-1", at(parse)), plain}, match.Options{}, "not: the vulnerable code is not linked into the binary: x/y/z.Parse, x/y/z.T.Read"},
		{"one of two imports", binary(symbols("x/y.F")), memory{adv("CVE-1", at(parse, assay.Import{Path: "x/y", Symbols: []string{"F"}}))}, match.Options{}, "(linked: x/y.F); installed is v1.0.0"},
		{"all of an import", binary(symbols("x/y/z")), memory{adv("CVE-1", at(assay.Import{Path: "x/y/z"}))}, match.Options{}, "(linked: x/y/z); installed is v1.0.0"},
		{"none of an import", binary(symbols("x/y")), memory{adv("CVE-1", at(assay.Import{Path: "x/y/z"}))}, match.Options{}, "not: the vulnerable code is not linked into the binary: x/y/z"},
		{"all symbols", binary(symbols("x/y/z.Other")), memory{adv("CVE-1", at(parse))}, match.Options{AllSymbols: true}, "affected below 1.1.0; installed is v1.0.0"},
		{"not known what is linked", binary(nil), memory{adv("CVE-1", at(parse))}, match.Options{}, "affected below 1.1.0; installed is v1.0.0"},
		{"another system", binary(nil), memory{adv("CVE-1", at(assay.Import{Path: "x/y", OS: []string{"windows"}}))}, match.Options{}, "not: only windows is affected; the package was built for linux/amd64"},
		{"another system, by the row", binary(nil), memory{adv("CVE-1", with(at(), func(r *assay.Affected) { r.Qualifiers.OS = []string{"windows"} }))}, match.Options{}, ""},
		{"a system that is not known", assay.Package{Type: assay.TypeGo, Name: "x/y", Version: "v1.0.0"}, memory{adv("CVE-1", at(assay.Import{Path: "x/y", OS: []string{"windows"}}))}, match.Options{}, "(on windows only); installed is v1.0.0"},
		{"another version", binary(symbols("x/y/z.Other")), memory{adv("CVE-1", with(at(parse), func(r *assay.Affected) { r.Ranges[0].Fixed = "1.0.0" }))}, match.Options{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := match.Packages(t.Context(), &assay.Inventory{Packages: []assay.Package{tt.pkg}}, tt.advisories, tt.o)
			if err != nil || len(res.Findings)+len(res.Suppressed) > 1 || len(res.Gaps) > 0 {
				t.Fatalf("%v %+v", err, res)
			}
			got := ""
			for _, f := range res.Findings {
				got = f.Because
			}
			for _, f := range res.Suppressed {
				got = "not: " + f.Reason
			}
			if !strings.HasSuffix(got, tt.want) || (got == "") != (tt.want == "") || strings.HasPrefix(tt.want, "not: ") != strings.HasPrefix(got, "not: ") {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestMakers holds that Go's own database decides about the standard library and
// golang.org/x, where it is there, and that others' advisories add names.
func TestMakers(t *testing.T) {
	inGo := func(id, name, fixed string, functions []string, ids ...string) assay.Advisory {
		r := row("go", name, assay.Range{Fixed: fixed})
		if functions != nil {
			r.Qualifiers.Imports = []assay.Import{{Path: name + "/http2", Symbols: functions}}
		}
		return adv(id, r, aliases(ids...))
	}
	for _, name := range []string{"golang.org/x/net", "stdlib", "example.org/x/net"} {
		own := inGo("GO-2023-2102", name, "1.17.0", []string{"Server.ServeConn"}, "CVE-2023-39325", "GHSA-4374-p667-p6c8")
		copied := inGo("GHSA-4374-p667-p6c8", name, "1.18.0", nil, "CVE-2023-39325")
		same := inGo("GHSA-qppj-fm5r-hxr3", name, "1.17.0", nil, "CVE-2023-44487")
		unreviewed := inGo("GO-2024-1", name, "", nil, "CVE-2024-1", "GHSA-1")
		unreviewed.Affected[0].Reason = "unreviewed"
		reviewed := inGo("GHSA-1", name, "1.18.0", nil, "CVE-2024-1")
		for _, tt := range []struct {
			name, version string
			advisories    memory
			linked        string
			want, foreign []string // findings, then suppressed; foreign: of a module that Go's makers do not keep
		}{
			{"not linked", "1.16.0", memory{own, copied, same}, "Other", []string{"not: CVE-2023-39325"}, []string{"CVE-2023-44487", "not: CVE-2023-39325"}},
			{"linked", "1.16.0", memory{same, copied, own}, "Server.ServeConn", []string{"CVE-2023-39325"}, []string{"CVE-2023-39325", "CVE-2023-44487"}},
			{"fixed by Go's ranges", "1.17.0", memory{own, copied, same}, "Server.ServeConn", nil, []string{"CVE-2023-39325"}},
			{"without Go's database", "1.16.0", memory{copied, same}, "Other", []string{"CVE-2023-39325", "CVE-2023-44487"}, []string{"CVE-2023-39325", "CVE-2023-44487"}},
			{"Go's copy of GitHub's", "1.16.0", memory{unreviewed, reviewed}, "Other", []string{"CVE-2024-1"}, []string{"CVE-2024-1"}},
		} {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				p := assay.Package{Type: assay.TypeGo, Name: name, Version: tt.version, Arch: "amd64", OS: "linux", Symbols: symbols(name + "/http2." + tt.linked)}
				res, err := match.Packages(t.Context(), &assay.Inventory{Packages: []assay.Package{p}}, tt.advisories, match.Options{})
				if err != nil || len(res.Gaps) > 0 {
					t.Fatal(err, res.Gaps)
				}
				var got []string
				for _, f := range res.Findings {
					got = append(got, f.ID)
				}
				slices.Sort(got)
				for _, f := range res.Suppressed {
					got = append(got, "not: "+f.ID)
				}
				want := tt.want
				if name == "example.org/x/net" {
					want = tt.foreign
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

func TestOwned(t *testing.T) {
	system := assay.Package{Type: "deb", Name: "python3-x", Version: "1.0-1", PURL: "pkg:deb/debian/python3-x@1.0-1"}
	owned := assay.Package{Type: assay.TypePyPI, Name: "x", Version: "1.0", Owner: system.PURL}
	db := memory{adv("CVE-1", row("pypi", "x", assay.Range{})), adv("CVE-2", assay.Affected{Stream: "debian:12", Name: "python3-x", Ranges: []assay.Range{{}}})}
	foreign := system
	foreign.ThirdParty = "published by another"
	for _, tt := range []struct {
		name    string
		release assay.Release
		system  assay.Package
		o       match.Options
		want    []string
	}{
		{"by the distribution only", bookworm, system, match.Options{}, []string{"python3-x CVE-2 affected"}},
		{"both ways", bookworm, system, match.Options{Comprehensive: true}, []string{"python3-x CVE-2 affected", "x CVE-1 affected"}},
		{"of a package that is not the distribution's", bookworm, foreign, match.Options{}, []string{"x CVE-1 affected"}},
		{"of a distribution of which nothing is known", assay.Release{ID: "plan9"}, system, match.Options{}, []string{"x CVE-1 affected"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := &assay.Inventory{Release: tt.release, Packages: []assay.Package{tt.system, owned}}
			res, err := match.Packages(t.Context(), inv, db, tt.o)
			if diff := cmp.Diff(tt.want, show(inv, res.Findings, nil)); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// TestOwnedIncomparable: a record of the distribution that cannot be compared is a gap, and
// clears nothing of what its package brought.
func TestOwnedIncomparable(t *testing.T) {
	for bad, want := range map[string]string{"not a version!": "x CVE-1 affected", "1.0-r0": "not: x CVE-1"} {
		system := assay.Package{Type: "apk", Name: "py3-x", Version: "1.0-r1", PURL: "pkg:apk/alpine/py3-x@1.0-r1"}
		inv := &assay.Inventory{Release: assay.Release{ID: "alpine", Version: "3.18.4"}, Packages: []assay.Package{system, {Type: assay.TypePyPI, Name: "x", Version: "1.0", Owner: system.PURL}}}
		res, err := match.Packages(t.Context(), inv, memory{adv("CVE-1", row("pypi", "x", assay.Range{})), adv("CVE-1", row("alpine:3.18", "py3-x", assay.Range{Fixed: bad}))}, match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := show(inv, res.Findings, nil)
		for _, s := range res.Suppressed {
			got = append(got, "not: "+inv.Packages[s.Package].Name+" "+s.ID)
		}
		if !slices.Equal(got, []string{want}) || (len(res.Gaps) > 0) != (bad != "1.0-r0") {
			t.Errorf("fixed in %q: %q, want %q; gaps %v", bad, got, want, res.Gaps)
		}
	}
}
