package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/version"
)

// A unit is upgraded as a whole: the binary packages of one source, or the
// copies of a language package in one project.
type unit struct {
	Upgrade
	scheme   version.Scheme
	bySource bool
	target   string  // the version to try
	best     string  // the lowest version with the least risk; From if none has less
	least    float64 // risk at best
	risk     float64 // in the report of the last measurement
	wanted   string  // the version that fixes all fixable findings there; ""
}

// unitsOf groups the packages whose findings have a fix, in the report's order.
func unitsOf(r *assay.Report) (units []*unit) {
	fixable := map[string]bool{}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.FixedIn != "" {
			fixable[identity(&r.Packages[f.Package])] = true
		}
	}
	by, system := map[string]*unit{}, managersOf(r)
	for i := range r.Packages {
		p := &r.Packages[i]
		id := identity(p)
		if !fixable[id] {
			continue
		}
		u := by[id]
		if u == nil {
			u = newUnit(r, p, system)
			if _, err := u.scheme.Key(u.compared(u.From)); err != nil {
				fixable[id] = false
				continue
			}
			by[id] = u
			units = append(units, u)
		}
		u.indices = append(u.indices, i)
		if p.IsSystem() && !slices.Contains(u.Packages, p.Name) {
			u.Packages = append(u.Packages, p.Name)
		}
	}
	return units
}

func newUnit(r *assay.Report, p *assay.Package, system map[string]string) *unit {
	u := &unit{scheme: schemeOf(r, p)}
	u.Type, u.Name, u.From, u.Where = p.Type, p.Name, p.Version, home(p)
	if f, ok := distro.Of(p.ReleaseIn(r.Release)); ok && p.IsSystem() {
		u.Name = p.SourceName()
		if u.bySource = f.BySource; u.bySource {
			u.From = p.SourceVer()
		}
	}
	u.Base = r.FromBase(p)
	u.Layer = p.Layer.CreatedBy
	u.manager = managerOf(p, system)
	u.Direct = true
	return u
}

// identity is equal for packages of one unit.
func identity(p *assay.Package) string {
	name, ver := p.Name, p.Version
	if p.IsSystem() {
		name = p.SourceName()
	}
	if p.Type != assay.TypeRPM && p.IsSystem() { // an RPM may have another version than its siblings
		ver = p.SourceVer()
	}
	return strings.Join([]string{p.Type, name, ver, home(p)}, "\x00")
}

// later reports whether a is above b; false if they cannot be compared.
func (u *unit) later(a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	c, err := version.Compare(u.scheme, u.compared(a), u.compared(b))
	return err == nil && c > 0
}

// compared returns a version as its scheme orders it, which is how matching reads it: a gem
// without its platform, a Go toolchain without what a vendor adds.
func (u *unit) compared(v string) string {
	if e, ok := ecosystem.OfType(u.Type); ok {
		return e.Version(u.Name, v)
	}
	return v
}

// set gives a package the version; that of its source if advisories name
// sources.
func (u *unit) set(p *assay.Package, v string) {
	if v == "" || v == u.From {
		return
	}
	if u.bySource {
		p.SourceVersion = v
		if p.Source == "" {
			p.SourceVersion, p.Version = "", v
		}
		return
	}
	if p.SourceVersion == p.Version {
		p.SourceVersion = v
	}
	p.Version = v
}

// spelled writes a version like the installed one: advisories about Go modules
// omit the "v" and "+incompatible", and some about Maven artifacts name one of
// the builds of a version.
func (u *unit) spelled(v string) string {
	const old = "+incompatible"
	switch {
	case u.Type == assay.TypeGo && strings.HasPrefix(u.From, "go") && !strings.HasPrefix(v, "go"):
		v = "go" + v
	case u.Type == assay.TypeGo && strings.HasPrefix(u.From, "v"):
		if v = goVersion(v); strings.HasSuffix(u.From, old) && !strings.HasSuffix(v, old) && leading(u.Type, v) != "0" && leading(u.Type, v) != "1" {
			v += old
		}
	case u.Type == assay.TypeMaven && strings.HasSuffix(u.From, "-jre"):
		if bare, ok := strings.CutSuffix(v, "-android"); ok {
			v = bare + "-jre"
		}
	}
	return v
}

// isMajor reports whether the upgrade of a language package changes the first
// number of the version, or the second before 1.0, as in semantic versioning.
func (u *unit) isMajor() bool {
	switch u.Type {
	case assay.TypeDeb, assay.TypeApk, assay.TypeRPM, assay.TypeAlpm, assay.TypeOpkg:
		return false
	}
	return leading(u.Type, u.compared(u.From)) != leading(u.Type, u.compared(u.best))
}

func leading(kind, v string) string {
	parts := strings.SplitN(strings.TrimLeft(v, "vV"), ".", 3)
	if parts[0] == "0" && len(parts) > 1 && kind != assay.TypeGo { // v0.17 of x/net breaks no user of v0.1
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}

// home is the place of a language package: the directory of the npm project, the
// site-packages, the outermost archive, the program, the lock file; "" for OS
// packages.
func home(p *assay.Package) string {
	if p.IsSystem() {
		return ""
	}
	file, _, nested := strings.Cut(p.Path, "!/")
	if nested {
		return file
	}
	switch p.Type {
	case assay.TypeNPM:
		if i := strings.Index("/"+file, "/node_modules/"); i >= 0 {
			return orRoot(file[:max(0, i-1)])
		}
		if path.Base(file) == "package.json" || strings.Contains(path.Base(file), "lock") {
			return orRoot(path.Dir(file))
		}
	case assay.TypeComposer:
		if dir, ok := strings.CutSuffix("/"+file, "/vendor/composer/installed.json"); ok {
			return orRoot(strings.TrimPrefix(dir, "/"))
		}
	case assay.TypePyPI:
		if base := path.Base(file); base == "METADATA" || base == "PKG-INFO" {
			return path.Dir(path.Dir(file))
		}
	}
	return file
}

func orRoot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}
