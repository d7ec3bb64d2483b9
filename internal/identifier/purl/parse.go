package purl

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// Parse returns the package of a purl, and the purl's data on its distribution.
// PURL is the purl unchanged.
func Parse(s string) (assay.Package, assay.Release, error) {
	u, err := parse(s)
	if err != nil {
		return assay.Package{}, assay.Release{}, fmt.Errorf("purl %q: %w: %w", s, err, assay.ErrMalformed)
	}
	q := u.Qualifiers.Map()
	p := assay.Package{Type: u.Type, Name: Join(u.Type, u.Namespace, u.Name), Version: u.Version, PURL: s}
	if !p.IsSystem() {
		return p, assay.Release{}, nil
	}
	p.Name, p.Arch = u.Name, q["arch"]
	if e := q["epoch"]; e != "" && p.Type == assay.TypeRPM {
		p.Version = e + ":" + p.Version
	}
	if p.Type == assay.TypeRPM && strings.HasSuffix(q["upstream"], ".src.rpm") {
		p.Source, p.SourceVersion = sourceRPM(q["upstream"])
	} else {
		p.Source, p.SourceVersion, _ = strings.Cut(q["upstream"], "@")
	}
	p.Module = q["rpmmod"]
	return p, release(u.Namespace, q["distro"]), nil
}

// release is the distribution of a package. The namespace of its purl is the
// vendor: "debian" and "debian-12", or "redhat" and "rhel-9.4".
func release(namespace, of string) assay.Release {
	name, version, ok := cutVersion(of)
	switch {
	case !ok: // only a version, or nothing
		return assay.Release{ID: id(namespace), Version: version}
	case version == "": // a distribution without releases, or the name of a release
		if r := (assay.Release{ID: id(name)}); known(r) {
			return r
		}
		return assay.Release{ID: id(namespace), Codename: name}
	}
	return assay.Release{ID: id(name), Version: version}
}

func id(name string) string { return distro.ID(name) }

func known(r assay.Release) bool {
	_, ok := distro.Of(r)
	return ok
}

// cutVersion splits "opensuse-leap-15.4" before the version.
func cutVersion(s string) (id, version string, ok bool) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '-' && s[i+1] >= '0' && s[i+1] <= '9' {
			return s[:i], s[i+1:], true
		}
	}
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return "", s, false
	}
	return s, "", s != ""
}

// sourceRPM splits name-version-release.src.rpm.
func sourceRPM(file string) (name, version string) {
	s := strings.TrimSuffix(file, ".src.rpm")
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, ""
	}
	j := strings.LastIndexByte(s[:i], '-')
	if j < 0 {
		return s, ""
	}
	return s[:j], s[j+1:]
}
