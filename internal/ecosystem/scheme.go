package ecosystem

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/version"
)

// Scheme is the order of a package's versions: that of its distribution, or of
// its registry. ok is false where it is unknown.
func Scheme(r assay.Release, p *assay.Package) (_ version.Scheme, ok bool) {
	name := ""
	if p.IsSystem() {
		if f, ok := distro.Of(r); ok {
			name = f.Scheme
		}
	} else if e, ok := OfType(p.Type); ok {
		name = e.Scheme
	}
	return version.ByName(name)
}
