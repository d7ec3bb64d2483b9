// Package retirejs reads retire.js's data on JavaScript libraries:
// https://github.com/RetireJS/retire.js/tree/master/repository
//
// retire.js detects files that browsers load; this feed uses only the versions
// of libraries, under their npm names. Libraries without an npm name are left
// out, because npm may have another package with the name of the library or its
// bower package.
package retirejs

import (
	"context"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the repository in the form of retire.js 5.
const Document = "https://raw.githubusercontent.com/RetireJS/retire.js/master/repository/jsrepository-v5.json"

const maxLibrary = 16 << 20 // the largest, jquery, has 30 kB (2026)

// Feed reads the repository. Identifiers are GitHub's, else the CVE, else
// "retire-LIBRARY-N" with the repository's number; a record without any is
// skipped.
type Feed struct{}

// Name is "retirejs".
func (Feed) Name() string { return "retirejs" }

// Streams is "npm".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"npm"} }

type library struct {
	NPM             string          `json:"npmname"`
	PURL            string          `json:"basePurl"`
	Vulnerabilities []vulnerability `json:"vulnerabilities"`
}

type vulnerability struct {
	From        string   `json:"atOrAbove"`
	Below       string   `json:"below"`
	Excludes    []string `json:"excludes"`
	Severity    string   `json:"severity"`
	CWE         []string `json:"cwe"`
	Info        []string `json:"info"`
	Identifiers struct {
		Summary string   `json:"summary"`
		GHSA    string   `json:"githubID"`
		CVE     []string `json:"CVE"`
		Number  string   `json:"retid"`
	} `json:"identifiers"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if !osv.Wants(wanted, f.Streams())("npm") {
		return nil
	}
	return document.JSON(ctx, g, Document, maxLibrary, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Object(func(name string) error {
			found = true
			var l library
			ok, err := d.Value(&l)
			if err != nil {
				return err
			}
			if !ok {
				s.Skip(name, "malformed record")
				return nil
			}
			return f.emit(name, l, s)
		})
		return found, err
	})
}

func (f Feed) emit(name string, l library, s assay.Sink) error {
	pkg := l.NPM
	if p, ok := strings.CutPrefix(l.PURL, "pkg:npm/"); ok && pkg == "" {
		pkg = p
	}
	var all []assay.Advisory
	for _, v := range l.Vulnerabilities {
		id, why := v.id(name), ""
		var ranges []assay.Range
		switch {
		case pkg == "":
			why = "library without an npm name"
		case id == "":
			why = "no identifier"
		default:
			ranges, why = v.ranges()
		}
		if why != "" {
			s.Skip(name+" "+id, why)
			continue
		}
		i := slices.IndexFunc(all, func(a assay.Advisory) bool { return a.ID == id })
		if i < 0 {
			i = len(all)
			all = append(all, v.advisory(id, pkg))
		}
		p := &all[i].Affected[0]
		for _, g := range ranges {
			if !slices.Contains(p.Ranges, g) {
				p.Ranges = append(p.Ranges, g)
			}
		}
	}
	for _, a := range all {
		a.Feed = f.Name()
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

func (v *vulnerability) id(library string) string {
	switch i := &v.Identifiers; {
	case i.GHSA != "":
		return i.GHSA
	case len(i.CVE) > 0:
		return i.CVE[0]
	case i.Number != "":
		return "retire-" + library + "-" + i.Number
	}
	return ""
}

func (v *vulnerability) ranges() (_ []assay.Range, why string) {
	r := assay.Range{Introduced: v.From, Fixed: v.Below}
	if len(v.Excludes) == 0 {
		return []assay.Range{r}, ""
	}
	text := "<" + v.Below
	if v.From != "" {
		text += " >=" + v.From
	}
	for _, e := range v.Excludes {
		text += " !=" + e
	}
	return requirement.Ranges(requirement.Plain, "semver", []string{text}, nil, nil)
}

func (v *vulnerability) advisory(id, pkg string) assay.Advisory {
	a := assay.Advisory{ID: id, Title: v.Identifiers.Summary, URL: "https://retirejs.github.io/retire.js/", Affected: []assay.Affected{{Stream: "npm", Name: pkg, Status: assay.StatusAffected}}}
	a.Severity, _ = assay.ParseSeverity(v.Severity)
	for _, alias := range v.Identifiers.CVE {
		if alias != id {
			a.Aliases = append(a.Aliases, alias)
		}
	}
	for _, w := range v.CWE {
		a.CWEs = append(a.CWEs, cve.Weakness(w))
	}
	a.CWEs = cve.Set(a.CWEs)
	for _, u := range v.Info {
		if strings.HasPrefix(u, "http") {
			a.References = append(a.References, u)
		}
	}
	return a
}
