// Package drupal reads the advisories of Drupal and its modules, as records of
// package osv: https://github.com/DrupalSecurityTeam/drupal-advisory-database
package drupal

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the main branch of the database.
const Document = "https://github.com/DrupalSecurityTeam/drupal-advisory-database/archive/refs/heads/main.zip"

// Feed reads the archive.
type Feed struct{}

// Name is "drupal".
func (Feed) Name() string { return "drupal" }

// Streams is "packagist"; packages are "drupal/core" and "drupal/MODULE".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"packagist"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams())}.Fetch(ctx, g, Document, s)
}
