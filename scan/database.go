package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
)

// Advisories is where scans look up what publishers say. *Database is the one
// that keeps itself up to date.
type Advisories interface {
	// Session begins the look-ups of one scan. The caller closes it.
	Session() Session
}

// A Session answers one scan from one state of a database: a stream that was
// asked once stays as it was then, whatever others fetch meanwhile. It may be
// used by several goroutines.
type Session interface {
	assay.Advisories
	assay.Details
	assay.Artifacts

	// Ensure makes sure that the streams can be asked. It fetches what is missing
	// or old, where that is allowed, and waits for what another session is
	// fetching. Gaps tell of data that is older than it should be. The error joins
	// a StreamError for each stream that cannot be asked at all.
	Ensure(ctx context.Context, streams []assay.Stream) ([]assay.Gap, error)
	// Search yields the advisories that a query names, by stream and package.
	Search(ctx context.Context, q Query) iter.Seq2[assay.Advisory, error]
	// Used tells which shards this session asked.
	Used() assay.Database
	// Close ends the session. Shards that no session uses are closed.
	Close() error
}

// A Query says which advisories are sought; what is empty does not narrow.
type Query struct {
	ID      string       // of the vulnerability or the publisher's notice, in any case
	Package string       // in the stream's own spelling
	Stream  assay.Stream // may end in ":*"
}

// DatabaseOptions says where advisories come from. The zero value is the user's
// own database, which fetches from all publishers what scans need.
type DatabaseOptions struct {
	CacheDir string // holds the database and the publishers' documents; "" means assay in the user's cache directory

	Offline    bool          // fetch nothing, however old the database is
	SkipUpdate bool          // fetch nothing; data older than MaxAge is a gap
	MaxAge     time.Duration // after which a stream is fetched again; 0 means DefaultMaxAge
	FailOnOld  bool          // advisories older than MaxAge are an error, not a gap

	Fetch     FetchOptions     // how publishers' documents are fetched
	Published PublishedOptions // a published database that is used instead of the publishers

	// Feeds build missing streams, and their age counts. Nil means those of
	// assay that a scan may fetch by itself; all of them, where the documents
	// come from a directory.
	Feeds []assay.Feed

	Getter func() (assay.Getter, error) // makes what the feeds fetch with; nil means Fetch
	Log    *slog.Logger                 // nil means none
}

// DefaultMaxAge is the age after which a stream is fetched again.
const DefaultMaxAge = db.DefaultMaxAge

// retryAfter is how long a long-lived process waits before it asks again for a
// stream that could not be fetched, or of which the publisher has nothing.
const retryAfter = 10 * time.Minute

// A Database is the advisory database of a directory. It fetches the streams that
// scans ask for, and no others, when they are missing or older than MaxAge. Any
// number of scans may use it at once, each by a session of its own; nobody waits
// for a fetch but those who need what is fetched.
type Database struct {
	dir     string
	options DatabaseOptions
	fetch   func(context.Context, []assay.Stream) error // nil: nothing may be fetched
	pool    db.Pool

	mu       sync.Mutex
	attempts map[assay.Stream]*attempt // the last one, of each stream
}

// An attempt is one fetch of a stream, perhaps still under way.
type attempt struct {
	done      chan struct{} // closed when it is over
	err       error         // why it did not succeed; set before done is closed
	abandoned bool          // whoever fetched gave up; another may go on
	at        time.Time     // when it was over
}

// OpenDatabase opens the database of a directory. That need not exist yet. The
// error is an OptionError where the options cannot be meant.
func OpenDatabase(o DatabaseOptions) (*Database, error) {
	cache, err := CacheDir(o.CacheDir)
	if err != nil {
		return nil, err
	}
	o.CacheDir = cache
	if o.Offline && o.FailOnOld {
		return nil, &OptionError{"fail-on-old-db", errors.New("cannot be used with --offline, which accepts any age: use --skip-db-update")}
	}
	if o.Feeds == nil {
		if o.Feeds, err = o.Fetch.feeds(); err != nil {
			return nil, err
		}
	}
	d := &Database{dir: DatabaseDir(cache), options: o, attempts: map[assay.Stream]*attempt{}}
	switch {
	case o.Offline, o.SkipUpdate:
	case len(o.Published.Repositories) > 0:
		d.fetch = d.pull
	default:
		if d.options.Getter == nil {
			d.options.Getter = func() (assay.Getter, error) { return o.Fetch.getter(cache) }
		}
		d.fetch = d.build
	}
	return d, nil
}

// Close closes the database, whose sessions must be closed before.
func (d *Database) Close() error {
	if n := d.pool.Len(); n > 0 {
		return fmt.Errorf("database %s: %d shards are still in use", d.dir, n)
	}
	return nil
}

// Session implements Advisories.
func (d *Database) Session() Session { return &session{database: d, tried: map[assay.Stream]bool{}} }

// pull brings streams from a published database.
func (d *Database) pull(ctx context.Context, streams []assay.Stream) error {
	_, err := d.options.Published.Pull(ctx, d.dir, streams, d.options.Log)
	return err
}

// build brings streams from their publishers.
func (d *Database) build(ctx context.Context, streams []assay.Stream) error {
	g, err := d.options.Getter()
	if err != nil {
		return err
	}
	b := db.Builder{Log: d.options.Log}
	_, err = b.Update(ctx, d.dir, d.options.Feeds, g, streams)
	return err
}

// isPublished reports whether streams come from a published database.
func (d *Database) isPublished() bool { return len(d.options.Published.Repositories) > 0 }

// maxAge is the age that counts; negative where none does.
func (d *Database) maxAge() time.Duration {
	switch {
	case d.options.Offline:
		return -1
	case d.options.MaxAge == 0:
		return DefaultMaxAge
	}
	return d.options.MaxAge
}

// hasFeed reports whether there is where the stream may come from.
func (d *Database) hasFeed(s assay.Stream) bool {
	return d.isPublished() || slices.ContainsFunc(d.options.Feeds, func(f assay.Feed) bool {
		return slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) })
	})
}

// stale lists the streams that are missing or old, and may be fetched now.
func (d *Database) stale(ctx context.Context, streams []assay.Stream) ([]assay.Stream, error) {
	feeds := d.options.Feeds
	if d.isPublished() {
		feeds = nil // whatever feeds it was made of
	}
	stale, err := db.Stale(ctx, d.dir, streams, feeds, d.maxAge())
	if err != nil || d.fetch == nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(stale), func(s assay.Stream) bool {
		a := d.attempts[s]
		recent := a != nil && !a.at.IsZero() && time.Since(a.at) < min(retryAfter, max(d.maxAge(), 0))
		return recent || !d.hasFeed(s)
	}), nil
}

// update fetches streams, and waits for those that others are fetching. No lock
// is held meanwhile. The error is the context's.
func (d *Database) update(ctx context.Context, streams []assay.Stream) error {
	for len(streams) > 0 {
		mine, others := d.claim(streams)
		if len(mine) > 0 {
			err := d.fetch(ctx, mine)
			d.settle(mine, err, ctx.Err() != nil)
		}
		var again []assay.Stream // that somebody gave up who fetched them
		for s, a := range others {
			select {
			case <-a.done:
				if a.abandoned {
					again = append(again, s)
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		slices.Sort(again)
		streams = again
	}
	return nil
}

// claim takes the streams that nobody is fetching, and tells who fetches the rest.
func (d *Database) claim(streams []assay.Stream) (mine []assay.Stream, others map[assay.Stream]*attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	others = map[assay.Stream]*attempt{}
	for _, s := range streams {
		if a := d.attempts[s]; a != nil && a.at.IsZero() {
			others[s] = a
			continue
		}
		d.attempts[s] = &attempt{done: make(chan struct{})}
		mine = append(mine, s)
	}
	return mine, others
}

// settle ends the attempts at streams.
func (d *Database) settle(streams []assay.Stream, err error, abandoned bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range streams {
		a := d.attempts[s]
		a.err, a.abandoned, a.at = err, abandoned, time.Now()
		close(a.done)
		if abandoned {
			delete(d.attempts, s)
		}
	}
}

// failure is why the last attempt at a stream did not succeed; nil where it did,
// or where there was none.
func (d *Database) failure(s assay.Stream) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.attempts[s]; a != nil && !a.at.IsZero() {
		return a.err
	}
	return nil
}
