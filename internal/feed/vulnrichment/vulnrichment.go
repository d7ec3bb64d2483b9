// Package vulnrichment reads CVE records with CISA's additions: scores and
// weaknesses if the numbering authority gave none.
//
// https://github.com/cisagov/vulnrichment has them in the format of the CVE list
// (package cverecord).
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

// Use is UseUpdate: the archive has hundreds of megabytes, and NVD has the data
// that a scan needs most.
func (Feed) Use() assay.FeedUse { return assay.UseUpdate }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return document.Read(ctx, g, Document, func(body io.Reader) error { return cverecord.Bundle(ctx, body, f.Name(), wanted, s) })
}
