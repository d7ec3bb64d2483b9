package debianchangelogs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/encoding/tardoc"
)

const (
	maxChangelog = 32 << 20 // the kernel's has 3 MB
	maxDiff      = 1 << 30  // a difference to upstream, unpacked
)

var errFound = errors.New("found")

// changelog reads debian/changelog from a package's file; nil if the file has
// none.
func changelog(ctx context.Context, r io.Reader, diff bool) (log []byte, err error) {
	if diff {
		return fromDiff(r)
	}
	err = tardoc.Walk(ctx, r, isChangelog, func(_ string, content []byte, err error) error {
		if err != nil {
			return err
		}
		if len(content) > maxChangelog {
			return fmt.Errorf("changelog over %d bytes: %w", maxChangelog, assay.ErrTooLarge)
		}
		log = content
		return errFound
	})
	if err != nil && !errors.Is(err, errFound) {
		return nil, err
	}
	return log, nil
}

// isChangelog reports whether a path is that of the changelog: at the root of
// the packaging, or one level below in a native package.
func isChangelog(name string) bool {
	dir, file := path.Split(strings.TrimPrefix(name, "./"))
	dir = strings.TrimSuffix(dir, "/")
	return file == "changelog" && path.Base(dir) == "debian" && strings.Count(dir, "/") <= 1
}

// fromDiff collects the lines that a unified diff adds to the changelog.
func fromDiff(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	var log bytes.Buffer
	inside := false
	for l, err := range stanza.Lines(limit.Reader(z, maxDiff)) {
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, tar.ErrHeader) {
				err = fmt.Errorf("%w: %w", err, assay.ErrMalformed)
			}
			return nil, err
		}
		switch {
		case strings.HasPrefix(l.Text, "+++ "):
			name, _, _ := strings.Cut(l.Text[4:], "\t")
			inside = isChangelog(strings.TrimSpace(name))
		case inside && strings.HasPrefix(l.Text, "+"):
			if log.Len() > maxChangelog {
				return nil, fmt.Errorf("changelog over %d bytes: %w", maxChangelog, assay.ErrTooLarge)
			}
			log.WriteString(l.Text[1:] + "\n")
		}
	}
	if log.Len() == 0 {
		return nil, nil
	}
	return log.Bytes(), nil
}
