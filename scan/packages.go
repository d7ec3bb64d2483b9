package scan

import (
	"slices"

	"github.com/assaysec/assay"
)

// Packages says which packages a report has. The zero value is those of the
// system and of languages, without what only development needs.
type Packages struct {
	NoSystem  bool             // leave out those of the system
	NoOthers  bool             // leave out all others
	Dev       bool             // also those that only development needs
	Relations []assay.Relation // only those with one of these; RelationUnknown is those of which none is told
}

// RelationUnknown is what Packages.Relations calls packages without a Relation.
const RelationUnknown assay.Relation = "unknown"

// dropOwned drops bare binaries that packages of the system brought, of which
// the distribution's advisories speak: they are no software of their own, as a
// package of a language is.
func dropOwned(inv *assay.Inventory, spoken map[string]bool) {
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		return p.Type == assay.TypeGeneric && p.Owner != "" && spoken[p.Owner]
	})
}

// keep drops the others from an inventory, and counts those that only
// development needs. Those that packages of the system brought go with these,
// where their advisories speak of them.
func (k Packages) keep(inv *assay.Inventory, spoken map[string]bool) (dev int) {
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		switch {
		case p.IsSystem():
			return k.NoSystem
		case k.NoSystem && spoken[p.Owner]:
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
