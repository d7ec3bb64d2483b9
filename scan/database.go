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

// Advisories is where scans look up advisories. *Database implements it and
// keeps itself up to date.
type Advisories interface {
	// Session begins the look-ups of one scan. The caller closes it.
	Session() Session
}

// A Session answers one scan from one state of a database: a stream that was
// asked once stays unchanged, even if others fetch it again meanwhile. Several
// goroutines may use it.
type Session interface {
	assay.Advisories
	assay.Details
	assay.Artifacts

	// Ensure makes sure that the streams can be asked. It fetches missing and
	// old streams if that is allowed, and waits for streams that another session
	// is fetching. Gaps report data that are too old. The error joins a
	// StreamError for each stream that cannot be asked.
	Ensure(ctx context.Context, streams []assay.Stream) ([]assay.Gap, error)
	// Search yields the advisories that match a query, by stream and package.
	Search(ctx context.Context, q Query) iter.Seq2[assay.Advisory, error]
	// Used returns the shards that this session asked.
	Used() assay.Database
	// Close ends the session. Shards that no session uses are closed.
	Close() error
}

// A Query selects advisories; an empty field does not restrict it.
type Query struct {
	ID      string       // of the vulnerability or the publisher's notice, in any case
	Package string       // in the stream's own spelling
	Stream  assay.Stream // may end in ":*"
}

// DatabaseOptions are the sources of advisories. The zero value is the user's
// own database, which fetches what scans need from all publishers.
type DatabaseOptions struct {
	CacheDir string // directory of the database and the publishers' documents; "" means assay in the user's cache directory

	Offline    bool          // fetch nothing, however old the database is
	SkipUpdate bool          // fetch nothing; data older than MaxAge are a gap
	MaxAge     time.Duration // age after which a stream is fetched again; 0 means DefaultMaxAge
	FailOnOld  bool          // advisories older than MaxAge are an error, not a gap

	Fetch     FetchOptions     // how publishers' documents are fetched
	Published PublishedOptions // a published database to use instead of the publishers

	// Feeds build missing streams, and the age of their data counts. Nil means
	// the feeds that a scan may fetch; if the documents come from a directory,
	// all of assay's feeds.
	Feeds []assay.Feed

	Getter func() (assay.Getter, error) // creates the Getter of the feeds; nil means Fetch
	Log    *slog.Logger                 // nil means none
}

// DefaultMaxAge is the age after which a stream is fetched again.
const DefaultMaxAge = db.DefaultMaxAge

// retryAfter is how long a long-running process waits before it asks again for a
// stream that cannot be fetched, or that the publisher does not have.
const retryAfter = 10 * time.Minute

// A Database is the advisory database in a directory. It fetches only streams
// that scans ask for, when they are missing or older than MaxAge. Any number of
// scans may use it at once, each through its own session. A scan that needs no
// fetch waits for none; fetches into one directory run one after another.
type Database struct {
	dir     string
	options DatabaseOptions
	fetch   func(context.Context, []assay.Stream) error // nil if fetching is turned off
	pool    db.Pool

	mu       sync.Mutex
	attempts map[assay.Stream]*attempt // the last attempt for each stream
}

// An attempt is one fetch of a stream, finished or running.
type attempt struct {
	done      chan struct{} // closed when the attempt ends
	err       error         // why it failed; set before done is closed
	abandoned bool          // the fetching session gave up; another one may try again
	at        time.Time     // when it ended
}

// OpenDatabase opens the database in a directory, which need not exist yet. The
// error is an OptionError if the options are invalid.
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

// Close closes the database. Its sessions must be closed before.
func (d *Database) Close() error {
	if n := d.pool.Len(); n > 0 {
		return fmt.Errorf("database %s: %d shards are still in use", d.dir, n)
	}
	return nil
}

// Session implements Advisories.
func (d *Database) Session() Session { return &session{database: d, tried: map[assay.Stream]bool{}} }

// pull fetches streams from a published database.
func (d *Database) pull(ctx context.Context, streams []assay.Stream) error {
	_, err := d.options.Published.Pull(ctx, d.dir, streams, d.options.Log)
	return err
}

// build builds streams from their publishers' documents.
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

// maxAge is the maximum age; negative if the age does not matter.
func (d *Database) maxAge() time.Duration {
	switch {
	case d.options.Offline:
		return -1
	case d.options.MaxAge == 0:
		return DefaultMaxAge
	}
	return d.options.MaxAge
}

// hasFeed reports whether a source for the stream is known.
func (d *Database) hasFeed(s assay.Stream) bool {
	return d.isPublished() && d.fetch != nil || slices.ContainsFunc(d.options.Feeds, func(f assay.Feed) bool {
		return slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) })
	})
}

// stale lists the streams that are missing, old or without their main feed, and that may
// be fetched now.
func (d *Database) stale(ctx context.Context, streams []assay.Stream) ([]assay.Stream, error) {
	feeds := d.options.Feeds
	if d.isPublished() {
		feeds = nil // whatever feeds built it
	}
	stale, err := d.pool.Stale(ctx, d.dir, streams, feeds, d.maxAge())
	if err != nil || d.fetch == nil {
		return nil, err
	}
	if stale, err = d.addIncomplete(stale, streams); err != nil {
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

// addIncomplete adds the streams whose shard was built without their main feed.
func (d *Database) addIncomplete(stale, streams []assay.Stream) ([]assay.Stream, error) {
	open, err := db.OpenIn(d.dir, &d.pool)
	if errors.Is(err, assay.ErrNotFound) {
		return stale, nil
	}
	if err != nil {
		return nil, err
	}
	defer open.Close()
	have := byStream(open.Shards())
	stale = slices.Clone(stale)
	for _, s := range streams {
		if d.incomplete(have[s]) != nil && !slices.Contains(stale, s) {
			stale = append(stale, s)
		}
	}
	return stale, nil
}

// update fetches streams, and waits for those that others are fetching. It holds
// no lock meanwhile. The error is the context's.
func (d *Database) update(ctx context.Context, streams []assay.Stream) error {
	for len(streams) > 0 {
		mine, others := d.claim(streams)
		if len(mine) > 0 {
			d.try(ctx, mine)
		}
		var again []assay.Stream // that the fetching session gave up
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

// try fetches streams that were claimed. Others wait for the result, whatever
// happens.
func (d *Database) try(ctx context.Context, streams []assay.Stream) {
	err := errors.New("internal error while fetching") // unless fetch returns
	defer func() { d.endAttempts(streams, err, ctx.Err() != nil) }()
	err = d.fetch(ctx, streams)
}

// claim reserves the streams that no session is fetching, and returns the
// attempts at the others.
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

// endAttempts ends the attempts at streams.
func (d *Database) endAttempts(streams []assay.Stream, err error, abandoned bool) {
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

// failure is why the last attempt at a stream failed; nil if it succeeded or
// there was none. Errors of feeds without this stream do not count.
func (d *Database) failure(s assay.Stream) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.attempts[s]; a != nil && !a.at.IsZero() {
		return errors.Join(slices.DeleteFunc(splitErrors(a.err), func(err error) bool {
			var failed *db.FeedError
			return errors.As(err, &failed) && !failed.Covers(s)
		})...)
	}
	return nil
}
