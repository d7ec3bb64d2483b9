package osv

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/identifier/purl"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/version"
)

// Why a record is not used.
const (
	WhyWithdrawn = "withdrawn"
	WhyForeign   = "no package of a known ecosystem"
	WhyVersions  = "no versions that can be compared"
)

// A Publisher converts its records to advisories.
type Publisher struct {
	Feed   string                    // name of the feed
	Page   string                    // URL before a record's identifier; "" means https://osv.dev/vulnerability/
	Wanted func(s assay.Stream) bool // nil means all
	// Place finds the stream, the spelling and the version scheme of a package
	// by OSV's name of its ecosystem; nil means OfLanguage.
	Place func(ecosystem, name string) (Place, bool)
}

// A Place is the stream, name and version scheme of a package.
type Place struct {
	Stream assay.Stream
	Name   string // of the package, as the stream spells it
	Scheme string // of the versions, as named in package version
}

// OfLanguage is the place of a language package.
func OfLanguage(name, pkg string) (Place, bool) {
	name, _ = Ecosystem(name)
	e, ok := ecosystem.OfOSV(name)
	if !ok {
		return Place{}, false
	}
	return Place{e.Stream, e.Name(pkg), e.Scheme}, true
}

// Wants makes a Publisher's Wanted from the requested streams and the feed's own
// streams.
func Wants(wanted, has []assay.Stream) func(assay.Stream) bool {
	return func(s assay.Stream) bool {
		covers := func(w assay.Stream) bool { return w.Covers(s) }
		return slices.ContainsFunc(has, covers) && (wanted == nil || slices.ContainsFunc(wanted, covers))
	}
}

// Advisory converts a record to an advisory for the wanted streams. Why is the
// reason if the record cannot be used. If why is "" and nothing is affected, the
// record is about other streams.
//
// Each Affected is about one package under one condition; further data on the
// same package and condition are added to it. Versions within the ranges are not
// listed again. Identifiers of upstream vulnerabilities are aliases, because the
// record is about the same vulnerability.
func (p Publisher) Advisory(r *Record) (a assay.Advisory, why string) {
	if !r.Withdrawn.IsZero() {
		return a, WhyWithdrawn
	}
	a = assay.Advisory{
		ID: r.ID, Feed: p.Feed, Title: strings.Join(strings.Fields(r.Summary), " "), Text: r.Details, Kind: r.kind(),
		CWEs: weaknesses(r.Database.CWEs), URL: cmp.Or(p.Page, "https://osv.dev/vulnerability/") + r.ID,
		Published: r.Published.Time, Modified: r.Modified.Time,
	}
	for _, id := range slices.Concat(r.Aliases, r.Upstream) {
		if id != r.ID {
			a.Aliases = append(a.Aliases, strings.TrimSpace(id))
		}
	}
	a.Aliases = cve.Set(a.Aliases)
	for _, ref := range r.References {
		if strings.HasPrefix(ref.URL, "http") {
			a.References = append(a.References, ref.URL)
		}
	}
	a.Severity, _ = assay.ParseSeverity(string(r.Database.Severity))
	for _, s := range r.ratings() {
		rate(&a, source(r.ID), s)
	}
	a.Affected, why = p.affected(r)
	return a, why
}

// ratings lists the ratings of the record and of its packages.
func (r *Record) ratings() []Severity {
	all := slices.Clone(r.Severity)
	for i := range r.Affected {
		p := &r.Affected[i]
		all = append(all, p.Severity...)
		if p.Extra.CVSS != "" {
			all = append(all, Severity{"CVSS", p.Extra.CVSS})
		}
	}
	return all
}

// rate adds a rating; invalid vectors are left out.
func rate(a *assay.Advisory, source string, s Severity) {
	if !strings.HasPrefix(s.Type, "CVSS") {
		if w, ok := assay.ParseSeverity(string(s.Score)); ok && a.Severity == assay.SeverityUnknown {
			a.Severity = w
		}
		return
	}
	c, err := cvss.Parse(source, string(s.Score))
	if err == nil && !slices.Contains(a.CVSS, c) {
		a.CVSS = append(a.CVSS, c)
	}
}

// source is the publisher of ratings in records with such an identifier.
func source(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	return strings.ToLower(prefix)
}

// kind recognises malicious packages, and RustSec's records that are not
// vulnerabilities.
func (r *Record) kind() assay.Kind {
	malicious := func(id string) bool { return strings.HasPrefix(id, "MAL-") }
	if malicious(r.ID) || slices.ContainsFunc(r.Aliases, malicious) || slices.Equal(r.Database.CWEs, []string{"CWE-506"}) {
		return assay.KindMalware
	}
	for i := range r.Affected {
		x := &r.Affected[i].Extra
		if k := RustKind(string(x.Informational), x.Categories, append([]string{r.ID}, r.Aliases...)); k != assay.KindVulnerability {
			return k
		}
	}
	return assay.KindVulnerability
}

// RustKind is the kind of a RustSec record by its "informational", "categories" and
// names. What is unsound, or has a notice, is a vulnerability where somebody gave it a
// CVE. https://github.com/rustsec/advisory-db#advisory-format
func RustKind(informational string, categories, names []string) assay.Kind {
	if slices.Contains(categories, "malicious") {
		return assay.KindMalware
	}
	if informational != "unmaintained" && slices.ContainsFunc(names, cve.Valid) {
		return assay.KindVulnerability
	}
	switch informational {
	case "unmaintained":
		return assay.KindUnmaintained
	case "unsound":
		return assay.KindUnsound
	case "":
		return assay.KindVulnerability
	}
	return assay.KindNotice
}

func weaknesses(texts []string) []string {
	var out []string
	for _, t := range texts {
		out = append(out, cve.Weakness(t))
	}
	return cve.Set(out)
}

// affected returns a row for each package and condition.
func (p Publisher) affected(r *Record) (rows []assay.Affected, why string) {
	place := p.Place
	if place == nil {
		place = OfLanguage
	}
	known, foreign := false, false
	for i := range r.Affected {
		e := &r.Affected[i]
		at, ok := place(e.Package.Ecosystem, strings.TrimSpace(e.Package.Name))
		switch {
		case !ok || at.Name == "":
			continue
		case p.Wanted != nil && !p.Wanted(at.Stream):
			foreign = true
			continue
		}
		known = true
		row := assay.Affected{Stream: at.Stream, Name: at.Name, Status: assay.StatusAffected, Severity: e.severity(r), Qualifiers: e.qualifiers()}
		scheme, _ := version.ByName(at.Scheme)
		row.Ranges, row.Versions = e.versions(scheme)
		if len(row.Ranges)+len(row.Versions) > 0 {
			rows = add(rows, row)
		}
	}
	switch {
	case len(rows) > 0 || foreign:
		return rows, ""
	case known:
		return nil, WhyVersions
	}
	return nil, WhyForeign
}

// add adds a row, or its versions to an equal row.
func add(rows []assay.Affected, row assay.Affected) []assay.Affected {
	for i := range rows {
		old := &rows[i]
		if old.Stream != row.Stream || old.Name != row.Name || old.Severity != row.Severity || !reflect.DeepEqual(old.Qualifiers, row.Qualifiers) {
			continue
		}
		for _, g := range row.Ranges {
			if !slices.Contains(old.Ranges, g) {
				old.Ranges = append(old.Ranges, g)
			}
		}
		old.Versions = cve.Set(append(old.Versions, row.Versions...))
		return rows
	}
	return append(rows, row)
}

// severity is the package's own severity, if the record rates each of several
// packages.
func (a *Affected) severity(r *Record) assay.Severity {
	if w, ok := assay.ParseSeverity(string(a.Parts.Severity)); ok && w != assay.SeverityUnknown {
		return w
	}
	if len(r.Affected) < 2 || len(r.Severity) > 0 || r.Database.Severity != "" {
		return assay.SeverityUnknown
	}
	var only assay.Advisory
	for _, s := range a.Severity {
		rate(&only, "", s)
	}
	newest := assay.CVSS{}
	for _, c := range only.CVSS {
		if c.Version > newest.Version {
			newest = c
		}
	}
	return max(only.Severity, newest.Severity())
}

// qualifiers are the vulnerable parts and systems, and the UUID of a Julia package. RustSec uses Rust's names of
// systems, which differ from GOOS only for macOS, and Rust's names of
// architectures.
func (a *Affected) qualifiers() (q assay.Qualifiers) {
	for _, i := range a.Parts.Imports {
		q.Imports = append(q.Imports, assay.Import{Path: i.Path, Symbols: i.Symbols, OS: i.OS, Arches: i.Arches})
	}
	affects := a.Parts.Affects
	q.Imports = append(q.Imports, Functions(affects.Functions)...)
	q.OS, q.Arches = Systems(affects.OS), affects.Arches
	if len(q.Arches) == 0 {
		q.Arches = nil
	}
	q.UUID = purl.UUID(a.Package.PURL)
	return q
}

// Functions are the paths of Rust functions as parts of a package.
func Functions(paths []string) (out []assay.Import) {
	for _, path := range cve.Set(slices.Clone(paths)) {
		out = append(out, assay.Import{Path: path})
	}
	return out
}

// Systems converts Rust's names of operating systems to Go's.
// https://doc.rust-lang.org/std/env/consts/constant.OS.html
func Systems(rust []string) (out []string) {
	for _, os := range rust {
		if os == "macos" {
			os = "darwin"
		}
		out = append(out, os)
	}
	return out
}

// versions returns the affected versions. GitHub ends an open range with
// database_specific.last_known_affected_version_range.
func (a *Affected) versions(scheme version.Scheme) (ranges []assay.Range, versions []string) {
	var compare func(x, y string) (int, error)
	if scheme != nil {
		compare = func(x, y string) (int, error) { return version.Compare(scheme, x, y) }
	}
	for _, g := range a.Intervals(compare) {
		if g.Introduced == "0.0.0-0" { // the lowest semantic version
			g.Introduced = ""
		}
		if !slices.Contains(ranges, g) {
			ranges = append(ranges, g)
		}
	}
	if len(ranges) == 1 && ranges[0].Fixed == "" && ranges[0].LastAffected == "" {
		op, v, _ := strings.Cut(string(a.Extra.LastKnown), " ")
		switch op {
		case "<":
			ranges[0].Before = strings.TrimSpace(v)
		case "<=":
			ranges[0].LastAffected = strings.TrimSpace(v)
		}
	}
	for _, v := range a.Versions {
		if v != "" && !includesVersion(scheme, ranges, v) {
			versions = append(versions, v)
		}
	}
	return ranges, cve.Set(versions)
}

// includesVersion reports whether the ranges certainly include a version.
func includesVersion(scheme version.Scheme, ranges []assay.Range, v string) bool {
	if slices.Contains(ranges, assay.Range{}) {
		return true
	}
	if scheme == nil {
		return false
	}
	key, err := scheme.Key(v)
	if err != nil {
		return false
	}
	is := func(bound string, want ...int) bool {
		k, err := scheme.Key(bound)
		return err == nil && slices.Contains(want, cmp.Compare(scheme.Compare(key, k), 0))
	}
	return slices.ContainsFunc(ranges, func(g assay.Range) bool {
		return (g.Introduced == "" || is(g.Introduced, 0, 1)) &&
			(g.Fixed == "" || is(g.Fixed, -1)) && (g.Before == "" || is(g.Before, -1)) && (g.LastAffected == "" || is(g.LastAffected, -1, 0))
	})
}
