package purl

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/ecosystem"
)

// Lookup returns the stream, or the pattern of streams, with advisories about a
// package URL, and the package's name there. If there is none, the error is
// ErrUnsupported.
func Lookup(s string) (stream assay.Stream, name string, err error) {
	u, err := parse(s)
	if err != nil {
		return "", "", fmt.Errorf("purl %q: %w: %w", s, err, assay.ErrMalformed)
	}
	q := u.Qualifiers.Map()
	if u.Type == gitHub {
		u.Type = assay.TypeActions // no other packages of this type have advisories
	}
	if e, ok := ecosystem.OfType(u.Type); ok {
		return e.Stream, e.Name(Join(e.Type, u.Namespace, u.Name)), nil
	}
	r := release(u.Namespace, q["distro"])
	f, ok := distro.Of(r)
	if !ok {
		return "", "", fmt.Errorf("purl %q: no advisories for packages of type %s with namespace %q: %w", s, u.Type, u.Namespace, assay.ErrUnsupported)
	}
	name = u.Name
	if up := q["upstream"]; up != "" && f.BySource {
		name, _, _ = strings.Cut(up, "@")
	}
	if stream = f.Stream(r); stream == "" {
		r.Version = "1"
		stream = assay.Stream(f.Stream(r).Family()) + ":*"
	}
	return stream, name, nil
}
