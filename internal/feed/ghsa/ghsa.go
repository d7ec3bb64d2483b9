// Package ghsa reads GitHub's advisory database, as records of package osv:
// https://github.com/github/advisory-database
//
// It has the reviewed advisories of all registries that GitHub supports, with
// GitHub's own severities and weaknesses. It also has unreviewed copies of CVEs,
// few of which name a package.
package ghsa

import (
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the database's main branch.
const Document = "https://github.com/github/advisory-database/archive/refs/heads/main.tar.gz"

// registries are the ecosystems that GitHub reviews.
// https://docs.github.com/en/code-security/security-advisories/working-with-global-security-advisories-from-the-github-advisory-database/about-the-github-advisory-database#github-reviewed-advisories
var registries = []string{"packagist", "hex", "github actions", "go", "maven", "npm", "nuget", "pub", "pypi", "rubygems", "crates.io", "swifturl"}

// Feed reads the archive. If GitHub knows the last affected version but no fixed
// one, the range ends there.
type Feed struct{}

// Name is "ghsa".
func (Feed) Name() string { return "ghsa" }

// Streams lists the registries.
func (Feed) Streams() []assay.Stream {
	var all []assay.Stream
	for _, name := range registries {
		if e, ok := ecosystem.OfOSV(name); ok {
			all = append(all, e.Stream)
		}
	}
	return all
}

// Use is UseUpdate: the archive has hundreds of megabytes, and OSV has the data
// that a scan needs most.
func (Feed) Use() assay.FeedUse { return assay.UseUpdate }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	p := osv.Publisher{Feed: f.Name(), Page: "https://github.com/advisories/", Wanted: osv.Wants(wanted, f.Streams())}
	return bundle.Walk(ctx, g, Document, isRecord, s, func(name string, b []byte) error {
		reviewed := strings.Contains(name, "/github-reviewed/")
		r, err := osv.Parse(b)
		switch {
		case err != nil:
			s.Skip(bundle.Stem(name), "malformed record")
			return nil
		case !reviewed && len(r.Affected) == 0:
			s.Skip(r.ID, "unreviewed and without a package")
			return nil
		}
		return p.Emit(r, s)
	})
}

func isRecord(name string) bool {
	return strings.Contains(name, "/advisories/") && osv.IsRecord(name)
}
