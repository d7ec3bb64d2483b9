// Package dbfile opens other scanners' databases that consist of one file: the
// file itself, its directory, or its published archive.
package dbfile

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/tardoc"
)

// Bounds of what is opened.
const (
	maxDatabase = 16 << 30 // unpacked; the largest known has 3 GB (2026)
	maxNote     = 1 << 20  // also bounds a member with another name in such an archive
	maxMembers  = 1000     // an archive has two
)

// A Form describes a kind of database: its names and its check.
type Form struct {
	Title   string   // for people: "Trivy's database"
	Name    string   // of the file: "trivy.db"
	Folders []string // other directories to look in, below the given one, with slashes: "db"
	Note    string   // a small file beside it: "metadata.json"; "" for none

	// Check returns an error if the file is not such a database: ErrUnsupported
	// for another kind of file.
	Check func(r io.ReaderAt, size int64) error
}

// A File is an open database.
type File struct {
	io.ReaderAt
	Size int64
	Time time.Time // when it, or its archive, was written
	Note []byte    // the file beside it; nil if there is none

	f    *os.File
	temp bool // f was unpacked, and its name must be removed
}

// Built reads the note of one of Trivy's databases with this version of its
// schema, and sets Time to when the database was built. Without a note Time
// stays.
func (f *File) Built(schema int) error {
	if f.Note == nil {
		return nil
	}
	var m struct {
		Version   int
		UpdatedAt time.Time
	}
	switch err := json.Unmarshal(f.Note, &m); {
	case err != nil:
		return fmt.Errorf("metadata: %w: %w", err, assay.ErrMalformed)
	case m.Version != schema:
		return fmt.Errorf("schema version %d, want %d: %w; use a database of another date", m.Version, schema, assay.ErrMalformed)
	case !m.UpdatedAt.IsZero():
		f.Time = m.UpdatedAt
	}
	return nil
}

// Open opens the file, a directory that contains it, or its archive. For
// anything else the error is ErrUnsupported.
func (f Form) Open(ctx context.Context, name string) (_ *File, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return f.openDirectory(ctx, name)
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	d := &File{ReaderAt: in, f: in, Size: info.Size(), Time: info.ModTime()}
	switch err := f.Check(in, d.Size); {
	case err == nil:
		if err := f.readNote(d, filepath.Dir(name)); err != nil {
			d.Close()
			return nil, err
		}
		return d, nil
	case !errors.Is(err, assay.ErrUnsupported):
		d.Close()
		return nil, err
	}
	defer in.Close()
	return f.unpack(ctx, in, d.Time)
}

func (f Form) openDirectory(ctx context.Context, name string) (*File, error) {
	for _, below := range append([]string{""}, f.Folders...) {
		file := filepath.Join(name, filepath.FromSlash(below), f.Name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return f.Open(ctx, file)
		}
	}
	return nil, fmt.Errorf("the directory has no %s: %w", f.Name, assay.ErrUnsupported)
}

// readNote reads the note beside the file.
func (f Form) readNote(d *File, dir string) error {
	if f.Note == "" {
		return nil
	}
	in, err := limit.OpenRegular(filepath.Join(dir, f.Note))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if d.Note, err = limit.ReadAll(in, maxNote); err != nil {
		return fmt.Errorf("%s: %w", f.Note, err)
	}
	return nil
}

// unpack extracts the database from its archive to a temporary file.
func (f Form) unpack(ctx context.Context, in *os.File, at time.Time) (_ *File, err error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	z, kind, err := compression.Reader(in)
	if err != nil || kind == compression.Plain {
		return nil, f.not()
	}
	defer z.Close()
	d := &File{Time: at}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if err := f.members(ctx, d, z); err != nil {
		return nil, err
	}
	if d.f == nil {
		return nil, fmt.Errorf("the archive has no %s: %w", f.Name, assay.ErrUnsupported)
	}
	d.ReaderAt = d.f
	return d, f.Check(d.f, d.Size)
}

func (f Form) not() error { return fmt.Errorf("not %s: %w", f.Title, assay.ErrUnsupported) }

// members reads the files of the archive. An archive with another large file
// belongs to another database.
func (f Form) members(ctx context.Context, d *File, r io.Reader) error {
	t := tar.NewReader(r)
	for n := range maxMembers {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return tardoc.End(r)
		case err != nil && n == 0 && !errors.Is(err, assay.ErrMalformed): // read to the end, which checks the compression
			return f.not()
		case err != nil:
			return fmt.Errorf("archive: %w: %w", err, assay.ErrMalformed)
		case path.Base(h.Name) == f.Name:
			if err := f.spool(ctx, d, t); err != nil {
				return err
			}
		case f.Note != "" && path.Base(h.Name) == f.Note:
			if d.Note, err = limit.ReadAll(t, maxNote); err != nil {
				return fmt.Errorf("%s: %w", f.Note, err)
			}
		case h.Size > maxNote && d.f == nil:
			return f.not()
		}
	}
	return fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
}

// spool writes the database to a temporary file.
func (f Form) spool(ctx context.Context, d *File, r io.Reader) error {
	if d.f != nil {
		return fmt.Errorf("the archive has %s twice: %w", f.Name, assay.ErrMalformed)
	}
	var err error
	if d.f, err = os.CreateTemp("", "assay-import-*.db"); err != nil {
		return err
	}
	// Open files are removed at once on systems that allow it, so that a killed
	// process leaves no files.
	d.temp = os.Remove(d.f.Name()) != nil
	d.Size, err = io.Copy(d.f, &reader{ctx, limit.Reader(r, maxDatabase)})
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, assay.ErrMalformed) {
		err = fmt.Errorf("archive: %w: %w", err, assay.ErrMalformed)
	}
	return err
}

// reader fails when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// Close closes the file.
func (d *File) Close() error {
	if d.f == nil {
		return nil
	}
	err := d.f.Close()
	if d.temp {
		err = errors.Join(err, os.Remove(d.f.Name()))
	}
	return err
}
