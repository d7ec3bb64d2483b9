package trivydb

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
)

// maxMembers bounds the archive, which has two members.
const maxMembers = 1000

// members reads the archive's files.
func (d *DB) members(ctx context.Context, r io.Reader) error {
	t := tar.NewReader(r)
	for n := range maxMembers {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && n == 0 {
			return fmt.Errorf("not Trivy's database: %w", assay.ErrUnsupported)
		}
		if err != nil {
			return fmt.Errorf("archive: %w: %w", err, assay.ErrMalformed)
		}
		switch path.Base(h.Name) {
		case metadataName:
			b, err := limit.ReadAll(t, maxMetadata)
			if err == nil {
				err = d.describe(b)
			}
			if err != nil {
				return err
			}
		case fileName:
			if err := d.spool(ctx, t); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
}

// spool writes the database to a temporary file.
func (d *DB) spool(ctx context.Context, r io.Reader) error {
	if d.f != nil {
		return fmt.Errorf("%s twice in the archive: %w", fileName, assay.ErrMalformed)
	}
	var err error
	if d.f, err = os.CreateTemp("", "assay-trivy-*.db"); err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	in := limit.Reader(r, maxDatabase)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := in.Read(buf)
		if _, e := d.f.Write(buf[:n]); e != nil {
			return e
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
