// Package bundle fetches the archives in which publishers bundle records, one
// record in each member, in any archive format.
package bundle

import (
	"context"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tardoc"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
	"github.com/assaysec/assay/internal/record/document"
)

// Stem is a member's name without directory and extension.
func Stem(name string) string {
	return strings.TrimSuffix(path.Base(name), path.Ext(name))
}

// Walk fetches the archive at url, zip or a tar with any compression, and visits
// the members whose names are wanted. Unreadable members are counted as skipped.
// An archive without a wanted member is ErrMalformed.
func Walk(ctx context.Context, g assay.Getter, url string, want func(name string) bool, s assay.Sink, visit func(name string, b []byte) error) error {
	return document.Records(ctx, g, url, func(body io.Reader) (found bool, err error) {
		each := func(name string, b []byte, err error) error {
			found = true
			if err != nil {
				s.Skip(Stem(name), "unreadable archive member")
				return nil
			}
			return visit(name, b)
		}
		if path.Ext(url) == ".zip" {
			err = zipdoc.Walk(ctx, body, want, each)
		} else {
			err = tardoc.Walk(ctx, body, want, each)
		}
		return found, err
	})
}
