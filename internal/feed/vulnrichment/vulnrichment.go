// Package vulnrichment reads CVE records that CISA enriches: with scores and
// weaknesses where the numbering authority gave none.
//
// https://github.com/cisagov/vulnrichment holds them in the CVE list's own
// format (package cverecord).
package vulnrichment

import (
	"context"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/cverecord"
	"github.com/assaysec/assay/internal/record/document"
)

// Document is the archive of the repository's branch.
const Document = "https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip"

// Feed reads the archive. A record is one CVE.
type Feed struct{}

// Name is "vulnrichment".
func (Feed) Name() string { return "vulnrichment" }

// Streams is "details:*".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamDetails + ":*"} }

// Use is UseUpdate: the archive has hundreds of megabytes, and NVD has what a scan needs most.
func (Feed) Use() assay.FeedUse { return assay.UseUpdate }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return document.Read(ctx, g, Document, func(body io.Reader) error { return cverecord.Bundle(ctx, body, f.Name(), wanted, s) })
}
