// Package pysec reads the advisories of the Python Packaging Authority, which are
// records of package osv written as YAML: https://github.com/pypa/advisory-database
package pysec

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the main branch of the database, vulns/PACKAGE/PYSEC-….yaml.
const Document = "https://github.com/pypa/advisory-database/archive/refs/heads/main.tar.gz"

// Feed reads the archive.
type Feed struct{}

// Name is "pysec".
func (Feed) Name() string { return "pysec" }

// Streams is "pypi".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"pypi"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	p := osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams())}
	return p.FetchYAML(ctx, g, Document, s)
}
