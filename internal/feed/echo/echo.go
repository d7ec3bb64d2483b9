// Package echo reads the advisories of Echo, whose images contain patched Debian
// packages: https://www.echo.ai
//
// The document has the fixed version for each source package and vulnerability.
// Without a fixed version every version is affected; "0" means that no version
// is.
package echo

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/record/document"
)

// Document has all of Echo's data.
const Document = "https://advisory.echohq.com/data.json"

const maxPackage = 64 << 20 // all records of one package; a kernel may have thousands

// Feed reads the document. A record is one package and one vulnerability.
type Feed struct{}

// Name is "echo".
func (Feed) Name() string { return "echo" }

// Streams is "echo", because the distribution is a rolling release.
func (Feed) Streams() []assay.Stream { return []assay.Stream{"echo"} }

type entry struct {
	Fixed    string `json:"fixed_version"`
	Severity string `json:"severity"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return document.JSON(ctx, g, Document, maxPackage, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Object(func(name string) error {
			found = true
			var all map[string]json.RawMessage
			ok, err := d.Value(&all)
			if err != nil {
				return err
			}
			if !ok || name == "" {
				s.Skip(name, "malformed record")
				return nil
			}
			for _, id := range slices.Sorted(maps.Keys(all)) {
				var e entry
				if json.Unmarshal(all[id], &e) != nil || id == "" {
					s.Skip(name+" "+id, "malformed record")
					continue
				}
				if err := s.Advisory(f.advisory(name, id, e)); err != nil {
					return err
				}
			}
			return nil
		})
		return found, err
	})
}

func (f Feed) advisory(name, id string, e entry) assay.Advisory {
	p := assay.Affected{Stream: "echo", Name: name, Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: e.Fixed}}}
	if e.Fixed == "0" {
		p.Status, p.Ranges = assay.StatusNotAffected, []assay.Range{{}}
	}
	a := assay.Advisory{ID: id, Feed: f.Name(), URL: "https://advisory.echohq.com/cve/" + id, Affected: []assay.Affected{p}}
	a.Severity, _ = assay.ParseSeverity(e.Severity)
	return a
}
