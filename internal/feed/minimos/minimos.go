// Package minimos reads the security database of MinimOS's packages, in the
// format of package secdb. The distribution is a rolling release, so there is
// one stream. Packages are named by origin. Vulnerabilities without a fix are
// not in it.
package minimos

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/secdb"
)

// Document is the database.
const Document = "https://packages.mini.dev/advisories/secdb/security.json"

const page = "https://osv.dev/vulnerability/" // MinimOS has no page for each vulnerability

// Feed reads the database. A record is one package and one vulnerability.
type Feed struct{}

// Name is "minimos".
func (Feed) Name() string { return "minimos" }

// Streams is "minimos".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"minimos"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return secdb.Fetch(ctx, g, Document, secdb.Publisher{Feed: f.Name(), Stream: "minimos", Page: page}, s)
}
