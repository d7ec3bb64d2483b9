// Package suse reads SUSE's data on vulnerabilities in SUSE Linux Enterprise and
// openSUSE.
//
// https://ftp.suse.com/pub/projects/security/oval/ has an OVAL document for each
// product; see its README. A definition is one CVE. The "affected" form of a
// document has fixed, open and not affected vulnerabilities, and is used if it
// exists.
//
// The CSAF VEX documents have the same data, but in one archive of all products,
// of which one image needs a thousandth; CSAF and CVRF documents have it by
// notice. Not used: products other than the distributions (Manager, Storage,
// Liberty, container and cloud images), notices about container and cloud
// images, and descriptions and scores from others.
package suse

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/oval"
)

// Directory is the directory of the documents.
const Directory = "https://ftp.suse.com/pub/projects/security/oval/"

const page = "https://www.suse.com/security/cve/"

// Feed reads the documents. Packages are binary packages. A record is one CVE in
// one document; the notices about it (SUSE-SU) for any product are VendorIDs.
//
// Modules and extensions of SUSE Linux Enterprise, its variants for SAP,
// desktops and others, and its service packs under extended support are in the
// stream of their service pack: "sles:15.4". Modules of SUSE Linux Enterprise 12
// are for all service packs. If products of one stream disagree, fixed wins over
// open, and open over "not affected".
//
// The versions have no epochs.
type Feed struct{}

// Name is "suse".
func (Feed) Name() string { return "suse" }

// Streams is "sles:*" ("sles:15.4"), "sle-micro:*", "opensuse-leap:*" and
// "opensuse-tumbleweed".
func (Feed) Streams() []assay.Stream {
	return []assay.Stream{"sles:*", "sle-micro:*", "opensuse-leap:*", "opensuse-tumbleweed"}
}

// A place is a document for streams.
type place struct {
	streams assay.Stream // one stream; or all streams of a major release, "sles:15"
	major   bool         // the kind of release
	names   []string     // names of documents without their ending; the first that exists is read
	needed  bool         // requested by name
}

// contains reports whether a stream belongs to the place.
func (p *place) contains(s assay.Stream) bool {
	return s == p.streams || p.major && strings.HasPrefix(string(s), string(p.streams)+".")
}

// known lists the releases whose documents are read if all are wanted (November
// 2026).
var known = map[assay.Stream][]string{
	"sles:*":              {"11", "12", "15", "16"},
	"sle-micro:*":         {"5", "6"},
	"opensuse-leap:*":     {"42.1", "42.2", "42.3", "15.0", "15.1", "15.2", "15.3", "15.4", "15.5", "15.6", "16.0"},
	"opensuse-tumbleweed": {""},
}

// places lists the documents of the wanted streams.
func places(wanted []assay.Stream) (out []place) {
	wanted = slices.Compact(slices.Sorted(slices.Values(wanted)))
	for _, family := range (Feed{}).Streams() {
		asked := slices.Contains(wanted, family)
		if len(wanted) == 0 || asked {
			for _, release := range known[family] {
				p := placeOf(family.Family(), release, family != "opensuse-leap:*" && release != "")
				p.needed = asked && release == ""
				out = append(out, p)
			}
			continue
		}
		for _, w := range wanted {
			if release, ok := strings.CutPrefix(string(w), family.Family()+":"); ok && path.MatchString(release) {
				p := placeOf(family.Family(), release, false)
				p.needed = true
				out = append(out, p)
			}
		}
	}
	return out
}

// path matches a release in a document's name.
var path = regexp.MustCompile(`^\d+(?:\.\d+)?$`)

// placeOf is the document of a release, or that of its major release.
func placeOf(family, release string, major bool) place {
	p := place{streams: assay.Stream(family), major: major}
	if release != "" {
		p.streams = assay.Stream(family + ":" + release)
	}
	first, second, minor := strings.Cut(release, ".")
	switch family {
	case "sles":
		if minor && len(first) == 2 && first >= "16" {
			p.names = append(p.names, "suse.linux.enterprise."+release)
		} else if minor {
			p.names = append(p.names, "suse.linux.enterprise."+first+"-sp"+second)
		}
		p.names = append(p.names, "suse.linux.enterprise."+first, "suse.linux.enterprise.server."+first)
	case "sle-micro":
		base := "suse.linux.micro."
		if first == "5" {
			base = "suse.linux.enterprise.micro."
		}
		if minor {
			p.names = append(p.names, base+release)
		}
		p.names = append(p.names, base+first)
	case "opensuse-leap":
		p.names = []string{"opensuse.leap." + release, "opensuse." + release} // Leap began with 42.1
	default:
		p.names = []string{"opensuse.tumbleweed"}
	}
	return p
}

// ends are the endings of a document's name, best first.
var ends = []string{"-affected.xml.gz", "-affected.xml", ".xml.gz", ".xml"}

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	var missing error
	found := false
	for _, p := range places(wanted) {
		err := p.fetch(ctx, g, s)
		if errors.Is(err, assay.ErrNotFound) && !p.needed {
			missing = err
			continue
		}
		if err != nil {
			return err
		}
		found = true
	}
	if !found {
		return missing
	}
	return nil
}

// fetch reads the best document that exists.
func (p *place) fetch(ctx context.Context, g assay.Getter, s assay.Sink) (err error) {
	for _, end := range ends {
		for _, name := range p.names {
			err = oval.Fetch(ctx, g, Directory+name+end, func(d *oval.Definition) error { return p.emit(d, s) })
			if !errors.Is(err, assay.ErrNotFound) {
				return err
			}
		}
	}
	return err
}

func (p *place) emit(d *oval.Definition, s assay.Sink) error {
	m := &d.Metadata
	switch {
	case d.Class != "vulnerability" || !cve.Valid(m.Title):
		s.Skip(d.ID, "no CVE")
		return nil
	case d.Deprecated == "true":
		s.Skip(m.Title, "withdrawn")
		return nil
	}
	t := table{place: p, rows: map[key][]row{}}
	t.criteria(&d.Criteria, nil)
	a := assay.Advisory{
		ID: m.Title, VendorIDs: notices(m.References), Feed: "suse", CVSS: scores(m.Advisory.CVEs), URL: page + m.Title + ".html",
		Published: cve.Time(m.Advisory.Issued.Date), Modified: cve.Time(m.Advisory.Updated.Date), Affected: t.affected(),
	}
	a.Severity, _ = assay.ParseSeverity(m.Advisory.Severity)
	if len(a.Affected) == 0 {
		if !t.foreign {
			s.Skip(a.ID, "no package of a known product")
		}
		return nil
	}
	return s.Advisory(a)
}

// notice reports whether a reference is a notice about packages, not about
// images or background.
var notice = regexp.MustCompile(`^(?:SUSE|openSUSE)-(?:SU|RU|OU|FU|SR|SA)[-:]`)

func notices(all []oval.Reference) (ids []string) {
	for _, r := range all {
		if r.Source == "SUSE-SU" && notice.MatchString(r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return cve.Set(ids)
}

// scores are SUSE's own scores; invalid vectors are left out.
func scores(all []oval.CVE) (out []assay.CVSS) {
	for _, c := range all {
		if strings.Contains(c.URL, "nvd.nist.gov") {
			continue
		}
		for _, vector := range []string{c.CVSS4, c.CVSS3, c.CVSS2} {
			if score, err := cvss.Parse("suse", vector); err == nil && !slices.Contains(out, score) {
				out = append(out, score)
			}
		}
	}
	return out
}
