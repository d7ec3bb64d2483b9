// Package tardoc walks the tar archives, compressed in any of the usual ways,
// in which publishers bundle records, one a member, without unpacking them.
//
// Specification: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
package tardoc

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Bounds of an archive.
const (
	maxMembers = 4_000_000 // Red Hat's CSAF archive has 300,000
	maxMember  = 64 << 20  // the largest record known has 15 MB (a kernel's CSAF document)
	maxTotal   = 64 << 30  // uncompressed, of the whole archive; Red Hat's has 30 GB
	maxTail    = 16 << 20  // what follows the end of the archive; GNU tar pads to 10 KiB
)

// A Visit is called for each member that is wanted. Its err, where set, says
// why the content could not be read: it is over the bound.
type Visit func(name string, content []byte, err error) error

// Walk reads the archive r and visits the files that want, given the name,
// asks for, in the archive's order. It reads to the end of the compression,
// which carries a checksum. An archive that is cut off or damaged is
// ErrMalformed, after what came before was visited.
func Walk(ctx context.Context, r io.Reader, want func(name string) bool, visit Visit) error {
	z, _, err := compression.Document(r)
	if err != nil {
		return err
	}
	defer z.Close()
	t := tar.NewReader(limit.Reader(z, maxTotal))
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return End(z)
		case err != nil:
			return explain(err)
		case n >= maxMembers:
			return fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
		case h.Typeflag != tar.TypeReg || !want(h.Name):
			continue
		}
		b, err := limit.ReadAll(t, maxMember)
		if err != nil && (!errors.Is(err, assay.ErrTooLarge) || h.Size <= maxMember) {
			return fmt.Errorf("%s: %w", h.Name, explain(err))
		}
		if err := visit(h.Name, b, err); err != nil {
			return err
		}
	}
}

// End reads what follows the end of an archive in its compression, of which it
// is the end as well, or nearly so.
func End(z io.Reader) error {
	switch _, err := io.CopyN(io.Discard, z, maxTail+1); err {
	case nil:
		return fmt.Errorf("over %d bytes after the end of the archive: %w", maxTail, assay.ErrTooLarge)
	case io.EOF:
		return nil
	default:
		return explain(err)
	}
}

// explain calls what the tar reader complains of malformed.
func explain(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrFieldTooLong) {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return err
}
