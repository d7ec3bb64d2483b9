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
	switch p.Type {
	case assay.TypeDeb, assay.TypeApk, assay.TypeRPM, assay.TypeAlpm, assay.TypeOpkg:
		set("arch", p.Arch)
		set("upstream", upstream(p))
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
	default:
		u.Namespace, u.Name = Cut(p.Type, p.Name)
	}
	if m, _, ok := cutModule(p.Module); ok {
		set("rpmmod", m)
	}
	u.Qualifiers = packageurl.QualifiersFromMap(q)
	if err := u.Normalize(); err != nil {
		u.Name, u.Namespace = p.Name, "" // a name that the rules of the type forbid stays unchanged
	}
	return u.ToString()
}

// Cut splits a package's name into the namespace and name of its purl, by the
// rules of the type: "@babel" and "core" of "@babel/core", "org.slf4j" and
// "slf4j-api" of "org.slf4j:slf4j-api".
func Cut(kind, name string) (namespace, rest string) {
	sep := "/"
	switch kind {
	case assay.TypeMaven:
		sep = ":"
	case assay.TypeNPM, assay.TypeGo, assay.TypeComposer, assay.TypeSwift, assay.TypeActions, assay.TypeTerraform, assay.TypeEbuild, assay.TypeLuaRocks, assay.TypeHex, assay.TypePEAR:
	default:
		return "", name
	}
	if i := strings.LastIndex(name, sep); i > 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// Join is the reverse of Cut.
func Join(kind, namespace, name string) string {
	switch {
	case namespace == "":
		return name
	case kind == assay.TypeMaven:
		return namespace + ":" + name
	}
	return namespace + "/" + name
}

// upstream is the source package, if its name or version differs from the
// package's: "name" or "name@version".
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

// cutModule truncates a modularity label, name:stream:version:context:arch,
// after the stream.
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
