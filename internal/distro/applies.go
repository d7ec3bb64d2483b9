package distro

import (
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Applies reports whether what an advisory says of a package's name is meant
// for this very package: its architecture, the flavour that it is built in, the
// module that it belongs to, and the products, as CPEs, that the image is made
// of. No products means that all are meant.
func (f *Family) Applies(p *assay.Package, a *assay.Affected, products []string) bool {
	q := &a.Qualifiers
	if len(q.Arches) > 0 && p.Arch != "" && p.Arch != "noarch" && !slices.Contains(q.Arches, p.Arch) && !slices.Contains(q.Arches, "noarch") && !BySource(a) {
		return false
	}
	if q.Flavour != f.Flavoured(p) {
		return false
	}
	if len(q.CPEs) > 0 && len(products) > 0 && !slices.ContainsFunc(q.CPEs, func(c string) bool {
		return slices.ContainsFunc(products, func(p string) bool { return CoversCPE(c, p) })
	}) {
		return false
	}
	return f.Package != assay.TypeRPM || f.ofModule(p, a)
}

// ofModule reports whether an advisory speaks of the module that an rpm is
// of, or, where it is of none, of none.
func (f *Family) ofModule(p *assay.Package, a *assay.Affected) bool {
	inside := p.Module != "" || modular(p.Version)
	if m := a.Qualifiers.Module; m != "" {
		return m == moduleStream(p.Module)
	}
	if f.namesStems {
		return !inside
	}
	for _, r := range a.Ranges { // a fix outside modules is none of a module's package, and the reverse
		if r.Fixed != "" {
			return modular(r.Fixed) == inside
		}
	}
	return true
}

// BySource reports whether a row of a family whose advisories name binary
// packages names a source package: then it is meant for all built of it.
func BySource(a *assay.Affected) bool {
	return len(a.Qualifiers.Arches) == 1 && a.Qualifiers.Arches[0] == "src"
}

// CoversCPE reports whether a CPE is the beginning of another, up to a colon or a
// point: "cpe:/a:redhat:openshift:4" of "cpe:/a:redhat:openshift:4.14::el9".
func CoversCPE(cpe, other string) bool {
	rest, ok := strings.CutPrefix(other, strings.TrimRight(cpe, ":*"))
	return ok && (rest == "" || rest[0] == ':' || rest[0] == '.')
}

// Subject is the name and the version by which advisories speak of a package.
func (f *Family) Subject(p *assay.Package) (name, version string) {
	name, version = p.Name, p.Version
	if f.BySource {
		name, version = p.SourceName(), p.SourceVer()
	}
	if f.epochless {
		if epoch, rest, ok := strings.Cut(version, ":"); ok && strings.Trim(epoch, "0123456789") == "" {
			version = rest
		}
	}
	return name, version
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
// flavours apart; "" for the usual one.
func (f *Family) Flavoured(p *assay.Package) string {
	if f.flavour == nil {
		return ""
	}
	return f.flavour(p.SourceVer())
}

// buildTag is the end of a version that tells for which service pack of
// openEuler it was built: "oe2203sp3".
var buildTag = regexp.MustCompile(`\.(oe\d+(?:sp\d+)?)$`)

func openEulerTag(version string) string {
	if m := buildTag.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}
