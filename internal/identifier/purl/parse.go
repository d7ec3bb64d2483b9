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

// release is the distribution of a package. The namespace of its purl is the vendor;
// the qualifier has the name and version, "debian-12", "amazon-AMI release 2018.03", or
// one of them only, "jammy".
func release(namespace, of string) assay.Release {
	of = strings.TrimSpace(of)
	if known(of) {
		return distro.Named(of, "")
	}
	for i := len(of) - 1; i > 0; i-- {
		if strings.IndexByte("-: ", of[i]) >= 0 && known(of[:i]) {
			return distro.Named(of[:i], of[i+1:])
		}
	}
	if name, version, ok := cutVersion(of); ok && !known(namespace) {
		return distro.Named(name, version) // another distribution, which is unsupported
	}
	return distro.Named(namespace, of)
}

func known(name string) bool {
	_, ok := distro.Of(assay.Release{ID: distro.ID(name)})
	return ok
}

// cutVersion splits "plan9-4" before the version.
func cutVersion(s string) (name, version string, ok bool) {
	for i := 1; i+1 < len(s); i++ {
		if s[i] == '-' && s[i+1] >= '0' && s[i+1] <= '9' {
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
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
