// Package govulndb reads the Go vulnerability database, as records of package
// osv: https://go.dev/doc/security/vuln/database
//
// Unlike copies of it, the database names the vulnerable packages and symbols of
// a module, and the affected systems; they are in Qualifiers.Imports. The
// standard library is the module "stdlib", and the go command's own parts are
// "toolchain"; versions have no leading "v".
//
// ecosystem_specific.custom_ranges is not read, because a module with that path
// cannot have its versions.
package govulndb

import (
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the database in one archive: ID/GO-….json.
const Document = "https://vuln.go.dev/vulndb.zip"

// Feed reads the archive. A record that the Go team has not reviewed is GitHub's
// text without symbols; its Reason is "unreviewed".
type Feed struct{}

// Name is "govulndb".
func (Feed) Name() string { return "govulndb" }

// Streams is "go".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"go"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	p := osv.Publisher{Feed: f.Name(), Page: "https://pkg.go.dev/vuln/", Wanted: osv.Wants(wanted, f.Streams())}
	isRecord := func(name string) bool { return strings.Contains("/"+name, "/ID/") && osv.IsRecord(name) }
	return osv.Walk(ctx, g, Document, isRecord, s, func(_ string, r *osv.Record) error {
		a, why := p.Advisory(r)
		if why != "" {
			s.Skip(r.ID, why)
			return nil
		}
		if len(a.Affected) == 0 {
			return nil
		}
		for i := range a.Affected {
			if r.Database.Review == "UNREVIEWED" {
				a.Affected[i].Reason = "unreviewed"
			}
		}
		return s.Advisory(a)
	})
}
