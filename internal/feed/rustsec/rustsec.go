// Package rustsec reads the RustSec advisory database, whose records are
// Markdown after a block of TOML:
// https://github.com/rustsec/advisory-db#advisory-format
//
// A record lists the versions that are patched or were never affected; all
// others are affected. Unlike copies of it, the database has the kinds of
// records that are not vulnerabilities (unmaintained, unsound, notices,
// malicious crates), and the vulnerable functions, systems and architectures.
//
// The directory rust is not read, because it is about the toolchain.
package rustsec

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/markdown"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the database's main branch.
const Document = "https://github.com/rustsec/advisory-db/archive/refs/heads/main.tar.gz"

const stream assay.Stream = "crates.io"

// Feed reads the archive.
type Feed struct{}

// Name is "rustsec".
func (Feed) Name() string { return "rustsec" }

// Streams is "crates.io".
func (Feed) Streams() []assay.Stream { return []assay.Stream{stream} }

type record struct {
	Advisory struct {
		ID            string   `toml:"id"`
		Package       string   `toml:"package"`
		Date          any      `toml:"date"`
		Withdrawn     any      `toml:"withdrawn"`
		Yanked        bool     `toml:"yanked"`
		URL           string   `toml:"url"`
		References    []string `toml:"references"`
		Aliases       []string `toml:"aliases"`
		Categories    []string `toml:"categories"`
		CVSS          string   `toml:"cvss"`
		Informational string   `toml:"informational"`
	} `toml:"advisory"`
	Affected struct {
		Arches    []string            `toml:"arch"`
		OS        []string            `toml:"os"`
		Functions map[string][]string `toml:"functions"`
	} `toml:"affected"`
	Versions struct {
		Patched    []string `toml:"patched"`
		Unaffected []string `toml:"unaffected"`
	} `toml:"versions"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	return bundle.Walk(ctx, g, Document, isRecord, s, func(name string, b []byte) error {
		block, title, text, ok := markdown.Split(b)
		var r record
		if !ok || tomldoc.Unmarshal([]byte(block), &r) != nil || r.Advisory.ID == "" || r.Advisory.Package == "" {
			s.Skip(bundle.Stem(name), "malformed record")
			return nil
		}
		a, why := r.advisory()
		switch {
		case strings.Contains(name, "/rust/"):
			why = "about the toolchain, not a crate"
		case !want(stream):
			return nil
		}
		if why != "" {
			s.Skip(r.Advisory.ID, why)
			return nil
		}
		a.Feed, a.Title, a.Text = f.Name(), title, text
		return s.Advisory(a)
	})
}

func isRecord(name string) bool {
	return strings.HasSuffix(name, ".md") && (strings.Contains(name, "/crates/") || strings.Contains(name, "/rust/"))
}

func (r *record) advisory() (_ assay.Advisory, why string) {
	m := &r.Advisory
	if m.Withdrawn != nil || m.Yanked {
		return assay.Advisory{}, osv.WhyWithdrawn
	}
	ranges, why := requirement.Ranges(requirement.Cargo, "semver", []string{"*"}, r.Versions.Patched, r.Versions.Unaffected)
	if why != "" {
		return assay.Advisory{}, why
	}
	a := assay.Advisory{
		ID: m.ID, Aliases: cve.Set(m.Aliases), Kind: osv.RustKind(m.Informational, m.Categories, m.Aliases),
		URL: "https://rustsec.org/advisories/" + m.ID + ".html", References: m.References, Published: markdown.Time(m.Date),
	}
	if m.URL != "" {
		a.References = append([]string{m.URL}, m.References...)
	}
	if c, err := cvss.Parse("rustsec", m.CVSS); err == nil {
		a.CVSS = []assay.CVSS{c}
	}
	a.Affected = []assay.Affected{{Stream: stream, Name: m.Package, Status: assay.StatusAffected, Ranges: ranges, Qualifiers: assay.Qualifiers{
		Arches: r.Affected.Arches, OS: osv.Systems(r.Affected.OS), Imports: osv.Functions(slices.Collect(maps.Keys(r.Affected.Functions))),
	}}}
	return a, ""
}
