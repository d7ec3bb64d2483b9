// Package secureos reads the security database of SecureOS's packages, in the
// format of package secdb. The distribution is a rolling release, so there is
// one stream. Packages are named by origin. Vulnerabilities without a fix are
// not in it.
package secureos

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/secdb"
)

// Document is the database.
const Document = "https://security.secureos.io/v1/latest.json"

const page = "https://osv.dev/vulnerability/" // SecureOS has no page for each vulnerability

// Feed reads the database. A record is one package and one vulnerability.
type Feed struct{}

// Name is "secureos".
func (Feed) Name() string { return "secureos" }

// Streams is "secureos".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"secureos"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return secdb.Fetch(ctx, g, Document, secdb.Publisher{Feed: f.Name(), Stream: "secureos", Page: page}, s)
}
