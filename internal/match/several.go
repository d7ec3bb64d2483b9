package match

import (
	"reflect"
	"slices"

	"github.com/assaysec/assay"
)

// This file matches the OS packages of an SBOM that lists several distributions: each
// package with the advisories of its own.

// otherSystem is the type of an OS package that another part of an inventory contains.
const otherSystem = "other-system"

// byDistribution divides an inventory by the distributions of its OS packages: the
// target's own first. The parts have all packages at the same indices; OS packages of
// other parts have the type otherSystem there.
func byDistribution(inv *assay.Inventory) []*assay.Inventory {
	var others []*assay.Release
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Release != nil && p.IsSystem() && !slices.ContainsFunc(others, func(r *assay.Release) bool { return reflect.DeepEqual(r, p.Release) }) {
			others = append(others, p.Release)
		}
	}
	if len(others) == 0 {
		return []*assay.Inventory{inv}
	}
	parts := []*assay.Inventory{part(inv, inv.Release, func(p *assay.Package) bool { return p.Release == nil })}
	for _, r := range others {
		parts = append(parts, part(inv, *r, func(p *assay.Package) bool { return p.Release != nil && reflect.DeepEqual(p.Release, r) }))
	}
	return parts
}

// part returns an inventory in which only some OS packages are such.
func part(inv *assay.Inventory, r assay.Release, is func(*assay.Package) bool) *assay.Inventory {
	out := *inv
	out.Release, out.Packages = r, slices.Clone(inv.Packages)
	for i := range out.Packages {
		if p := &out.Packages[i]; p.IsSystem() && !is(p) {
			p.Type = otherSystem
		}
	}
	return &out
}
