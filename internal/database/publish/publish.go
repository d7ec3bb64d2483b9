// Package publish stores advisory databases for others: in a registry, in one
// file, in a directory.
//
// In a registry a database is an OCI artifact with one layer for each shard, so
// that unchanged shards are neither pushed nor pulled again; for small changes
// there are deltas. Its configuration is the database's index.json, compressed.
//
// Specifications:
// https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md#guidelines-for-artifact-usage
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
)

// Bounds of downloaded data.
const (
	maxIndex  = 64 << 20 // some hundred shards of 3 kB each
	maxWindow = 32 << 20 // of a compressed shard; the encoder's level takes 8 MB
	maxLayer  = 8 << 30  // of a shard in a registry; the largest shard known has 200 MB
)

// A Snapshot is a published state of a database.
type Snapshot struct {
	Index  []byte // index.json
	Shards []assay.Shard
	Open   func(assay.Shard) (io.Reader, error) // the file of a shard
}

// compress compresses a shard's file for transfer: its records are already
// compressed, but its pages are not, so that this halves the size.
func compress(w io.Writer, r io.Reader) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if _, err := io.Copy(z, r); err != nil {
		z.Close()
		return err
	}
	return z.Close()
}

// unpacked is the file of a compressed shard.
type unpacked struct {
	*zstd.Decoder
	body io.Closer
}

func unpack(body io.ReadCloser) (io.ReadCloser, error) {
	z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		body.Close()
		return nil, err
	}
	return &unpacked{z, body}, nil
}

func (u *unpacked) Close() error {
	u.Decoder.Close()
	return u.body.Close()
}

// fileName is the name of a shard's file without its ending.
func fileName(s assay.Shard) (string, error) {
	_, sum, err := oci.SplitDigest(s.Digest)
	return sum, err
}

// Directory is a database's own directory, or a copy of it.
type Directory string

// Name implements db.Place.
func (f Directory) Name() string { return filepath.Join(string(f), "index.json") }

// Index returns the index.
func (f Directory) Index(context.Context) ([]byte, error) {
	file, err := limit.OpenRegular(filepath.Join(string(f), "index.json"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s: no advisory database: %w", string(f), assay.ErrNotFound)
		}
		return nil, err
	}
	defer file.Close()
	return limit.ReadAll(file, maxIndex)
}

// Shard opens the file of a shard.
func (f Directory) Shard(_ context.Context, s assay.Shard) (io.ReadCloser, error) {
	n, err := fileName(s)
	if err != nil {
		return nil, err
	}
	return limit.OpenRegular(filepath.Join(string(f), "shards", n+".db"))
}
