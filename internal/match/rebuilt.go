package match

import (
	"context"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// This file matches OS packages that a rebuilder rebuilt with its own fixes.

// rebuilderStreams lists the streams of the rebuilders of an inventory's packages.
func rebuilderStreams(inv *assay.Inventory, family *distro.Family) (streams []assay.Stream) {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if !p.IsSystem() {
			continue
		}
		if by, ok := family.Rebuilder(p); ok {
			if s := by.Stream(family, inv.Release); s != "" && !slices.Contains(streams, s) {
				streams = append(streams, s)
			}
		}
	}
	slices.Sort(streams)
	return streams
}

// subjects lists what is looked up for a package: the rebuilder's advisories, then the
// distribution's.
func (d *distroMatcher) subjects(p *assay.Package) (all []subject) {
	name, _ := d.family.Subject(p)
	if by, ok := d.family.Rebuilder(p); ok {
		if stream := by.Stream(d.family, d.release); stream != "" {
			all = append(all, subject{stream, name})
			if by.Exclusive {
				return all
			}
		}
		name = strings.TrimPrefix(name, by.Prefix)
	}
	all = append(all, subject{d.stream, name})
	if source := p.SourceName(); d.namesBoth() && source != "" && source != name {
		all = append(all, subject{d.stream, source})
	}
	return all
}

// published returns the advisories that count for a package: the rebuilder's, then the
// distribution's. A rebuilder's advisory decides about its vulnerability.
func (d *distroMatcher) published(ctx context.Context, t *target) ([]assay.Advisory, error) {
	by, ok := d.family.Rebuilder(t.pkg)
	if !ok {
		return d.advisories(ctx, t, t.name)
	}
	var theirs []assay.Advisory
	if stream := by.Stream(d.family, d.release); stream != "" {
		var err error
		if theirs, err = d.lookup(ctx, subject{stream, t.name}); err != nil {
			return nil, err
		}
		d.store.visitWithdrawn(t, subject{stream, t.name})
		if by.Exclusive {
			return theirs, nil
		}
	}
	others, err := d.advisories(ctx, t, strings.TrimPrefix(t.name, by.Prefix))
	if err != nil {
		return nil, err
	}
	covered := map[string]bool{}
	for i := range theirs {
		covered[theirs[i].ID] = true
		for _, id := range theirs[i].Aliases {
			covered[id] = true
		}
	}
	all := slices.Clone(theirs)
	for i := range others {
		a := &others[i]
		if covered[a.ID] || slices.ContainsFunc(a.Aliases, func(id string) bool { return covered[id] }) {
			d.store.visit(t, others[i:i+1], VerdictNotAffected, RuleRebuilder, by.Title+" rebuilt the package, and its own advisory decides")
			continue
		}
		all = append(all, *a)
	}
	return all, nil
}

// isOtherFlavour reports whether a package is a build of a flavour that no advisory
// about it covers.
func (d *distroMatcher) isOtherFlavour(t *target, advisories []assay.Advisory) bool {
	f := d.family.Flavoured(t.pkg)
	return f != "" && f == distro.Flavour(t.version) && !slices.ContainsFunc(advisories, func(a assay.Advisory) bool {
		return slices.ContainsFunc(a.Affected, func(x assay.Affected) bool { return x.Qualifiers.Flavour == f })
	})
}
