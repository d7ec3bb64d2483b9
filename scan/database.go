package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/db"
)

// Database is the advisory database of a folder. It fetches the streams that
// are asked for, and no others, from the feeds when they are missing or old.
type Database struct {
	Dir    string                       // the folder
	Feeds  []assay.Feed                 // that build missing streams, and whose age counts
	Getter func() (assay.Getter, error) // makes what the feeds fetch with; nil: nothing is fetched
	MaxAge time.Duration                // over which a stream is fetched again; 0 means db.DefaultMaxAge, negative never
	Log    *slog.Logger                 // nil means none

	mu    sync.Mutex
	tried map[assay.Stream]bool // streams that were fetched, or failed to be
	open  *db.DB
	used  []assay.Shard // by databases that were open before
}

// Ensure implements Advisories. ErrUnsupported: no feed has a stream.
// ErrNotFound: it is not in the database and may not, or cannot, be fetched.
func (d *Database) Ensure(ctx context.Context, streams []assay.Stream) ([]assay.Gap, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	stale, err := db.Stale(ctx, d.Dir, streams, d.Feeds, d.MaxAge)
	if err != nil {
		return nil, err
	}
	stale = slices.DeleteFunc(stale, func(s assay.Stream) bool { return d.tried[s] || !d.fed(s) })
	var fetchErr error
	if len(stale) > 0 && d.Getter != nil {
		fetchErr = d.fetch(ctx, stale)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	have, err := d.reopen(len(stale) > 0)
	if err != nil {
		return nil, err
	}
	var gaps []assay.Gap
	var errs []error
	for _, s := range streams {
		gap, err := d.judge(s, have[s], fetchErr)
		errs = append(errs, err)
		if gap != nil {
			gaps = append(gaps, *gap)
		}
	}
	return gaps, errors.Join(errs...)
}

// fetch brings streams up to date.
func (d *Database) fetch(ctx context.Context, streams []assay.Stream) error {
	if d.tried == nil {
		d.tried = map[assay.Stream]bool{}
	}
	for _, s := range streams {
		d.tried[s] = true
	}
	g, err := d.Getter()
	if err != nil {
		return err
	}
	b := db.Builder{Log: d.Log}
	_, err = b.Update(ctx, d.Dir, d.Feeds, g, streams)
	return err
}

// fed reports whether a feed has the stream.
func (d *Database) fed(s assay.Stream) bool {
	return slices.ContainsFunc(d.Feeds, func(f assay.Feed) bool {
		return slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) })
	})
}

// reopen opens the database, anew when it changed, and lists its shards.
func (d *Database) reopen(changed bool) (map[assay.Stream]*assay.Shard, error) {
	have := map[assay.Stream]*assay.Shard{}
	if d.open == nil || changed {
		opened, err := db.Open(d.Dir)
		if errors.Is(err, assay.ErrNotFound) {
			return have, nil
		}
		if err != nil {
			return nil, err
		}
		if d.open != nil {
			d.used = d.Used().Shards
			d.open.Close()
		}
		d.open = opened
	}
	shards := d.open.Shards()
	for i := range shards {
		have[shards[i].Stream] = &shards[i]
	}
	return have, nil
}

// A StreamError says why a stream of advisories or details cannot be asked.
type StreamError struct {
	Stream assay.Stream
	Err    error // ErrUnsupported, ErrNotFound, or why fetching did not succeed
}

func (e *StreamError) Error() string { return fmt.Sprintf("%s: %v", e.Stream, e.Err) }
func (e *StreamError) Unwrap() error { return e.Err }

// judge says what is wrong with a stream, if anything is.
func (d *Database) judge(s assay.Stream, shard *assay.Shard, fetchErr error) (*assay.Gap, error) {
	if shard == nil {
		switch {
		case !d.fed(s):
			return nil, &StreamError{s, fmt.Errorf("no feed has it: %w", assay.ErrUnsupported)}
		case fetchErr != nil:
			return nil, &StreamError{s, fmt.Errorf("could not be fetched: %w", fetchErr)}
		case d.Getter == nil:
			return nil, &StreamError{s, fmt.Errorf("not in the database %s, and fetching is turned off: run `assay db update --streams %s` where there is a network: %w", d.Dir, s, assay.ErrNotFound)}
		}
		return nil, &StreamError{s, fmt.Errorf("its publisher has nothing on it: %w", assay.ErrUnsupported)}
	}
	limit := d.MaxAge
	if limit == 0 {
		limit = db.DefaultMaxAge
	}
	for _, f := range shard.Feeds {
		age := time.Since(f.Fetched)
		ours := slices.ContainsFunc(d.Feeds, func(g assay.Feed) bool { return g.Name() == f.Feed })
		if !ours || limit < 0 || age <= limit {
			continue
		}
		why := "fetching is turned off"
		if fetchErr != nil {
			why = strings.ReplaceAll(fetchErr.Error(), "\n", "; ")
		} else if f.Error != "" {
			why = f.Error
		}
		return &assay.Gap{Where: "advisories for " + string(s), What: fmt.Sprintf("%s old, newer ones are not known (feed %s: %s)", age.Round(time.Hour), f.Feed, why)}, nil
	}
	return nil, nil
}

// Lookup implements assay.Advisories.
func (d *Database) Lookup(ctx context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	if d.open == nil {
		return func(yield func(assay.Advisory, error) bool) {
			yield(assay.Advisory{}, fmt.Errorf("no database in %s: %w", d.Dir, assay.ErrNotFound))
		}
	}
	return d.open.Lookup(ctx, s, name)
}

// Detail implements assay.Details.
func (d *Database) Detail(ctx context.Context, id string) (assay.Detail, error) {
	if d.open == nil {
		return assay.Detail{}, assay.ErrNotFound
	}
	return d.open.Detail(ctx, id)
}

// Used implements Advisories.
func (d *Database) Used() assay.Database {
	if d.open == nil {
		return assay.Database{}
	}
	u := d.open.Used()
	for _, s := range d.used {
		if !slices.ContainsFunc(u.Shards, func(t assay.Shard) bool { return t.Stream == s.Stream }) {
			u.Shards = append(u.Shards, s)
		}
	}
	slices.SortFunc(u.Shards, func(a, b assay.Shard) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	for _, s := range u.Shards {
		if u.Built.IsZero() || s.Built.Before(u.Built) {
			u.Built = s.Built
		}
	}
	return u
}

// Close closes the database.
func (d *Database) Close() error {
	if d.open == nil {
		return nil
	}
	return d.open.Close()
}
