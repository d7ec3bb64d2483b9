// Package bitnami reads the vulnerabilities of applications that Bitnami
// packages, as records of package osv: https://github.com/bitnami/vulndb
//
// They apply to Bitnami's builds, which its images list in opt/bitnami.
package bitnami

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is OSV's copy of the database.
const Document = "https://osv-vulnerabilities.storage.googleapis.com/Bitnami/all.zip"

// Feed reads the archive.
type Feed struct{}

// Name is "bitnami".
func (Feed) Name() string { return "bitnami" }

// Streams is "bitnami"; packages are its components: "nginx".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"bitnami"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	return osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams())}.Fetch(ctx, g, Document, s)
}
