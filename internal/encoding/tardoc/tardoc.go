// Package tardoc reads the tar archives, with any common compression, in which
// publishers bundle records, one record in each member, without unpacking them.
//
// Specification:
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
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
	maxTail    = 16 << 20  // data after the end of the archive; GNU tar pads to 10 KiB
)

// A Visit is called for each wanted member. Its err, if set, is why the content
// could not be read: it exceeds the bound.
type Visit func(name string, content []byte, err error) error

// Walk reads the archive r and visits the files whose names want accepts, in
// their order. It reads to the end of the compression, which has a checksum. A
// truncated or damaged archive is ErrMalformed, after the members before the
// damage were visited.
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

// End reads the data between the end of an archive and the end of its
// compression, and limits them.
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

// explain makes errors of the tar reader ErrMalformed.
func explain(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrFieldTooLong) {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return err
}
