// Package homebrew reads the advisories of Homebrew's formulae, as records of
// package osv: https://github.com/Homebrew/homebrew-advisory-database
//
// They are about vulnerabilities that Homebrew fixed with its own patches.
package homebrew

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the main branch of the database.
const Document = "https://github.com/Homebrew/homebrew-advisory-database/archive/refs/heads/main.tar.gz"

// Feed reads the archive.
type Feed struct{}

// Name is "homebrew".
func (Feed) Name() string { return "homebrew" }

// Streams is "homebrew"; packages are formulae.
func (Feed) Streams() []assay.Stream { return []assay.Stream{"homebrew"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams())}.Fetch(ctx, g, Document, s)
}
