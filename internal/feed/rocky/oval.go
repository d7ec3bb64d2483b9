package rocky

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/oval"
)

// Document is the address of a release's OVAL document.
func Document(release string) string {
	return "https://download.rockylinux.org/oval/org.rockylinux.rlsa-" + release + ".xml.bz2"
}

// releases are those that may have an OVAL document.
var releases = []string{"8", "9", "10"}

var (
	mention = regexp.MustCompile(`\bCVE-\d{4}-\d{4,19}\b`)
	distTag = regexp.MustCompile(`[.+]el(\d+)`)
	heading = regexp.MustCompile(`^(RLSA-\S+): (.*?)(?: \(\w+\))?$`)
)

// oval reads the documents of the wanted releases. Missing documents count as
// empty, unless all are missing or one was requested; then the error also says
// why there are no pages.
func (e *emitter) oval(ctx context.Context, g assay.Getter, why error) error {
	found := false
	for _, r := range releases {
		stream := assay.Stream("rocky:" + r)
		if !e.wants(stream) {
			continue
		}
		err := oval.Fetch(ctx, g, Document(r), func(d *oval.Definition) error { return e.definition(d, stream) })
		if errors.Is(err, assay.ErrNotFound) {
			why = errors.Join(why, err)
			continue
		}
		if err != nil {
			return err
		}
		found = true
	}
	if !found {
		return why
	}
	return nil
}

func (e *emitter) definition(d *oval.Definition, stream assay.Stream) error {
	m := &d.Metadata
	n := erratum{title: m.Title, severity: m.Advisory.Severity, published: cve.Time(m.Advisory.Issued.Date), updated: cve.Time(m.Advisory.Updated.Date)}
	if h := heading.FindStringSubmatch(m.Title); h != nil {
		n.id, n.title = h[1], h[2]
	}
	for _, r := range m.References {
		if r.Source == "RLSA" {
			n.id = r.ID
		}
		if cve.Valid(r.ID) {
			n.vulnerabilities = append(n.vulnerabilities, vulnerability{id: r.ID})
		}
	}
	if !strings.HasPrefix(n.id, "RLSA-") {
		e.s.Skip(d.ID, "not a security erratum")
		return nil
	}
	for _, id := range mention.FindAllString(m.Description, -1) {
		n.vulnerabilities = append(n.vulnerabilities, vulnerability{id: id})
	}
	b := builds{}
	for _, p := range d.Packages() {
		if p.Operation != "less than" || p.EVR == "" || !isOfRelease(p.EVR, stream) {
			continue
		}
		arches := p.Arches
		if len(arches) == 0 {
			arches = []string{""}
		}
		for _, name := range p.Names {
			for _, a := range arches {
				b.add(place{stream, name, p.Module()}, a, strings.TrimPrefix(p.EVR, "0:"))
			}
		}
	}
	return e.erratum(&n, b)
}

// isOfRelease reports whether a version belongs to this release: some documents have
// errata of other releases (October 2023).
func isOfRelease(v string, stream assay.Stream) bool {
	m := distTag.FindStringSubmatch(v)
	return m == nil || "rocky:"+m[1] == string(stream)
}
