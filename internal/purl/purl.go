// Package purl writes package URLs.
//
// Specification: https://github.com/package-url/purl-spec
package purl

import (
	"strings"

	"github.com/assaysec/assay"
	"github.com/package-url/packageurl-go"
)

// Of returns the package URL of a package of a release.
func Of(p *assay.Package, r assay.Release) string {
	u := packageurl.PackageURL{Type: p.Type, Name: p.Name, Version: p.Version}
	q := map[string]string{}
	set := func(key, value string) {
		if value != "" {
			q[key] = value
		}
	}
	set("arch", p.Arch)
	switch p.Type {
	case assay.TypeDeb, assay.TypeApk, assay.TypeRPM, assay.TypeAlpm, assay.TypeOpkg:
		u.Namespace = strings.ToLower(r.ID)
		if r.ID != "" {
			distro := strings.ToLower(r.ID)
			if r.Version != "" {
				distro += "-" + r.Version
			}
			set("distro", distro)
		}
		if epoch, version, ok := strings.Cut(p.Version, ":"); ok && p.Type == assay.TypeRPM {
			u.Version = version
			set("epoch", epoch)
		}
	}
	set("upstream", upstream(p))
	if m, _, ok := cutModule(p.Module); ok {
		set("rpmmod", m)
	}
	u.Qualifiers = packageurl.QualifiersFromMap(q)
	return u.ToString()
}

// upstream is the source package, where it is not called or numbered as the
// package: "name" or "name@version".
func upstream(p *assay.Package) string {
	s := p.SourceName()
	if v := p.SourceVer(); v != p.Version {
		return s + "@" + v
	}
	if s == p.Name {
		return ""
	}
	return s
}

// cutModule cuts a modularity label, name:stream:version:context:arch, after
// the stream.
func cutModule(label string) (module, rest string, ok bool) {
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 {
		return "", "", false
	}
	if len(parts) == 3 {
		rest = parts[2]
	}
	return parts[0] + ":" + parts[1], rest, true
}
