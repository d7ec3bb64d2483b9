package distro

import (
	"regexp"
	"strings"

	"github.com/assaysec/assay"
)

// A Rebuilder rebuilds packages of distributions with fixes of its own, marks them,
// and has advisories of its own on them.
type Rebuilder struct {
	Title     string
	Prefix    string // of the names of packages that it renamed
	Exclusive bool   // the distribution's advisories do not count for its packages

	version *regexp.Regexp // versions of packages that it did not rename; nil: it renames all
	streams map[string]func(assay.Release) assay.Stream
}

// rebuilders lists them. Root rebuilds a release's own packages and says which
// vulnerabilities it fixed; the distribution's advisories decide about all others.
// https://www.root.io and https://www.sealsecurity.io (2026-11-28)
var rebuilders = []Rebuilder{
	{Title: "Root", Prefix: "rootio-", version: regexp.MustCompile(`\.root\.io\.|-r\d+007\d+$`), streams: map[string]func(assay.Release) assay.Stream{
		"debian": numbered("rootio:debian", 1), "ubuntu": numbered("rootio:ubuntu", 2), "alpine": numbered("rootio:alpine", 2)}},
	{Title: "Seal Security", Prefix: "seal-", Exclusive: true, streams: map[string]func(assay.Release) assay.Stream{
		"debian": only("seal:debian"), "ubuntu": only("seal:ubuntu"), "alpine": only("seal:alpine"), "azurelinux": only("seal:azurelinux"),
		"rhel": numbered("seal:rhel", 1), "centos": numbered("seal:centos", 1), "ol": numbered("seal:oracle", 1)}},
}

// Rebuilder finds who rebuilt a package of the family's; ok is false where it is
// the distribution's own build.
func (f *Family) Rebuilder(p *assay.Package) (*Rebuilder, bool) {
	for i := range rebuilders {
		m := &rebuilders[i]
		if m.streams[f.ID] != nil && (strings.HasPrefix(p.SourceName(), m.Prefix) || strings.HasPrefix(p.Name, m.Prefix) || m.version != nil && m.version.MatchString(p.Version)) {
			return m, true
		}
	}
	return nil, false
}

// Stream is the stream of its advisories on a family's packages; "" when the
// release does not say enough.
func (m *Rebuilder) Stream(f *Family, r assay.Release) assay.Stream {
	return m.streams[f.ID](r)
}

// RebuilderOf finds the rebuilder that publishes a stream; ok is false where it is
// a distribution's.
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
