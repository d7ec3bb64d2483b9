package match_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// TestJudgements: each row that names a package has a judgement, in words.
func TestJudgements(t *testing.T) {
	deb := func(name, source, version string) assay.Package {
		return assay.Package{Type: assay.TypeDeb, Name: name, Source: source, Version: version, PURL: "pkg:deb/debian/" + name}
	}
	third := deb("third", "", "1")
	third.ThirdParty = "published by Docker"
	owned := assay.Package{Type: assay.TypePyPI, Name: "requests", Version: "1", Owner: "pkg:deb/debian/python3-requests"}
	program := assay.Package{Type: assay.TypeGo, Name: "example.org/m", Version: "v1.0.0", OS: "linux", Arch: "amd64", Symbols: assay.Symbols{}}
	inv := &assay.Inventory{Release: assay.Release{ID: "debian", Version: "12"}, Packages: []assay.Package{
		deb("libssl3", "openssl", "3.0-1"), third, deb("odd", "", "no version"), deb("python3-requests", "", "1"),
		{Type: assay.TypePyPI, Name: "Jinja2", Version: "2.11"}, owned, program, {Type: assay.TypeNPM, Name: "plain", Version: "1.0.0"}}}
	const bookworm assay.Stream = "debian:12"
	fixed := func(v string) []assay.Range { return []assay.Range{{Fixed: v}} }
	rows := []assay.Advisory{
		adv("CVE-1", assay.Affected{Stream: bookworm, Name: "openssl", Ranges: fixed("3.0-2"), Reason: "postponed"}),
		adv("CVE-2", assay.Affected{Stream: bookworm, Name: "openssl", Ranges: fixed("3.0-1")}),
		adv("CVE-3", assay.Affected{Stream: bookworm, Name: "openssl", Ranges: []assay.Range{{}}, Status: assay.StatusNotAffected}),
		adv("CVE-4", assay.Affected{Stream: bookworm, Name: "openssl", Ranges: []assay.Range{{}}, Status: assay.StatusUnknown}),
		adv("CVE-5", assay.Affected{Stream: "debian:11", Name: "openssl", Ranges: []assay.Range{{}}}),
		adv("CVE-6", assay.Affected{Stream: bookworm, Name: "third", Ranges: []assay.Range{{}}}),
		adv("CVE-7", assay.Affected{Stream: bookworm, Name: "odd", Ranges: fixed("2")}),
		adv("CVE-8", assay.Affected{Stream: "pypi", Name: "jinja2", Ranges: fixed("2.11.3")}),
		adv("CVE-9", assay.Affected{Stream: "pypi", Name: "jinja2", Ranges: []assay.Range{{Introduced: "3.0", Fixed: "3.1"}}, Versions: []string{"1.0"}}),
		adv("CVE-10", assay.Affected{Stream: "pypi", Name: "jinja2", Ranges: []assay.Range{{}}}, func(a *assay.Advisory) { a.Withdrawn = time.Unix(1, 0) }),
		adv("CVE-11", assay.Affected{Stream: "pypi", Name: "requests", Ranges: []assay.Range{{}}}),
		adv("CVE-12", assay.Affected{Stream: "go", Name: "example.org/m", Ranges: fixed("1.1.0"), Qualifiers: assay.Qualifiers{Imports: []assay.Import{{Path: "example.org/m", Symbols: []string{"Bad"}}}}}),
		adv("CVE-13", assay.Affected{Stream: "go", Name: "example.org/m", Ranges: fixed("1.1.0"), Qualifiers: assay.Qualifiers{OS: []string{"windows"}}}),
		adv("CVE-14", assay.Affected{Stream: "npm", Name: "plain", Ranges: []assay.Range{{}}}, func(a *assay.Advisory) { a.Kind = assay.KindUnmaintained }),
		adv("CVE-15", assay.Affected{Stream: "npm", Name: "plain", Versions: []string{"1.0.0"}}),
	}
	var got []match.Judgement
	for i := range rows {
		one, err := match.Advisory(t.Context(), inv, &rows[i], memory(rows), match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, one...)
	}
	var lines []string
	for _, j := range got {
		line := inv.Packages[j.Package].Name + " " + j.Advisory.ID + " " + string(j.Rule) + ": " + j.Because()
		if before, _, ok := strings.Cut(line, " compared: "); ok {
			line = before + " compared"
		}
		switch j.Verdict {
		case match.VerdictAffected:
			line = "! " + line
		case match.VerdictSuppressed:
			line = "- " + line
		case match.VerdictUnknown:
			line = "? " + line
		}
		lines = append(lines, line)
	}
	want := []string{
		"! libssl3 CVE-1 version: affected below 3.0-2; installed is 3.0-1 (postponed)",
		"libssl3 CVE-2 version: affected only below 3.0-1; installed is 3.0-1",
		"libssl3 CVE-3 declared: the publisher says that the package is not affected",
		"? libssl3 CVE-4 undetermined: the publisher has not determined whether the package is affected",
		"third CVE-6 third-party: the package is not the distribution's (published by Docker)",
		"? odd CVE-7 installed-version: the installed version cannot be compared",
		"! Jinja2 CVE-8 version: affected below 2.11.3; installed is 2.11",
		"Jinja2 CVE-9 version: affected only from 3.0 to below 3.1 or in version 1.0; installed is 2.11",
		"Jinja2 CVE-10 withdrawn: the publisher withdrew the advisory",
		"requests CVE-11 owner: owned by OS package pkg:deb/debian/python3-requests; the distribution's advisories decide about it, not the registry's",
		"- example.org/m CVE-12 unreachable: the vulnerable code is not linked into the binary: example.org/m.Bad",
		"example.org/m CVE-13 platform: the advisory is about other builds: operating systems windows",
		"plain CVE-14 notice: the advisory is a notice, not a vulnerability (unmaintained)",
		"! plain CVE-15 version: affected in 1.0.0; installed is 1.0.0",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
}
