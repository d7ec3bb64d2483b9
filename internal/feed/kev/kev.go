// Package kev reads CISA's catalogue of known exploited vulnerabilities.
//
// https://www.cisa.gov/known-exploited-vulnerabilities-catalog, schema:
// https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json
package kev

import (
	"context"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
)

// Document is the catalogue.
const Document = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"

const maxEntry = 1 << 20 // an entry has 1 kB

// Feed reads the catalogue. A record is one CVE.
type Feed struct{}

// Name is "kev".
func (Feed) Name() string { return assay.FeedKEV }

// Streams is "kev".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamKEV} }

type entry struct {
	ID         string   `json:"cveID"`
	Name       string   `json:"vulnerabilityName"`
	Added      string   `json:"dateAdded"`
	Text       string   `json:"shortDescription"`
	Action     string   `json:"requiredAction"`
	Due        string   `json:"dueDate"`
	Ransomware string   `json:"knownRansomwareCampaignUse"`
	Notes      string   `json:"notes"` // pages, with semicolons between
	CWEs       []string `json:"cwes"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return document.JSON(ctx, g, Document, maxEntry, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Object(func(key string) error {
			if key != "vulnerabilities" {
				return d.Skip()
			}
			found = true
			return d.Array(func() error {
				var e entry
				ok, err := d.Value(&e)
				switch {
				case err != nil:
					return err
				case !ok || !cve.Valid(e.ID) || !date(e.Added):
					s.Skip(e.ID, "malformed record")
					return nil
				}
				return s.Detail(e.detail())
			})
		})
		return found, err
	})
}

func (e *entry) detail() assay.Detail {
	d := assay.Detail{
		ID: e.ID, Feed: assay.FeedKEV, Title: strings.TrimSpace(e.Name), Text: strings.TrimSpace(e.Text),
		KEV: &assay.KEV{Added: e.Added, Ransomware: strings.EqualFold(e.Ransomware, "Known"), Action: e.Action},
	}
	if date(e.Due) {
		d.KEV.Due = e.Due
	}
	for _, w := range e.CWEs {
		d.CWEs = append(d.CWEs, cve.Weakness(w))
	}
	for _, n := range strings.FieldsFunc(e.Notes, func(r rune) bool { return r == ';' || r <= ' ' }) {
		if strings.HasPrefix(n, "https://") || strings.HasPrefix(n, "http://") {
			d.References = append(d.References, n)
		}
	}
	d.CWEs, d.References = cve.Set(d.CWEs), cve.Set(d.References)
	return d
}

func date(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
