package trivydb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/boltfile"
	"github.com/assaysec/assay/internal/compression"
	"github.com/assaysec/assay/internal/limit"
)

// Bounds of what is opened.
const (
	maxDatabase = 16 << 30 // unpacked; 1.5 GB in 2026
	maxMetadata = 1 << 20
)

const (
	fileName     = "trivy.db"
	metadataName = "metadata.json"
)

// DB is an open database.
type DB struct {
	f    *os.File
	temp bool // f was unpacked and goes with it
	date time.Time
}

// Open opens trivy.db, a folder that holds it, or the archive in which it is
// published (db.tar.gz). What is none of these is ErrUnsupported.
func Open(ctx context.Context, path string) (*DB, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		for _, below := range []string{fileName, filepath.Join("db", fileName)} {
			if _, err := os.Stat(filepath.Join(path, below)); err == nil {
				return Open(ctx, filepath.Join(path, below))
			}
		}
		return nil, fmt.Errorf("no %s in the folder: %w", fileName, assay.ErrUnsupported)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	d := &DB{f: f}
	if err := d.check(); err == nil {
		if err := d.metadata(filepath.Join(filepath.Dir(path), metadataName)); err != nil {
			f.Close()
			return nil, err
		}
		return d, nil
	} else if !errors.Is(err, assay.ErrUnsupported) {
		f.Close()
		return nil, err
	}
	defer f.Close()
	return unpack(ctx, f)
}

// check says whether the file is a bbolt file.
func (d *DB) check() error {
	size, err := d.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	_, err = boltfile.Open(d.f, size)
	return err
}

// metadata reads the date; without the file it is that of the database.
func (d *DB) metadata(path string) error {
	if info, err := d.f.Stat(); err == nil {
		d.date = info.ModTime()
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxMetadata)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return d.describe(b)
}

// describe takes the content of metadata.json.
func (d *DB) describe(b []byte) error {
	var m struct {
		Version   int
		UpdatedAt time.Time
	}
	switch err := json.Unmarshal(b, &m); {
	case err != nil:
		return fmt.Errorf("%s: %w: %w", metadataName, err, assay.ErrMalformed)
	case m.Version != 2:
		return fmt.Errorf("schema version %d, not 2: %w; use a Trivy database of 2021 or later", m.Version, assay.ErrMalformed)
	case !m.UpdatedAt.IsZero():
		d.date = m.UpdatedAt
	}
	return nil
}

// unpack takes the database out of its archive to a temporary file.
func unpack(ctx context.Context, f *os.File) (_ *DB, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	z, kind, err := compression.Reader(f)
	if err != nil || kind == compression.Plain {
		return nil, fmt.Errorf("not Trivy's database: %w", assay.ErrUnsupported)
	}
	defer z.Close()
	d := &DB{temp: true}
	if info, err := f.Stat(); err == nil {
		d.date = info.ModTime()
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if err := d.members(ctx, z); err != nil {
		return nil, err
	}
	if d.f == nil {
		return nil, fmt.Errorf("no %s in the archive: %w", fileName, assay.ErrUnsupported)
	}
	return d, d.check()
}

// Close closes the file.
func (d *DB) Close() error {
	if d.f == nil {
		return nil
	}
	err := d.f.Close()
	if d.temp {
		err = errors.Join(err, os.Remove(d.f.Name()))
	}
	return err
}
