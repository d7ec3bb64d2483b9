package summary

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// A Group is one vulnerability of packages that belong together: OS packages built from
// one source, or a language package at several paths.
type Group struct {
	*assay.Finding       // of the first package
	Packages       []int // indices in the report; each of them has a finding of its own
}

// Groups groups findings that differ only in the OS package or the path, for the
// packages that keep accepts, in the order of the report.
func Groups(r *assay.Report, keep func(*assay.Package) bool) (out []Group) {
	at := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		pkg := &r.Packages[f.Package]
		if !keep(pkg) {
			continue
		}
		name := pkg.Name
		if pkg.IsSystem() {
			name = pkg.SourceName()
		}
		key := strings.Join([]string{f.ID, pkg.Type, name, pkg.Version, f.FixedIn, string(f.Status)}, "\x00")
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, Group{Finding: f})
		}
		out[n].Packages = append(out[n].Packages, f.Package)
	}
	return out
}

// Name is the name of the group's packages.
func (g *Group) Name(r *assay.Report) string {
	first := &r.Packages[g.Packages[0]]
	s := printable.Text(first.Name)
	if n := len(g.Packages); n > 1 && first.IsSystem() {
		s += fmt.Sprintf(" +%d", n-1)
	}
	return s
}

// A Section is a part of the findings with a heading.
type Section struct {
	Title  string // "" where there is only one section
	Groups []Group
}

// Sections splits the findings by who can fix them: those from the user's own layers,
// then those from the base image.
func Sections(r *assay.Report) []Section {
	if r.Image.Base == nil {
		return []Section{{Groups: Groups(r, func(*assay.Package) bool { return true })}}
	}
	own := Section{Title: "From your own layers", Groups: Groups(r, func(q *assay.Package) bool { return !r.FromBase(q) })}
	base := Section{Title: "From the base image " + printable.Text(cmp.Or(r.Image.Base.Name, r.Image.Base.Digest)), Groups: Groups(r, r.FromBase)}
	return []Section{own, base}
}

// Findings counts the findings of a section.
func (s *Section) Findings() (n int) {
	for i := range s.Groups {
		n += len(s.Groups[i].Packages)
	}
	return n
}
