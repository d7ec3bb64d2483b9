package match

import (
	"context"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// This file judges language packages owned by an OS package, where the distribution's
// advisories list only fixes: they decide about the vulnerabilities that they name, the
// registry's advisories about all others.

// owners contains the OS packages that own others, and their verdicts.
type owners struct {
	distro   *distroMatcher
	packages map[string]*assay.Package  // by PURL
	found    map[string]map[string]bool // names of the findings of each
	verdicts map[string]*distroVerdict  // one owner has many packages
}

// ownersOf returns nil where the distribution's advisories alone decide about what its
// packages own, or cover none of it.
func ownersOf(inv *assay.Inventory, o Options, d *distroMatcher) *owners {
	if d == nil || d.family.Exhaustive(inv.Release) {
		return nil
	}
	out := &owners{distro: d, packages: map[string]*assay.Package{}, found: map[string]map[string]bool{}, verdicts: map[string]*distroVerdict{}}
	covered, owns := CoveredByDistro(inv, o), map[string]bool{}
	for i := range inv.Packages {
		owns[inv.Packages[i].Owner] = true
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.IsSystem() && covered[p.PURL] && owns[p.PURL] {
			out.packages[p.PURL] = p
		}
	}
	for i := range d.findings {
		out.note(inv, &d.findings[i])
	}
	for i := range d.suppressed {
		out.note(inv, &d.suppressed[i].Finding)
	}
	return out
}

// note records the names of an owner's finding.
func (o *owners) note(inv *assay.Inventory, f *assay.Finding) {
	purl := inv.Packages[f.Package].PURL
	if o.packages[purl] == nil {
		return
	}
	if o.found[purl] == nil {
		o.found[purl] = map[string]bool{}
	}
	o.found[purl][f.ID] = true
	for _, id := range f.Aliases {
		o.found[purl][id] = true
	}
}

// A distroVerdict is what the distribution's advisories mean for an OS package.
type distroVerdict struct {
	stream  assay.Stream
	owner   *assay.Package
	covered map[string]bool // names of the vulnerabilities that they name
	found   map[string]bool // of those that affect the package
}

// verdict returns the distribution's verdict on the owner of a package; nil where there
// is none.
func (o *owners) verdict(ctx context.Context, p *assay.Package) (*distroVerdict, error) {
	if o == nil || o.packages[p.Owner] == nil {
		return nil, nil
	}
	if v, ok := o.verdicts[p.Owner]; ok {
		return v, nil
	}
	v, err := o.judgeOwner(ctx, o.packages[p.Owner])
	if err == nil {
		o.verdicts[p.Owner] = v
	}
	return v, err
}

func (o *owners) judgeOwner(ctx context.Context, owner *assay.Package) (*distroVerdict, error) {
	d := o.distro.silent()
	t := d.target(0, owner)
	if t.bad != nil {
		return nil, nil // it was not judged, for which there is a gap
	}
	advisories, err := d.published(ctx, t)
	if err != nil {
		return nil, err
	}
	if d.isOtherFlavour(t, advisories) {
		return nil, nil // as well
	}
	v := &distroVerdict{stream: d.stream, owner: owner, covered: map[string]bool{}, found: o.found[owner.PURL]}
	d.judgeRows(t, advisories)
	for i := 0; i < len(d.rows); {
		a := d.rows[i].Advisory
		end := i
		for end < len(d.rows) && d.rows[end].Advisory == a {
			end++
		}
		if covers(d.rows[i:end]) {
			v.covered[a.ID] = true
			for _, id := range a.Aliases {
				v.covered[id] = true
			}
		}
		i = end
	}
	return v, nil
}

// silent returns the matcher without a request: the owner's own judgements were visited
// when it was matched.
func (d *distroMatcher) silent() *distroMatcher {
	s := *d
	s.store.request = nil
	s.rows = nil
	return &s
}

// covers reports whether the rows of one advisory decide about an owner. A row that
// cannot be compared with the owner's version is a gap, and decides nothing.
func covers(rows []Judgement) (covers bool) {
	for i := range rows {
		switch rows[i].Rule {
		case RuleIncomparable:
			return false
		case RulePlatform, RuleRepository:
		default:
			covers = covers || rows[i].Row.Status != assay.StatusUnknown
		}
	}
	return covers
}

// verdictFor returns the distribution's verdict on a finding in an owned package; ok is
// false where its advisories do not name the vulnerability.
func (v *distroVerdict) verdictFor(f *assay.Finding) (_ Verdict, _ Rule, detail string, ok bool) {
	if v == nil {
		return "", "", "", false
	}
	covered := v.covered[f.ID]
	if v.found[f.ID] {
		return VerdictNotAffected, RuleOwnerFinding, v.ownerFinding(), true
	}
	for _, id := range f.Aliases {
		if v.found[id] {
			return VerdictNotAffected, RuleOwnerFinding, v.ownerFinding(), true
		}
		covered = covered || v.covered[id]
	}
	if !covered {
		return "", "", "", false
	}
	return VerdictSuppressed, RuleOwner, fmt.Sprintf("owned by OS package %s %s, which is not affected by the advisories of %s", v.owner.Name, v.owner.Version, v.stream), true
}

func (v *distroVerdict) ownerFinding() string {
	return fmt.Sprintf("owned by OS package %s %s, which has the finding", v.owner.Name, v.owner.Version)
}

// ownersWanted lists the PURLs of the owners of the packages in a request, because
// owners decide about them.
func ownersWanted(inv *assay.Inventory, r *request) map[string]bool {
	all := map[string]bool{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Owner == "" || p.IsSystem() || all[p.Owner] {
			continue
		}
		if e, ok := ecosystem.OfType(p.Type); ok && r.subjects[subject{e.Stream, e.Name(p.Name)}] {
			all[p.Owner] = true
		}
	}
	return all
}
