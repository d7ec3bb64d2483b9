package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// A Judgement is what one row of an advisory means for one installed package.
type Judgement struct {
	Package  int          `json:"package"` // in the inventory
	Advisory string       `json:"advisory"`
	Feed     string       `json:"feed"`
	Stream   assay.Stream `json:"stream"`
	Holds    bool         `json:"holds"`  // it says that the package is affected
	Why      string       `json:"reason"` // in words
}

// Why judges each row of some advisories for each package of an inventory that it
// names, one by one: unlike Packages it does not weigh them against each other.
func Why(ctx context.Context, inv *assay.Inventory, some []assay.Advisory, advisories assay.Advisories, o Options) ([]Judgement, error) {
	var out []Judgement
	family, stream, _ := system(inv)
	if family != nil {
		m, err := newMatcher(stream, family.Scheme, advisories)
		if err != nil {
			return nil, err
		}
		m.family, m.release = family, inv.Release
		if err := m.repositories(ctx, inv.Release); err != nil {
			return nil, err
		}
		for i := range inv.Packages {
			if p := &inv.Packages[i]; p.IsSystem() {
				if out, err = m.whySystem(ctx, out, i, p, some); err != nil {
					return nil, err
				}
			}
		}
	}
	spoken := CoveredByDistro(inv, o)
	if family != nil && !family.Exhaustive(inv.Release) {
		spoken = nil
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		e, ok := ecosystem.OfType(p.Type)
		if !ok && len(p.CPEs) > 0 {
			e, ok = products, true
		}
		if p.IsSystem() || !ok {
			continue
		}
		m, err := newMatcher(e.Stream, e.Scheme, advisories)
		if err != nil {
			return nil, err
		}
		m.release = inv.Release
		r := &registry{matcher: m, ecosystem: e, options: o}
		out = r.whyOther(out, i, p, some, spoken[p.Owner])
	}
	return out, nil
}

// whySystem judges for a package of the system.
func (m *matcher) whySystem(ctx context.Context, out []Judgement, i int, p *assay.Package, some []assay.Advisory) ([]Judgement, error) {
	name, ver := m.family.Subject(p)
	streams, names := []assay.Stream{m.stream}, []string{name, p.SourceName()}
	if by, ok := m.family.Rebuilder(p); ok {
		streams, names = append(streams, by.Stream(m.family, m.release)), append(names, strings.TrimPrefix(name, by.Prefix))
		if by.Exclusive {
			streams = streams[1:]
		}
	}
	for j := range some {
		a := &some[j]
		for k := range a.Affected {
			row := &a.Affected[k]
			if !slices.Contains(streams, row.Stream) || !slices.Contains(names, row.Name) {
				continue
			}
			if _, err := m.lookup(ctx, m.stream, row.Name); err != nil { // learns the usual repositories' fixes
				return nil, err
			}
			holds, why := m.whyRow(p, row, ver)
			out = append(out, Judgement{i, a.ID, a.Feed, row.Stream, holds, why})
		}
	}
	return out, nil
}

func (m *matcher) whyRow(p *assay.Package, row *assay.Affected, ver string) (holds bool, why string) {
	switch {
	case p.ThirdParty != "":
		return false, "the package is not the distribution's (" + p.ThirdParty + ")"
	case !m.family.Applies(p, row, m.products):
		return false, "the record is of other builds: " + limits(&row.Qualifiers)
	case m.elsewhere(row, ver):
		return false, "the record is of another repository: " + strings.Join(row.Qualifiers.Repos, ", ")
	}
	key, err := m.scheme.Key(ver)
	if err != nil {
		return false, fmt.Sprintf("the installed version cannot be compared: %v", err)
	}
	r, in, err := m.in(row, key)
	return whyRange(row, r, in, err, ver)
}

// whyOther judges for a package of a language, or a bare program.
func (m *registry) whyOther(out []Judgement, i int, p *assay.Package, some []assay.Advisory, owned bool) []Judgement {
	targets := []*target{{Package: p, name: m.ecosystem.Name(p.Name), version: m.ecosystem.Version(p.Version)}}
	if m.ecosystem == products {
		targets = productsOf(p)
	}
	for _, t := range targets {
		advisories := some
		if m.ecosystem == products {
			advisories = alike(t.name, some)
		}
		if t.key, t.bad = m.scheme.Key(t.version); t.version == "" {
			t.bad = errNoVersion
		}
		for j := range advisories {
			a := &advisories[j]
			for k := range a.Affected {
				row := &a.Affected[k]
				if row.Stream != m.stream || row.Name != t.name {
					continue
				}
				holds, why := m.whyTarget(t, a, row, owned)
				out = append(out, Judgement{i, a.ID, a.Feed, m.stream, holds, why})
			}
		}
	}
	return out
}

func (m *registry) whyTarget(t *target, a *assay.Advisory, row *assay.Affected, owned bool) (holds bool, why string) {
	switch {
	case owned:
		return false, "a package of the system brought it (" + t.Owner + "), of which the distribution's advisories speak, not the registry's"
	case !a.Withdrawn.IsZero():
		return false, "the record was withdrawn"
	case a.Kind != assay.KindVulnerability && a.Kind != assay.KindMalware:
		return false, "the record tells of no vulnerability (" + string(a.Kind) + ")"
	case !m.meant(t, &row.Qualifiers):
		return false, "the record is of other builds: " + limits(&row.Qualifiers)
	}
	r, in, err := m.holds(t, row)
	if holds, why = whyRange(row, r, in, err, t.version); !holds {
		return false, why
	}
	if reason := m.unreached(t, &vulnerability{advisories: []*assay.Advisory{a}}); reason != "" {
		return false, reason
	}
	if linked := m.linked(t, []hit{{Advisory: a, row: row}}); linked != "" {
		why += " (" + linked + ")"
	}
	return true, why
}

// whyRange says what the comparison of versions came to.
func whyRange(row *assay.Affected, r assay.Range, in bool, err error, ver string) (holds bool, why string) {
	switch {
	case err != nil:
		return false, err.Error()
	case !in:
		var parts []string
		for _, x := range row.Ranges {
			parts = append(parts, interval(x))
		}
		if len(row.Versions) > 0 {
			parts = append(parts, "in "+some(row.Versions, "version", "versions"))
		}
		word := "affected"
		if row.Status == assay.StatusNotAffected {
			word = "not affected"
		}
		return false, fmt.Sprintf("it is %s %s; installed is %s", word, strings.Join(parts, " or "), ver)
	case row.Status == assay.StatusNotAffected:
		if r == (assay.Range{}) {
			return false, "its publisher says that it is not affected"
		}
		return false, "its publisher says that it is not affected " + interval(r)
	case row.Status == assay.StatusUnknown:
		return false, "its publisher has not determined whether it is affected"
	}
	why = fmt.Sprintf("affected %s; installed is %s", interval(r), ver)
	if row.Reason != "" {
		why += " (" + row.Reason + ")"
	}
	return true, why
}

// limits says in words what a row is limited to.
func limits(q *assay.Qualifiers) string {
	var parts []string
	for _, x := range []struct {
		what string
		all  []string
	}{{"architectures", q.Arches}, {"products", q.CPEs}, {"operating systems", q.OS}, {"with", q.RunningOn}} {
		if len(x.all) > 0 {
			parts = append(parts, some(slices.Clone(x.all), x.what, x.what))
		}
	}
	if q.Module != "" {
		parts = append(parts, "module "+q.Module)
	}
	if q.Flavour != "" {
		parts = append(parts, "flavour "+q.Flavour)
	}
	if len(parts) == 0 {
		return "its fix is of another module or flavour than the package"
	}
	return strings.Join(parts, ", ")
}
