package scan

import (
	"slices"

	"github.com/assaysec/assay"
)

// Packages selects the packages of a report. The zero value selects OS packages
// and language packages, without development dependencies.
type Packages struct {
	NoSystem  bool             // leave out OS packages
	NoOthers  bool             // leave out all other packages
	Dev       bool             // include development dependencies
	Relations []assay.Relation // only packages with one of these relations; RelationUnknown selects those without a relation
}

// RelationUnknown is the name of a missing Relation in Packages.Relations.
const RelationUnknown assay.Relation = "unknown"

// dropOwned drops binaries without a package manager that are owned by OS
// packages with advisories. Unlike language packages, they are not separate
// software.
func dropOwned(inv *assay.Inventory, covered map[string]bool) {
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		return p.Type == assay.TypeGeneric && p.Owner != "" && covered[p.Owner]
	})
}

// dropUnselected drops the packages that are not selected, and counts the dropped
// development dependencies. Packages owned by OS packages are dropped with them,
// if the advisories of the distribution cover the owner.
func (k Packages) dropUnselected(inv *assay.Inventory, covered map[string]bool) (dev int) {
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		switch {
		case p.IsSystem():
			return k.NoSystem
		case k.NoSystem && covered[p.Owner]:
			return true
		case k.NoOthers:
			return true
		case p.Dev && !k.Dev:
			dev++
			return true
		}
		relation := p.Relation
		if relation == "" {
			relation = RelationUnknown
		}
		return len(k.Relations) > 0 && !slices.Contains(k.Relations, relation)
	})
	return dev
}
