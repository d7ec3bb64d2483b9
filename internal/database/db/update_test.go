package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func TestUpdate(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	reads := 0
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a:*"}, &reads}, lines{"beta", []assay.Stream{"a:*", "b"}, nil}}
	w.set("alpha", "a:1 curl CVE-1 1.1\na:2 curl CVE-1 2.1\nskip\n")
	w.set("beta", "a:1 curl CVE-2 1.2\nb curl CVE-3 3\n")

	res := runUpdate(t, dir, w, feeds, nil, false)
	if diff := cmp.Diff(Result{Built: []assay.Stream{"a:1", "a:2", "b"}}, res); diff != "" {
		t.Errorf("first:\n%s", diff)
	}
	first := open(t, dir)
	if got := look(t, first, "a:1", "curl"); got != "CVE-1<1.1 (alpha) CVE-2<1.2 (beta)" {
		t.Errorf("both feeds: %s", got)
	}
	status := first.Shards()[0].Feeds[0]
	if status.Read != 3 || status.Kept != 2 || status.Skipped["unwanted"] != 1 || status.Fetched.IsZero() {
		t.Errorf("status %+v", status)
	}

	res = runUpdate(t, dir, w, feeds, nil, false)
	if diff := cmp.Diff(Result{Unchanged: []assay.Stream{"a:1", "a:2", "b"}}, res); diff != "" || reads != 1 {
		t.Errorf("nothing new: read %d times\n%s", reads, diff)
	}

	w.set("beta", "a:1 curl CVE-2 1.3\nb curl CVE-3 3\n")
	res = runUpdate(t, dir, w, feeds, nil, false)
	if diff := cmp.Diff(Result{Built: []assay.Stream{"a:1"}, Unchanged: []assay.Stream{"a:2", "b"}}, res); diff != "" || reads != 1 {
		t.Errorf("one feed changed: the other was read %d times\n%s", reads, diff)
	}
	if got := look(t, open(t, dir), "a:1", "curl"); got != "CVE-1<1.1 (alpha) CVE-2<1.3 (beta)" {
		t.Errorf("one feed changed: %s", got)
	}
	if got := look(t, first, "a:1", "curl"); got != "CVE-1<1.1 (alpha) CVE-2<1.2 (beta)" {
		t.Errorf("the old database, still open: %s", got)
	}

	res, err := (&Builder{Force: true}).Update(t.Context(), dir, feeds, w, nil)
	if diff := cmp.Diff(Result{Unchanged: []assay.Stream{"a:1", "a:2", "b"}}, res); err != nil || diff != "" || reads != 2 {
		t.Errorf("forced: %v, read %d times\n%s", err, reads, diff)
	}
}

func TestFailingFeed(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a"}, nil}, lines{"beta", []assay.Stream{"a", "b"}, nil}}
	w.set("alpha", "a curl CVE-1 1\n")
	w.set("beta", "a curl CVE-2 2\nb curl CVE-3 3\n")
	runUpdate(t, dir, w, feeds, nil, false)
	before := open(t, dir).Shards()

	w.set("alpha", "a curl CVE-1 1.1\n")
	w.set("beta", "a curl CVE-2 9\nfail\n")
	res := runUpdate(t, dir, w, feeds, nil, true)
	d := open(t, dir)
	if got := look(t, d, "a", "curl"); got != "CVE-1<1.1 (alpha) CVE-2<2 (beta)" || len(res.Built) != 1 {
		t.Errorf("%s, %+v", got, res)
	}
	after := d.Shards()
	if st := after[1].Feeds[0]; !strings.Contains(st.Error, "beta") || !st.Fetched.Equal(before[1].Feeds[0].Fetched) || st.Kept != 2 {
		t.Errorf("status of the failed feed: %+v", st)
	}
	if after[0].Feeds[0].Error != "" {
		t.Errorf("status of the other: %+v", after[0].Feeds[0])
	}
	w.set("beta", "a curl CVE-2 2\nb curl CVE-3 3\n")
	runUpdate(t, dir, w, feeds, nil, false)
	if st := open(t, dir).Shards()[1].Feeds[0]; st.Error != "" {
		t.Errorf("status after it came back: %+v", st)
	}
}

func TestWanted(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	reads := 0
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a:*"}, &reads}, lines{"nvd", []assay.Stream{"details:*"}, nil}, lines{"kev", []assay.Stream{"kev"}, nil}}
	w.set("alpha", "a:1 curl CVE-1 1.1\na:2 curl CVE-1 2.1\n")
	w.set("nvd", "detail CVE-2024-0001 Words\n")
	w.set("kev", "kev CVE-2024-0001\n")
	for _, tt := range []struct {
		name   string
		wanted []assay.Stream
		want   Result
		reads  int
	}{
		{"one", []assay.Stream{"a:1"}, Result{Built: []assay.Stream{"a:1"}}, 1},
		{"again", []assay.Stream{"a:1"}, Result{Unchanged: []assay.Stream{"a:1"}}, 1},
		{"another", []assay.Stream{"a:1", "a:2"}, Result{Built: []assay.Stream{"a:2"}, Unchanged: []assay.Stream{"a:1"}}, 2},
		{"unknown", []assay.Stream{"a:9"}, Result{Missing: []assay.Stream{"a:9"}}, 3},
		{"of no feed", []assay.Stream{"z"}, Result{Missing: []assay.Stream{"z"}}, 3},
		{"details", []assay.Stream{"details:2024", "kev"}, Result{Built: []assay.Stream{"details:2024", "kev"}}, 3},
		{"details of which there are none", []assay.Stream{"details:1999"}, Result{Built: []assay.Stream{"details:1999"}}, 3},
		{"they are remembered", []assay.Stream{"details:1999"}, Result{Unchanged: []assay.Stream{"details:1999"}}, 3},
		{"a pattern is more than its parts", []assay.Stream{"a:*"}, Result{Unchanged: []assay.Stream{"a:1", "a:2"}}, 4},
		{"and is remembered", []assay.Stream{"a:*"}, Result{Unchanged: []assay.Stream{"a:1", "a:2"}}, 4},
		{"nothing", []assay.Stream{}, Result{}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := runUpdate(t, dir, w, feeds, tt.wanted, false)
			if diff := cmp.Diff(tt.want, res); diff != "" || reads != tt.reads {
				t.Errorf("read %d times, want %d\n%s", reads, tt.reads, diff)
			}
		})
	}
	d := open(t, dir)
	if _, err := d.Detail(t.Context(), "CVE-1999-0001"); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("%v, want %v", err, assay.ErrNotFound)
	}
	if err := d.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLastWords drops a stream at its publisher.
func TestLastWords(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a:*"}, nil}}
	w.set("alpha", "a:1 curl CVE-1 1.1\na:2 curl CVE-1 2.1\n")
	runUpdate(t, dir, w, feeds, nil, false)
	w.set("alpha", "a:2 curl CVE-1 2.1\n")
	for range 2 {
		runUpdate(t, dir, w, feeds, nil, false)
		d := open(t, dir)
		if got := look(t, d, "a:1", "curl"); got != "CVE-1<1.1 (alpha)" || d.Shards()[0].Feeds[0].Error != droppedByPublisher {
			t.Errorf("%s, %+v", got, d.Shards()[0])
		}
	}
}

// TestDeterminism builds from the same records in another order.
func TestDeterminism(t *testing.T) {
	var records []string
	for i := range 3000 {
		records = append(records, fmt.Sprintf("a p%d CVE-2024-%04d 1.%d-r%d\n", i%700, i, i%13, i%7), fmt.Sprintf("epss CVE-2024-%05d\n", i))
	}
	var digests []string
	for i := range 3 {
		dir, w := t.TempDir(), &web{}
		rand.New(rand.NewPCG(1, uint64(i))).Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		w.set("alpha", strings.Join(records, ""))
		runUpdate(t, dir, w, []assay.Feed{lines{"alpha", []assay.Stream{"a", "epss"}, nil}}, nil, false)
		d := open(t, dir)
		digests = append(digests, d.Shards()[0].Digest+d.Shards()[1].Digest)
		if err := d.Verify(t.Context()); err != nil || d.Shards()[1].Records != 3000 {
			t.Errorf("%v, %d records", err, d.Shards()[1].Records)
		}
	}
	if digests[0] != digests[1] || digests[1] != digests[2] {
		t.Errorf("shards differ: %v", digests)
	}
}

func TestFormats(t *testing.T) {
	for name, tt := range map[string]struct {
		index string
		want  error
	}{
		"newer":               {`{"format": 2, "shards": []}`, assay.ErrUnsupported},
		"newer, another form": {`{"format": 99, "shards": {"a": 1}}`, assay.ErrUnsupported},
		"no format":           {`{}`, assay.ErrMalformed},
		"cut":                 {`{"format": 1, "sha`, assay.ErrMalformed},
		"empty":               {``, assay.ErrMalformed},
		"outside":             {`{"format": 1, "shards": [{"stream": "a", "digest": "sha256:../../x"}]}`, assay.ErrMalformed},
	} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, indexName), []byte(tt.index), 0o644)
		if _, err := Open(dir); !errors.Is(err, tt.want) {
			t.Errorf("%s: Open: %v, want %v", name, err, tt.want)
		}
		if _, err := new(Builder).Update(t.Context(), dir, nil, &web{}, nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: Update: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("no database: %v", err)
	}
}

// shardFile is the file of the only shard in dir.
func shardFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, shardsName, "*"+shardExt))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v: want one shard", files, err)
	}
	return files[0]
}

func TestDamage(t *testing.T) {
	w := &web{}
	w.set("alpha", "a curl CVE-1 1.1\n")
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a"}, nil}}
	for name, harm := range map[string]func(path string, b []byte) error{
		"a bit":   func(path string, b []byte) error { b[len(b)-100] ^= 1; return os.WriteFile(path, b, 0o644) },
		"cut":     func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)/2], 0o644) },
		"empty":   func(path string, b []byte) error { return os.WriteFile(path, nil, 0o644) },
		"removed": func(path string, b []byte) error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			runUpdate(t, dir, w, feeds, nil, false)
			path := shardFile(t, dir)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond) // so that the time of change differs
			if err := harm(path, b); err != nil {
				t.Fatal(err)
			}
			d := open(t, dir)
			for _, err := range d.Lookup(t.Context(), "a", "curl") {
				if err == nil || errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "shard a") || !strings.Contains(err.Error(), "assay db update") {
					t.Errorf("Lookup: %v, want an error that names the shard and what to do", err)
				}
			}
			if err := d.Verify(t.Context()); err == nil {
				t.Error("Verify finds nothing")
			}
			if stale, err := new(Pool).Stale(t.Context(), dir, []assay.Stream{"a"}, nil, 0); err != nil || len(stale) != 1 {
				t.Errorf("Stale: %v, %v", stale, err)
			}
			runUpdate(t, dir, w, feeds, nil, false)
			if got := look(t, open(t, dir), "a", "curl"); got != "CVE-1<1.1 (alpha)" {
				t.Errorf("after an update: %s", got)
			}
		})
	}
	dir := t.TempDir()
	runUpdate(t, dir, w, feeds, nil, false)
	if err := os.Chtimes(shardFile(t, dir), time.Now(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := look(t, open(t, dir), "a", "curl"); got != "CVE-1<1.1 (alpha)" {
		t.Errorf("a copy: %s", got)
	}
}

// TestDamageOfNothing: a shard that says that there are no details is made anew
// as those with records are.
func TestDamageOfNothing(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	w.set("alpha", "skip\n")
	feeds, wanted := []assay.Feed{lines{"alpha", []assay.Stream{"details:*"}, nil}}, []assay.Stream{"details:2024"}
	runUpdate(t, dir, w, feeds, wanted, false)
	if err := os.Truncate(shardFile(t, dir), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Detail(t.Context(), "CVE-2024-1"); err == nil || errors.Is(err, assay.ErrNotFound) {
		t.Errorf("damaged: %v", err)
	}
	runUpdate(t, dir, w, feeds, wanted, false)
	if _, err := open(t, dir).Detail(t.Context(), "CVE-2024-1"); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("after an update: %v", err)
	}
}

// TestRetirement replaces shards that a reader has not opened yet.
func TestRetirement(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a"}, nil}}
	w.set("alpha", "a curl CVE-1 1\n")
	runUpdate(t, dir, w, feeds, nil, false)
	late, later := open(t, dir), open(t, dir)
	w.set("alpha", "a curl CVE-1 2\n")
	runUpdate(t, dir, w, feeds, nil, false)
	if got := look(t, late, "a", "curl"); got != "CVE-1<1 (alpha)" {
		t.Errorf("within the time of grace: %s", got)
	}
	time.Sleep(1100 * time.Millisecond) // times in the index are in seconds
	if _, err := (&Builder{Grace: time.Nanosecond}).Update(t.Context(), dir, feeds, w, nil); err != nil {
		t.Fatal(err)
	}
	shardFile(t, dir)
	if got := look(t, later, "a", "curl"); got != "CVE-1<2 (alpha)" {
		t.Errorf("after it: %s", got)
	}
}

func TestCancelled(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a"}, nil}}
	w.set("alpha", "a curl CVE-1 1\n")
	runUpdate(t, dir, w, feeds, nil, false)
	unlock, err := lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := new(Builder).Update(ctx, dir, feeds, w, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another updates: %v", err)
	}
	unlock()
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	w.set("alpha", "a curl CVE-1 2\n")
	if _, err := new(Builder).Update(ctx, dir, feeds, w, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := look(t, open(t, dir), "a", "curl"); got != "CVE-1<1 (alpha)" {
		t.Errorf("after it: %s", got)
	}
	if left, err := os.ReadDir(filepath.Join(dir, tempName)); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestPartialMirror: what a mirror does not have is reported, and is an error only
// where it was there before.
func TestPartialMirror(t *testing.T) {
	w := &web{}
	w.set("alpha", "a p CVE-2024-0001 1\n")
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a"}, nil}, lines{"beta", []assay.Stream{"b"}, nil}}
	dir := t.TempDir()
	b := Builder{Partial: true}
	res, err := b.Update(t.Context(), dir, feeds, w, nil)
	if err != nil || !slices.Equal(res.Absent, []string{"beta"}) || !slices.Equal(res.Built, []assay.Stream{"a"}) {
		t.Errorf("%+v, %v", res, err)
	}
	delete(w.docs, "alpha")
	res, err = b.Update(t.Context(), dir, feeds, w, nil)
	if !errors.Is(err, assay.ErrNotFound) || !slices.Equal(res.Absent, []string{"beta"}) {
		t.Errorf("a document that is gone: %+v, %v", res, err)
	}
	if got := look(t, open(t, dir), "a", "p"); got != "CVE-2024-0001<1 (alpha)" {
		t.Errorf("the old data: %q", got)
	}
}

// apart is a feed with one document a stream.
type apart struct{ streams []assay.Stream }

func (apart) Name() string              { return "apart" }
func (f apart) Streams() []assay.Stream { return f.streams }

func (f apart) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if wanted == nil {
		wanted = f.streams
	}
	for _, w := range wanted {
		if err := (lines{name: string(w)}).Fetch(ctx, g, nil, s); err != nil {
			return err
		}
	}
	return nil
}

// TestStreamsApart: a missing or malformed document costs no other stream of its feed.
func TestStreamsApart(t *testing.T) {
	feeds := []assay.Feed{apart{[]assay.Stream{"a", "b", "c"}}, lines{"all", []assay.Stream{"a", "b"}, nil}}
	for _, tt := range []struct{ name, b, want string }{
		{"missing", "", "b: not found"},
		{"malformed", "fail", "apart: b: malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, dir := &web{}, t.TempDir()
			w.set("a", "a p CVE-1 1\n")
			w.set("c", "c p CVE-1 1\n")
			if tt.b != "" {
				w.set("b", tt.b)
			}
			for _, wanted := range [][]assay.Stream{nil, {"a", "b", "c"}} {
				res, err := new(Builder).Update(t.Context(), dir, feeds, w, wanted)
				var failed *FeedError
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &failed) || !failed.Covers("b") || failed.Covers("a") {
					t.Errorf("error %v", err)
				}
				if n := strings.Count(err.Error(), "all: all: "); n != 1 {
					t.Errorf("a document about all streams: %d errors", n)
				}
				if len(res.Built)+len(res.Unchanged) != 2 || look(t, open(t, dir), "a", "p") == "" || look(t, open(t, dir), "c", "p") == "" {
					t.Errorf("%+v", res)
				}
			}
			if tt.b != "" {
				return
			}
			res, err := (&Builder{Partial: true}).Update(t.Context(), t.TempDir(), feeds, w, nil)
			if err != nil || !slices.Equal(res.Absent, []string{"apart (b)", "all"}) {
				t.Errorf("of a partial mirror: %v, %v", res.Absent, err)
			}
		})
	}
}
