// Package javadb reads Trivy's database of Java archives, schema version 1. It
// is an SQLite file with the SHA-1 digests of Maven Central's files and the
// coordinates of their artifacts.
//
// Schema: https://github.com/aquasecurity/trivy-java-db/blob/main/pkg/db/db.go
package javadb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
	"github.com/assaysec/assay/internal/importer/internal/dbfile"
)

const (
	fileName = "trivy-java.db"
	noteName = "metadata.json"
)

// Reasons why records are skipped.
const (
	whyMalformed = "malformed record"
	whyDangling  = "refers to a missing artifact"
)

var form = dbfile.Form{Title: "Trivy's database of Java archives", Name: fileName, Folders: []string{"java-db"}, Note: noteName, Check: check}

// DB is an open database.
type DB struct {
	file *dbfile.File
	date time.Time
}

// Importer opens the database.
var Importer = assay.Importer{
	About: "Trivy's database of Java archives (trivy-java.db, its directory or its archive)",
	Open:  func(ctx context.Context, path string) (assay.ImportedFeed, error) { return Open(ctx, path) },
}

// Open opens trivy-java.db, a directory that contains it, or its published
// archive (javadb.tar.gz). For anything else the error is ErrUnsupported.
func Open(ctx context.Context, path string) (*DB, error) {
	f, err := form.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := f.Built(1); err != nil {
		f.Close()
		return nil, err
	}
	return &DB{f, f.Time}, nil
}

// Close closes the file.
func (d *DB) Close() error { return d.file.Close() }

// check reports whether the file is such a database.
func check(r io.ReaderAt, size int64) error {
	_, err := tables(r, size)
	return err
}

// A join has the two tables.
type join struct {
	artifacts, indices      *sqlitefile.Table
	group, artifact         int // columns of artifacts
	number, version, digest int // and of indices
}

func tables(r io.ReaderAt, size int64) (*join, error) {
	f, err := sqlitefile.Open(r, size)
	if err != nil {
		return nil, err
	}
	var j join
	for name, to := range map[string]**sqlitefile.Table{"artifacts": &j.artifacts, "indices": &j.indices} {
		t, err := f.Table(name)
		if errors.Is(err, assay.ErrNotFound) {
			return nil, fmt.Errorf("not Trivy's database of Java archives: %w", assay.ErrUnsupported)
		}
		if err != nil {
			return nil, err
		}
		*to = t
	}
	a, i := j.artifacts, j.indices
	j.group, j.artifact = a.Column("group_id"), a.Column("artifact_id")
	j.number, j.version, j.digest = i.Column("artifact_id"), i.Column("version"), i.Column("sha1")
	if min(j.group, j.artifact, j.number, j.version, j.digest) < 0 || a.RowID() < 0 || a.RowID() != a.Column("id") {
		return nil, fmt.Errorf("not Trivy's database of Java archives: %w", assay.ErrUnsupported)
	}
	return &j, nil
}

// Name is "trivy-java-db".
func (d *DB) Name() string { return "trivy-java-db" }

// Date is when the database was built.
func (d *DB) Date() time.Time { return d.date }

// Streams is the stream of artifacts.
func (d *DB) Streams() []assay.Stream { return []assay.Stream{assay.StreamArtifacts} }

// Fetch hands over the database; no Getter is needed.
func (d *DB) Fetch(ctx context.Context, _ assay.Getter, _ []assay.Stream, s assay.Sink) error {
	sink, ok := s.(assay.ArtifactSink)
	if !ok {
		return fmt.Errorf("the sink accepts no artifacts: %w", assay.ErrUnsupported)
	}
	j, err := tables(d.file, d.file.Size)
	if err == nil {
		err = j.read(ctx, sink)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", fileName, err)
	}
	return nil
}

// read hands over the rows of indices in order.
func (j *join) read(ctx context.Context, s assay.ArtifactSink) error {
	var row sqlitefile.Row
	last, name := int64(-1), ""
	for r, err := range j.indices.Rows() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("indices: %w", err)
		}
		number, ok := r.Int(j.number)
		if ok && number != last {
			switch err := j.artifacts.Row(number, &row); {
			case err == nil:
				name = coordinates(row.Text(j.group), row.Text(j.artifact))
			case errors.Is(err, assay.ErrNotFound):
				s.Skip(fmt.Sprint("artifact ", number), whyDangling)
				continue
			default:
				return fmt.Errorf("artifacts: %w", err)
			}
			last = number
		}
		a := assay.Artifact{Name: name, Version: r.Text(j.version)}
		if digest := r.Bytes(j.digest); !ok || name == "" || a.Version == "" || copy(a.SHA1[:], digest) != len(a.SHA1) || len(digest) != len(a.SHA1) {
			s.Skip(fmt.Sprint("row ", r.ID), whyMalformed)
			continue
		}
		if err := s.Artifact(a); err != nil {
			return err
		}
	}
	return nil
}

func coordinates(group, artifact string) string {
	if group == "" || artifact == "" {
		return ""
	}
	return group + ":" + artifact
}
