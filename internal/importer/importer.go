// Package importer lists the databases of other scanners, and dumps of
// advisories, that assay takes from a file.
package importer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/importer/grypedb"
	"github.com/assaysec/assay/internal/importer/javadb"
	"github.com/assaysec/assay/internal/importer/osvdump"
	"github.com/assaysec/assay/internal/importer/trivydb"
)

// A Feed is an opened file. Its Fetch needs no Getter.
type Feed interface {
	assay.Feed
	// Date is when its advisories were fetched from their publishers.
	Date() time.Time
	Close() error
}

// A Kind is a form of file.
type Kind struct {
	About string // for people: "Trivy's database (trivy.db, or its OCI archive)"
	// Open opens the file or folder; ErrUnsupported: it is of another kind.
	Open func(ctx context.Context, path string) (Feed, error)
}

// All lists the kinds, in the order in which they are tried: dumps last, for
// they are looked for below a folder.
func All() []Kind {
	return []Kind{
		{"Trivy's database (trivy.db, its folder or its archive)", func(ctx context.Context, path string) (Feed, error) { return trivydb.Open(ctx, path) }},
		{"Trivy's database of Java archives (trivy-java.db, its folder or its archive)", func(ctx context.Context, path string) (Feed, error) { return javadb.Open(ctx, path) }},
		{"Grype's database (vulnerability.db of version 6, its folder or its archive)", func(ctx context.Context, path string) (Feed, error) { return grypedb.Open(ctx, path) }},
		{"records of OSV (a zip archive, or a folder of records and archives)", func(ctx context.Context, path string) (Feed, error) { return osvdump.Open(ctx, path) }},
	}
}

// Kinds names them all.
func Kinds() string {
	var names []string
	for _, k := range All() {
		names = append(names, k.About)
	}
	return strings.Join(names, ", ")
}

// Open opens path as the kind that it is of.
func Open(ctx context.Context, path string) (Feed, error) {
	for _, k := range All() {
		f, err := k.Open(ctx, path)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, assay.ErrUnsupported) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("%s: neither an exported database nor %s: %w", path, Kinds(), assay.ErrUnsupported)
}
