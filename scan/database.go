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
	"github.com/assaysec/assay/internal/database/db"
)

// Database is the advisory database of a folder. It fetches the streams that
// are asked for, and no others, when they are missing or old: from the feeds,
// or from where a database is published. Several scans may use it at once.
type Database struct {
	Dir     string                       // the folder
	Feeds   []assay.Feed                 // that build missing streams, and whose age counts
	Getter  func() (assay.Getter, error) // makes what the feeds fetch with; nil: nothing is fetched from publishers
	MaxAge  time.Duration                // over which a stream is fetched again; 0 means db.DefaultMaxAge, negative never
	FailOld bool                         // a stream of advisories that is older than MaxAge is an error, not a gap
	Log     *slog.Logger                 // nil means none

	// Pull, where set, brings streams from a published database instead of
	// from the feeds, which are not asked then.
	Pull func(context.Context, []assay.Stream) error

	fetching sync.Mutex            // held while streams are made ready, which may take minutes
	tried    map[assay.Stream]bool // streams that were fetched, or failed to be

	mu  sync.Mutex
	dbs []*db.DB // open ones, the newest last; a scan may still ask an older one
}

// Ensure implements Advisories. ErrUnsupported: no feed has a stream.
// ErrNotFound: it is not in the database and may not, or cannot, be fetched.
func (d *Database) Ensure(ctx context.Context, streams []assay.Stream) ([]assay.Gap, error) {
	d.fetching.Lock()
	defer d.fetching.Unlock()
	feeds := d.Feeds
	if d.Pull != nil {
		feeds = nil // whatever feeds it was made of
	}
	stale, err := db.Stale(ctx, d.Dir, streams, feeds, d.MaxAge)
	if err != nil {
		return nil, err
	}
	stale = slices.DeleteFunc(stale, func(s assay.Stream) bool { return d.tried[s] || !d.fed(s) })
	var fetchErr error
	if len(stale) > 0 && (d.Getter != nil || d.Pull != nil) {
		fetchErr = d.fetch(ctx, stale)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	have, err := d.reopen(len(stale) > 0)
	if err != nil {
		return nil, err
	}
	var errs []error
	var ages []age
	byAge := map[string][]assay.Stream{}
	for _, s := range streams {
		old, err := d.judge(s, have[s], fetchErr)
		errs = append(errs, err)
		if old != nil {
			key := old.feed + "\x00" + old.why
			if byAge[key] == nil {
				ages = append(ages, *old)
			}
			byAge[key] = append(byAge[key], s)
		}
	}
	var gaps []assay.Gap
	for _, a := range ages {
		old := byAge[a.feed+"\x00"+a.why]
		g := aged(a, old)
		if d.FailOld && slices.ContainsFunc(old, decides) {
			errs = append(errs, fmt.Errorf("%s: %s: %w; a scan may not use them with --fail-on-old-db", g.Where, g.What, errOld))
			continue
		}
		gaps = append(gaps, g)
	}
	return gaps, errors.Join(errs...)
}

var errOld = errors.New("too old")

// decides reports whether a stream holds advisories, not what is known besides.
func decides(s assay.Stream) bool {
	return s != assay.StreamKEV && s != assay.StreamEPSS && s != assay.StreamEOL && s.Family() != assay.StreamDetails
}

// fetch brings streams up to date.
func (d *Database) fetch(ctx context.Context, streams []assay.Stream) error {
	if d.tried == nil {
		d.tried = map[assay.Stream]bool{}
	}
	for _, s := range streams {
		d.tried[s] = true
	}
	if d.Pull != nil {
		return d.Pull(ctx, streams)
	}
	g, err := d.Getter()
	if err != nil {
		return err
	}
	b := db.Builder{Log: d.Log}
	_, err = b.Update(ctx, d.Dir, d.Feeds, g, streams)
	return err
}

// fed reports whether there is where the stream may come from.
func (d *Database) fed(s assay.Stream) bool {
	return d.Pull != nil || slices.ContainsFunc(d.Feeds, func(f assay.Feed) bool {
		return slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) })
	})
}

// reopen opens the database, anew when it changed, and lists its shards.
func (d *Database) reopen(changed bool) (map[assay.Stream]*assay.Shard, error) {
	have := map[assay.Stream]*assay.Shard{}
	open := d.newest()
	if open == nil || changed {
		var err error
		open, err = db.Open(d.Dir)
		if errors.Is(err, assay.ErrNotFound) {
			return have, nil
		}
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		d.dbs = append(d.dbs, open)
		d.mu.Unlock()
	}
	shards := open.Shards()
	for i := range shards {
		have[shards[i].Stream] = &shards[i]
	}
	return have, nil
}

// newest is the database that is asked; nil when none is open.
func (d *Database) newest() *db.DB {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.dbs) == 0 {
		return nil
	}
	return d.dbs[len(d.dbs)-1]
}

// A StreamError says why a stream of advisories or details cannot be asked.
type StreamError struct {
	Stream assay.Stream
	Err    error // ErrUnsupported, ErrNotFound, or why fetching did not succeed
}

func (e *StreamError) Error() string { return fmt.Sprintf("%s: %v", e.Stream, e.Err) }
func (e *StreamError) Unwrap() error { return e.Err }

// judge says what is wrong with a stream: that it cannot be asked, or is old.
func (d *Database) judge(s assay.Stream, shard *assay.Shard, fetchErr error) (*age, error) {
	if shard == nil {
		switch {
		case !d.fed(s):
			return nil, &StreamError{s, fmt.Errorf("no feed has it: %w", assay.ErrUnsupported)}
		case fetchErr != nil:
			return nil, &StreamError{s, fmt.Errorf("could not be fetched: %w", fetchErr)}
		case d.Pull != nil:
			return nil, &StreamError{s, fmt.Errorf("not in the published database: %w", assay.ErrUnsupported)}
		case d.Getter == nil:
			return nil, &StreamError{s, fmt.Errorf("not in the database %s, and fetching is turned off: run `assay db update` where there is a network (--streams chooses what): %w", d.Dir, assay.ErrNotFound)}
		}
		return nil, &StreamError{s, fmt.Errorf("its publisher has nothing on it: %w", assay.ErrUnsupported)}
	}
	return d.old(shard, fetchErr), nil
}

// age is what is too old in a shard, and why there is nothing newer.
type age struct {
	feed, why string
	age       time.Duration
}

// old finds the first feed of a shard whose publisher was asked too long ago.
func (d *Database) old(shard *assay.Shard, fetchErr error) *age {
	limit := d.MaxAge
	if limit == 0 {
		limit = db.DefaultMaxAge
	}
	for _, f := range shard.Feeds {
		a := time.Since(f.Fetched)
		ours := d.Pull != nil || d.imported(shard) || slices.ContainsFunc(d.Feeds, func(g assay.Feed) bool { return g.Name() == f.Feed })
		if !ours || limit < 0 || !db.Old(f.Fetched, limit) {
			continue
		}
		why := "fetching is turned off"
		if fetchErr != nil {
			why, _, _ = strings.Cut(fetchErr.Error(), "\n")
		} else if f.Error != "" {
			why = f.Error
		}
		return &age{f.Feed, why, a}
	}
	return nil
}

// imported reports whether none of the feeds gave to the shard, as after an import:
// then the age of what there is counts.
func (d *Database) imported(shard *assay.Shard) bool {
	return !slices.ContainsFunc(shard.Feeds, func(f assay.FeedStatus) bool {
		return slices.ContainsFunc(d.Feeds, func(g assay.Feed) bool { return g.Name() == f.Feed })
	})
}

// aged makes a gap of streams that are old for the same reason.
func aged(a age, streams []assay.Stream) assay.Gap {
	unit := time.Hour
	if a.age < unit {
		unit = time.Second
	}
	var names []string
	for _, s := range streams {
		names = append(names, string(s))
	}
	if a.age < 0 {
		return assay.Gap{Where: "advisories of feed " + a.feed, What: fmt.Sprintf("their date is %s ahead of this machine's clock, so that their age is not known (%s): %s",
			strings.TrimSuffix((-a.age).Round(time.Second).String(), "0s"), strings.Join(names, ", "), a.why)}
	}
	return assay.Gap{Where: "advisories of feed " + a.feed, What: fmt.Sprintf("%s old, newer ones are not known (%s): %s",
		strings.TrimSuffix(a.age.Round(unit).String(), "0m0s"), strings.Join(names, ", "), a.why)}
}

// Lookup implements assay.Advisories.
func (d *Database) Lookup(ctx context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	if c := d.newest(); c != nil {
		return c.Lookup(ctx, s, name)
	}
	return func(yield func(assay.Advisory, error) bool) {
		yield(assay.Advisory{}, fmt.Errorf("no database in %s: %w", d.Dir, assay.ErrNotFound))
	}
}

// Detail implements assay.Details.
func (d *Database) Detail(ctx context.Context, id string) (assay.Detail, error) {
	if c := d.newest(); c != nil {
		return c.Detail(ctx, id)
	}
	return assay.Detail{}, assay.ErrNotFound
}

// Artifact implements assay.Artifacts, by what there is: the digests of all that
// registries published are not fetched for a scan.
func (d *Database) Artifact(ctx context.Context, sha1 [20]byte) ([]assay.Artifact, error) {
	c := d.newest()
	if c == nil {
		d.fetching.Lock()
		_, err := d.reopen(false)
		d.fetching.Unlock()
		if err != nil {
			return nil, err
		}
		if c = d.newest(); c == nil {
			return nil, assay.ErrNotFound
		}
	}
	return c.Artifact(ctx, sha1)
}

// Used implements Advisories: all shards that were asked, in their last state.
func (d *Database) Used() assay.Database {
	d.mu.Lock()
	defer d.mu.Unlock()
	var u assay.Database
	for _, open := range slices.Backward(d.dbs) {
		v := open.Used()
		if u.Digest == "" {
			u.Digest = v.Digest
		}
		for _, s := range v.Shards {
			if !slices.ContainsFunc(u.Shards, func(t assay.Shard) bool { return t.Stream == s.Stream }) {
				u.Shards = append(u.Shards, s)
			}
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
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, open := range d.dbs {
		errs = append(errs, open.Close())
	}
	d.dbs = nil
	return errors.Join(errs...)
}
