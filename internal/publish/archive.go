package publish

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
)

// An archive is a tar of index.json and, for each shard, shards/HEX.db.zst.
const (
	indexName    = "index.json"
	shardsFolder = "shards/"
	shardExt     = ".db.zst"
	maxMembers   = 100_000
)

// WriteArchive writes the edition as one file. The same edition gives the same
// bytes.
func WriteArchive(ctx context.Context, w io.Writer, e Edition) error {
	t := tar.NewWriter(w)
	if err := writeMember(t, indexName, int64(len(e.Index)), bytes.NewReader(e.Index)); err != nil {
		return err
	}
	for _, s := range e.Shards {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeShard(t, e, s); err != nil {
			return fmt.Errorf("stream %s: %w", s.Stream, err)
		}
	}
	return t.Close()
}

func writeShard(t *tar.Writer, e Edition, s assay.Shard) error {
	n, err := fileName(s)
	if err != nil {
		return err
	}
	f, size, err := pack(e, s)
	if err != nil {
		return err
	}
	defer discard(f)
	return writeMember(t, shardsFolder+n+shardExt, size, f)
}

func writeMember(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}

// pack compresses a shard to a temporary file, at its beginning.
func pack(e Edition, s assay.Shard) (_ *os.File, size int64, err error) {
	r, err := e.Open(s)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.CreateTemp("", "assay-shard-*")
	if err != nil {
		return nil, 0, err
	}
	if err = compress(f, r); err == nil {
		if size, err = f.Seek(0, io.SeekCurrent); err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
	}
	if err != nil {
		discard(f)
		return nil, 0, err
	}
	return f, size, nil
}

func discard(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

// Archive is an open archive.
type Archive struct {
	f       *os.File
	members map[string]*io.SectionReader
}

// OpenArchive reads the archive's directory. What is no such archive is
// ErrUnsupported.
func OpenArchive(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a := &Archive{f, map[string]*io.SectionReader{}}
	if err := a.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

func (a *Archive) read() error {
	t := tar.NewReader(a.f)
	for len(a.members) < maxMembers {
		h, err := t.Next()
		switch {
		case err == io.EOF && a.members[indexName] != nil:
			return nil
		case len(a.members) == 0 && (err != nil || h.Name != indexName):
			return fmt.Errorf("not an exported database: %w", assay.ErrUnsupported)
		case err != nil:
			return fmt.Errorf("cut off or damaged: %w: %w", err, assay.ErrMalformed)
		}
		at, err := a.f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if strings.HasPrefix(h.Name, shardsFolder) || h.Name == indexName {
			a.members[h.Name] = io.NewSectionReader(a.f, at, h.Size)
		}
	}
	return fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
}

// Index returns the index.
func (a *Archive) Index(context.Context) ([]byte, error) {
	return limit.ReadAll(a.members[indexName], maxIndex)
}

// Shard opens the file of a shard.
func (a *Archive) Shard(_ context.Context, s assay.Shard) (io.ReadCloser, error) {
	n, err := fileName(s)
	if err != nil {
		return nil, err
	}
	m := a.members[shardsFolder+n+shardExt]
	if m == nil {
		return nil, fmt.Errorf("%s: shard %s: %w in the archive, though its index names it", a.f.Name(), n, assay.ErrNotFound)
	}
	return unpack(io.NopCloser(io.NewSectionReader(m, 0, m.Size())))
}

// Close closes the file.
func (a *Archive) Close() error { return a.f.Close() }
