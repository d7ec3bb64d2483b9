package trivydb

import (
	"context"
	"io"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/boltfile"
	"github.com/assaysec/assay/internal/importer/internal/dbfile"
)

var form = dbfile.Form{
	Title: "Trivy's database", Name: "trivy.db", Folders: []string{"db"}, Note: "metadata.json",
	Check: func(r io.ReaderAt, size int64) error {
		_, err := boltfile.Open(r, size)
		return err
	},
}

// DB is an open database.
type DB struct {
	file *dbfile.File
	date time.Time
}

// Importer opens the database.
var Importer = assay.Importer{
	About: "Trivy's database (trivy.db, its directory or its archive)",
	Open:  func(ctx context.Context, path string) (assay.ImportedFeed, error) { return Open(ctx, path) },
}

// Open opens trivy.db, a directory that contains it, or its published archive
// (db.tar.gz). For anything else the error is ErrUnsupported.
func Open(ctx context.Context, path string) (*DB, error) {
	f, err := form.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := f.Built(2); err != nil {
		f.Close()
		return nil, err
	}
	return &DB{f, f.Time}, nil
}

// Close closes the file.
func (d *DB) Close() error { return d.file.Close() }
