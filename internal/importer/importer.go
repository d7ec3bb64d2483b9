// Package importer lists the importers: readers of other scanners' databases,
// and of dumps of advisories, from a file.
package importer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/importer/grypedb"
	"github.com/assaysec/assay/internal/importer/javadb"
	"github.com/assaysec/assay/internal/importer/osvdump"
	"github.com/assaysec/assay/internal/importer/trivydb"
)

// All lists the importers in the order in which they are tried: dumps last,
// because they match any directory with such files below.
func All() []assay.Importer {
	return []assay.Importer{trivydb.Importer, javadb.Importer, grypedb.Importer, osvdump.Importer}
}

// Kinds lists the supported imports, for messages.
func Kinds() string {
	var names []string
	for _, k := range All() {
		names = append(names, k.About)
	}
	return strings.Join(names, ", ")
}

// Open opens path with the importer that recognises the file. A panic of an
// importer becomes an error that names path.
func Open(ctx context.Context, path string) (assay.ImportedFeed, error) {
	return openAny(ctx, All(), path)
}

func openAny(ctx context.Context, importers []assay.Importer, path string) (assay.ImportedFeed, error) {
	for _, k := range importers {
		f, err := openOne(ctx, k, path)
		if err == nil {
			return &imported{f, path}, nil
		}
		if !errors.Is(err, assay.ErrUnsupported) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("%s: neither an exported database nor %s: %w", path, Kinds(), assay.ErrUnsupported)
}

func openOne(ctx context.Context, k assay.Importer, path string) (_ assay.ImportedFeed, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("importer of %s: internal error: %v", k.About, p)
		}
	}()
	return k.Open(ctx, path)
}

// imported is a feed whose panics become errors with the name of its file.
type imported struct {
	assay.ImportedFeed
	path string
}

// Fetch implements assay.Feed.
func (f *imported) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: internal error: %v", f.path, p)
		}
	}()
	return f.ImportedFeed.Fetch(ctx, g, wanted, s)
}
