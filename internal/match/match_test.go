package match_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// memory is a database: advisories of any stream that they name.
type memory []assay.Advisory

func (m memory) Lookup(_ context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		known := false
		for _, a := range m {
			var about []assay.Affected
			for _, f := range a.Affected {
				known = known || f.Stream == s
				if f.Stream == s && f.Name == name {
					about = append(about, f)
				}
			}
			if a.Affected = about; about != nil && !yield(a, nil) {
				return
			}
		}
		if !known {
			yield(assay.Advisory{}, assay.ErrNotFound)
		}
	}
}

// adv is an advisory of one package.
func adv(id string, f assay.Affected, more ...func(*assay.Advisory)) assay.Advisory {
	if f.Status == "" {
		f.Status = assay.StatusAffected
	}
	a := assay.Advisory{ID: id, Feed: "test", Affected: []assay.Affected{f}}
	for _, m := range more {
		m(&a)
	}
	return a
}

func aliases(ids ...string) func(*assay.Advisory) {
	return func(a *assay.Advisory) { a.Aliases = ids }
}

func notice(id string) func(*assay.Advisory) {
	return func(a *assay.Advisory) { a.VendorIDs = []string{id} }
}

func below(fixed ...string) (r []assay.Range) {
	for _, f := range fixed {
		r = append(r, assay.Range{Fixed: f})
	}
	return r
}

var every = []assay.Range{{}}

// deb is a row about source package "src" of Debian 12.
func deb(r []assay.Range, s assay.Status) assay.Affected {
	return assay.Affected{Stream: "debian:12", Name: "src", Ranges: r, Status: s}
}

var (
	bookworm = assay.Release{ID: "debian", Version: "12.4"}
	alma     = assay.Release{ID: "almalinux", Version: "8.9"}
)

// src is a Debian package built from source package "src".
func src(version string) assay.Package {
	return assay.Package{Type: "deb", Name: "bin", Version: version, Arch: "amd64", Source: "src"}
}

// show writes what matters of findings and gaps.
func show(inv *assay.Inventory, fs []assay.Finding, gaps []assay.Gap) (out []string) {
	for _, f := range fs {
		s := fmt.Sprintf("%s %s %s", inv.Packages[f.Package].Name, f.ID, f.Status)
		if f.FixedIn != "" {
			s += " " + f.FixedIn
		}
		if len(f.VendorIDs) > 0 {
			s += " " + strings.Join(f.VendorIDs, ",")
		}
		out = append(out, s)
	}
	for _, g := range gaps {
		out = append(out, "gap: "+g.String())
	}
	return out
}

// TestSeveralDistributions holds that each package is matched with the advisories of its
// own distribution, and that one of an unknown distribution is a gap.
func TestSeveralDistributions(t *testing.T) {
	of := func(p assay.Package, name string, r *assay.Release) assay.Package {
		p.Name, p.Release = name, r
		return p
	}
	older, plan9 := &assay.Release{ID: "debian", Version: "11"}, &assay.Release{ID: "plan9", Version: "4"}
	inv := &assay.Inventory{Release: bookworm, Packages: []assay.Package{
		of(src("1.0-1"), "twelve", nil), of(src("1.0-1"), "eleven", older),
		of(assay.Package{Type: "rpm", Version: "1-1"}, "npm", &alma), of(src("1.0-1"), "nine", plan9),
		{Type: "npm", Name: "lodash", Version: "1.0.0"},
	}}
	advisories := memory{
		adv("CVE-1", deb(below("1.0-2"), "")), adv("CVE-2", assay.Affected{Stream: "debian:11", Name: "src", Ranges: below("1.0-3")}),
		adv("CVE-3", assay.Affected{Stream: "almalinux:8", Name: "npm", Ranges: below("2-1")}), adv("CVE-4", row("npm", "lodash", assay.Range{})),
	}
	streams, gaps := match.Streams(inv, match.Options{})
	if diff := cmp.Diff([]assay.Stream{"debian:12", "debian:11", "almalinux:8", "npm"}, streams); diff != "" || len(gaps) != 1 {
		t.Error(diff, gaps)
	}
	r, err := match.Packages(t.Context(), inv, advisories, match.Options{})
	want := []string{"twelve CVE-1 fixed 1.0-2", "eleven CVE-2 fixed 1.0-3", "npm CVE-3 fixed 2-1", "lodash CVE-4 affected", "gap: distribution plan9 4: unsupported; 1 OS package is listed, not checked"}
	if diff := cmp.Diff(want, show(inv, r.Findings, r.Gaps)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestPackages(t *testing.T) {
	amd64 := assay.Qualifiers{Arches: []string{"x86_64"}}
	node18 := assay.Qualifiers{Module: "nodejs:18"}
	rpm := func(v string, q assay.Qualifiers) assay.Affected {
		return assay.Affected{Stream: "almalinux:8", Name: "npm", Ranges: below(v), Qualifiers: q}
	}
	rpmPkg := func(v, arch, module string) assay.Package {
		return assay.Package{Type: "rpm", Name: "npm", Version: v, Arch: arch, Module: module}
	}
	tests := []struct {
		name       string
		release    assay.Release // zero: Debian 12
		packages   []assay.Package
		advisories memory
		want       []string
	}{
		{"below the fix", bookworm, []assay.Package{src("1.0-1")}, memory{adv("CVE-1", deb(below("1.0-2"), ""))}, []string{"bin CVE-1 fixed 1.0-2"}},
		{"at the fix", bookworm, []assay.Package{src("1.0-2")}, memory{adv("CVE-1", deb(below("1.0-2"), ""))}, nil},
		{"above the fix", bookworm, []assay.Package{src("1.0-3")}, memory{adv("CVE-1", deb(below("1.0-2"), ""))}, nil},
		{"without a fix", bookworm, []assay.Package{src("1.0-3")}, memory{adv("CVE-1", deb(every, ""))}, []string{"bin CVE-1 affected"}},
		{"will not be fixed", bookworm, []assay.Package{src("1.0-3")}, memory{adv("CVE-1", deb(every, assay.StatusWillNotFix))}, []string{"bin CVE-1 will_not_fix"}},
		{"an epoch is above", bookworm, []assay.Package{src("1:0.9-1")}, memory{adv("CVE-1", deb(below("2.0-1"), ""))}, nil},
		{"an epoch is not reached", bookworm, []assay.Package{src("2.0-1")}, memory{adv("CVE-1", deb(below("1:0.1-1"), ""))}, []string{"bin CVE-1 fixed 1:0.1-1"}},
		{"before it was introduced", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb([]assay.Range{{Introduced: "1.1", Fixed: "1.3"}}, ""))}, nil},
		{"when it was introduced", bookworm, []assay.Package{src("1.1")}, memory{adv("CVE-1", deb([]assay.Range{{Introduced: "1.1", Fixed: "1.3"}}, ""))}, []string{"bin CVE-1 fixed 1.3"}},
		{"the last affected", bookworm, []assay.Package{src("1.3")}, memory{adv("CVE-1", deb([]assay.Range{{LastAffected: "1.3"}}, ""))}, []string{"bin CVE-1 affected"}},
		{"above the last affected", bookworm, []assay.Package{src("1.4")}, memory{adv("CVE-1", deb([]assay.Range{{LastAffected: "1.3"}}, ""))}, nil},
		{"the second of several ranges", bookworm, []assay.Package{src("2.1")}, memory{adv("CVE-1", deb([]assay.Range{{Fixed: "1.5"}, {Introduced: "2.0", Fixed: "2.4"}}, ""))}, []string{"bin CVE-1 fixed 2.4"}},
		{"between ranges", bookworm, []assay.Package{src("1.7")}, memory{adv("CVE-1", deb([]assay.Range{{Fixed: "1.5"}, {Introduced: "2.0", Fixed: "2.4"}}, ""))}, nil},
		{"a version named", bookworm, []assay.Package{src("1.0-0")}, memory{adv("CVE-1", assay.Affected{Stream: "debian:12", Name: "src", Versions: []string{"0.9", "1.0"}})}, []string{"bin CVE-1 affected"}},
		{"a version not named", bookworm, []assay.Package{src("1.1")}, memory{adv("CVE-1", assay.Affected{Stream: "debian:12", Name: "src", Versions: []string{"0.9", "1.0"}})}, nil},
		{"withdrawn", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb(every, ""), func(a *assay.Advisory) { a.Withdrawn = time.Unix(1, 0) })}, nil},

		{"the source's version counts", bookworm, []assay.Package{{Type: "deb", Name: "bin", Version: "9.0+b1", Source: "src", SourceVersion: "1.0-1"}},
			memory{adv("CVE-1", deb(below("1.0-2"), ""))}, []string{"bin CVE-1 fixed 1.0-2"}},
		{"the binary's name does not", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", assay.Affected{Stream: "debian:12", Name: "bin", Ranges: every})}, nil},
		{"a source of the same name", bookworm, []assay.Package{{Type: "deb", Name: "src", Version: "1.0"}}, memory{adv("CVE-1", deb(every, ""))}, []string{"src CVE-1 affected"}},
		{"each binary of a source", bookworm, []assay.Package{src("1.0"), {Type: "deb", Name: "lib", Version: "1.0", Source: "src"}},
			memory{adv("CVE-1", deb(every, ""))}, []string{"bin CVE-1 affected", "lib CVE-1 affected"}},
		{"rpm by binary name", alma, []assay.Package{{Type: "rpm", Name: "npm", Version: "1-1", Source: "nodejs"}}, memory{adv("CVE-1", rpm("1-2", assay.Qualifiers{})),
			adv("CVE-2", assay.Affected{Stream: "almalinux:8", Name: "nodejs", Ranges: every})}, []string{"npm CVE-1 fixed 1-2"}},

		{"not affected, by the same ID", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb(every, "")), adv("CVE-1", deb(every, assay.StatusNotAffected))}, nil},
		{"not affected, by the finding's alias", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb(every, assay.StatusNotAffected)), adv("GHSA-1", deb(every, ""), aliases("CVE-1"))}, nil},
		{"not affected, by the declaration's alias", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb(every, "")), adv("VEX-1", deb(every, assay.StatusNotAffected), aliases("CVE-1"))}, nil},
		{"not affected by one of two", bookworm, []assay.Package{src("1.0")}, memory{adv("DSA-1", deb(every, ""), aliases("CVE-1", "CVE-2")), adv("CVE-1", deb(every, assay.StatusNotAffected))}, []string{"bin DSA-1 affected"}},
		{"not affected in other versions", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb(every, "")), adv("CVE-1", deb([]assay.Range{{Introduced: "2.0"}}, assay.StatusNotAffected))}, []string{"bin CVE-1 affected"}},

		{"several notices, one finding", bookworm, []assay.Package{src("1.0-1")}, memory{adv("CVE-1", deb(below("1.0-2"), ""), notice("DSA-1")), adv("CVE-1", deb(below("1.0-4"), ""), notice("DSA-2")),
			adv("CVE-1", deb(below("1.0-3"), ""), notice("DSA-3"))}, []string{"bin CVE-1 fixed 1.0-4 DSA-1,DSA-2,DSA-3"}},
		{"no fix is the highest", bookworm, []assay.Package{src("1.0-1")}, memory{adv("CVE-1", deb(below("1.0-2"), "")), adv("CVE-1", deb(every, assay.StatusFixDeferred))}, []string{"bin CVE-1 fix_deferred"}},
		{"the first fix did", bookworm, []assay.Package{src("1.0-2")}, memory{adv("CVE-1", deb(below("1.0-2"), "")), adv("CVE-1", deb(below("1.0-4"), ""))}, []string{"bin CVE-1 fixed 1.0-4"}},

		{"undetermined", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-2", deb(every, assay.StatusUnknown)), adv("CVE-1", deb(every, assay.StatusUnknown)), adv("CVE-2", deb(every, assay.StatusUnknown))},
			nil},
		{"third parties", bookworm, []assay.Package{{Type: "deb", Name: "docker-ce", Version: "1", ThirdParty: "published by Docker"}, {Type: "deb", Name: "containerd.io", Version: "1", ThirdParty: "published by Docker"}, src("1.0")},
			memory{adv("CVE-1", deb(every, "")), adv("CVE-2", assay.Affected{Stream: "debian:12", Name: "docker-ce", Ranges: every})}, []string{"bin CVE-1 affected",
				"gap: packages docker-ce, containerd.io: not the distribution's (published by Docker), so not covered by the advisories of debian:12; 2 packages are listed, not checked"}},
		{"an installed version that is none", bookworm, []assay.Package{src("a b")}, memory{adv("CVE-1", deb(below("1"), "")), adv("CVE-2", deb(every, ""))},
			[]string{"gap: package bin a b: its version cannot be compared with the 2 advisories about src: "}},
		{"a published version that is none", bookworm, []assay.Package{src("1.0"), src("1.0")}, memory{adv("CVE-1", deb(below("1 0"), "")), adv("CVE-2", deb(below("1.1"), ""))},
			[]string{"bin CVE-2 fixed 1.1", "bin CVE-2 fixed 1.1", "gap: debian:12 CVE-1: not compared with src 1.0: a version in the advisory cannot be compared: "}},
		{"one bad range of several", bookworm, []assay.Package{src("1.0")}, memory{adv("CVE-1", deb([]assay.Range{{Fixed: "1 0"}, {Fixed: "1.1"}}, ""))}, []string{"bin CVE-1 fixed 1.1"}},

		{"the architecture", alma, []assay.Package{rpmPkg("1-1", "x86_64", "")}, memory{adv("CVE-1", rpm("1-2", amd64))}, []string{"npm CVE-1 fixed 1-2"}},
		{"another architecture", alma, []assay.Package{rpmPkg("1-1", "aarch64", "")}, memory{adv("CVE-1", rpm("1-2", amd64))}, nil},
		{"any architecture", alma, []assay.Package{rpmPkg("1-1", "aarch64", "")}, memory{adv("CVE-1", rpm("1-2", assay.Qualifiers{Arches: []string{"noarch"}}))}, []string{"npm CVE-1 fixed 1-2"}},
		{"the module", alma, []assay.Package{rpmPkg("1-1.module_el8", "x86_64", "nodejs:18:8090:abc:x86_64")}, memory{adv("CVE-1", rpm("1-2.module_el8", node18))}, []string{"npm CVE-1 fixed 1-2.module_el8"}},
		{"another module stream", alma, []assay.Package{rpmPkg("1-1.module_el8", "x86_64", "nodejs:20:8090:abc:x86_64")}, memory{adv("CVE-1", rpm("1-2.module_el8", node18))}, nil},
		{"a module's fix for no module", alma, []assay.Package{rpmPkg("1-1.el8", "x86_64", "")}, memory{adv("CVE-1", rpm("1-2.module_el8", node18)), adv("CVE-2", rpm("1-2.module_el8", assay.Qualifiers{}))}, nil},
		{"a module whose stream is not told", alma, []assay.Package{rpmPkg("1-1.module_el8", "x86_64", "nodejs:20:8090:abc:x86_64")}, memory{adv("CVE-1", rpm("1-2.module_el8", assay.Qualifiers{})), adv("CVE-2", rpm("1-2.el8", assay.Qualifiers{}))},
			[]string{"npm CVE-1 fixed 1-2.module_el8"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv := &assay.Inventory{Release: tt.release, Packages: tt.packages}
			stream := assay.Stream("debian:12")
			if tt.release.ID != "debian" {
				stream = "almalinux:8"
			}
			db := append(slices.Clone(tt.advisories), adv("CVE-0", assay.Affected{Stream: stream, Name: "other", Ranges: every}))
			res, err := match.Packages(t.Context(), inv, db, match.Options{})
			fs, gaps := res.Findings, res.Gaps
			got := show(inv, fs, gaps)
			for i := range got { // a cause in another package's words
				if i < len(tt.want) && strings.HasSuffix(tt.want[i], ": ") && strings.HasPrefix(got[i], tt.want[i]) {
					got[i] = tt.want[i]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestNotMatched(t *testing.T) {
	three := []assay.Package{{Type: "deb", Name: "a", Version: "1"}, {Type: "rpm", Name: "b", Version: "1"}, {Type: "npm", Name: "c", Version: "1"}}
	npm := []assay.Stream{"npm"}
	tests := []struct {
		name    string
		inv     assay.Inventory
		streams []assay.Stream
		want    string // the gap
	}{
		{"nothing installed", assay.Inventory{Release: bookworm}, nil, ""},
		{"no system packages", assay.Inventory{Release: bookworm, Packages: three[2:]}, npm, ""},
		{"no distribution", assay.Inventory{Packages: three}, npm, "distribution: unknown, for no file of the image names it; 2 OS packages are listed, not checked"},
		{"one that is not known", assay.Inventory{Release: assay.Release{ID: "plan9", Version: "4"}, Packages: three}, npm, "distribution plan9 4: unsupported; 2 OS packages are listed, not checked"},
		{"a derivative is not its parent", assay.Inventory{Release: assay.Release{ID: "kali", IDLike: []string{"debian"}}, Packages: three}, npm, "distribution kali: unsupported; 2 OS packages are listed, not checked"},
		{"no version", assay.Inventory{Release: assay.Release{ID: "debian"}, Packages: three}, npm, "distribution debian: its release is unknown; 2 OS packages are listed, not checked"},
		{"matched", assay.Inventory{Release: bookworm, Packages: three}, []assay.Stream{"debian:12", "npm"}, ""},
		{"no stream at all", assay.Inventory{Packages: []assay.Package{{Type: "generic", Name: "a"}, {Type: "generic", Name: "b"}, {Name: "c"}}}, nil, "packages of types generic, none: no advisories for these package types; 3 packages are listed, not checked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			streams, gaps := match.Streams(&tt.inv, match.Options{})
			if diff := cmp.Diff(tt.streams, streams); diff != "" {
				t.Error(diff)
			}
			var db assay.Advisories
			if streams != nil { // otherwise no database is asked
				db = memory{adv("CVE-0", assay.Affected{Stream: "debian:12", Name: "other"}), adv("CVE-0", assay.Affected{Stream: "npm", Name: "other"})}
			}
			res, err := match.Packages(t.Context(), &tt.inv, db, match.Options{})
			fs, again := res.Findings, res.Gaps
			if len(fs) > 0 || err != nil || !slices.Equal(gaps, again) {
				t.Errorf("%v, %v, %v", fs, again, err)
			}
			if got := show(&tt.inv, nil, gaps); strings.Join(got, "\n") != strings.TrimSuffix("gap: "+tt.want, "gap: ") {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if _, err := match.Packages(t.Context(), &assay.Inventory{Release: bookworm, Packages: three}, memory{}, match.Options{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("a database without the stream: %v", err)
	}
}

func TestFinding(t *testing.T) {
	a := adv("CVE-1", assay.Affected{Stream: "debian:12", Name: "src", Ranges: below("2"), Reason: "postponed"}, aliases("GHSA-1"), notice("DSA-1"))
	a.Title, a.Severity, a.URL = "Title", assay.SeverityHigh, "https://example.org"
	b := adv("CVE-1", assay.Affected{Stream: "debian:12", Name: "src", Ranges: below("1.5"), Severity: assay.SeverityCritical}, aliases("GHSA-2"))
	b.Feed = "other"
	inv := &assay.Inventory{Release: bookworm, Packages: []assay.Package{{Type: "deb", Name: "bin", Version: "1+b1", Source: "src", SourceVersion: "1"}}}
	res, err := match.Packages(t.Context(), inv, memory{a, b}, match.Options{})
	fs, gaps := res.Findings, res.Gaps
	want := []assay.Finding{{
		ID: "CVE-1", Aliases: []string{"GHSA-1", "GHSA-2"}, VendorIDs: []string{"DSA-1"}, FixedIn: "2", Status: assay.StatusFixed, Severity: assay.SeverityCritical, SeveritySource: "other",
		Stream: "debian:12", Feed: "test", URL: "https://example.org", Detail: assay.Detail{ID: "CVE-1", Title: "Title", Ratings: []assay.Rating{{Source: "test", Severity: assay.SeverityHigh}}},
		Because: "debian:12: source package src is affected below 2 (postponed); installed is 1 (from which bin 1+b1 was built)",
	}}
	if diff := cmp.Diff(want, fs); diff != "" || gaps != nil || err != nil {
		t.Errorf("%v %v\n%s", gaps, err, diff)
	}
}

func TestBecause(t *testing.T) {
	for _, tt := range []struct {
		row  assay.Affected
		want string
	}{
		{assay.Affected{Ranges: every}, " in every version, without a fix"},
		{assay.Affected{Ranges: below("2")}, " below 2"},
		{assay.Affected{Ranges: []assay.Range{{Introduced: "1", Fixed: "2"}}}, " from 1 to below 2"},
		{assay.Affected{Ranges: []assay.Range{{Introduced: "1"}}}, " from 1 on, without a fix"},
		{assay.Affected{Ranges: []assay.Range{{LastAffected: "3"}}}, " up to 3"},
		{assay.Affected{Ranges: []assay.Range{{Introduced: "1", LastAffected: "3"}}}, " from 1 up to 3"},
		{assay.Affected{Versions: []string{"1.5"}}, " in 1.5"},
	} {
		tt.row.Stream, tt.row.Name = "almalinux:8", "npm"
		inv := &assay.Inventory{Release: alma, Packages: []assay.Package{{Type: "rpm", Name: "npm", Version: "1.5"}}}
		res, err := match.Packages(t.Context(), inv, memory{adv("CVE-1", tt.row)}, match.Options{})
		fs := res.Findings
		if want := "almalinux:8: package npm is affected" + tt.want + "; installed is 1.5"; err != nil || len(fs) != 1 || fs[0].Because != want {
			t.Errorf("%v %v, want %q", err, fs, want)
		}
	}
}

// TestUndetermined: what the publisher has not determined is no finding and no gap.
func TestUndetermined(t *testing.T) {
	open := assay.StatusUnknown
	for _, tt := range []struct {
		name       string
		advisories memory
		want       []string
	}{
		{"once", memory{adv("CVE-2", deb(every, open)), adv("CVE-1", deb(every, open)), adv("CVE-2", deb(every, open))}, []string{"CVE-1", "CVE-2"}},
		{"another row decides", memory{adv("CVE-1", deb(every, open)), adv("CVE-1", deb(every, "")), adv("CVE-2", deb(every, open)), adv("CVE-2", deb(every, assay.StatusNotAffected))}, nil},
		{"by an alias", memory{adv("CVE-1", deb(every, open)), adv("DSA-1", deb(every, ""), aliases("CVE-1"))}, nil},
		{"in other versions", memory{adv("CVE-1", deb(below("0.9"), open))}, nil},
	} {
		res, err := match.Packages(t.Context(), &assay.Inventory{Release: bookworm, Packages: []assay.Package{src("1.0")}}, tt.advisories, match.Options{})
		var got []string
		for _, s := range res.Suppressed {
			if got = append(got, s.ID); s.As != assay.StatusUnderInvestigation || s.Status != assay.StatusUnderInvestigation || s.By == assay.SuppressedByMatch || s.Reason == "" {
				t.Errorf("%s: %+v", tt.name, s)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) || len(res.Gaps) > 0 || err != nil {
			t.Errorf("%s: %v, gaps %v, %v", tt.name, got, res.Gaps, err)
		}
	}
}

// TestMany holds that names and identifiers without number do not make a gap
// without end.
func TestMany(t *testing.T) {
	inv := &assay.Inventory{Release: bookworm}
	db := memory{adv("CVE-0", deb(every, ""))}
	for i := range 20 {
		inv.Packages = append(inv.Packages, assay.Package{Type: "deb", Name: fmt.Sprintf("p%02d", i), Version: "1", ThirdParty: "another's"})
		db = append(db, adv(fmt.Sprintf("CVE-%02d", i), deb(every, assay.StatusUnknown)))
	}
	inv.Packages = append(inv.Packages, src("1"))
	res, err := match.Packages(t.Context(), inv, db, match.Options{})
	gaps := res.Gaps
	if err != nil || len(gaps) != 1 || !strings.HasSuffix(gaps[0].Where, "p07 and 12 more") {
		t.Errorf("%v %v", err, gaps)
	}
}
