package contract

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// An ImporterCase is an importer with a file of its kind, as small as may be.
type ImporterCase struct {
	Importer assay.Importer
	Name     string            // of the file, where it is made
	File     []byte            // with at least one record
	Beside   map[string][]byte // small files that lie beside it
	Date     time.Time         // of the file's advisories
	Other    []byte            // an SQLite database of another kind
}

// Importer checks that the importer keeps its contract: that the file is known
// by its content, whatever its name, that records are complete, dated and come in
// one order, that the sink's error and a cancelled context end it, and that what
// is cut off, damaged, huge or another kind of file is an error or gives complete
// records, soon and without a panic.
func Importer(t *testing.T, c ImporterCase) {
	if c.Importer.About == "" {
		t.Error("nothing about it")
	}
	t.Run("records", func(t *testing.T) { c.records(t) })
	t.Run("stop", func(t *testing.T) { c.stop(t) })
	t.Run("other files", func(t *testing.T) { c.others(t) })
	t.Run("broken", func(t *testing.T) { c.broken(t) })
}

// put writes the file, with what lies beside it, into a new directory.
func (c *ImporterCase) put(t *testing.T, name string, content []byte) (path string) {
	t.Helper()
	dir := t.TempDir()
	for n, b := range c.Beside {
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *ImporterCase) open(t *testing.T, path string) assay.ImportedFeed {
	t.Helper()
	f, err := c.Importer.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

func (c *ImporterCase) records(t *testing.T) {
	var first *Records
	for _, name := range []string{c.Name, "x"} {
		f := c.open(t, c.put(t, name, c.File))
		if f.Name() == "" || len(f.Streams()) == 0 || !f.Date().Equal(c.Date) {
			t.Errorf("%s: name %q, streams %v, date %v, want %v", name, f.Name(), f.Streams(), f.Date(), c.Date)
		}
		for range 2 {
			r := Fetch(t, f, nil)
			if r.Kept() == 0 {
				t.Errorf("%s: no records", name)
			}
			checkRecords(t, f, named(r, f.Name()), f.Streams())
			if first == nil {
				first = r
			}
			if diff := cmp.Diff(first, r); diff != "" {
				t.Errorf("%s: another run differs:\n%s", name, diff)
			}
		}
	}
}

// named gives records without a feed the name, as the database does.
func named(r *Records, feed string) *Records {
	for i := range r.Advisories {
		r.Advisories[i].Feed = feed
	}
	for i := range r.Details {
		r.Details[i].Feed = feed
	}
	return r
}

func (c *ImporterCase) stop(t *testing.T) {
	path := c.put(t, c.Name, c.File)
	s := &full{err: errors.New("full")}
	if err := c.open(t, path).Fetch(t.Context(), nil, nil, s); !errors.Is(err, s.err) || s.calls != 1 {
		t.Errorf("%v after %d records, want the sink's error after 1", err, s.calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.open(t, path).Fetch(ctx, nil, nil, &Records{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// others are files of other kinds, which the next importer may know.
func (c *ImporterCase) others(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "one byte": {0}, "text": []byte("text"), "a page": []byte("<!DOCTYPE html><title>Sign in</title>"), "zeros": make([]byte, 1<<16),
		"another zip": Zip(Member{Name: "x", Content: "y"}), "another archive": TarGz(Member{Name: "x", Content: "y"}),
		"another database": c.Other,
	} {
		if _, err := c.Importer.Open(t.Context(), c.put(t, c.Name, b)); !errors.Is(err, assay.ErrUnsupported) {
			t.Errorf("%s: %v, want %v", name, err, assay.ErrUnsupported)
		}
	}
	if _, err := c.Importer.Open(t.Context(), t.TempDir()); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("an empty directory: %v, want %v", err, assay.ErrUnsupported)
	}
	if _, err := c.Importer.Open(t.Context(), filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v, want %v", err, os.ErrNotExist)
	}
}

func (c *ImporterCase) broken(t *testing.T) {
	for i := range 32 {
		if c.try(t, "cut off", c.File[:len(c.File)*i/32], 0) && i < 16 {
			t.Errorf("half of the file is one")
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := bytes.Clone(c.File)
		for range 1 + r.IntN(8) {
			b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		}
		c.try(t, "damaged", b, 0)
	}
	c.try(t, "twice", slices.Concat(c.File, c.File), 0)
	t.Run("huge", func(t *testing.T) { c.try(t, "huge", c.File, 32<<30) }) // last, because it may be skipped
}

// try opens a file, of size where that is not 0, and fetches from it. Either
// fails with a sentinel, or the records are complete. It skips the test where the
// file system has no files of that size.
func (c *ImporterCase) try(t *testing.T, name string, content []byte, size int64) (ok bool) {
	t.Helper()
	path := c.put(t, c.Name, content)
	if size > 0 {
		if err := os.Truncate(path, size); err != nil { // takes no room on disk
			t.Skipf("no file of %d bytes: %v", size, err)
		}
	}
	start := time.Now()
	f, err := c.Importer.Open(t.Context(), path)
	var records Records
	if err == nil {
		err = f.Fetch(t.Context(), nil, nil, &records)
		checkRecords(t, f, named(&records, f.Name()), f.Streams())
		f.Close()
	}
	if took := time.Since(start); took > Soon {
		t.Errorf("%s: took %v", name, took)
	}
	if err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) && !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("%s: %v wraps no sentinel", name, err)
	}
	return err == nil
}
