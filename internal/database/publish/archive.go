package publish

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci/signature"
)

// An archive is a tar of index.json and, for each shard, shards/HEX.db.zst.
const (
	indexName       = "index.json"
	shardsDirectory = "shards/"
	shardExt        = ".db.zst"
	maxMembers      = 100_000
)

// WriteArchive writes the snapshot as one file. Equal snapshots give equal
// bytes.
func WriteArchive(ctx context.Context, w io.Writer, e Snapshot) error {
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

func writeShard(t *tar.Writer, e Snapshot, s assay.Shard) error {
	n, err := fileName(s)
	if err != nil {
		return err
	}
	f, size, err := pack(e, s)
	if err != nil {
		return err
	}
	defer discard(f)
	return writeMember(t, shardsDirectory+n+shardExt, size, f)
}

func writeMember(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}

// pack compresses a shard to a temporary file, opened at its start. If the
// system can remove open files it has no name, so that a killed process leaves
// no files.
func pack(e Snapshot, s assay.Shard) (_ *os.File, size int64, err error) {
	r, err := e.Open(s)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.CreateTemp("", "assay-shard-*")
	if err != nil {
		return nil, 0, err
	}
	os.Remove(f.Name())
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
	index   []byte
	members map[string]*io.SectionReader
}

// OpenArchive reads the archive's directory and index. Any other file is
// ErrUnsupported. With a key, a file with its signature must be beside the
// archive. The signature covers the index that was read, even if the file
// changes later, and so, by their digests, the shards.
func OpenArchive(path string, key *signature.Key) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a := &Archive{f: f, members: map[string]*io.SectionReader{}}
	if key == nil {
		err = a.read(f)
	} else {
		err = a.verify(path, key)
	}
	if err != nil {
		f.Close()
		if !errors.Is(err, assay.ErrUnauthorized) { // which includes the name
			err = fmt.Errorf("%s: %w", path, err)
		}
		return nil, err
	}
	return a, nil
}

// verify reads the archive like read and verifies it, reading all bytes only
// once.
func (a *Archive) verify(path string, key *signature.Key) error {
	if err := forFiles(key); err != nil {
		return err
	}
	h := sha256.New()
	if err := a.read(io.TeeReader(a.f, h)); err != nil {
		return err
	}
	if _, err := io.Copy(h, a.f); err != nil {
		return err
	}
	return verifyBeside(key, path, [sha256.Size]byte(h.Sum(nil)))
}

// read reads the directory and the index from r, which reads the file.
func (a *Archive) read(r io.Reader) error {
	t := tar.NewReader(r)
	for len(a.members) < maxMembers {
		h, err := t.Next()
		switch {
		case err == io.EOF && a.index != nil:
			return nil
		case a.index == nil && (err != nil || h.Name != indexName):
			return fmt.Errorf("not an exported database: %w", assay.ErrUnsupported)
		case err != nil:
			return damaged(err)
		}
		if a.index == nil {
			if a.index, err = limit.ReadAll(t, maxIndex); err != nil {
				return fmt.Errorf("%s: %w", indexName, damaged(err))
			}
			continue
		}
		at, err := a.f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if strings.HasPrefix(h.Name, shardsDirectory) {
			a.members[h.Name] = io.NewSectionReader(a.f, at, h.Size)
		}
	}
	return fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
}

func damaged(err error) error {
	if errors.Is(err, assay.ErrTooLarge) {
		return err
	}
	return fmt.Errorf("truncated or damaged: %w: %w", err, assay.ErrMalformed)
}

// Name implements db.Place.
func (a *Archive) Name() string { return a.f.Name() + ": " + indexName }

// Index returns the index.
func (a *Archive) Index(context.Context) ([]byte, error) { return a.index, nil }

// Shard opens the file of a shard.
func (a *Archive) Shard(_ context.Context, s assay.Shard) (io.ReadCloser, error) {
	n, err := fileName(s)
	if err != nil {
		return nil, err
	}
	m := a.members[shardsDirectory+n+shardExt]
	if m == nil {
		return nil, fmt.Errorf("%s: shard %s: %w in the archive, but listed in its index", a.f.Name(), n, assay.ErrNotFound)
	}
	return unpack(io.NopCloser(io.NewSectionReader(m, 0, m.Size())))
}

// Close closes the file.
func (a *Archive) Close() error { return a.f.Close() }
