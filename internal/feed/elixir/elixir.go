// Package elixir reads Dependabot's advisories for Elixir packages. They are
// older than GitHub's, and the database gets no new ones:
// https://github.com/dependabot/elixir-security-advisories
//
// A record lists the versions that are patched or were never affected; all
// others are affected. The advisories of the Erlang Ecosystem Foundation are in
// OSV's Hex archive, which feed osv reads.
package elixir

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
const Document = "https://github.com/dependabot/elixir-security-advisories/archive/refs/heads/master.tar.gz"

// Feed reads the archive. Identifiers are CVEs, else the records' own.
type Feed struct{}

// Name is "elixir".
func (Feed) Name() string { return "elixir" }

// Streams is "hex".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"hex"} }

type record struct {
	ID          string   `yaml:"id"`
	Package     string   `yaml:"package"`
	Date        string   `yaml:"disclosure_date"`
	CVE         string   `yaml:"cve"` // without "CVE-"
	Link        string   `yaml:"link"`
	Title       string   `yaml:"title"`
	Description string   `yaml:"description"`
	Patched     []string `yaml:"patched_versions"`
	Unaffected  []string `yaml:"unaffected_versions"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	isRecord := func(name string) bool { return strings.Contains(name, "/packages/") && strings.HasSuffix(name, ".yml") }
	return bundle.Walk(ctx, g, Document, isRecord, s, func(name string, b []byte) error {
		if !want("hex") {
			return nil
		}
		var r record
		if yamldoc.Unmarshal(b, &r) != nil || r.ID == "" || r.Package == "" {
			s.Skip(name, "malformed record")
			return nil
		}
		ranges, why := requirement.Ranges(requirement.Hex, "semver", []string{"*"}, r.Patched, r.Unaffected)
		if why != "" {
			s.Skip(r.ID, why)
			return nil
		}
		a := assay.Advisory{
			ID: r.ID, Feed: f.Name(), Title: strings.TrimSpace(r.Title), Text: strings.TrimSpace(r.Description), URL: r.Link, Published: cve.Time(r.Date),
			Affected: []assay.Affected{{Stream: "hex", Name: strings.ToLower(r.Package), Status: assay.StatusAffected, Ranges: ranges}},
		}
		if id := "CVE-" + r.CVE; cve.Valid(id) {
			a.ID, a.VendorIDs = id, []string{r.ID}
		}
		return s.Advisory(a)
	})
}
