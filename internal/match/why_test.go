package match_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// TestWhy: each record that names a package is judged by itself, in words.
func TestWhy(t *testing.T) {
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
	got, err := match.Why(t.Context(), inv, rows, memory(rows), match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, j := range got {
		line := inv.Packages[j.Package].Name + " " + j.Advisory + ": " + j.Why
		if before, _, ok := strings.Cut(line, " compared: "); ok {
			line = before + " compared"
		}
		if j.Holds {
			line = "! " + line
		}
		lines = append(lines, line)
	}
	want := []string{
		"! libssl3 CVE-1: affected below 3.0-2; installed is 3.0-1 (postponed)",
		"libssl3 CVE-2: it is affected below 3.0-1; installed is 3.0-1",
		"libssl3 CVE-3: its publisher says that it is not affected",
		"libssl3 CVE-4: its publisher has not determined whether it is affected",
		"third CVE-6: the package is not the distribution's (published by Docker)",
		"odd CVE-7: the installed version cannot be compared",
		"! Jinja2 CVE-8: affected below 2.11.3; installed is 2.11",
		"Jinja2 CVE-9: it is affected from 3.0 to below 3.1 or in version 1.0; installed is 2.11",
		"Jinja2 CVE-10: the record was withdrawn",
		"requests CVE-11: a package of the system brought it (pkg:deb/debian/python3-requests), of which the distribution's advisories speak, not the registry's",
		"example.org/m CVE-12: what is at fault is not linked into the binary: example.org/m.Bad",
		"example.org/m CVE-13: the record is of other builds: operating systems windows",
		"plain CVE-14: the record tells of no vulnerability (unmaintained)",
		"! plain CVE-15: affected in 1.0.0; installed is 1.0.0",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
}
