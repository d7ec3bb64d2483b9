// Package updateinfo reads the updates in updateinfo.xml of rpm repositories,
// and finds that document in a repository.
//
// The format has no specification; libsolv, DNF and createrepo_c read and write
// it: https://github.com/openSUSE/libsolv/blob/master/ext/repo_updateinfoxml.c,
// https://github.com/rpm-software-management/createrepo_c/blob/master/src/xml_dump_updateinfo.c
package updateinfo

import (
	"context"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/xmlstream"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// Bounds of a document.
const (
	maxDocument = 2 << 30  // uncompressed; Fedora's has some 100 MB at the end of a release
	maxUpdate   = 16 << 20 // one update; those of KDE have 2 MB
)

// An Update is one notice. Texts are trimmed.
type Update struct {
	ID          string       `xml:"id"`
	Type        string       `xml:"type,attr"`   // "security", "bugfix", "enhancement", "newpackage"
	Status      string       `xml:"status,attr"` // "final", "stable"
	Title       string       `xml:"title"`
	Severity    string       `xml:"severity"`
	Summary     string       `xml:"summary"`
	Description string       `xml:"description"`
	Release     string       `xml:"release"`
	IssuedAt    date         `xml:"issued"`
	UpdatedAt   date         `xml:"updated"`
	References  []Reference  `xml:"references>reference"`
	Collections []Collection `xml:"pkglist>collection"`
}

type date struct {
	Date string `xml:"date,attr"`
}

// Issued is when the update was published first; zero if unknown.
func (u *Update) Issued() time.Time { return parseDate(u.IssuedAt.Date) }

// Updated is when the notice changed last; zero if unknown.
func (u *Update) Updated() time.Time { return parseDate(u.UpdatedAt.Date) }

// parseDate reads the dates of common tools: "2018-01-11 21:05", with or without
// seconds, or RFC 3339, in UTC.
func parseDate(s string) time.Time {
	return cve.Time(strings.Replace(strings.TrimSpace(s), " ", "T", 1))
}

// A Reference links an update to its subject.
type Reference struct {
	ID    string `xml:"id,attr"`
	Type  string `xml:"type,attr"` // "cve", "bugzilla", "self", "erratum", …
	Title string `xml:"title,attr"`
	URL   string `xml:"href,attr"`
}

// A Collection is a set of packages, for example those of a module.
type Collection struct {
	Short  string `xml:"short,attr"`
	Name   string `xml:"name"`
	Module struct {
		Name   string `xml:"name,attr"`
		Stream string `xml:"stream,attr"`
	} `xml:"module"`
	Packages []Package `xml:"package"`
}

// ModuleStream is name:stream of the collection's module; "" without a module.
func (c *Collection) ModuleStream() string {
	if c.Module.Name == "" || c.Module.Stream == "" {
		return ""
	}
	return c.Module.Name + ":" + c.Module.Stream
}

// A Package is a build with the update.
type Package struct {
	Name    string `xml:"name,attr"`
	Epoch   string `xml:"epoch,attr"`
	Version string `xml:"version,attr"`
	Release string `xml:"release,attr"`
	Arch    string `xml:"arch,attr"`
}

// EVR is [epoch:]version-release, without the epoch 0; "" without a version.
func (p *Package) EVR() string {
	v := p.Version
	if v == "" {
		return ""
	}
	if p.Release != "" {
		v += "-" + p.Release
	}
	if p.Epoch != "" && p.Epoch != "0" {
		v = p.Epoch + ":" + v
	}
	return v
}

// CVEs lists the vulnerabilities in the references, sorted: references of type
// CVE, and CVE identifiers in other references' titles.
func (u *Update) CVEs() (ids []string) {
	for _, r := range u.References {
		for _, text := range []string{r.ID, r.Title} {
			for _, w := range strings.FieldsFunc(text, notInID) {
				if cve.Valid(w) {
					ids = append(ids, w)
				}
			}
		}
	}
	return cve.Set(ids)
}

func notInID(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && r != '-'
}

// Affected returns a row for each package below the version with the update, in
// their order. Source packages and packages of debug symbols are left out.
// Architectures are ignored: all are built from one source with one version. A
// package in several versions, such as a kernel, has a range for each.
func (u *Update) Affected(s assay.Stream) (rows []assay.Affected) {
	type key struct{ name, module string }
	place := map[key]int{}
	for i := range u.Collections {
		c := &u.Collections[i]
		for j := range c.Packages {
			p := &c.Packages[j]
			fixed := p.EVR()
			if p.Name == "" || fixed == "" || p.Arch == "src" || p.Arch == "nosrc" || strings.HasSuffix(p.Name, "-debuginfo") || strings.HasSuffix(p.Name, "-debugsource") {
				continue
			}
			k := key{p.Name, c.ModuleStream()}
			n, ok := place[k]
			if !ok {
				n = len(rows)
				place[k] = n
				rows = append(rows, assay.Affected{Stream: s, Name: p.Name, Status: assay.StatusAffected, FixDate: u.Issued(), Qualifiers: assay.Qualifiers{Module: k.module}})
			}
			if r := (assay.Range{Fixed: fixed}); !slices.Contains(rows[n].Ranges, r) {
				rows[n].Ranges = append(rows[n].Ranges, r)
			}
		}
	}
	return rows
}

// Emit hands the update over once for each vulnerability in ids, with the
// update's identifier as a VendorID; without any, under the update's identifier.
// Each gets the fields of a.
func (u *Update) Emit(a assay.Advisory, ids []string, s assay.Sink) error {
	a.ID, a.Published, a.Modified = u.ID, u.Issued(), u.Updated()
	if a.Severity == assay.SeverityUnknown && !strings.EqualFold(u.Severity, "none") { // "none" means unknown
		a.Severity, _ = assay.ParseSeverity(u.Severity)
	}
	if len(ids) == 0 {
		return s.Advisory(a)
	}
	for _, id := range ids {
		a.ID, a.VendorIDs = id, []string{u.ID}
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

var bounds = xmlstream.Bounds{Document: maxDocument, Element: maxUpdate}

// Read calls visit for each update of the document r, which may be compressed.
// Other and truncated documents are ErrMalformed, after the updates before the
// error were visited.
func Read(ctx context.Context, r io.Reader, visit func(*Update) error) error {
	return xmlstream.Walk(ctx, r, bounds, "updates", 1, func(d *xml.Decoder, _ []string, e xml.StartElement) error {
		if e.Name.Local != "update" {
			return d.Skip()
		}
		var u Update
		if err := d.DecodeElement(&u, &e); err != nil {
			return err
		}
		for _, s := range []*string{&u.ID, &u.Title, &u.Severity, &u.Summary, &u.Description, &u.Release} {
			*s = strings.TrimSpace(*s)
		}
		return xmlstream.Stop(visit(&u))
	})
}
