package vex

import (
	"fmt"
	"maps"
	"strings"

	"github.com/assaysec/assay"
	"github.com/package-url/packageurl-go"
)

// A PURL is a package URL, normalised by the rules of its type.
//
// Specification: https://github.com/package-url/purl-spec
type PURL struct {
	url        packageurl.PackageURL
	qualifiers map[string]string
}

// ParsePURL parses a package URL. An invalid one is ErrMalformed.
func ParsePURL(s string) (PURL, error) {
	u, err := packageurl.FromString(s)
	if err != nil {
		return PURL{}, fmt.Errorf("purl %.200q: %w: %w", s, err, assay.ErrMalformed)
	}
	if u.Type == assay.TypeActions { // GitHub's spelling of an action; the specification's type is github
		u.Type, u.Namespace, u.Name = packageurl.TypeGithub, strings.ToLower(u.Namespace), strings.ToLower(u.Name)
	}
	return PURL{u, u.Qualifiers.Map()}, nil
}

// Matches reports whether p, a pattern, matches a package: type, namespace and
// name are equal, and so are the version, the subpath and each qualifier of p,
// because a statement about a part of a package does not cover the package.
// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md
func (p PURL) Matches(of PURL) bool {
	if p.url.Type != of.url.Type || p.url.Namespace != of.url.Namespace || p.url.Name != of.url.Name ||
		p.url.Version != "" && p.url.Version != of.url.Version || p.url.Subpath != "" && p.url.Subpath != of.url.Subpath {
		return false
	}
	for k, v := range p.qualifiers {
		if w, ok := of.qualifiers[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// Version is the version; "" without one.
func (p PURL) Version() string { return p.url.Version }

// Subpath is the part of the package; "" means all of it.
func (p PURL) Subpath() string { return p.url.Subpath }

// Name is the package URL without version, subpath and qualifiers, except the
// repository of an image, without which its name is not unique.
func (p PURL) Name() string {
	u := packageurl.PackageURL{Type: p.url.Type, Namespace: p.url.Namespace, Name: p.url.Name}
	if r := p.qualifiers[repository]; r != "" && p.url.Type == packageurl.TypeOCI {
		u.Qualifiers = packageurl.QualifiersFromMap(map[string]string{repository: r})
	}
	return u.ToString()
}

// Names are the names under which statements about a package may exist: Name,
// and for an image also the name without repository.
func (p PURL) Names() []string {
	name := p.Name()
	p.qualifiers = nil
	if bare := p.Name(); bare != name {
		return []string{name, bare}
	}
	return []string{name}
}

// Qualifiers are the qualifiers that are not in Name.
func (p PURL) Qualifiers() map[string]string {
	q := maps.Clone(p.qualifiers)
	if p.url.Type == packageurl.TypeOCI {
		delete(q, repository)
	}
	return q
}

// repository is the qualifier that tells where an image is.
const repository = "repository_url"

// Key is equal for a pattern and everything that it matches.
func (p PURL) Key() string {
	return p.url.Type + "\x00" + p.url.Namespace + "\x00" + p.url.Name
}
