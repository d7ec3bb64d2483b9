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

// A Builder brings databases up to date. The zero value is ready to use.
type Builder struct {
	Jobs  int           // feeds read and shards written at once; 0 means runtime.NumCPU()
	Grace time.Duration // how long replaced shards are kept for those who read them; 0 means 1 hour
	Force bool          // read every feed, also where nothing changed
	Log   *slog.Logger  // nil means none; skipped records are at level debug

	// Partial says that the documents come from a mirror that need not have
	// all: a feed that finds none, and gave nothing before, is not an error
	// but among Result.Absent.
	Partial bool
}

// A Result says what an update did, by stream.
type Result struct {
	Built     []assay.Stream // written anew, with other content than before
	Unchanged []assay.Stream // current already
	Missing   []assay.Stream // wanted, and no feed has anything about them
	Absent    []string       // feeds without documents in a partial mirror
}

// run is what one feed is to do in an update, and did.
type run struct {
	feed      assay.Feed
	wanted    []assay.Stream // nil means everything
	covers    []assay.Stream // the same as patterns
	current   bool           // there is nothing new
	sink      *sink
	documents map[string]string
	err       error
}

func (r *run) hasStream(s assay.Stream) bool {
	return slices.ContainsFunc(r.covers, func(w assay.Stream) bool { return w.Covers(s) })
}

// update is an update under way; it holds the lock.
type update struct {
	*Builder
	dir string
	now time.Time
	ix  *index
}

// Update brings the wanted streams of the database in dir up to date; with
// none wanted (nil), everything that the feeds know. It asks only feeds that
// speak of them, and reads only those whose documents changed.
//
// A feed that fails keeps its old records, and its failure is noted in its
// status; the others go on, and the error joins all failures. When the database
// itself cannot be written the old one stays as it was. Only one update runs at
// a time on a directory; others wait.
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
	if err := u.read(ctx, g, runs); err != nil {
		return Result{}, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	res, err := u.exchange(ctx, runs)
	if err != nil {
		return Result{}, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	res.Missing = u.missing(wanted)
	var errs []error
	for _, r := range runs {
		if b.Partial && errors.Is(r.err, assay.ErrNotFound) && !u.gave(r.feed.Name()) {
			res.Absent = append(res.Absent, r.feed.Name())
			continue
		}
		errs = append(errs, r.err)
	}
	return res, errors.Join(errs...)
}

// gave reports whether the database has something by a feed.
func (u *update) gave(feed string) bool {
	return slices.ContainsFunc(u.ix.Shards, func(e entry) bool { return e.status(feed) != nil })
}

// begin takes the directory and reads what is in it.
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

// lock takes the directory for this writer, makes what is missing in it and
// removes what writers that were killed left unfinished.
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

// plan finds what each feed has to do with the wanted streams.
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

// read lets the feeds that have something new write to their spools. Its error
// is one that ends the update; those of feeds are in their runs.
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
				r.err = fmt.Errorf("%s: %w", r.feed.Name(), r.err)
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

func (u *update) jobs() int {
	if u.Jobs > 0 {
		return u.Jobs
	}
	return runtime.NumCPU()
}

// unchanged says whether the database holds what the run would give: a whole
// shard for every stream, made from versions that are current still.
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

// same says whether the documents are of the versions given. Known holds those
// that were asked for before.
func same(ctx context.Context, g assay.Getter, documents, known map[string]string) bool {
	for url, old := range documents {
		now, ok := known[url]
		if !ok {
			var err error
			if now, err = versionOf(ctx, g, url); err != nil {
				return false // the feed will say so
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
