// Package oracle reads Oracle's security errata of Oracle Linux.
//
// https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2 is an OVAL
// document of all releases; see https://linux.oracle.com/security/. A definition
// is one erratum (ELSA) for one release, often for several architectures.
// Vulnerabilities without a fix are missing. The descriptions are changelogs and
// are not kept.
package oracle

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/oval"
)

// Document has the errata of all releases.
const Document = "https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2"

// Feed reads the document. Packages are binary packages. Each record is about
// one erratum, one of its CVEs and one release: its ID is the CVE, and the
// erratum is one of VendorIDs. An erratum without a CVE keeps its own
// identifier.
//
// A row is limited to architectures only if they have different fixes, or if the
// erratum has one architecture. Builds for Ksplice (".ksplice1." in the version)
// and for FIPS 140 ("_fips") sort above the plain builds and have a Flavour.
type Feed struct{}

// Name is "oracle".
func (Feed) Name() string { return "oracle" }

// Streams is "oracle:*": "oracle:9".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"oracle:*"} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return oval.Fetch(ctx, g, Document, func(d *oval.Definition) error {
		return emit(d, wanted, s)
	})
}

func emit(d *oval.Definition, wanted []assay.Stream, s assay.Sink) error {
	notice, cves := identifiers(d)
	if notice == "" {
		s.Skip(d.ID, "not an erratum")
		return nil
	}
	releases, rows := affected(d)
	if len(releases) == 0 {
		s.Skip(notice, "no package with a fixed version")
		return nil
	}
	m := &d.Metadata
	for _, stream := range releases {
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
			continue
		}
		a := assay.Advisory{
			ID: notice, Feed: "oracle", Title: title(m.Title), URL: "https://linux.oracle.com/errata/" + notice + ".html",
			Published: cve.Time(m.Advisory.Issued.Date), Modified: cve.Time(m.Advisory.Updated.Date), Affected: rows[stream],
		}
		a.Severity, _ = assay.ParseSeverity(m.Advisory.Severity)
		if len(cves) == 0 {
			if err := s.Advisory(a); err != nil {
				return err
			}
		}
		for _, id := range cves {
			a.ID, a.VendorIDs, a.CVSS = id, []string{notice}, scores(m.Advisory.CVEs, id)
			if err := s.Advisory(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// identifiers are the IDs of the erratum and of its CVEs, sorted.
func identifiers(d *oval.Definition) (notice string, cves []string) {
	for _, r := range d.Metadata.References {
		switch {
		case strings.EqualFold(r.Source, "elsa"):
			notice = r.ID
		case cve.Valid(r.ID):
			cves = append(cves, r.ID)
		}
	}
	return notice, cve.Set(cves)
}

// title removes the erratum at the start and the severity from a title:
// "ELSA-2007-0057: Moderate: bind security update (MODERATE)".
func title(s string) string {
	if rest, ok := strings.CutPrefix(s, "ELSA-"); ok {
		if _, t, ok := strings.Cut(rest, ":"); ok {
			s = strings.TrimSpace(t)
		}
	}
	if i := strings.LastIndexByte(s, '('); i > 0 && strings.HasSuffix(s, ")") {
		s = s[:i]
	}
	return strings.Join(strings.Fields(s), " ")
}

// scores are Oracle's scores of a CVE; invalid vectors are left out.
func scores(all []oval.CVE, id string) (out []assay.CVSS) {
	for _, c := range all {
		if c.ID != id {
			continue
		}
		for _, vector := range []string{c.CVSS4, c.CVSS3, c.CVSS2} {
			if score, err := cvss.Parse("oracle", vector); err == nil && !slices.Contains(out, score) {
				out = append(out, score)
			}
		}
	}
	return out
}

var installed = regexp.MustCompile(`^Oracle Linux (\d+) is installed$`)

// A build identifies a row.
type build struct {
	stream                assay.Stream
	name, module, flavour string
}

// affected returns the streams in order and the rows of each stream.
func affected(d *oval.Definition) (streams []assay.Stream, rows map[assay.Stream][]assay.Affected) {
	var order []build
	fixes := map[build]map[string][]string{} // versions by architecture, "" for any
	for _, p := range d.Packages() {
		stream := release(d, &p)
		if stream == "" || p.Operation != "less than" || p.EVR == "" {
			continue
		}
		arches := p.SystemArches()
		if len(arches) == 0 {
			arches = []string{""}
		}
		for _, name := range p.Names {
			b := build{stream, name, p.Module(), distro.Flavour(p.EVR)}
			if fixes[b] == nil {
				fixes[b] = map[string][]string{}
				order = append(order, b)
			}
			for _, arch := range arches {
				fixes[b][arch] = cve.Set(append(fixes[b][arch], strings.TrimPrefix(p.EVR, "0:")))
			}
		}
	}
	rows = map[assay.Stream][]assay.Affected{}
	for _, b := range order {
		if rows[b.stream] == nil {
			streams = append(streams, b.stream)
		}
		rows[b.stream] = append(rows[b.stream], b.rows(fixes[b], cve.Time(d.Metadata.Advisory.Issued.Date))...)
	}
	return streams, rows
}

// release is the stream of a package: that of the release in its criteria, else
// that of the definition.
func release(d *oval.Definition, p *oval.Package) assay.Stream {
	for _, c := range p.With {
		if m := installed.FindStringSubmatch(c.Comment); m != nil {
			return assay.Stream("oracle:" + m[1])
		}
	}
	if all := d.Metadata.Platforms; len(all) == 1 {
		if m := installed.FindStringSubmatch(all[0] + " is installed"); m != nil {
			return assay.Stream("oracle:" + m[1])
		}
	}
	return ""
}

// also lists architectures whose packages a system also accepts.
var also = map[string][]string{
	"x86_64": {"x86_64", "i686"},
	"i386":   {"i386", "i486", "i586", "i686"},
}

// rows returns one row if all of several architectures have the same fixes, else
// one for each.
func (b build) rows(fixes map[string][]string, published time.Time) (out []assay.Affected) {
	arches := slices.Sorted(maps.Keys(fixes))
	first := fixes[arches[0]]
	if len(arches) > 1 && !slices.ContainsFunc(arches, func(a string) bool { return !slices.Equal(fixes[a], first) }) {
		arches = []string{""}
		fixes = map[string][]string{"": first}
	}
	for _, arch := range arches {
		r := assay.Affected{Stream: b.stream, Name: b.name, Status: assay.StatusAffected, FixDate: published,
			Qualifiers: assay.Qualifiers{Module: b.module, Flavour: b.flavour}}
		for _, v := range fixes[arch] {
			r.Ranges = append(r.Ranges, assay.Range{Fixed: v})
		}
		if a, ok := also[arch]; ok {
			r.Qualifiers.Arches = a
		} else if arch != "" {
			r.Qualifiers.Arches = []string{arch}
		}
		out = append(out, r)
	}
	return out
}
