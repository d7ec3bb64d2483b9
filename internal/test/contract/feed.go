package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// Documents is what publishers have, by URL: a Getter that can list directories.
type Documents map[string][]byte

// Get implements assay.Getter.
func (d Documents) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, ok := d[url]
	if !ok {
		return nil, fmt.Errorf("%s: %w", url, assay.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// List returns the names in the directory at url.
func (d Documents) List(_ context.Context, url string) ([]string, error) {
	var names []string
	for u := range d {
		if rest, ok := strings.CutPrefix(u, url); ok {
			name, _, _ := strings.Cut(rest, "/")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// A Mirror is a directory in which https://HOST/PATH is HOST/PATH: a Getter that
// can list directories.
type Mirror string

// Get implements assay.Getter.
func (m Mirror) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	f, err := os.Open(m.path(url))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", url, assay.ErrNotFound)
	}
	return f, errors.Join(err, ctx.Err())
}

// List returns the names in the directory at url.
func (m Mirror) List(_ context.Context, url string) (names []string, err error) {
	entries, err := os.ReadDir(m.path(url))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (m Mirror) path(url string) string {
	return filepath.Join(string(m), filepath.FromSlash(strings.TrimPrefix(url, "https://")))
}

// Records is a Sink that keeps what it is given.
type Records struct {
	Advisories []assay.Advisory
	Details    []assay.Detail
	Artifacts  []assay.Artifact
	Skipped    map[string][]string // identifiers by reason
}

// Advisory implements assay.Sink.
func (r *Records) Advisory(a assay.Advisory) error {
	r.Advisories = append(r.Advisories, a)
	return nil
}

// Detail implements assay.Sink.
func (r *Records) Detail(d assay.Detail) error {
	r.Details = append(r.Details, d)
	return nil
}

// Artifact implements assay.ArtifactSink.
func (r *Records) Artifact(a assay.Artifact) error {
	r.Artifacts = append(r.Artifacts, a)
	return nil
}

// Skip implements assay.Sink.
func (r *Records) Skip(id, why string) {
	if r.Skipped == nil {
		r.Skipped = map[string][]string{}
	}
	r.Skipped[why] = append(r.Skipped[why], id)
}

// Reasons counts the skipped records by reason.
func (r *Records) Reasons() map[string]int {
	n := map[string]int{}
	for why, ids := range r.Skipped {
		n[why] = len(ids)
	}
	return n
}

// Kept is the number of records that were not skipped.
func (r *Records) Kept() int { return len(r.Advisories) + len(r.Details) + len(r.Artifacts) }

// Fetch returns what the feed says; an error fails the test.
func Fetch(t testing.TB, f assay.Feed, g assay.Getter, wanted ...assay.Stream) *Records {
	t.Helper()
	var r Records
	if err := f.Fetch(t.Context(), g, wanted, &r); err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	return &r
}

// A FeedCase is a feed with documents of its publisher, as small as may be.
type FeedCase struct {
	Feed      assay.Feed
	Documents Documents
	Wanted    assay.Stream // one of the streams that the documents speak of
	// Skips reports documents that the feed skips, with a reason, where they are
	// broken, as it is for one package's file of many; nil: there are none.
	Skips func(url string) bool
}

// Feed checks that the feed keeps its contract: that records are complete and
// come in one order, that what is not wanted does not come, that the sink's
// error and a cancelled context end it, and that a document which is missing,
// cut off or something else is an error that names it.
func Feed(t *testing.T, c FeedCase) {
	all := Fetch(t, c.Feed, c.Documents)
	t.Run("records", func(t *testing.T) {
		if use := assay.UseOf(c.Feed); use > assay.UseRequest {
			t.Errorf("use %d is none of those there are", use)
		}
		if c.Feed.Name() == "" || len(c.Feed.Streams()) == 0 || all.Kept() == 0 {
			t.Errorf("name %q, streams %v, %d records: want none empty", c.Feed.Name(), c.Feed.Streams(), all.Kept())
		}
		checkRecords(t, c.Feed, all, c.Feed.Streams())
	})
	t.Run("order", func(t *testing.T) {
		if diff := cmp.Diff(all, Fetch(t, c.Feed, c.Documents)); diff != "" {
			t.Errorf("a second run differs:\n%s", diff)
		}
	})
	t.Run("wanted", func(t *testing.T) {
		got := Fetch(t, c.Feed, c.Documents, c.Wanted)
		checkRecords(t, c.Feed, got, []assay.Stream{c.Wanted})
		if diff := cmp.Diff(narrowed(all, c.Wanted), got, cmp.FilterPath(func(p cmp.Path) bool {
			return p.Last().String() == ".Skipped"
		}, cmp.Ignore())); diff != "" {
			t.Errorf("not what there is of %s in all:\n%s", c.Wanted, diff)
		}
	})
	t.Run("stop", func(t *testing.T) { checkStop(t, c) })
	t.Run("broken", func(t *testing.T) { checkBroken(t, c, all) })
}

// checkRecords checks that records are whole and of the streams.
func checkRecords(t *testing.T, f assay.Feed, r *Records, streams []assay.Stream) {
	covered := func(s assay.Stream) bool {
		return slices.ContainsFunc(streams, func(p assay.Stream) bool { return p.Covers(s) })
	}
	for _, a := range r.Advisories {
		checkAdvisory(t, f, &a, covered, streams)
	}
	for _, a := range r.Artifacts {
		if a.Name == "" || a.Version == "" || a.SHA1 == [20]byte{} || !covered(assay.StreamArtifacts) {
			t.Errorf("incomplete, or not of %v: %+v", streams, a)
		}
	}
	for _, d := range r.Details {
		if d.ID == "" || d.Feed != f.Name() || !covered(streamOf(d)) {
			t.Errorf("incomplete, or not of %v: %+v", streams, d)
		}
	}
}

func checkAdvisory(t *testing.T, f assay.Feed, a *assay.Advisory, covered func(assay.Stream) bool, streams []assay.Stream) {
	if a.ID == "" || a.Feed != f.Name() || len(a.Affected) == 0 {
		t.Errorf("incomplete: %+v", a)
	}
	for _, p := range a.Affected {
		if p.Name == "" || p.Status == "" || len(p.Ranges)+len(p.Versions) == 0 || !covered(p.Stream) {
			t.Errorf("%s: incomplete, or not of %v: %+v", a.ID, streams, p)
		}
		for _, g := range p.Ranges {
			if g.LastAffected != "" && (g.LastAffected == g.Fixed || g.Before != "") {
				t.Errorf("%s: two ends: %+v", a.ID, g)
			}
		}
	}
}

func streamOf(d assay.Detail) assay.Stream {
	switch {
	case d.KEV != nil:
		return assay.StreamKEV
	case d.EPSS != nil:
		return assay.StreamEPSS
	}
	return assay.DetailStream(d.ID)
}

// narrowed is what of r is about stream s.
func narrowed(r *Records, s assay.Stream) *Records {
	out := &Records{}
	for _, a := range r.Advisories {
		var keep []assay.Affected
		for _, p := range a.Affected {
			if s.Covers(p.Stream) {
				keep = append(keep, p)
			}
		}
		if a.Affected = keep; keep != nil {
			out.Advisories = append(out.Advisories, a)
		}
	}
	for _, d := range r.Details {
		if s.Covers(streamOf(d)) {
			out.Details = append(out.Details, d)
		}
	}
	if s.Covers(assay.StreamArtifacts) {
		out.Artifacts = r.Artifacts
	}
	return out
}

// full is a sink that takes no record.
type full struct {
	err   error
	calls int
}

func (f *full) Advisory(assay.Advisory) error { f.calls++; return f.err }
func (f *full) Detail(assay.Detail) error     { f.calls++; return f.err }
func (f *full) Artifact(assay.Artifact) error { f.calls++; return f.err }
func (f *full) Skip(string, string)           {}

func checkStop(t *testing.T, c FeedCase) {
	s := &full{err: errors.New("full")}
	if err := c.Feed.Fetch(t.Context(), c.Documents, nil, s); !errors.Is(err, s.err) || s.calls != 1 {
		t.Errorf("%v after %d records, want the sink's error after 1", err, s.calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Feed.Fetch(ctx, c.Documents, nil, &Records{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if err := c.Feed.Fetch(t.Context(), Documents{}, nil, &Records{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("%v with no document there, want %v", err, assay.ErrNotFound)
	}
	if err := c.Feed.Fetch(t.Context(), unlisted{Documents{}}, nil, &Records{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("%v with no document there and no list, want %v", err, assay.ErrNotFound)
	}
	down := errors.New("down")
	if err := c.Feed.Fetch(t.Context(), failing{down}, nil, &Records{}); !errors.Is(err, down) {
		t.Errorf("%v, want the getter's error", err)
	}
}

// unlisted hides that a Getter can list.
type unlisted struct{ assay.Getter }

type failing struct{ err error }

func (f failing) Get(context.Context, string) (io.ReadCloser, error) { return nil, f.err }

// checkBroken breaks one document at a time; unbroken are the records while all are
// whole.
func checkBroken(t *testing.T, c FeedCase, unbroken *Records) {
	for _, url := range slices.Sorted(maps.Keys(c.Documents)) {
		whole := c.Documents[url]
		for name, b := range map[string][]byte{
			"cut in the middle": whole[:len(whole)/2],
			"cut at the end":    whole[:len(bytes.TrimRight(whole, " \n"))-1],
			"empty":             {},
			"a page":            []byte("<!DOCTYPE html><title>Sign in</title>"),
			"UTF-16":            []byte("\xff\xfe{\x00}\x00"),
			"another shape":     []byte("[1]\n"),
			"nested":            bytes.Repeat([]byte("["), 100_000),
		} {
			d := maps.Clone(c.Documents)
			d[url] = b
			var r Records
			err := c.Feed.Fetch(t.Context(), d, nil, &r)
			if c.Skips != nil && c.Skips(url) {
				if err != nil || !skipsMore(&r, unbroken) {
					t.Errorf("%s: %s: %v, skipped %v, want it skipped, too", url, name, err, r.Skipped)
				}
				for _, lost := range lostAdvisories(unbroken, &r) {
					t.Errorf("%s: %s: %s is neither kept nor skipped", url, name, lost)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), url) {
				t.Errorf("%s: %s: %v, want an error that names it", url, name, err)
			} else if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) { // as of another version of its form
				t.Errorf("%s: %s: %v, want %v or %v", url, name, err, assay.ErrMalformed, assay.ErrUnsupported)
			}
		}
	}
}

// skipsMore reports whether r skips a record that unbroken does not skip, or skips it
// for another reason.
func skipsMore(r, unbroken *Records) bool {
	for why, ids := range r.Skipped {
		for _, id := range ids {
			if !slices.Contains(unbroken.Skipped[why], id) {
				return true
			}
		}
	}
	return false
}

// lostAdvisories lists the advisories of unbroken that r does not have, unless it
// skips them or their package.
func lostAdvisories(unbroken, r *Records) (lost []string) {
	has := map[string]bool{}
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			has[a.ID+" of "+p.Name] = true
		}
	}
	for _, ids := range r.Skipped {
		for _, id := range ids {
			has[id] = true
		}
	}
	for _, a := range unbroken.Advisories {
		for _, p := range a.Affected {
			if key := a.ID + " of " + p.Name; !has[key] && !has[a.ID] && !has[p.Name] {
				lost = append(lost, key)
			}
		}
	}
	return lost
}

// FuzzFeed feeds the fuzzer's bytes to the feed, packed as its publisher does,
// in place of the document at url.
func FuzzFeed(f *testing.F, feed assay.Feed, url string, pack func([]byte) []byte, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if pack != nil {
			b = pack(b)
		}
		var r Records
		if err := feed.Fetch(t.Context(), Documents{url: b}, nil, &r); err == nil || r.Kept() > 0 {
			checkRecords(t, feed, &r, feed.Streams())
		}
	})
}
