// Package gentoo reads Gentoo's security advisories (GLSA).
//
// https://gitweb.gentoo.org/data/glsa.git has an XML file for each;
// https://www.gentoo.org/glep/glep-0014.html and
// https://www.gentoo.org/dtd/glsa.dtd describe the format. Vulnerabilities
// without an advisory are missing. Of the texts only the synopsis is kept.
package gentoo

import (
	"bytes"
	"context"
	"encoding/xml"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
)

// Document is the tree of advisories.
const Document = "https://gitweb.gentoo.org/data/glsa.git/snapshot/glsa-master.tar.gz"

// Feed reads the advisories. Packages are named category/name; versions have the
// scheme "portage". Each record is about one advisory and one of its CVEs: its
// ID is the CVE, and the advisory is one of VendorIDs. An advisory without a CVE
// keeps its own identifier.
//
// Versions in <vulnerable> are affected. Versions in <unaffected> are not
// affected, which wins. Ranges of revisions ("rge") cover revisions of one
// version only. A range limited to a slot covers the versions that begin with
// the slot's name. If no version begins with the slot's name, an unaffected
// range is left out, and a vulnerable range applies without the slot.
type Feed struct{}

// Name is "gentoo".
func (Feed) Name() string { return "gentoo" }

// Streams is "gentoo".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"gentoo"} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers("gentoo") }) {
		return nil
	}
	want := func(name string) bool {
		base := path.Base(name)
		return strings.HasPrefix(base, "glsa-") && path.Ext(base) == ".xml"
	}
	return bundle.Walk(ctx, g, Document, want, s, func(name string, b []byte) error {
		var a glsa
		if err := xml.NewDecoder(bytes.NewReader(b)).Decode(&a); err != nil || a.XMLName.Local != "glsa" || a.ID == "" {
			s.Skip(bundle.Stem(name), "malformed record")
			return nil
		}
		return a.emit(s)
	})
}

// glsa is one advisory.
type glsa struct {
	XMLName  xml.Name
	ID       string `xml:"id,attr"`
	Title    string `xml:"title"`
	Synopsis string `xml:"synopsis"`
	Product  struct {
		Type string `xml:"type,attr"`
	} `xml:"product"`
	Announced string `xml:"announced"`
	Revised   string `xml:"revised"`
	Impact    struct {
		Type string `xml:"type,attr"`
	} `xml:"impact"`
	Packages []struct {
		Name       string  `xml:"name,attr"`
		Arch       string  `xml:"arch,attr"`
		Vulnerable []bound `xml:"vulnerable"`
		Unaffected []bound `xml:"unaffected"`
	} `xml:"affected>package"`
	References []struct {
		Link string `xml:"link,attr"`
		Text string `xml:",chardata"`
	} `xml:"references>uri"`
}

// bound is one end of a range of versions.
type bound struct {
	Range   string `xml:"range,attr"`
	Slot    string `xml:"slot,attr"`
	Version string `xml:",chardata"`
}

func (g *glsa) emit(s assay.Sink) error {
	id := "GLSA-" + g.ID
	if g.Product.Type != "ebuild" {
		s.Skip(id, "not about packages")
		return nil
	}
	rows, ok := g.rows()
	switch {
	case !ok:
		s.Skip(id, "unsupported form of range")
		return nil
	case len(rows) == 0:
		s.Skip(id, "no vulnerable package")
		return nil
	}
	a := assay.Advisory{ID: id, Feed: "gentoo", Title: joinFields(g.Title), Text: joinFields(g.Synopsis), Severity: severity(g.Impact.Type),
		URL: "https://security.gentoo.org/glsa/" + g.ID, Published: date(g.Announced), Modified: date(g.Revised), Affected: rows}
	for i := range rows {
		if rows[i].Status == assay.StatusAffected {
			rows[i].FixDate = a.Published
		}
	}
	cves := g.cves()
	if len(cves) == 0 {
		return s.Advisory(a)
	}
	for _, c := range cves {
		a.ID, a.VendorIDs = c, []string{id}
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

func joinFields(s string) string { return strings.Join(strings.Fields(s), " ") }

// date reads both formats of dates: those before 2012 have the month's name.
func date(s string) time.Time {
	s = joinFields(s)
	if t, err := time.Parse("January 2, 2006", s); err == nil {
		return t
	}
	day, _, _ := strings.Cut(s, ":") // "2012-02-21: 2"
	return cve.Time(day)
}

func severity(impact string) assay.Severity {
	switch impact {
	case "minimal":
		return assay.SeverityNegligible
	case "normal":
		return assay.SeverityMedium
	}
	s, _ := assay.ParseSeverity(impact)
	return s
}

var identifier = regexp.MustCompile(`\b(?:CVE|CAN)-(\d{4}-\d{4,19})\b`)

// cves finds the identifiers among the references. Old candidates (CAN) have
// become CVEs.
func (g *glsa) cves() (ids []string) {
	for _, r := range g.References {
		for _, m := range identifier.FindAllStringSubmatch(r.Text+" "+r.Link, -1) {
			ids = append(ids, "CVE-"+m[1])
		}
	}
	return cve.Set(ids)
}

// rows returns the vulnerable and the unaffected versions.
func (g *glsa) rows() (rows []assay.Affected, ok bool) {
	for _, p := range g.Packages {
		name := strings.TrimSpace(p.Name)
		if name == "" || len(p.Vulnerable) == 0 {
			continue
		}
		bad := assay.Affected{Stream: "gentoo", Name: name, Status: assay.StatusAffected}
		good := assay.Affected{Stream: "gentoo", Name: name, Status: assay.StatusNotAffected, Reason: "unaffected"}
		if p.Arch != "" && p.Arch != "*" {
			bad.Qualifiers.Arches = strings.Fields(p.Arch)
			good.Qualifiers.Arches = bad.Qualifiers.Arches
		}
		for _, b := range p.Vulnerable {
			r, ok := b.interval()
			if !ok {
				return nil, false
			}
			if r.LastAffected != "" && len(p.Vulnerable) == 1 && len(p.Unaffected) == 1 && p.Unaffected[0].Range == "ge" {
				r.Fixed, r.LastAffected = joinFields(p.Unaffected[0].Version), "" // so that the fix is named
			}
			bad.Ranges = append(bad.Ranges, r)
		}
		for _, b := range p.Unaffected {
			if b.slotted() && !b.begins() {
				continue
			}
			r, ok := b.interval()
			if !ok {
				return nil, false
			}
			ends := slices.ContainsFunc(bad.Ranges, func(v assay.Range) bool { return v.Fixed == r.Introduced && v.Fixed != "" })
			if !ends || len(bad.Ranges) > 1 {
				good.Ranges = append(good.Ranges, r)
			}
		}
		rows = append(rows, bad)
		if len(good.Ranges) > 0 {
			rows = append(rows, good)
		}
	}
	return rows, true
}

// lastRevision stands for the highest revision of a version.
const lastRevision = "-r999999999"

var revision = regexp.MustCompile(`-r\d+$`)

// interval is the range that a bound leaves open. A range cannot exclude the
// version of "gt", so the range includes it.
func (b *bound) interval() (r assay.Range, ok bool) {
	v := joinFields(b.Version)
	if v == "" || strings.ContainsAny(v, " *") {
		return r, false
	}
	base := revision.ReplaceAllString(v, "")
	switch b.Range {
	case "lt":
		r.Fixed = v
	case "le":
		r.LastAffected = v
	case "eq":
		r.Introduced, r.LastAffected = v, v
	case "ge", "gt":
		r.Introduced = v
	case "rlt":
		r.Introduced, r.Fixed = base, v
	case "rle":
		r.Introduced, r.LastAffected = base, v
	case "rge", "rgt":
		r.Introduced, r.LastAffected = v, base+lastRevision
	default:
		return r, false
	}
	if b.slotted() && b.begins() { // within the slot
		if r.Introduced == "" {
			r.Introduced = b.Slot
		}
		if r.Fixed == "" && r.LastAffected == "" {
			r.Fixed = next(b.Slot)
		}
	}
	return r, true
}

func (b *bound) slotted() bool { return b.Slot != "" && b.Slot != "*" && b.Slot != "0" }

// begins reports whether versions of the slot begin with its name, so that
// another slot can follow.
func (b *bound) begins() bool {
	rest, ok := strings.CutPrefix(joinFields(b.Version), b.Slot)
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9') && next(b.Slot) != ""
}

// next is the following slot: "7.2" after "7.1".
func next(slot string) string {
	i := strings.LastIndexByte(slot, '.') + 1
	n, err := strconv.Atoi(slot[i:])
	if err != nil {
		return ""
	}
	return slot[:i] + strconv.Itoa(n+1)
}
