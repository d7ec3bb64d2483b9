package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// maxSpool bounds the unpacked size of a compressed archive on disk. The largest
// images, of machine learning, have about 40 GB.
const maxSpool = 64 << 30

// A temporary file is deleted when it is closed, at the latest.
type temporary struct {
	*os.File
	remove bool
}

// Close closes the file, and deletes it where it could not be deleted before.
func (t *temporary) Close() error {
	err := t.File.Close()
	if t.remove {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}

// spool unpacks r to a temporary file.
func spool(ctx context.Context, r io.Reader) (*temporary, int64, error) {
	dec, _, err := compression.Reader(r)
	if err != nil {
		return nil, 0, err
	}
	defer dec.Close()
	f, err := os.CreateTemp("", "assay-archive-*")
	if err != nil {
		return nil, 0, fmt.Errorf("unpacking: %w", err)
	}
	t := &temporary{File: f, remove: os.Remove(f.Name()) != nil} // Windows cannot delete an open file
	n, err := io.Copy(f, limit.Reader(&cancelled{ctx, dec}, maxSpool))
	if err != nil {
		t.Close()
		return nil, 0, fmt.Errorf("unpacking: %w", err)
	}
	return t, n, nil
}

// cancelled fails once its context is done.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
