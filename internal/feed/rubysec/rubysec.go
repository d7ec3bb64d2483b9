// Package rubysec reads the Ruby advisory database:
// https://github.com/rubysec/ruby-advisory-db
//
// A record is a YAML file about one gem, or one interpreter, and one
// vulnerability. It lists the versions that are patched or were never affected;
// all others are affected. Scores have no vectors. Scores of CVSS 3 do not name
// the minor version, so they count as 3.1.
package rubysec

import (
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the database's main branch.
const Document = "https://github.com/rubysec/ruby-advisory-db/archive/refs/heads/master.tar.gz"

// Feed reads the archive. Identifiers are those of the files: a CVE, else a
// GHSA or an OSVDB number. Gems are in the stream "rubygems"; the interpreters
// ruby, jruby, mruby, mrubyc and rbx are packages of the stream "ruby".
type Feed struct{}

// Name is "rubysec".
func (Feed) Name() string { return "rubysec" }

// Streams are "ruby" and "rubygems".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"ruby", "rubygems"} }

type record struct {
	Gem         string   `yaml:"gem"`
	Engine      string   `yaml:"engine"`
	CVE         string   `yaml:"cve"`   // without "CVE-"
	GHSA        string   `yaml:"ghsa"`  // without "GHSA-"
	OSVDB       string   `yaml:"osvdb"` // a number
	URL         string   `yaml:"url"`
	Title       string   `yaml:"title"`
	Date        string   `yaml:"date"`
	Description string   `yaml:"description"`
	V2          float64  `yaml:"cvss_v2"`
	V3          float64  `yaml:"cvss_v3"`
	V4          float64  `yaml:"cvss_v4"`
	Patched     []string `yaml:"patched_versions"`
	Unaffected  []string `yaml:"unaffected_versions"`
	Related     struct {
		URL []string `yaml:"url"`
	} `yaml:"related"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	return bundle.Walk(ctx, g, Document, isRecord, s, func(name string, b []byte) error {
		id := bundle.Stem(name)
		var r record
		err := yamldoc.Unmarshal(b, &r)
		p := assay.Affected{Stream: "rubygems", Name: r.Gem, Status: assay.StatusAffected}
		if strings.Contains(name, "/rubies/") {
			p.Stream, p.Name = "ruby", r.Engine
		}
		switch {
		case !want(p.Stream):
			return nil
		case err != nil || p.Name == "" || id == "":
			s.Skip(id, "malformed record")
			return nil
		}
		var why string
		p.Ranges, why = requirement.Ranges(requirement.Gem, "gem", []string{"*"}, r.Patched, r.Unaffected)
		if why != "" {
			s.Skip(id, why)
			return nil
		}
		a := r.advisory(id)
		a.Feed, a.Affected = f.Name(), []assay.Affected{p}
		return s.Advisory(a)
	})
}

func isRecord(name string) bool {
	return strings.HasSuffix(name, ".yml") && (strings.Contains(name, "/gems/") || strings.Contains(name, "/rubies/"))
}

func (r *record) advisory(id string) assay.Advisory {
	a := assay.Advisory{ID: id, Title: strings.Join(strings.Fields(r.Title), " "), Text: strings.TrimSpace(r.Description), URL: r.URL, Published: cve.Time(r.Date)}
	for _, alias := range []struct{ prefix, number string }{{"CVE-", r.CVE}, {"GHSA-", r.GHSA}, {"OSVDB-", r.OSVDB}} {
		if alias.number != "" && alias.prefix+alias.number != id {
			a.Aliases = append(a.Aliases, alias.prefix+alias.number)
		}
	}
	for _, c := range []assay.CVSS{{Version: "2.0", Score: r.V2}, {Version: "3.1", Score: r.V3}, {Version: "4.0", Score: r.V4}} {
		if c.Score > 0 && c.Score <= 10 {
			c.Source = "rubysec"
			a.CVSS = append(a.CVSS, c)
		}
	}
	for _, u := range append([]string{r.URL}, r.Related.URL...) {
		if strings.HasPrefix(u, "http") {
			a.References = append(a.References, u)
		}
	}
	return a
}
