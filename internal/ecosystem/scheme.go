package ecosystem

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/version"
)

// Scheme returns the scheme of a package's versions: its distribution's, or its
// registry's. ok is false where it is unknown.
func Scheme(r assay.Release, p *assay.Package) (_ version.Scheme, ok bool) {
	name := ""
	if p.IsSystem() {
		if f, ok := distro.Of(p.ReleaseIn(r)); ok {
			name = f.Scheme
		}
	} else if e, ok := OfType(p.Type); ok {
		name = e.Scheme
	}
	return version.ByName(name)
}
