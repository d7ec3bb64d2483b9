package scan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/publish"
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

func TestDatabase(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	feeds := []assay.Feed{oneFeed{[]assay.Stream{"a:*"}}}
	documents := contract.Documents{"https://one.test/all": []byte("x")}
	getter := func() (assay.Getter, error) { return documents, nil }

	offline := &scan.Database{Dir: dir, Feeds: feeds}
	_, err := offline.Ensure(ctx, []assay.Stream{"a:1", "b"})
	if !errors.Is(err, assay.ErrNotFound) || !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "run `assay db update`") {
		t.Errorf("nothing there, nothing to be fetched: %v", err)
	}
	broken := &scan.Database{Dir: dir, Feeds: feeds, Getter: func() (assay.Getter, error) { return contract.Documents{}, nil }}
	if _, err := broken.Ensure(ctx, []assay.Stream{"a:1"}); err == nil || !strings.Contains(err.Error(), "could not be fetched") {
		t.Errorf("publisher not reached: %v", err)
	}

	d := &scan.Database{Dir: dir, Feeds: feeds, Getter: getter}
	defer d.Close()
	if gaps, err := d.Ensure(ctx, []assay.Stream{"a:1"}); err != nil || len(gaps) > 0 {
		t.Fatal(err, gaps)
	}
	if gaps, err := d.Ensure(ctx, []assay.Stream{"a:2"}); err != nil || len(gaps) > 0 {
		t.Fatal(err, gaps)
	}
	for _, s := range []assay.Stream{"a:1", "a:2"} {
		n := 0
		for _, err := range d.Lookup(ctx, s, "src") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d advisories", s, n)
		}
	}
	if used := d.Used(); len(used.Shards) != 2 {
		t.Errorf("used %+v", used)
	}

	old := &scan.Database{Dir: dir, Feeds: feeds, MaxAge: time.Nanosecond}
	defer old.Close()
	gaps, err := old.Ensure(ctx, []assay.Stream{"a:1", "a:2"})
	if err != nil || len(gaps) != 1 || !strings.Contains(gaps[0].What, "(a:1, a:2): fetching is turned off") {
		t.Errorf("old: %v, %v", gaps, err)
	}
}

// TestDatabaseAtOnce: several scans that share a folder, and one that is asked
// from several goroutines.
func TestDatabaseAtOnce(t *testing.T) {
	dir := t.TempDir()
	feeds := []assay.Feed{oneFeed{[]assay.Stream{"a:*"}}}
	shared := &scan.Database{Dir: dir, Feeds: feeds, Getter: func() (assay.Getter, error) {
		return contract.Documents{"https://one.test/all": []byte("x")}, nil
	}}
	defer shared.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			d := shared
			if i%2 == 0 {
				d = &scan.Database{Dir: dir, Feeds: feeds, Getter: shared.Getter}
				defer d.Close()
			}
			s := assay.Stream(fmt.Sprintf("a:%d", i))
			if _, err := d.Ensure(t.Context(), []assay.Stream{s}); err != nil {
				t.Error(err)
				return
			}
			for _, err := range d.Lookup(t.Context(), s, "src") {
				if err != nil {
					t.Error(err)
				}
			}
			d.Used()
		})
	}
	wg.Wait()
}

// TestPull takes streams from a published database; the feeds are not asked.
func TestPull(t *testing.T) {
	from := t.TempDir()
	documents := contract.Documents{"https://one.test/all": []byte("x")}
	if _, err := new(db.Builder).Update(t.Context(), from, []assay.Feed{oneFeed{[]assay.Stream{"a:*"}}}, documents, []assay.Stream{"a:1"}); err != nil {
		t.Fatal(err)
	}
	var pulled []assay.Stream
	d := &scan.Database{Dir: t.TempDir(), MaxAge: time.Hour}
	defer d.Close()
	d.Pull = func(ctx context.Context, streams []assay.Stream) error {
		pulled = append(pulled, streams...)
		_, err := new(db.Builder).Adopt(ctx, d.Dir, publish.Folder(from), streams)
		return err
	}
	for range 2 {
		if gaps, err := d.Ensure(t.Context(), []assay.Stream{"a:1"}); err != nil || len(gaps) > 0 {
			t.Errorf("%v, %v", gaps, err)
		}
	}
	if _, err := d.Ensure(t.Context(), []assay.Stream{"c"}); !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "published") {
		t.Errorf("a stream that is not published: %v", err)
	}
	if !slices.Equal(pulled, []assay.Stream{"a:1", "c"}) {
		t.Errorf("pulled %v", pulled)
	}
}

// TestOld: what is too old is told, or refused; details never are.
func TestOld(t *testing.T) {
	dir := t.TempDir()
	feeds := []assay.Feed{oneFeed{[]assay.Stream{"a:*", "details:*"}}}
	documents := contract.Documents{"https://one.test/all": []byte("x")}
	if _, err := new(db.Builder).Update(t.Context(), dir, feeds, documents, []assay.Stream{"a:1", "details:2024"}); err != nil {
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
		{"of another's feeds only, as after an import", nil, false, "a:1", 1, false},
	} {
		d := &scan.Database{Dir: dir, Feeds: tt.feeds, MaxAge: time.Nanosecond, FailOld: tt.fail}
		gaps, err := d.Ensure(t.Context(), []assay.Stream{tt.stream})
		if len(gaps) != tt.gaps || (err != nil) != tt.failed {
			t.Errorf("%s: gaps %v, %v", tt.name, gaps, err)
		}
		d.Close()
	}
}
