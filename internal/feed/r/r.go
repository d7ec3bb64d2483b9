// Package r reads the R Consortium's advisories of packages on CRAN, which are
// records of package osv written as YAML: https://github.com/RConsortium/r-advisory-database
package r

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the main branch of the database, vulns/PACKAGE/RSEC-….yaml.
const Document = "https://github.com/RConsortium/r-advisory-database/archive/refs/heads/main.tar.gz"

// Feed reads the archive.
type Feed struct{}

// Name is "r".
func (Feed) Name() string { return "r" }

// Streams is "cran".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"cran"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	p := osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams())}
	return p.FetchYAML(ctx, g, Document, s)
}
