package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"github.com/assaysec/assay"
)

// A Builder updates databases. The zero value is ready to use.
type Builder struct {
	Jobs  int           // feeds read and shards written at once; 0 means runtime.NumCPU()
	Grace time.Duration // how long replaced shards are kept for readers; 0 means 1 hour
	Force bool          // read every feed, even without changes
	Log   *slog.Logger  // nil means none; skipped records are at level debug

	// Partial means that the documents come from an incomplete mirror: a feed
	// without documents that gave nothing before is in Result.Absent instead of
	// an error.
	Partial bool
}

// A Result is the result of an update, by stream.
type Result struct {
	Built     []assay.Stream // written again with changed content
	Unchanged []assay.Stream // already current
	Missing   []assay.Stream // wanted, but no feed has data for them
	Absent    []string       // feeds without documents in a partial mirror
}

// run is the work of one feed in an update, and its result.
type run struct {
	feed      assay.Feed
	wanted    []assay.Stream // nil means all
	covers    []assay.Stream // the same as patterns
	current   bool           // nothing has changed
	sink      *sink
	documents map[string]string
	err       error
}

func (r *run) hasStream(s assay.Stream) bool {
	return slices.ContainsFunc(r.covers, func(w assay.Stream) bool { return w.Covers(s) })
}

// update is a running update; it has the lock.
type update struct {
	*Builder
	dir string
	now time.Time
	ix  *index
}

// Update updates the wanted streams of the database in dir; nil means all
// streams of the feeds. It asks only the feeds of these streams, and reads only
// feeds whose documents changed.
//
// If a feed fails, its old records stay, and its status has the error. The other
// feeds continue, and the error joins all failures. If the database itself
// cannot be written, the old one stays unchanged. Only one update at a time runs
// on a directory; others wait.
func (b *Builder) Update(ctx context.Context, dir string, feeds []assay.Feed, g assay.Getter, wanted []assay.Stream) (Result, error) {
	u, unlock, err := b.begin(ctx, dir)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	runs := plan(feeds, wanted)
	defer func() {
		for _, r := range runs {
			if r.sink != nil {
				r.sink.close()
			}
		}
	}()
	err = u.read(ctx, g, runs)
	if err == nil {
		runs, err = u.readApart(ctx, g, runs)
	}
	if err != nil {
		return Result{}, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	res, err := u.exchange(ctx, runs)
	if err != nil {
		return Result{}, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	res.Missing = u.missing(wanted)
	var errs []error
	res.Absent, errs = u.failures(runs)
	return res, errors.Join(errs...)
}

// failures returns the errors of the runs, without those of feeds that a partial mirror
// does not have. These are absent: "osv", or "osv (npm, pub)" for some of its streams.
func (u *update) failures(runs []*run) (absent []string, errs []error) {
	streams, present := map[string][]string{}, map[string]bool{}
	var feeds []string
	for _, r := range runs {
		name := r.feed.Name()
		if !u.Partial || !errors.Is(r.err, assay.ErrNotFound) || u.gave(r) {
			errs = append(errs, r.err)
			present[name] = true
			continue
		}
		if !slices.Contains(feeds, name) {
			feeds = append(feeds, name)
		}
		for _, s := range r.covers {
			streams[name] = append(streams[name], string(s))
		}
	}
	for _, name := range feeds {
		if present[name] {
			name += " (" + strings.Join(streams[name], ", ") + ")"
		}
		absent = append(absent, name)
	}
	return absent, errs
}

// gave reports whether the database has data from a run's feed for its streams.
func (u *update) gave(r *run) bool {
	return slices.ContainsFunc(u.ix.Shards, func(e entry) bool { return r.hasStream(e.Stream) && e.status(r.feed.Name()) != nil })
}

// A FeedError reports that a feed could not be read for some streams.
type FeedError struct {
	Feed    string
	Streams []assay.Stream // patterns
	Err     error
}

func (e *FeedError) Error() string { return e.Feed + ": " + e.Err.Error() }
func (e *FeedError) Unwrap() error { return e.Err }

// Covers reports whether the feed could not be read for a stream.
func (e *FeedError) Covers(s assay.Stream) bool {
	return slices.ContainsFunc(e.Streams, func(p assay.Stream) bool { return p.Covers(s) })
}

// begin locks the directory and reads the database.
func (b *Builder) begin(ctx context.Context, dir string) (_ *update, unlock func(), err error) {
	unlock, err = lock(ctx, dir)
	if err != nil {
		return nil, nil, fmt.Errorf("database %s: %w", dir, err)
	}
	ix, err := readIndex(dir)
	if errors.Is(err, assay.ErrNotFound) {
		ix, err = &index{Format: Format}, nil
	}
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return &update{Builder: b, dir: dir, now: time.Now().UTC().Truncate(time.Second), ix: ix}, unlock, nil
}

// lock locks the directory for this writer, creates missing parts and removes
// unfinished files of killed writers.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(dir, shardsName), 0o755); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, lockName))
	if ok, err := l.TryLockContext(ctx, 100*time.Millisecond); !ok {
		return nil, fmt.Errorf("waiting for another update: %w", err)
	}
	temp := filepath.Join(dir, tempName)
	os.RemoveAll(temp)
	if err := os.MkdirAll(temp, 0o755); err != nil {
		l.Close()
		return nil, err
	}
	return func() { os.RemoveAll(temp); l.Close() }, nil
}

// plan decides what each feed has to do for the wanted streams.
func plan(feeds []assay.Feed, wanted []assay.Stream) []*run {
	var runs []*run
	for _, f := range feeds {
		r := &run{feed: f}
		if wanted == nil {
			r.covers = f.Streams()
		}
		for _, w := range wanted {
			for _, p := range f.Streams() {
				switch {
				case p.Covers(w):
					r.wanted = append(r.wanted, w)
				case w.Covers(p):
					r.wanted = append(r.wanted, p)
				}
			}
		}
		if wanted != nil {
			slices.Sort(r.wanted)
			r.wanted = slices.Compact(r.wanted)
			r.covers = r.wanted
		}
		if len(r.covers) > 0 {
			runs = append(runs, r)
		}
	}
	return runs
}

// read lets the feeds with changes write to their spools. A returned error ends
// the update; errors of feeds are in their runs.
func (u *update) read(ctx context.Context, g assay.Getter, runs []*run) error {
	var group errgroup.Group
	group.SetLimit(u.jobs())
	for _, r := range runs {
		group.Go(func() error {
			if !u.Force && u.unchanged(ctx, g, r) {
				r.current = true
				return nil
			}
			rec := newRecorder(g)
			fetched := u.now
			if f, ok := r.feed.(assay.DatedFeed); ok {
				fetched = f.Date().UTC().Truncate(time.Second)
			}
			r.sink = &sink{
				feed: r.feed.Name(), wanted: r.covers, temp: filepath.Join(u.dir, tempName), log: u.Log,
				spools: map[assay.Stream]*spool{}, status: assay.FeedStatus{Feed: r.feed.Name(), Fetched: fetched},
			}
			if r.err = rec.fetch(ctx, r.feed, r.wanted, r.sink); r.err != nil {
				r.err = &FeedError{Feed: r.feed.Name(), Streams: r.covers, Err: r.err}
			}
			r.documents = rec.documents
			if err := ctx.Err(); err != nil {
				return err
			}
			return r.sink.err
		})
	}
	return group.Wait()
}

// readApart reads feeds again stream by stream if a document of one of their streams is
// missing or malformed, because it must not cost the others.
func (u *update) readApart(ctx context.Context, g assay.Getter, runs []*run) ([]*run, error) {
	var out []*run
	for _, r := range runs {
		_, isImported := r.feed.(assay.DatedFeed)
		if isImported || len(r.covers) < 2 || !errors.Is(r.err, assay.ErrNotFound) && !errors.Is(r.err, assay.ErrMalformed) {
			out = append(out, r)
			continue
		}
		var parts []*run
		for _, s := range r.covers {
			parts = append(parts, &run{feed: r.feed, wanted: []assay.Stream{s}, covers: []assay.Stream{s}})
		}
		if err := u.read(ctx, g, parts); err != nil {
			return append(append(out, r), parts...), err
		}
		if !slices.ContainsFunc(parts, func(p *run) bool { return p.err == nil || p.err.Error() != r.err.Error() }) {
			parts = []*run{r} // one document is about all streams
		} else {
			r.sink.close()
		}
		out = append(out, parts...)
	}
	return out, nil
}

func (u *update) jobs() int {
	if u.Jobs > 0 {
		return u.Jobs
	}
	return runtime.NumCPU()
}

// unchanged reports whether the database already has the result of the run: an
// intact shard for every stream, built from documents that are still current.
func (u *update) unchanged(ctx context.Context, g assay.Getter, r *run) bool {
	if _, ok := g.(assay.Digester); !ok {
		return false
	}
	known := map[string]string{}
	for _, w := range r.covers {
		found := false
		for i := range u.ix.Shards {
			e := &u.ix.Shards[i]
			src := e.source(r.feed.Name())
			if src == nil || !w.Covers(e.Stream) {
				continue
			}
			whole := w == e.Stream || src.Scope == nil || slices.Contains(src.Scope, w)
			if r.wanted == nil {
				whole = src.Scope == nil
			}
			if !whole || src.Documents == nil || intact(ctx, u.path(e), e, false) != nil || !same(ctx, g, src.Documents, known) {
				return false
			}
			found = true
		}
		if !found {
			return false
		}
	}
	return true
}

// same reports whether the documents have the given versions. Known is a cache
// of current versions.
func same(ctx context.Context, g assay.Getter, documents, known map[string]string) bool {
	for url, old := range documents {
		now, ok := known[url]
		if !ok {
			var err error
			if now, err = versionOf(ctx, g, url); err != nil {
				return false // the feed will report it
			}
			known[url] = now
		}
		if now != old {
			return false
		}
	}
	return true
}

func (u *update) path(e *entry) string { return filepath.Join(u.dir, shardsName, e.file()) }

// missing lists the wanted streams without a shard.
func (u *update) missing(wanted []assay.Stream) []assay.Stream {
	var out []assay.Stream
	for _, w := range wanted {
		if !slices.ContainsFunc(u.ix.Shards, func(e entry) bool { return w.Covers(e.Stream) }) {
			out = append(out, w)
		}
	}
	return out
}

func byStream(a, b entry) int { return strings.Compare(string(a.Stream), string(b.Stream)) }
