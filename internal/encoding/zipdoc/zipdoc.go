// Package zipdoc reads the zip archives in which publishers bundle records, one
// record in each member, without unpacking them.
//
// Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
package zipdoc

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Bounds of an archive.
const (
	maxArchive = 4 << 30   // as a file; vulnrichment has 400 MB (2026)
	maxMembers = 4_000_000 // the CVE list has 300,000
	maxMember  = 32 << 20  // uncompressed; the largest record known is 3 MB
	maxTotal   = 64 << 30  // uncompressed, of all members that are read
)

// ErrMember marks an error of a member of the archive; the other members can
// still be read.
var ErrMember = errors.New("member")

// A Visit is called for each wanted member. Its err, if set, wraps ErrMember and
// is why the content could not be read.
type Visit func(name string, content []byte, err error) error

// Walk reads the zip archive r and visits the members whose names want accepts,
// in the order of the archive's directory. R is read in place if it is an
// io.ReaderAt and io.Seeker, like files; else it is copied to a temporary file
// first.
func Walk(ctx context.Context, r io.Reader, want func(name string) bool, visit Visit) error {
	at, size, done, err := readerAt(r)
	if err != nil {
		return err
	}
	defer done()
	z, err := zip.NewReader(at, size)
	if err != nil {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if len(z.File) > maxMembers {
		return fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
	}
	left := int64(maxTotal)
	for _, m := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !want(m.Name) {
			continue
		}
		b, err := content(m)
		if left -= int64(len(b)); left < 0 {
			return fmt.Errorf("over %d bytes unpacked: %w", int64(maxTotal), assay.ErrTooLarge)
		}
		if err := visit(m.Name, b, err); err != nil {
			return err
		}
	}
	return nil
}

// content reads a member; its checksum is checked at the end.
func content(m *zip.File) ([]byte, error) {
	r, err := m.Open()
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrMember, m.Name, err)
	}
	defer r.Close()
	b, err := limit.ReadAll(r, maxMember)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrMember, m.Name, err)
	}
	return b, nil
}

func readerAt(r io.Reader) (_ io.ReaderAt, size int64, done func(), err error) {
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		size, err = f.Seek(0, io.SeekEnd)
		return f, size, func() {}, err
	}
	f, err := os.CreateTemp("", "assay-*.zip")
	if err != nil {
		return nil, 0, nil, err
	}
	done = func() { f.Close(); os.Remove(f.Name()) }
	if size, err = io.Copy(f, limit.Reader(r, maxArchive)); err != nil {
		done()
		return nil, 0, nil, err
	}
	return f, size, done, nil
}
