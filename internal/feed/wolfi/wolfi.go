// Package wolfi reads the security database of Wolfi's packages, in the format
// of package secdb. The distribution is a rolling release, so there is one
// stream. Packages are named by origin. Vulnerabilities without a fix are not in
// it.
package wolfi

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/secdb"
)

// Document is the database.
const Document = "https://packages.wolfi.dev/os/security.json"

const page = "https://images.chainguard.dev/security/"

// Feed reads the database. A record is one package and one vulnerability; the
// CVE and the GHSA of one vulnerability are separate records.
type Feed struct{}

// Name is "wolfi".
func (Feed) Name() string { return "wolfi" }

// Streams is "wolfi".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"wolfi"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return secdb.Fetch(ctx, g, Document, secdb.Publisher{Feed: f.Name(), Stream: "wolfi", Page: page}, s)
}
