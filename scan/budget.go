package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/section"
)

// A Budget bounds the memory and disk of all scans that share it. A scan that
// would exceed it waits, except the oldest scan, which never waits.
type Budget struct{ inventory *inventory.Budget }

// BudgetLimits are the limits of all scans of a Budget except the oldest. 0
// means a default that depends on the number of processors.
type BudgetLimits struct {
	Scans  int   // scans at once
	Jobs   int   // layers read at once
	Facts  int64 // bytes of the contents of layers
	Memory int64 // bytes of files in memory while they are read
	Disk   int64 // bytes of such files on disk
	Files  int64 // such files on disk
}

// NewBudget makes a budget for scans that share it.
func NewBudget(l BudgetLimits) *Budget {
	return &Budget{inventory.NewBudget(inventory.Limits(l))}
}

// SectionKinds lists the kinds of additional results, for Request.Sections.
func SectionKinds() (names []string) {
	for _, k := range section.All() {
		names = append(names, k.Name)
	}
	return names
}

// sectionKinds are the kinds with these names.
func sectionKinds(names []string) (out []*assay.SectionKind, _ error) {
	for _, name := range names {
		i := slices.IndexFunc(section.All(), func(k *assay.SectionKind) bool { return k.Name == name })
		if i < 0 {
			return nil, &OptionError{"sections", fmt.Errorf("%q is not one of %s", name, strings.Join(SectionKinds(), ", "))}
		}
		out = append(out, section.All()[i])
	}
	return out, nil
}
