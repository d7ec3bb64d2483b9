package summary

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/version"
)

// An Update fixes findings of packages built from one source.
type Update struct {
	Name     string         // of the source package, or of the language package
	From     string         // installed
	To       []string       // the version that fixes all findings; several where their order is unknown
	Packages []int          // indices in the report
	Findings int            // number of findings that it fixes
	Worst    assay.Severity // of those findings
}

// Updates lists the updates for the findings that have a fix, in the order of the
// groups.
func Updates(r *assay.Report, groups []Group) (out []Update) {
	at := map[string]int{}
	for i := range groups {
		g := &groups[i]
		if g.FixedIn == "" {
			continue
		}
		p := &r.Packages[g.Package]
		name := p.Name
		if p.IsSystem() {
			name = p.SourceName()
		}
		key := strings.Join([]string{p.Type, name, p.Version}, "\x00")
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, Update{Name: name, From: p.Version})
		}
		u := &out[n]
		u.To = newest(r, p, u.To, g.FixedIn)
		u.Findings += len(g.Packages)
		u.Worst = max(u.Worst, g.Severity)
		for _, m := range g.Packages {
			if !slices.Contains(u.Packages, m) {
				u.Packages = append(u.Packages, m)
			}
		}
	}
	return out
}

// newest adds version v to all and drops older versions. It keeps versions whose order
// is unknown.
func newest(r *assay.Report, p *assay.Package, all []string, v string) []string {
	s, known := ecosystem.Scheme(r.Release, p)
	for i, w := range all {
		if v == w {
			return all
		}
		if !known {
			continue
		}
		if c, err := version.Compare(s, w, v); err == nil {
			if c < 0 {
				all[i] = v
			}
			return all
		}
	}
	return append(all, v)
}
