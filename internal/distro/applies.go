package distro

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Applies reports whether what an advisory says of a package's name is meant
// for this very package: its architecture, and the module that it belongs to.
func (f *Family) Applies(p *assay.Package, a *assay.Affected) bool {
	q := &a.Qualifiers
	if len(q.Arches) > 0 && !slices.Contains(q.Arches, p.Arch) && !slices.Contains(q.Arches, "noarch") {
		return false
	}
	if f.Package != assay.TypeRPM {
		return true
	}
	return q.Module == "" || q.Module == moduleStream(p.Module)
}

// moduleStream is name:stream of a modularity label,
// name:stream:version:context:arch.
// https://docs.fedoraproject.org/en-US/modularity/
func moduleStream(label string) string {
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + ":" + parts[1]
}
