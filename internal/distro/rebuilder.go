package distro

import (
	"regexp"
	"strings"

	"github.com/assaysec/assay"
)

// A Rebuilder rebuilds packages of distributions with its own fixes, marks them, and
// publishes its own advisories on them.
type Rebuilder struct {
	Title     string
	Prefix    string // of the names of packages that it renamed
	Exclusive bool   // the distribution's advisories do not count for its packages

	version *regexp.Regexp // matches versions of packages that it did not rename; nil: it renames all
	streams map[string]func(assay.Release) assay.Stream
}

// rebuilders lists them. Root rebuilds a release's own packages and publishes which
// vulnerabilities it fixed; the distribution's advisories decide about all others.
// https://www.root.io and https://www.sealsecurity.io (2026-11-28)
var rebuilders = []Rebuilder{
	{Title: "Root", Prefix: "rootio-", version: regexp.MustCompile(`\.root\.io\.|-r\d+007\d+$`), streams: map[string]func(assay.Release) assay.Stream{
		"debian": numbered("rootio:debian", 1), "ubuntu": numbered("rootio:ubuntu", 2), "alpine": numbered("rootio:alpine", 2)}},
	{Title: "Seal Security", Prefix: "seal-", Exclusive: true, streams: map[string]func(assay.Release) assay.Stream{
		"debian": only("seal:debian"), "ubuntu": only("seal:ubuntu"), "alpine": only("seal:alpine"), "azurelinux": only("seal:azurelinux"),
		"rhel": numbered("seal:rhel", 1), "centos": numbered("seal:centos", 1), "ol": numbered("seal:oracle", 1)}},
}

// Rebuilder returns the rebuilder of a package of the family; ok is false for the
// distribution's own build.
func (f *Family) Rebuilder(p *assay.Package) (*Rebuilder, bool) {
	for i := range rebuilders {
		m := &rebuilders[i]
		if m.streams[f.ID] != nil && (strings.HasPrefix(p.SourceName(), m.Prefix) || strings.HasPrefix(p.Name, m.Prefix) || m.version != nil && m.version.MatchString(p.Version)) {
			return m, true
		}
	}
	return nil, false
}

// Stream returns the stream of its advisories on a family's packages; "" when the
// release is not known well enough.
func (m *Rebuilder) Stream(f *Family, r assay.Release) assay.Stream {
	return m.streams[f.ID](r)
}

// RebuilderOf returns the rebuilder that publishes a stream; ok is false for a
// distribution's stream.
func RebuilderOf(s assay.Stream) (*Rebuilder, bool) {
	for i := range rebuilders {
		for _, of := range rebuilders[i].streams {
			if of(assay.Release{Version: "0"}).Family() == s.Family() {
				return &rebuilders[i], true
			}
		}
	}
	return nil, false
}
