package distro

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Applies reports whether what an advisory says of a package's name is meant
// for this very package: its architecture, the flavour that it is built in, and
// the module that it belongs to.
func (f *Family) Applies(p *assay.Package, a *assay.Affected) bool {
	q := &a.Qualifiers
	if len(q.Arches) > 0 && p.Arch != "" && p.Arch != "noarch" && !slices.Contains(q.Arches, p.Arch) && !slices.Contains(q.Arches, "noarch") {
		return false
	}
	if f.flavours && q.Flavour != f.Flavoured(p) {
		return false
	}
	if f.Package != assay.TypeRPM {
		return true
	}
	if q.Module != "" {
		return q.Module == moduleStream(p.Module)
	}
	for _, r := range a.Ranges { // a fix outside modules is none of a module's package, and the reverse
		if r.Fixed != "" {
			return modular(r.Fixed) == (p.Module != "" || modular(p.Version))
		}
	}
	return true
}

// modular reports whether a version is of a module's build: its release has
// ".module_el8" (AlmaLinux), "module+el8" (Red Hat, Rocky) or the like in it.
func modular(version string) bool { return strings.Contains(version, ".module") }

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

// Flavour names the kind of build that a version shows, whose versions are
// compared among themselves only: "ksplice" (".ksplice1.", Oracle Linux),
// "fips" ("_fips", "+Fips1"), or "".
func Flavour(version string) string {
	lower := strings.ToLower(version)
	switch {
	case strings.Contains(lower, ".ksplice"):
		return "ksplice"
	case strings.Contains(lower, "_fips"), strings.Contains(lower, "+fips"):
		return "fips"
	}
	return ""
}

// Flavoured returns the flavour of a package where the family's advisories tell
// flavours apart.
func (f *Family) Flavoured(p *assay.Package) string {
	if !f.flavours {
		return ""
	}
	return Flavour(p.SourceVer())
}
