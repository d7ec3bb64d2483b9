// Package tool imports the advisories of Tool, a made-up scanner, from its file.
package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

var Importer = assay.Importer{About: "Tool's advisories (tool.json)", Open: open}

const maxFile = 64 << 20 // Tool's file has 2 MB

type file struct {
	Made       time.Time
	Advisories []struct{ ID, Package, Fixed string }
}

func open(_ context.Context, path string) (assay.ImportedFeed, error) {
	b, err := limit.ReadFile(path, maxFile)
	f := new(file)
	if info, e := os.Stat(path); e == nil && info.IsDir() || err == nil && (json.Unmarshal(b, f) != nil || f.Made.IsZero()) {
		err = fmt.Errorf("not Tool's: %w", assay.ErrUnsupported)
	}
	return f, err
}

func (f *file) Name() string            { return "tool-file" }
func (f *file) Streams() []assay.Stream { return []assay.Stream{"conan"} }
func (f *file) Date() time.Time         { return f.Made }
func (f *file) Close() error            { return nil }

func (f *file) Fetch(ctx context.Context, _ assay.Getter, _ []assay.Stream, s assay.Sink) error {
	for _, r := range f.Advisories {
		if r.ID == "" || r.Package == "" {
			s.Skip(r.ID, "malformed record")
			continue
		}
		rows := []assay.Affected{{Stream: "conan", Name: r.Package, Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: r.Fixed}}}}
		if err := errors.Join(ctx.Err(), s.Advisory(assay.Advisory{ID: r.ID, Affected: rows})); err != nil {
			return err
		}
	}
	return ctx.Err()
}
