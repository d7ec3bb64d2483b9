// Package haskell reads the advisories of the Haskell Security Response Team,
// whose records are Markdown after a block of TOML:
// https://github.com/haskell/security-advisories/blob/main/PROCESS.md
//
// It keeps the vulnerable functions of a package ("declarations"), and the
// operating systems and architectures that an advisory is limited to.
package haskell

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/markdown"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the database's main branch.
const Document = "https://github.com/haskell/security-advisories/archive/refs/heads/main.tar.gz"

// Feed reads the archive. Packages of Hackage are in the stream "hackage",
// components of the compiler in "ghc".
type Feed struct{}

// Name is "haskell".
func (Feed) Name() string { return "haskell" }

// Streams are "ghc" and "hackage".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"ghc", "hackage"} }

type record struct {
	Advisory struct {
		ID        string   `toml:"id"`
		CWE       []int    `toml:"cwe"`
		Aliases   []string `toml:"aliases"`
		Date      any      `toml:"date"`
		Withdrawn any      `toml:"withdrawn"`
	} `toml:"advisory"`
	References []struct {
		URL string `toml:"url"`
	} `toml:"references"`
	Affected []affected `toml:"affected"`
}

type affected struct {
	Package      string         `toml:"package"`
	Component    string         `toml:"ghc-component"`
	CVSS         string         `toml:"cvss"`
	OS           []string       `toml:"os"`
	Arches       []string       `toml:"arch"`
	Declarations map[string]any `toml:"declarations"`
	Versions     []struct {
		Introduced string `toml:"introduced"`
		Fixed      string `toml:"fixed"`
	} `toml:"versions"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	return bundle.Walk(ctx, g, Document, isRecord, s, func(name string, b []byte) error {
		block, title, text, ok := markdown.Split(b)
		var r record
		if !ok || tomldoc.Unmarshal([]byte(block), &r) != nil || r.Advisory.ID == "" {
			s.Skip(bundle.Stem(name), "malformed record")
			return nil
		}
		if r.Advisory.Withdrawn != nil {
			s.Skip(r.Advisory.ID, osv.WhyWithdrawn)
			return nil
		}
		a := r.advisory()
		a.Feed, a.Title, a.Text = f.Name(), title, text
		if len(a.Affected) == 0 {
			s.Skip(a.ID, osv.WhyVersions)
			return nil
		}
		if a.Affected = slices.DeleteFunc(a.Affected, func(p assay.Affected) bool { return !want(p.Stream) }); len(a.Affected) == 0 {
			return nil
		}
		return s.Advisory(a)
	})
}

func isRecord(name string) bool {
	return strings.Contains(name, "/HSEC-") && strings.HasSuffix(name, ".md") && !strings.Contains(name, "/reserved/")
}

func (r *record) advisory() assay.Advisory {
	m := &r.Advisory
	a := assay.Advisory{ID: m.ID, Aliases: cve.Set(m.Aliases), Published: markdown.Time(m.Date), URL: "https://osv.dev/vulnerability/" + m.ID}
	for _, n := range m.CWE {
		a.CWEs = append(a.CWEs, "CWE-"+strconv.Itoa(n))
	}
	for _, ref := range r.References {
		a.References = append(a.References, ref.URL)
	}
	for _, p := range r.Affected {
		row := p.row()
		if c, err := cvss.Parse("haskell", p.CVSS); err == nil {
			if !slices.Contains(a.CVSS, c) {
				a.CVSS = append(a.CVSS, c)
			}
			if len(r.Affected) > 1 {
				row.Severity = c.Severity()
			}
		}
		if row.Name != "" && len(row.Ranges) > 0 {
			a.Affected = append(a.Affected, row)
		}
	}
	return a
}

func (p *affected) row() assay.Affected {
	row := assay.Affected{Stream: "hackage", Name: p.Package, Status: assay.StatusAffected, Qualifiers: assay.Qualifiers{OS: systems(p.OS), Arches: p.Arches}}
	if p.Package == "" {
		row.Stream, row.Name = "ghc", p.Component
	}
	for _, d := range slices.Sorted(maps.Keys(p.Declarations)) {
		row.Qualifiers.Imports = append(row.Qualifiers.Imports, assay.Import{Path: d})
	}
	for _, v := range p.Versions {
		if v.Introduced == "0" {
			v.Introduced = ""
		}
		row.Ranges = append(row.Ranges, assay.Range{Introduced: v.Introduced, Fixed: v.Fixed})
	}
	return row
}

// systems converts Cabal's names of operating systems to Go's.
func systems(cabal []string) (out []string) {
	for _, os := range cabal {
		switch os {
		case "mingw32":
			os = "windows"
		case "osx":
			os = "darwin"
		}
		out = append(out, os)
	}
	return out
}
