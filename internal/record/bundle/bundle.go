// Package bundle gets the archives in which publishers bundle records, one a
// member, whichever way they are packed.
package bundle

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tardoc"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
)

// Stem is a member's name without folder and extension.
func Stem(name string) string {
	return strings.TrimSuffix(path.Base(name), path.Ext(name))
}

// Walk gets the archive at url, zip or a tar in any compression, and visits the
// members that are wanted by name. Those that cannot be read are counted as
// skipped; an archive without any is ErrMalformed.
func Walk(ctx context.Context, g assay.Getter, url string, want func(name string) bool, s assay.Sink, visit func(name string, b []byte) error) error {
	body, err := g.Get(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := walk(ctx, body, url, want, s, visit); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}

func walk(ctx context.Context, body io.Reader, url string, want func(name string) bool, s assay.Sink, visit func(name string, b []byte) error) error {
	found := false
	each := func(name string, b []byte, err error) error {
		found = true
		if err != nil {
			s.Skip(Stem(name), "unreadable member of the archive")
			return nil
		}
		return visit(name, b)
	}
	var err error
	if path.Ext(url) == ".zip" {
		err = zipdoc.Walk(ctx, body, want, each)
	} else {
		err = tardoc.Walk(ctx, body, want, each)
	}
	if err == nil && !found {
		err = fmt.Errorf("no records in it: %w", assay.ErrMalformed)
	}
	return err
}
