package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/feed"
	"golang.org/x/sync/errgroup"
)

// maxCopies is how many feeds copy at once: they wait for the network.
const maxCopies = 4

// CopyDocuments copies the publishers' documents about the wanted streams, or
// about all if none is named, to a directory. The directory is then a mirror for
// FetchOptions.Mirrors. It returns the number of copied documents and their
// bytes, also on an error.
func CopyDocuments(ctx context.Context, o FetchOptions, cacheDir, dir string, wanted []assay.Stream) (documents int, size int64, _ error) {
	cache, err := CacheDir(cacheDir)
	if err != nil {
		return 0, 0, err
	}
	if err := checkStreams(feed.All(), wanted); err != nil {
		return 0, 0, err
	}
	f, err := o.getter(cache)
	if err != nil {
		return 0, 0, err
	}
	c := fetch.NewCopier(f, dir)
	err = readAll(ctx, c, feed.All(), wanted)
	documents, size = c.Copied()
	return documents, size, err
}

// readAll lets the feeds read, because only they know their publishers'
// documents.
func readAll(ctx context.Context, g assay.Getter, feeds []assay.Feed, wanted []assay.Stream) error {
	var mu sync.Mutex
	var errs []error
	var group errgroup.Group
	group.SetLimit(maxCopies)
	for _, f := range feeds {
		of := streamsFor(f, wanted)
		if wanted != nil && len(of) == 0 {
			continue
		}
		group.Go(func() error {
			if err := f.Fetch(ctx, g, of, nothing{}); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s: %w", f.Name(), err))
			}
			return ctx.Err()
		})
	}
	return errors.Join(append(errs, group.Wait())...)
}

// streamsFor are the wanted streams of a feed.
func streamsFor(f assay.Feed, wanted []assay.Stream) (of []assay.Stream) {
	for _, s := range f.Streams() {
		for _, w := range wanted {
			if w.Covers(s) {
				of = append(of, s)
			} else if s.Covers(w) {
				of = append(of, w)
			}
		}
	}
	slices.Sort(of)
	return slices.Compact(of)
}

// nothing is a Sink that discards everything.
type nothing struct{}

func (nothing) Advisory(assay.Advisory) error { return nil }
func (nothing) Detail(assay.Detail) error     { return nil }
func (nothing) Skip(string, string)           {}
