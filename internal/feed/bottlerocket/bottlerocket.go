// Package bottlerocket reads Bottlerocket's security advisories.
//
// https://advisories.bottlerocket.aws/updateinfo.xml.gz has them in the format
// of package updateinfo; see
// https://github.com/bottlerocket-os/bottlerocket/security/advisories. The
// advisories in the sources of the system's kits are not read, because they name
// upstream versions, not versions of Bottlerocket's packages.
package bottlerocket

import (
	"context"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/updateinfo"
)

// Document has the advisories of all releases.
const Document = "https://advisories.bottlerocket.aws/updateinfo.xml.gz"

// Feed reads the document. Each record is about one advisory (GHSA or BRSA) and
// one of its CVEs: its ID is the CVE, and the advisory is one of VendorIDs. An
// advisory without a CVE keeps its own identifier.
type Feed struct{}

// Name is "bottlerocket".
func (Feed) Name() string { return "bottlerocket" }

// Streams is "bottlerocket".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"bottlerocket"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return document.Records(ctx, g, Document, func(body io.Reader) (found bool, err error) {
		err = updateinfo.Read(ctx, body, func(u *updateinfo.Update) error {
			found = true
			rows := u.Affected("bottlerocket")
			switch {
			case u.ID == "":
				s.Skip(u.Title, "advisory without identifier")
				return nil
			case u.Type != "security":
				s.Skip(u.ID, "not a security advisory")
				return nil
			case len(rows) == 0:
				s.Skip(u.ID, "no package with a fixed version")
				return nil
			}
			return u.Emit(assay.Advisory{Feed: f.Name(), Title: u.Title, Text: u.Description, URL: page(u), Affected: rows}, u.CVEs(), s)
		})
		return found, err
	})
}

// page is the URL of the advisory, taken from its references.
func page(u *updateinfo.Update) string {
	for _, r := range u.References {
		if r.ID == u.ID && r.URL != "" {
			return r.URL
		}
	}
	return "https://github.com/bottlerocket-os/bottlerocket/security/advisories"
}
