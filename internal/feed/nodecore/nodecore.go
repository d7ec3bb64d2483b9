// Package nodecore reads the Node.js project's advisories about Node.js itself:
// https://github.com/nodejs/security-wg/tree/main/vuln/core
//
// A record lists the vulnerable release lines and the fixed versions; versions
// in the first and not in the second are affected. The records about npm
// packages in the same repository ended in 2020 and are in GitHub's database.
package nodecore

import (
	"cmp"
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the index of all records.
const Document = "https://raw.githubusercontent.com/nodejs/security-wg/main/vuln/core/index.json"

const maxRecord = 4 << 20 // the longest has 4 kB (2026)

// Feed reads the index. A record with several CVEs is handed over once for each.
// A record without a CVE has the ID "nodejs-core-N" with its number N.
type Feed struct{}

// Name is "nodecore".
func (Feed) Name() string { return "nodecore" }

// Streams is "node", whose only package is "node".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"node"} }

type record struct {
	CVE          []string `json:"cve"`
	Vulnerable   string   `json:"vulnerable"`
	Patched      string   `json:"patched"`
	Ref          string   `json:"ref"`
	Description  string   `json:"description"`
	Overview     string   `json:"overview"`
	Severity     string   `json:"severity"`
	Published    string   `json:"publish_date"`
	CVSS         string   `json:"cvss"` // without "CVSS:"
	Environments []string `json:"affectedEnvironments"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if !osv.Wants(wanted, f.Streams())("node") {
		return nil
	}
	return document.JSON(ctx, g, Document, maxRecord, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Object(func(number string) error {
			var r record
			found = true
			ok, err := d.Value(&r)
			if err != nil {
				return err
			}
			if !ok {
				s.Skip("nodejs-core-"+number, "malformed record")
				return nil
			}
			return f.emit("nodejs-core-"+number, r, s)
		})
		return found, err
	})
}

func (f Feed) emit(id string, r record, s assay.Sink) error {
	var patched []string
	if p := strings.TrimSpace(r.Patched); p != "" {
		patched = []string{p}
	}
	ranges, why := requirement.Ranges(requirement.NPM, "semver", []string{r.Vulnerable}, patched, nil)
	if why != "" {
		s.Skip(id, why)
		return nil
	}
	a := assay.Advisory{
		ID: id, Feed: f.Name(), Title: r.Description, Text: strings.TrimSpace(r.Overview), URL: cmp.Or(r.Ref, Document), Published: cve.Time(r.Published),
		Affected: []assay.Affected{{Stream: "node", Name: "node", Status: assay.StatusAffected, Ranges: ranges, Qualifiers: assay.Qualifiers{OS: systems(r.Environments)}}},
	}
	a.Severity, _ = assay.ParseSeverity(r.Severity)
	if c, err := cvss.Parse("nodejs", "CVSS:"+strings.TrimPrefix(r.CVSS, "CVSS:")); err == nil {
		a.CVSS = []assay.CVSS{c}
	}
	ids := cve.Set(r.CVE)
	if len(ids) == 0 {
		return s.Advisory(a)
	}
	a.VendorIDs = []string{id}
	for _, a.ID = range ids {
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// systems converts Node's names of operating systems to Go's; "all" means no
// limit. https://nodejs.org/api/process.html#processplatform
func systems(node []string) (out []string) {
	for _, os := range node {
		switch os {
		case "all":
			return nil
		case "win32":
			os = "windows"
		case "sunos":
			os = "solaris"
		}
		out = append(out, os)
	}
	return out
}
