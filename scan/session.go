package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/feed"
)

// session is a Session of a Database.
type session struct {
	database *Database

	mu    sync.Mutex            // not held during a fetch
	db    *db.DB                // nil before first use, and without a database
	tried map[assay.Stream]bool // streams that this session fetched
}

// Ensure implements Session.
func (s *session) Ensure(ctx context.Context, streams []assay.Stream) ([]assay.Gap, error) {
	d := s.database
	stale, err := d.stale(ctx, streams)
	if err != nil {
		return nil, err
	}
	stale = s.notYetFetched(stale)
	if err := d.update(ctx, stale); err != nil {
		return nil, err
	}
	have, err := s.shards()
	if err != nil {
		return nil, err
	}
	var errs []error
	var gaps []assay.Gap
	var ages []*age
	byAge := map[string][]assay.Stream{}
	for _, name := range streams {
		old, err := d.judge(name, have[name])
		errs = append(errs, err)
		if g := d.incomplete(have[name]); g != nil {
			gaps = append(gaps, *g)
		}
		if old != nil {
			if byAge[old.key()] == nil {
				ages = append(ages, old)
			}
			byAge[old.key()] = append(byAge[old.key()], name)
		}
	}
	for _, a := range ages {
		old := byAge[a.key()]
		g := a.gap(old)
		if d.options.FailOnOld && slices.ContainsFunc(old, isAdvisories) {
			errs = append(errs, fmt.Errorf("%s: %s: %w; a scan may not use them with --fail-on-old-db", g.Where, g.What, errOld))
			continue
		}
		gaps = append(gaps, g)
	}
	return gaps, errors.Join(errs...)
}

var errOld = errors.New("too old")

// notYetFetched returns the streams that this session has not fetched yet.
func (s *session) notYetFetched(streams []assay.Stream) (out []assay.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range streams {
		if !s.tried[name] {
			s.tried[name] = true
			out = append(out, name)
		}
	}
	return out
}

// isAdvisories reports whether a stream has advisories, not details.
func isAdvisories(s assay.Stream) bool {
	return s != assay.StreamKEV && s != assay.StreamEPSS && s != assay.StreamEOL && s.Family() != assay.StreamDetails
}

// shards lists the shards of this session by stream: as they were when a stream
// was asked first, and as they are now for the others.
func (s *session) shards() (map[assay.Stream]*assay.Shard, error) {
	open, fresh, err := s.openView()
	if err != nil || open == nil {
		return nil, err
	}
	if !fresh {
		if err := open.Refresh(); err != nil {
			return nil, err
		}
	}
	return byStream(open.Shards()), nil
}

func byStream(shards []assay.Shard) map[assay.Stream]*assay.Shard {
	out := map[assay.Stream]*assay.Shard{}
	for i := range shards {
		out[shards[i].Stream] = &shards[i]
	}
	return out
}

// openView is the session's view of the database; nil without a database. It is
// fresh if it was opened by this call.
func (s *session) openView() (_ *db.DB, fresh bool, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db != nil {
		return s.db, false, nil
	}
	open, err := db.OpenIn(s.database.dir, &s.database.pool)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	s.db = open
	return open, true, nil
}

// requireDatabase opens the database for look-ups: a missing database is an error.
func (s *session) requireDatabase() (*db.DB, error) {
	open, _, err := s.openView()
	if err == nil && open == nil {
		err = fmt.Errorf("no database in %s: run `assay db update` first: %w", s.database.dir, assay.ErrNotFound)
	}
	return open, err
}

// Lookup implements assay.Advisories.
func (s *session) Lookup(ctx context.Context, stream assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	open, err := s.requireDatabase()
	if err != nil {
		return failed(err)
	}
	return open.Lookup(ctx, stream, name)
}

// Names lists the names of packages in a stream.
func (s *session) Names(ctx context.Context, stream assay.Stream) iter.Seq2[string, error] {
	open, err := s.requireDatabase()
	if err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return open.Names(ctx, stream)
}

// Search implements Session.
func (s *session) Search(ctx context.Context, q Query) iter.Seq2[assay.Advisory, error] {
	open, err := s.requireDatabase()
	if err != nil {
		return failed(err)
	}
	return open.Search(ctx, db.Query(q))
}

// failed yields only an error.
func failed(err error) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) { yield(assay.Advisory{}, err) }
}

// Detail implements assay.Details.
func (s *session) Detail(ctx context.Context, id string) (assay.Detail, error) {
	open, err := s.requireDatabase()
	if err != nil {
		return assay.Detail{}, err
	}
	return open.Detail(ctx, id)
}

// Artifact implements assay.Artifacts with the data in the database: a scan does
// not fetch the digests of all published archives.
func (s *session) Artifact(ctx context.Context, sha1 [20]byte) ([]assay.Artifact, error) {
	open, err := s.requireDatabase()
	if err != nil {
		return nil, err
	}
	return open.Artifact(ctx, sha1)
}

// Used implements Session.
func (s *session) Used() assay.Database {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return assay.Database{}
	}
	return s.db.Used()
}

// Close implements Session.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	return err
}

// A StreamError reports that a stream of advisories or details cannot be asked.
type StreamError struct {
	Stream assay.Stream
	Err    error // ErrUnsupported, ErrNotFound, or the error of fetching
}

func (e *StreamError) Error() string { return fmt.Sprintf("%s: %v", e.Stream, e.Err) }
func (e *StreamError) Unwrap() error { return e.Err }

// judge returns what is wrong with a stream: an error if it cannot be asked, or
// its age if it is old.
func (d *Database) judge(s assay.Stream, shard *assay.Shard) (*age, error) {
	failure := d.failure(s)
	if shard != nil {
		return d.old(shard, failure), nil
	}
	switch {
	case !d.hasFeed(s):
		return nil, &StreamError{s, fmt.Errorf("no feed has it: %w", assay.ErrUnsupported)}
	case failure != nil:
		return nil, &StreamError{s, fmt.Errorf("cannot be fetched: %w", failure)}
	case d.fetch == nil:
		return nil, &StreamError{s, fmt.Errorf("not in the database %s, and fetching is turned off: run `assay db update` with network access (--streams selects streams): %w", d.dir, assay.ErrNotFound)}
	case d.isPublished():
		return nil, &StreamError{s, fmt.Errorf("not in the published database: %w", assay.ErrUnsupported)}
	}
	return nil, &StreamError{s, fmt.Errorf("the publisher has no advisories for it: %w", assay.ErrUnsupported)}
}

// incomplete reports a shard that was built without the main feed of its stream.
func (d *Database) incomplete(shard *assay.Shard) *assay.Gap {
	if shard == nil {
		return nil
	}
	main := feed.MissingMain(shard)
	if main == "" {
		return nil
	}
	g := &assay.Gap{Where: "advisories of " + string(shard.Stream), What: fmt.Sprintf("without feed %s, the main one of %s: what only it has is missing", main, shard.Stream)}
	for _, err := range splitErrors(d.failure(shard.Stream)) {
		var failed *db.FeedError
		if errors.As(err, &failed) && failed.Feed == main {
			why, _, _ := strings.Cut(failed.Err.Error(), "\n")
			g.What += ": " + why
		}
	}
	return g
}

// age is the age of a shard that is too old, and why there is nothing newer.
type age struct {
	feed, why string
	age       time.Duration
}

// key is equal for streams in the same gap.
func (a *age) key() string { return a.feed + "\x00" + a.why }

// old finds the first feed of a shard whose publisher was asked too long ago.
func (d *Database) old(shard *assay.Shard, failure error) *age {
	limit := d.maxAge()
	for _, f := range shard.Feeds {
		a := time.Since(f.Fetched)
		ours := d.isPublished() || d.isImported(shard) || slices.ContainsFunc(d.options.Feeds, func(g assay.Feed) bool { return g.Name() == f.Feed })
		if !ours || limit < 0 || !db.Old(f.Fetched, limit) {
			continue
		}
		why := "fetching is turned off"
		switch {
		case failure != nil:
			why, _, _ = strings.Cut(failure.Error(), "\n")
		case f.Error != "":
			why = f.Error
		case d.fetch != nil:
			why = "the publisher has nothing newer"
		}
		return &age{feed: f.Feed, why: why, age: a}
	}
	return nil
}

// isImported reports whether none of the feeds built the shard, as after an
// import: then the age of its data counts.
func (d *Database) isImported(shard *assay.Shard) bool {
	return !slices.ContainsFunc(shard.Feeds, func(f assay.FeedStatus) bool {
		return slices.ContainsFunc(d.options.Feeds, func(g assay.Feed) bool { return g.Name() == f.Feed })
	})
}

// gap reports streams that are old for the same reason.
func (a *age) gap(streams []assay.Stream) assay.Gap {
	unit := time.Hour
	if a.age < unit {
		unit = time.Second
	}
	var names []string
	for _, s := range streams {
		names = append(names, string(s))
	}
	if a.age < 0 {
		return assay.Gap{Where: "advisories of feed " + a.feed, What: fmt.Sprintf("their date is %s ahead of this machine's clock, so their age is unknown (%s): %s",
			strings.TrimSuffix((-a.age).Round(time.Second).String(), "0s"), strings.Join(names, ", "), a.why)}
	}
	return assay.Gap{Where: "advisories of feed " + a.feed, What: fmt.Sprintf("%s old, newer ones are unknown (%s): %s",
		strings.TrimSuffix(a.age.Round(unit).String(), "0m0s"), strings.Join(names, ", "), a.why)}
}
