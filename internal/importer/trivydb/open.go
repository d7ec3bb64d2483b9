package trivydb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/boltfile"
	"github.com/assaysec/assay/internal/dbfile"
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

// Open opens trivy.db, a folder that holds it, or the archive in which it is
// published (db.tar.gz). What is none of these is ErrUnsupported.
func Open(ctx context.Context, path string) (*DB, error) {
	f, err := form.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	d := &DB{f, f.Time}
	if err := d.describe(f.Note); err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}

// describe takes the content of metadata.json; without it the date is that of
// the file.
func (d *DB) describe(b []byte) error {
	if b == nil {
		return nil
	}
	var m struct {
		Version   int
		UpdatedAt time.Time
	}
	switch err := json.Unmarshal(b, &m); {
	case err != nil:
		return fmt.Errorf("%s: %w: %w", form.Note, err, assay.ErrMalformed)
	case m.Version != 2:
		return fmt.Errorf("schema version %d, not 2: %w; use a Trivy database of 2021 or later", m.Version, assay.ErrMalformed)
	case !m.UpdatedAt.IsZero():
		d.date = m.UpdatedAt
	}
	return nil
}

// Close closes the file.
func (d *DB) Close() error { return d.file.Close() }
