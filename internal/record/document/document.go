// Package document gets one document of a publisher and does what every feed owes
// besides reading its records: it closes the document, names it in every error,
// checks that nothing follows its end, and takes one without a record for
// malformed, since a publisher that has nothing to say is rarer than a page that
// stands where the document was.
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

// Read gets the document at url and has read take it. Errors of read get the
// document's name; those of the Getter have it.
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

// Records is Read of a document that is ErrMalformed where read found no record.
func Records(ctx context.Context, g assay.Getter, url string, read func(body io.Reader) (found bool, err error)) error {
	return Read(ctx, g, url, func(body io.Reader) error {
		found, err := read(body)
		if err == nil && !found {
			err = fmt.Errorf("no records in it: %w", assay.ErrMalformed)
		}
		return err
	})
}

// JSON is Records of a document in JSON, in which no value that is read at once
// has more than maxValue bytes, and which ends where read does.
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

// Bytes returns the document at url whole. Over max bytes it is ErrTooLarge.
func Bytes(ctx context.Context, g assay.Getter, url string, max int64) (b []byte, err error) {
	err = Read(ctx, g, url, func(body io.Reader) (err error) {
		b, err = limit.ReadAll(body, max)
		return err
	})
	return b, err
}

// OfVersion is a Getter that gets documents in a version, for publishers that say
// which versions there are. A Getter that is no Keeper, and one of version "",
// gets the document of today.
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

// WasFetched reports whether the document was there before. It is to be asked
// before the document is got, for one that is gone is forgotten.
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

// List returns the names in the directory at url; none where it is not there or
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
