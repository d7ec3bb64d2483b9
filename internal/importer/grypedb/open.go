package grypedb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/importer/internal/dbfile"
)

var form = dbfile.Form{Title: "Grype's database", Name: "vulnerability.db", Folders: []string{"6", "db/6"}, Check: check}

// model is the version of the schema.
const model = 6

// DB is an open database.
type DB struct {
	file *dbfile.File
	date time.Time
}

// Importer opens the database.
var Importer = assay.Importer{
	About: "Grype's database (vulnerability.db of version 6, its directory or its archive)",
	Open:  func(ctx context.Context, path string) (assay.ImportedFeed, error) { return Open(ctx, path) },
}

// Open opens vulnerability.db, a directory that contains it (also Grype's own,
// with db/6 or 6 below), or its published archive
// (vulnerability-db_v6….tar.zst). For anything else the error is ErrUnsupported.
func Open(ctx context.Context, path string) (*DB, error) {
	f, err := form.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	d := &DB{file: f}
	if d.date, err = built(f, f.Size); err != nil {
		f.Close()
		return nil, err
	}
	if d.date.IsZero() {
		d.date = f.Time
	}
	return d, nil
}

// Close closes the file.
func (d *DB) Close() error { return d.file.Close() }

// check reports whether the file is such a database.
func check(r io.ReaderAt, size int64) error {
	f, err := sqlitefile.Open(r, size)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for t, err := range f.Tables() {
		if err != nil {
			return err
		}
		names[t.Name] = true
	}
	switch {
	case names["vulnerability_handles"] && names["blobs"] && names["db_metadata"]:
		_, err := built(r, size)
		return err
	case names["vulnerability"] && names["vulnerability_metadata"]:
		return fmt.Errorf("a Grype database with a schema older than version 6: %w; use a database from 2025 or later", assay.ErrMalformed)
	}
	return fmt.Errorf("not Grype's database: %w", assay.ErrUnsupported)
}

// built is when the database was built; zero if unknown.
func built(r io.ReaderAt, size int64) (time.Time, error) {
	f, err := sqlitefile.Open(r, size)
	if err != nil {
		return time.Time{}, err
	}
	t, err := openTable(f, "db_metadata", "build_timestamp", "model")
	if err != nil {
		return time.Time{}, err
	}
	for row, err := range t.Rows() {
		if err != nil {
			return time.Time{}, fmt.Errorf("db_metadata: %w", err)
		}
		if n := t.int(row, 1); n != model {
			return time.Time{}, fmt.Errorf("schema version %d, want %d: %w", n, model, assay.ErrMalformed)
		}
		return t.time(row, 0), nil
	}
	return time.Time{}, fmt.Errorf("db_metadata is empty: %w", assay.ErrMalformed)
}

// A table has the columns that are wanted of it.
type table struct {
	*sqlitefile.Table
	columns []int // their indexes; -1 for a missing column, whose values are null
}

// openTable finds a table. If id is the first wanted column, it must be the rowid.
func openTable(f *sqlitefile.File, name string, columns ...string) (*table, error) {
	t, err := f.Table(name)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("missing table %s: %w", name, assay.ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	out := &table{Table: t}
	for _, c := range columns {
		out.columns = append(out.columns, t.Column(c))
	}
	if columns[0] == "id" && (t.RowID() < 0 || t.RowID() != out.columns[0]) {
		return nil, fmt.Errorf("table %s: id is not the rowid: %w", name, assay.ErrUnsupported)
	}
	return out, nil
}

func (t *table) int(r *sqlitefile.Row, column int) int64 {
	n, _ := r.Int(t.columns[column])
	return n
}

func (t *table) text(r *sqlitefile.Row, column int) string { return r.Text(t.columns[column]) }

// time reads a date as Go's drivers write it: RFC 3339 with a space instead of
// the T.
func (t *table) time(r *sqlitefile.Row, column int) time.Time {
	return cve.Time(strings.Replace(t.text(r, column), " ", "T", 1))
}
