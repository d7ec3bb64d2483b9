// Package document fetches one document of a publisher and does what every feed
// needs: it closes the document, names it in every error, and checks that
// nothing follows its end. It treats a document without a record as malformed,
// because an error page in its place is more likely than a publisher without
// data.
package document

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Read gets the document at url and passes it to read. Errors of read are
// prefixed with the URL; those of the Getter already have it.
func Read(ctx context.Context, g assay.Getter, url string, read func(body io.Reader) error) error {
	body, err := g.Get(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := read(body); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}

// Records is Read for a document that must have records; ErrMalformed if read
// found none.
func Records(ctx context.Context, g assay.Getter, url string, read func(body io.Reader) (found bool, err error)) error {
	return Read(ctx, g, url, func(body io.Reader) error {
		found, err := read(body)
		if err == nil && !found {
			err = fmt.Errorf("contains no records: %w", assay.ErrMalformed)
		}
		return err
	})
}

// JSON is Records for a JSON document that ends where read does. A value that is
// decoded as a whole has at most maxValue bytes.
func JSON(ctx context.Context, g assay.Getter, url string, maxValue int64, read func(d *jsonstream.Decoder) (found bool, err error)) error {
	return Records(ctx, g, url, func(body io.Reader) (bool, error) {
		d := jsonstream.NewDecoder(ctx, body, maxValue)
		found, err := read(d)
		if err == nil {
			err = d.End()
		}
		return found, err
	})
}

// Bytes returns the whole document at url. Over max bytes it is ErrTooLarge.
func Bytes(ctx context.Context, g assay.Getter, url string, max int64) (b []byte, err error) {
	err = Read(ctx, g, url, func(body io.Reader) (err error) {
		b, err = limit.ReadAll(body, max)
		return err
	})
	return b, err
}

// OfVersion is a Getter of documents in a version, for publishers that list
// their versions. With a Getter that is not a Keeper, or with version "", it
// gets the current document.
func OfVersion(g assay.Getter, version string) assay.Getter {
	if k, ok := g.(assay.Keeper); ok && version != "" {
		return pinned{k, version}
	}
	return g
}

type pinned struct {
	assay.Keeper
	version string
}

// Get implements assay.Getter.
func (p pinned) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	return p.GetVersion(ctx, url, p.version)
}

// WasFetched reports whether the document was there before. Call it before
// fetching the document, because a document that is gone is forgotten.
func WasFetched(ctx context.Context, g assay.Getter, url string) bool {
	k, ok := g.(assay.Keeper)
	if !ok {
		return false
	}
	body, err := k.Cached(ctx, url)
	if err != nil {
		return false
	}
	body.Close()
	return true
}

// List returns the names in the directory at url; none if it is missing or
// cannot be listed.
func List(ctx context.Context, g assay.Getter, url string) ([]string, error) {
	l, ok := g.(assay.Lister)
	if !ok {
		return nil, nil
	}
	names, err := l.List(ctx, url)
	if errors.Is(err, assay.ErrNotFound) || errors.Is(err, assay.ErrUnsupported) {
		return nil, nil
	}
	return names, err
}
