package distro

import (
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Applies reports whether a row about a package's name applies to this package: its
// architecture, flavour and module, and the products, as CPEs, of the repositories that
// packages come from. No products means any.
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
	return f.Package != assay.TypeRPM || f.isOfModule(p, a)
}

// isOfModule reports whether a row is about the module of an rpm, or about no module
// where the rpm has none.
func (f *Family) isOfModule(p *assay.Package, a *assay.Affected) bool {
	inside := p.Module != "" || isModular(p.Version)
	if m := a.Qualifiers.Module; m != "" {
		return m == moduleStream(p.Module)
	}
	if f.namesStems {
		return !inside
	}
	for _, r := range a.Ranges { // a fix outside modules does not apply to a module's package, nor the reverse
		if r.Fixed != "" {
			return isModular(r.Fixed) == inside
		}
	}
	return true
}

// BySource reports whether a row of a family whose advisories name binary packages
// names a source package. Then it is about all packages built from it.
func BySource(a *assay.Affected) bool {
	return len(a.Qualifiers.Arches) == 1 && a.Qualifiers.Arches[0] == "src"
}

// CoversCPE reports whether one CPE is a prefix of another, up to a colon or a point:
// "cpe:/a:redhat:openshift:4" of "cpe:/a:redhat:openshift:4.14::el9".
func CoversCPE(cpe, other string) bool {
	rest, ok := strings.CutPrefix(other, strings.TrimRight(cpe, ":*"))
	return ok && (rest == "" || rest[0] == ':' || rest[0] == '.')
}

// Subject returns the name and the version that advisories use for a package.
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

// isModular reports whether a version is of a module's build: its release contains
// ".module_el8" (AlmaLinux), "module+el8" (Red Hat, Rocky) or the like.
func isModular(version string) bool { return strings.Contains(version, ".module") }

// moduleStream returns name:stream of a modularity label,
// name:stream:version:context:arch. https://docs.fedoraproject.org/en-US/modularity/
func moduleStream(label string) string {
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + ":" + parts[1]
}

// Flavour returns the kind of build of a version; versions are compared only within one
// flavour: "ksplice" (".ksplice1.", Oracle Linux), "fips" ("_fips", "+Fips1"), or "".
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

// Flavoured returns the flavour of a package where the family's advisories distinguish
// flavours; "" for the usual one.
func (f *Family) Flavoured(p *assay.Package) string {
	if f.flavour == nil {
		return ""
	}
	return f.flavour(p.SourceVer())
}

// buildTag matches the suffix of a version that names the service pack of openEuler it
// was built for: "oe2203sp3".
var buildTag = regexp.MustCompile(`\.(oe\d+(?:sp\d+)?)$`)

func openEulerTag(version string) string {
	if m := buildTag.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}
