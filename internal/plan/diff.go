package plan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/version"
)

// A Difference is the difference between two reports.
type Difference struct {
	Old      Side         `json:"old"`
	New      Side         `json:"new"`
	Packages PackageDiff  `json:"packages"`
	Findings FindingsDiff `json:"findings"`
	Notes    []string     `json:"notes"` // why the reports are hard to compare

	added map[string]bool // keys of the new findings
}

// A Side is one of the two reports.
type Side struct {
	Name     string `json:"name"`
	Digest   string `json:"digest,omitempty"`
	Release  string `json:"release,omitempty"`
	Database string `json:"database,omitempty"` // digest of the index of the advisories
	Packages int    `json:"packages"`
	Totals
}

// PackageDiff is the difference of the packages; a version in several places
// counts once.
type PackageDiff struct {
	Added     []Change `json:"added"`
	Removed   []Change `json:"removed"`
	Changed   []Change `json:"changed"` // another version
	Unchanged int      `json:"unchanged"`
}

// A Change is an added or removed package, or one with another version.
type Change struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Arch string `json:"arch,omitempty"`
	Old  string `json:"old,omitempty"` // version; "" if added
	New  string `json:"new,omitempty"` // version; "" if removed
}

// FindingsDiff is the difference of the findings. A vulnerability in a package
// is one finding, whatever the version and the number of places.
type FindingsDiff struct {
	Added     []FindingChange `json:"added"`
	Fixed     []FindingChange `json:"fixed"`
	Unchanged []FindingChange `json:"unchanged"`
}

// A FindingChange is a new, fixed or unchanged finding, and why.
type FindingChange struct {
	FindingSummary
	FixedIn string `json:"fixedIn,omitempty"`
	Why     string `json:"why,omitempty"`
}

// Diff compares a report with an older one.
func Diff(old, next *assay.Report) *Difference {
	d := &Difference{Old: side(old), New: side(next), Notes: []string{}}
	d.packages(old, next)
	d.findings(old, next)
	if a, b := d.Old.Database, d.New.Database; a != b && a != "" && b != "" {
		d.Notes = append(d.Notes, "the reports are based on different versions of the advisories")
	}
	if len(old.Gaps)+len(next.Gaps) > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("gaps (parts that were not read or not judged): %d in the old report, %d in the new one", len(old.Gaps), len(next.Gaps)))
	}
	if old.LeftOut+next.LeftOut > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("findings left out by filters: %d in the old report, %d in the new one", old.LeftOut, next.LeftOut))
	}
	return d
}

// Added is the newer report with only the new findings of the difference, in all
// their places.
func (d *Difference) Added(next *assay.Report) *assay.Report {
	out := *next
	out.Findings = nil
	for i := range next.Findings {
		f := &next.Findings[i]
		if d.added[(known{f, identityOf(&next.Packages[f.Package])}).key()] {
			out.Findings = append(out.Findings, *f)
		}
	}
	return &out
}

func side(r *assay.Report) Side {
	return Side{Name: r.Image.Name, Digest: cmp.Or(r.Image.Digest, r.Image.ID), Release: strings.TrimSpace(r.Release.ID + " " + r.Release.Version),
		Database: r.Database.Digest, Packages: len(r.Packages), Totals: totals(r)}
}

// versionsOf returns the versions of packages by identity.
func versionsOf(r *assay.Report) map[Change][]string {
	out := map[Change][]string{}
	for i := range r.Packages {
		p := &r.Packages[i]
		k := unversioned(p)
		if !slices.Contains(out[k], p.Version) {
			out[k] = append(out[k], p.Version)
		}
	}
	return out
}

// unversioned identifies a package without its version.
func unversioned(p *assay.Package) Change {
	return Change{Type: p.Type, Name: nameOf(p), Arch: p.Arch}
}

// nameOf is a package's name in the spelling of its ecosystem.
func nameOf(p *assay.Package) string {
	if e, ok := ecosystem.OfType(p.Type); ok {
		return e.Name(p.Name)
	}
	return p.Name
}

func (d *Difference) packages(old, next *assay.Report) {
	d.Packages = PackageDiff{Added: []Change{}, Removed: []Change{}, Changed: []Change{}}
	before, after := versionsOf(old), versionsOf(next)
	for k, was := range before {
		now := after[k]
		gone := slices.DeleteFunc(slices.Clone(was), func(v string) bool { return slices.Contains(now, v) })
		came := slices.DeleteFunc(slices.Clone(now), func(v string) bool { return slices.Contains(was, v) })
		d.Packages.Unchanged += len(was) - len(gone)
		s := schemeOf(next, &assay.Package{Type: k.Type})
		sortVersions(s, k.Type, k.Name, gone)
		sortVersions(s, k.Type, k.Name, came)
		n := min(len(gone), len(came))
		for i := range n {
			d.Packages.Changed = append(d.Packages.Changed, Change{k.Type, k.Name, k.Arch, gone[i], came[i]})
		}
		for _, v := range gone[n:] {
			d.Packages.Removed = append(d.Packages.Removed, Change{k.Type, k.Name, k.Arch, v, ""})
		}
		for _, v := range came[n:] {
			d.Packages.Added = append(d.Packages.Added, Change{k.Type, k.Name, k.Arch, "", v})
		}
	}
	for k, now := range after {
		if before[k] == nil {
			for _, v := range now {
				d.Packages.Added = append(d.Packages.Added, Change{k.Type, k.Name, k.Arch, "", v})
			}
		}
	}
	for _, all := range [][]Change{d.Packages.Added, d.Packages.Removed, d.Packages.Changed} {
		slices.SortFunc(all, func(a, b Change) int {
			return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Old, b.Old), strings.Compare(a.New, b.New))
		})
	}
}

// sortVersions orders the versions of a package as matching does, equal ones by their text.
func sortVersions(s version.Scheme, kind, name string, all []string) {
	u := unit{Upgrade: Upgrade{Type: kind, Name: name}}
	slices.SortFunc(all, func(a, b string) int {
		if c, err := version.Compare(s, u.compared(a), u.compared(b)); err == nil && c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
}

// A fault is a finding, identified by its package and its names.
type known struct {
	*assay.Finding
	pkg string
}

// findingsOf lists the findings of a report, one for each vulnerability and package:
// a package may be in several places, or in several binaries.
func findingsOf(r *assay.Report) (out []known) {
	printed := map[string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if k := (known{f, identityOf(&r.Packages[f.Package])}); !printed[k.key()] {
			printed[k.key()] = true
			out = append(out, k)
		}
	}
	return out
}

// identityOf is the identity of a package in all reports.
func identityOf(p *assay.Package) string { return p.Type + "\x00" + nameOf(p) }

// pair matches each finding of one report to at most one finding of the other:
// by the ID, else by any common name, unless both IDs are CVEs, which are then
// different vulnerabilities. -1 means no match.
func pair(old, next []known) []int {
	of := make([]int, len(next))
	taken := make([]bool, len(old))
	byID := map[string]int{}
	cves, others := map[string][]int{}, map[string][]int{} // by any name
	for i, k := range old {
		byID[k.key()] = i
		by := others
		if k.cve() {
			by = cves
		}
		for _, n := range k.names() {
			by[n] = append(by[n], i)
		}
	}
	for i, k := range next {
		of[i] = -1
		if j, ok := byID[k.key()]; ok && !taken[j] {
			of[i], taken[j] = j, true
		}
	}
	first := func(by map[string][]int, name string) int {
		for len(by[name]) > 0 && taken[by[name][0]] {
			by[name] = by[name][1:]
		}
		if len(by[name]) == 0 {
			return -1
		}
		return by[name][0]
	}
	for i, k := range next {
		for _, n := range k.names() {
			if of[i] >= 0 {
				break
			}
			if of[i] = first(others, n); of[i] < 0 && !k.cve() {
				of[i] = first(cves, n)
			}
		}
		if of[i] >= 0 {
			taken[of[i]] = true
		}
	}
	return of
}

func (k known) key() string { return k.pkg + "\x00" + k.ID }

func (k known) cve() bool { return strings.HasPrefix(k.ID, "CVE-") }

// names are the possible names of the finding in another report.
func (k known) names() []string {
	out := make([]string, 0, 1+len(k.Aliases))
	for _, n := range append([]string{k.ID}, k.Aliases...) {
		out = append(out, k.pkg+"\x00"+n)
	}
	return out
}

func (d *Difference) findings(old, next *assay.Report) {
	d.Findings = FindingsDiff{Added: []FindingChange{}, Fixed: []FindingChange{}, Unchanged: []FindingChange{}}
	d.added = map[string]bool{}
	before, after := findingsOf(old), findingsOf(next)
	from, to := &absence{"was", versionsOf(old), suppressions(old)}, &absence{"is now", versionsOf(next), suppressions(next)}
	stays := make([]bool, len(before))
	for i, j := range pair(before, after) {
		f := after[i]
		if j >= 0 {
			stays[j] = true
			d.Findings.Unchanged = append(d.Findings.Unchanged, FindingChange{summarize(next, f.Finding), f.FixedIn, ""})
		} else {
			d.added[f.key()] = true
			d.Findings.Added = append(d.Findings.Added, FindingChange{summarize(next, f.Finding), f.FixedIn, from.explain(next, f, "the package is new")})
		}
	}
	for j, f := range before {
		if !stays[j] {
			d.Findings.Fixed = append(d.Findings.Fixed, FindingChange{summarize(old, f.Finding), f.FixedIn, to.explain(old, f, "the package is gone")})
		}
	}
}

// A story explains a finding that only the other report has.
type absence struct {
	verb     string
	versions map[Change][]string
	ruled    map[string]assay.Suppression
}

func suppressions(r *assay.Report) map[string]assay.Suppression {
	out := map[string]assay.Suppression{}
	for i := range r.Suppressed {
		x := &r.Suppressed[i]
		out[identityOf(&r.Packages[x.Package])+"\x00"+x.ID] = x.Suppression
	}
	return out
}

// explain explains why the report does not have the finding.
func (s *absence) explain(of *assay.Report, f known, absent string) string {
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		if r, ok := s.ruled[f.pkg+"\x00"+id]; ok {
			return fmt.Sprintf("it %s suppressed as %s by %s", s.verb, r.As, r.By)
		}
	}
	p := &of.Packages[f.Package]
	switch there := s.versions[unversioned(p)]; {
	case len(there) == 0:
		return absent
	case slices.Contains(there, p.Version):
		return "the package is the same: the advisories, the filters or the image's release differ"
	default:
		return "the package " + s.verb + " " + strings.Join(there, ", ")
	}
}

// Text writes the difference for a person.
func (d *Difference) Text(w io.Writer, width int) error {
	t := printable.NewPage(w, width)
	t.Line("")
	for _, s := range []struct {
		label string
		side  *Side
	}{{"old", &d.Old}, {"new", &d.New}} {
		about := fmt.Sprintf("%s: %s", s.label, s.side.Name)
		if s.side.Release != "" {
			about += " (" + s.side.Release + ")"
		}
		about += fmt.Sprintf(", %s, %s", printable.Count(s.side.Packages, "package", "packages"), printable.Count(s.side.Findings, "finding", "findings"))
		if n := worst(s.side.Severities); n != "" {
			about += " (" + n + ")"
		}
		t.Wrapped("", about)
	}
	f := &d.Findings
	t.Line("")
	t.Wrapped("", fmt.Sprintf("Vulnerabilities: %d new, %d fixed, %d unchanged. Packages: %d added, %d removed, %d of another version, %d unchanged.",
		len(f.Added), len(f.Fixed), len(f.Unchanged), len(d.Packages.Added), len(d.Packages.Removed), len(d.Packages.Changed), d.Packages.Unchanged))
	writeFindings(t, "New vulnerabilities", f.Added)
	writeFindings(t, "Fixed vulnerabilities", f.Fixed)
	changes(t, "Packages of another version", d.Packages.Changed)
	changes(t, "Packages added", d.Packages.Added)
	changes(t, "Packages removed", d.Packages.Removed)
	if len(d.Notes) > 0 {
		t.Line("")
	}
	for _, n := range d.Notes {
		t.Wrapped("Note: ", n)
	}
	return t.Flush()
}

// maxRows is the maximum number of rows in a part; JSON has all.
const maxRows = 50

// writeFindings writes one line for each finding, whatever the number of binary packages
// of its source.
func writeFindings(t *printable.Page, title string, all []FindingChange) {
	if len(all) == 0 {
		return
	}
	t.Heading("%s (%d)", title, len(all))
	var order []FindingChange
	of := map[FindingChange][]string{}
	for _, f := range all {
		k := f
		k.Package = ""
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], f.Package)
	}
	for _, f := range order[:min(len(order), maxRows)] {
		s := fmt.Sprintf("%s in %s %s: %s", f.ID, printable.Some(of[f], maxNames), f.Version, f.Severity)
		if f.FixedIn != "" {
			s += ", fixed in " + f.FixedIn
		}
		if f.Why != "" {
			s += "; " + f.Why
		}
		t.Wrapped("  ", s)
	}
	rest(t, len(order))
}

func changes(t *printable.Page, title string, all []Change) {
	if len(all) == 0 {
		return
	}
	t.Heading("%s (%d)", title, len(all))
	for _, c := range all[:min(len(all), maxRows)] {
		v := cmp.Or(c.Old, c.New)
		if c.Old != "" && c.New != "" {
			v = c.Old + " → " + c.New
		}
		t.Wrapped("  ", c.Type+" "+c.Name+" "+v)
	}
	rest(t, len(all))
}

func rest(t *printable.Page, n int) {
	if n > maxRows {
		t.Line("  … and %d more: see -f json", n-maxRows)
	}
}
