// Package julia reads the advisories of Julia packages, as records of package
// osv: https://github.com/JuliaLang/SecurityAdvisories.jl
//
// Most are about the libraries in "_jll" packages, and name the library's CVE as
// upstream.
package julia

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is OSV's copy of the database.
const Document = "https://osv-vulnerabilities.storage.googleapis.com/Julia/all.zip"

// Feed reads the archive.
type Feed struct{}

// Name is "julia".
func (Feed) Name() string { return "julia" }

// Streams is "julia".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"julia"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams())}.Fetch(ctx, g, Document, s)
}
