// Package bottlerocket reads Bottlerocket's security advisories.
//
// https://advisories.bottlerocket.aws/updateinfo.xml.gz has them in the form of
// package updateinfo; see https://github.com/bottlerocket-os/bottlerocket/security/advisories.
// Not taken: the advisories among the sources of the system's kits, which name
// upstream versions, not those of the system's packages.
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

// Feed reads the document. A record is one advisory (GHSA or BRSA) and one of
// its CVEs, so that it speaks of one vulnerability: its ID is the CVE and the
// advisory one of VendorIDs. An advisory without CVE keeps its own identifier.
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
				s.Skip(u.ID, "no security advisory")
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

// page is the advisory's own among its references.
func page(u *updateinfo.Update) string {
	for _, r := range u.References {
		if r.ID == u.ID && r.URL != "" {
			return r.URL
		}
	}
	return "https://github.com/bottlerocket-os/bottlerocket/security/advisories"
}
