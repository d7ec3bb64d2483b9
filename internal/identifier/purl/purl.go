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
	case assay.TypeActions:
		u.Type = gitHub
		u.Namespace, u.Name = Cut(p.Type, p.Name)
	default:
		u.Namespace, u.Name = Cut(p.Type, p.Name)
	}
	if m, _, ok := cutModule(p.Module); ok {
		set("rpmmod", m)
	}
	u.Qualifiers = packageurl.QualifiersFromMap(q)
	if err := normalize(&u); err != nil {
		u.Name, u.Namespace = p.Name, "" // a name that the rules of the type forbid stays unchanged
	}
	return u.ToString()
}

// OfJulia returns the package URL of a Julia package, whose name alone is not unique.
// https://github.com/package-url/purl-spec/blob/main/types-doc/julia-definition.md
func OfJulia(name, version, uuid string) string {
	u := packageurl.PackageURL{Type: assay.TypeJulia, Name: name, Version: version}
	if uuid != "" {
		u.Qualifiers = packageurl.QualifiersFromMap(map[string]string{qualifierUUID: strings.ToLower(uuid)})
	}
	return u.ToString()
}

const qualifierUUID = "uuid"

// UUID returns the UUID in the package URL of a Julia package; "" where there is none.
func UUID(s string) string {
	if !strings.Contains(s, qualifierUUID) {
		return ""
	}
	u, err := parse(s)
	if err != nil || u.Type != assay.TypeJulia {
		return ""
	}
	return strings.ToLower(u.Qualifiers.Map()[qualifierUUID])
}

// gitHub is the type of what lives in a repository of GitHub, such as an action. The
// specification has no other for actions; GitHub's own SBOMs write "githubactions".
// https://github.com/package-url/purl-spec/blob/main/types-doc/github-definition.md
const gitHub = "github"

// plain is a type without rules about its names.
const plain = "generic"

// parse reads a purl. Paths of Go modules keep their case, as the go command and all
// advisories have them; the library lowers it.
// https://go.dev/ref/mod#module-path
// A Julia package without the UUID that the specification demands is read, too.
func parse(s string) (packageurl.PackageURL, error) {
	kind, rest, ok := strings.Cut(strings.TrimLeft(s[min(len(s), len("pkg:")):], "/"), "/")
	if kind = strings.ToLower(kind); !ok || !keepsCase(kind) || !strings.EqualFold(s[:len("pkg:")], "pkg:") {
		return packageurl.FromString(s)
	}
	u, err := packageurl.FromString("pkg:" + plain + "/" + rest)
	u.Type = kind
	return u, err
}

// keepsCase reports whether the library's rules of a type are not those of its registry.
func keepsCase(kind string) bool { return kind == assay.TypeGo || kind == assay.TypeJulia }

// normalize writes the parts of a purl by the rules of its type.
func normalize(u *packageurl.PackageURL) error {
	kind := u.Type
	if !keepsCase(kind) {
		if kind == assay.TypeHex || kind == assay.TypePub || kind == assay.TypeOTP {
			u.Namespace, u.Name = strings.ToLower(u.Namespace), strings.ToLower(u.Name)
		}
		return u.Normalize()
	}
	u.Type = plain
	err := u.Normalize()
	u.Type = kind
	return err
}

// Cut splits a package's name into the namespace and name of its purl, by the
// rules of the type: "@babel" and "core" of "@babel/core", "org.slf4j" and
// "slf4j-api" of "org.slf4j:slf4j-api".
func Cut(kind, name string) (namespace, rest string) {
	sep := "/"
	switch kind {
	case assay.TypeMaven:
		sep = ":"
	case assay.TypeNPM, assay.TypeJSR, assay.TypeGo, assay.TypeComposer, assay.TypeSwift, assay.TypeActions, assay.TypeTerraform, assay.TypeEbuild, assay.TypeLuaRocks, assay.TypeHex, assay.TypePEAR:
	default:
		return "", name
	}
	if i := strings.LastIndex(name, sep); i > 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// Join is the reverse of Cut. The author of a CPAN distribution and the vendor of a Conan
// recipe are no part of the name: advisories do not have them.
func Join(kind, namespace, name string) string {
	switch {
	case namespace == "", kind == assay.TypeCPAN, kind == assay.TypeConan:
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
