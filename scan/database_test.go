package scan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
)

// oneFeed gives one advisory on each of its streams.
type oneFeed struct{ streams []assay.Stream }

func (oneFeed) Name() string              { return "one" }
func (f oneFeed) Streams() []assay.Stream { return f.streams }
func (f oneFeed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	r, err := g.Get(ctx, "https://one.test/all")
	if err != nil {
		return err
	}
	defer r.Close()
	for _, w := range wanted {
		if err := s.Advisory(row("CVE-2024-0001", w, "src", assay.SeverityLow)); err != nil {
			return err
		}
	}
	return nil
}

// open opens a database of the feeds in a directory.
func openDatabase(t testing.TB, o scan.DatabaseOptions) *scan.Database {
	t.Helper()
	d, err := scan.OpenDatabase(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// ensure is Ensure of a session of its own.
func ensure(t testing.TB, d *scan.Database, streams ...assay.Stream) ([]assay.Gap, error) {
	t.Helper()
	s := d.Session()
	defer s.Close()
	return s.Ensure(t.Context(), streams)
}

// count counts the advisories on "src" in a stream.
func count(t testing.TB, s scan.Session, stream assay.Stream) (n int) {
	t.Helper()
	for _, err := range s.Lookup(t.Context(), stream, "src") {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	return n
}

var everything = []assay.Feed{oneFeed{[]assay.Stream{"a:*"}}}

func documents() (assay.Getter, error) {
	return contract.Documents{"https://one.test/all": []byte("x")}, nil
}

func TestDatabase(t *testing.T) {
	dir := t.TempDir()
	offline := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: everything, SkipUpdate: true})
	_, err := ensure(t, offline, "a:1", "b")
	if !errors.Is(err, assay.ErrNotFound) || !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "run `assay db update`") {
		t.Errorf("nothing there, nothing to be fetched: %v", err)
	}
	broken := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: everything, Getter: func() (assay.Getter, error) { return contract.Documents{}, nil }})
	if _, err := ensure(t, broken, "a:1"); err == nil || !strings.Contains(err.Error(), "cannot be fetched") {
		t.Errorf("publisher not reached: %v", err)
	}

	d := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: everything, Getter: documents})
	s := d.Session()
	for _, stream := range []assay.Stream{"a:1", "a:2"} {
		if gaps, err := s.Ensure(t.Context(), []assay.Stream{stream}); err != nil || len(gaps) > 0 {
			t.Fatal(err, gaps)
		}
	}
	other := d.Session()
	if _, err := other.Ensure(t.Context(), []assay.Stream{"a:2"}); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []assay.Stream{"a:1", "a:2"} {
		if n := count(t, s, stream); n != 1 {
			t.Errorf("%s: %d advisories", stream, n)
		}
	}
	count(t, other, "a:2")
	if a, b := s.Used(), other.Used(); len(a.Shards) != 2 || len(b.Shards) != 1 {
		t.Errorf("each session tells what it asked itself: %+v, %+v", a, b)
	}
	if err := d.Close(); err == nil {
		t.Error("a database in use was closed")
	}
	s.Close()
	other.Close()

	old := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: everything, MaxAge: time.Nanosecond, SkipUpdate: true})
	gaps, err := ensure(t, old, "a:1", "a:2")
	if err != nil || len(gaps) != 1 || !strings.Contains(gaps[0].What, "(a:1, a:2): fetching is turned off") {
		t.Errorf("old: %v, %v", gaps, err)
	}
}

// TestDatabaseAtOnce: several databases that share a directory, and one that is
// asked from several goroutines.
func TestDatabaseAtOnce(t *testing.T) {
	dir := t.TempDir()
	options := scan.DatabaseOptions{CacheDir: dir, Feeds: everything, Getter: documents}
	shared := openDatabase(t, options)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			d := shared
			if i%2 == 0 {
				d = openDatabase(t, options)
			}
			s := d.Session()
			defer s.Close()
			stream := assay.Stream(fmt.Sprintf("a:%d", i))
			if _, err := s.Ensure(t.Context(), []assay.Stream{stream}); err != nil {
				t.Error(err)
				return
			}
			count(t, s, stream)
			if used := s.Used(); len(used.Shards) != 1 || used.Shards[0].Stream != stream {
				t.Errorf("%s: used %+v", stream, used)
			}
		})
	}
	wg.Wait()
}

// changing is a publisher with another number of advisories on "src" each time it
// is asked, who may be slow.
type changing struct {
	asked atomic.Int32
	gate  chan struct{} // where not nil, a fetch waits for it
	begun chan struct{} // where not nil, told of each fetch
}

func (*changing) Name() string            { return "changing" }
func (*changing) Streams() []assay.Stream { return []assay.Stream{"a:*"} }
func (f *changing) Fetch(ctx context.Context, _ assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	n := f.asked.Add(1)
	if f.begun != nil {
		f.begun <- struct{}{}
	}
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, w := range wanted {
		for i := range n {
			if err := s.Advisory(row(fmt.Sprintf("CVE-2024-%04d", i+1), w, "src", assay.SeverityLow)); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestDatabaseLivesLong: a database in a process that lives long is fetched again
// when it is old, and a session that began before sees what it saw.
func TestDatabaseLivesLong(t *testing.T) {
	f := &changing{}
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: t.TempDir(), Feeds: []assay.Feed{f}, Getter: documents, MaxAge: time.Nanosecond})
	first := d.Session()
	defer first.Close()
	for range 2 { // within a session nothing is fetched twice
		if _, err := first.Ensure(t.Context(), []assay.Stream{"a:1"}); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, first, "a:1"); n != 1 {
		t.Errorf("first: %d advisories", n)
	}
	second := d.Session()
	defer second.Close()
	if _, err := second.Ensure(t.Context(), []assay.Stream{"a:1"}); err != nil {
		t.Fatal(err)
	}
	if a, b := count(t, first, "a:1"), count(t, second, "a:1"); a != 1 || b != 2 {
		t.Errorf("first sees %d, second %d; want 1 and 2", a, b)
	}
	if a, b := first.Used(), second.Used(); a.Shards[0].Digest == b.Shards[0].Digest || a.Shards[0].Records != 1 {
		t.Errorf("used %+v and %+v", a, b)
	}
}

// TestDatabaseFetchesOnce: sessions that need the same stream wait for one fetch,
// others for none; when the one that fetches gives up, another goes on.
func TestDatabaseFetchesOnce(t *testing.T) {
	f := &changing{gate: make(chan struct{}), begun: make(chan struct{}, 10)}
	dir := t.TempDir()
	if _, err := ensure(t, openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: everything, Getter: documents}), "a:0"); err != nil {
		t.Fatal(err)
	}
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: []assay.Feed{f, oneFeed{[]assay.Stream{"a:0"}}}, Getter: documents})
	ctx, giveUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		s := d.Session()
		defer s.Close()
		if _, err := s.Ensure(ctx, []assay.Stream{"a:1"}); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
	})
	<-f.begun
	for range 4 {
		wg.Go(func() {
			s := d.Session()
			defer s.Close()
			if _, err := s.Ensure(t.Context(), []assay.Stream{"a:1"}); err != nil || count(t, s, "a:1") != 2 {
				t.Errorf("%v, %d advisories, want those of the second fetch", err, count(t, s, "a:1"))
			}
		})
	}
	if gaps, err := ensure(t, d, "a:0"); err != nil || len(gaps) > 0 { // nobody fetches it, so this does not wait
		t.Error(gaps, err)
	}
	giveUp()
	<-f.begun
	close(f.gate)
	wg.Wait()
	if n := f.asked.Load(); n != 2 {
		t.Errorf("fetched %d times, want once, and once again for who gave up", n)
	}
}

// TestDatabaseRetries: what cannot be fetched is not asked for again at once.
func TestDatabaseRetries(t *testing.T) {
	tries := 0
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: t.TempDir(), Feeds: everything, Getter: func() (assay.Getter, error) {
		tries++
		return contract.Documents{}, nil
	}})
	for range 3 {
		if _, err := ensure(t, d, "a:1"); err == nil || !strings.Contains(err.Error(), "cannot be fetched") {
			t.Error(err)
		}
	}
	if tries != 1 {
		t.Errorf("%d tries", tries)
	}
}

// TestPull takes streams from a published database; the feeds are not asked.
func TestPull(t *testing.T) {
	from := t.TempDir()
	g, _ := documents()
	if _, err := new(db.Builder).Update(t.Context(), from, everything, g, []assay.Stream{"a:1"}); err != nil {
		t.Fatal(err)
	}
	f := &changing{}
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: t.TempDir(), MaxAge: time.Hour, Feeds: []assay.Feed{f}, Published: scan.PublishedOptions{Repositories: []string{from}}})
	for range 2 {
		if gaps, err := ensure(t, d, "a:1"); err != nil || len(gaps) > 0 {
			t.Errorf("%v, %v", gaps, err)
		}
	}
	if _, err := ensure(t, d, "c"); !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "published") {
		t.Errorf("a stream that is not published: %v", err)
	}
	if n := f.asked.Load(); n != 0 {
		t.Errorf("a feed was asked %d times", n)
	}
}

// TestOld: what is too old is reported, or refused; details never are.
func TestOld(t *testing.T) {
	dir := t.TempDir()
	feeds := []assay.Feed{oneFeed{[]assay.Stream{"a:*", "details:*"}}}
	g, _ := documents()
	if _, err := new(db.Builder).Update(t.Context(), scan.DatabaseDir(dir), feeds, g, []assay.Stream{"a:1", "details:2024"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		feeds  []assay.Feed
		fail   bool
		stream assay.Stream
		gaps   int
		failed bool
	}{
		{"told", feeds, false, "a:1", 1, false},
		{"refused", feeds, true, "a:1", 0, true},
		{"details", feeds, true, "details:2024", 1, false},
		{"of another's feeds only, as after an import", []assay.Feed{}, false, "a:1", 1, false},
	} {
		d := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: tt.feeds, MaxAge: time.Nanosecond, FailOnOld: tt.fail, SkipUpdate: true})
		gaps, err := ensure(t, d, tt.stream)
		if len(gaps) != tt.gaps || (err != nil) != tt.failed {
			t.Errorf("%s: gaps %v, %v", tt.name, gaps, err)
		}
	}
}

// TestDatabaseView: a session sees the newest shard of a stream that it did not ask
// before, and keeps those that it asked.
func TestDatabaseView(t *testing.T) {
	f := &changing{}
	dir := t.TempDir()
	old := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: []assay.Feed{f}, Getter: documents, MaxAge: time.Nanosecond})
	if _, err := ensure(t, old, "a:1", "a:2"); err != nil {
		t.Fatal(err)
	}
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: dir, Feeds: []assay.Feed{f}, Getter: documents})
	s := d.Session()
	defer s.Close()
	if _, err := s.Ensure(t.Context(), []assay.Stream{"a:1"}); err != nil || count(t, s, "a:1") != 1 {
		t.Fatal(err)
	}
	if _, err := ensure(t, old, "a:1", "a:2"); err != nil { // by another process
		t.Fatal(err)
	}
	if gaps, err := s.Ensure(t.Context(), []assay.Stream{"a:1", "a:2"}); err != nil || len(gaps) > 0 {
		t.Error(gaps, err)
	}
	if a, b := count(t, s, "a:1"), count(t, s, "a:2"); a != 1 || b != 2 {
		t.Errorf("%d and %d advisories, want 1 (asked before) and 2 (new)", a, b)
	}
}

// TestPublishedOffline: without fetching, a published database has no streams that
// no feed has: that is a gap of a scan, not its end. A repository that fails may
// have what the others do not have.
func TestPublishedOffline(t *testing.T) {
	published := scan.PublishedOptions{Repositories: []string{t.TempDir()}}
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: t.TempDir(), Offline: true, Feeds: everything, Published: published})
	if _, err := ensure(t, d, "openwrt"); !errors.Is(err, assay.ErrUnsupported) || errors.Is(err, assay.ErrNotFound) {
		t.Errorf("a stream without feed: %v", err)
	}
	from := t.TempDir()
	g, _ := documents()
	if _, err := new(db.Builder).Update(t.Context(), from, everything, g, []assay.Stream{"a:1"}); err != nil {
		t.Fatal(err)
	}
	published.Repositories = []string{from, "127.0.0.1:1/team/db:1"}
	d = openDatabase(t, scan.DatabaseOptions{CacheDir: t.TempDir(), Feeds: everything, Published: published})
	if _, err := ensure(t, d, "a:1"); err != nil {
		t.Errorf("the first repository has it: %v", err)
	}
	if _, err := ensure(t, d, "a:2"); err == nil || errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("the one that cannot be reached may have it: %v", err)
	}
}
