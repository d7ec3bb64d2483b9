// Package tool reads the advisories of Tool, a made-up manager.
package tool

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/record/document"
)

const (
	Document  = "https://tool.example/advisories.json"
	maxRecord = 1 << 20 // a record has 200 bytes
)

// Feed reads the document: [{"id": "CVE-2026-1", "package": "zlib", "fixed": "1.3"}].
type Feed struct{}

func (Feed) Name() string            { return "tool" }
func (Feed) Streams() []assay.Stream { return []assay.Stream{"conan"} }

func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	return document.JSON(ctx, g, Document, maxRecord, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Array(func() error {
			var r struct{ ID, Package, Fixed string }
			ok, err := d.Value(&r)
			if err != nil {
				return err
			}
			if !ok || r.ID == "" || r.Package == "" {
				s.Skip(r.ID, "malformed record")
				return nil
			}
			found = true
			return s.Advisory(assay.Advisory{ID: r.ID, Feed: f.Name(), Affected: []assay.Affected{
				{Stream: "conan", Name: r.Package, Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: r.Fixed}}}}})
		})
		return found, err
	})
}
