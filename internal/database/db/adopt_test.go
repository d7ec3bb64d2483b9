package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
)

// copied is a place in memory.
type copied struct {
	index  []byte
	shards map[string][]byte
	moved  []assay.Stream
}

func (c *copied) Name() string { return "the copy" }

func (c *copied) Index(context.Context) ([]byte, error) { return c.index, nil }

func (c *copied) Shard(_ context.Context, s assay.Shard) (io.ReadCloser, error) {
	b, ok := c.shards[s.Digest]
	if !ok {
		return nil, assay.ErrNotFound
	}
	c.moved = append(c.moved, s.Stream)
	return io.NopCloser(strings.NewReader(string(b))), nil
}

func snapshot(t *testing.T, dir string, wanted ...assay.Stream) *copied {
	t.Helper()
	s, err := TakeSnapshot(t.Context(), dir, wanted)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &copied{index: s.Index, shards: map[string][]byte{}}
	for _, sh := range s.Shards {
		r, err := s.Open(sh)
		if err != nil {
			t.Fatal(err)
		}
		if c.shards[sh.Digest], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func adopt(t *testing.T, dir string, c *copied, wanted ...assay.Stream) (Result, error) {
	t.Helper()
	c.moved = nil
	return (&Builder{Jobs: 1}).Adopt(t.Context(), dir, c, wanted)
}

func TestAdopt(t *testing.T) {
	w := &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a:*", "b"}, nil}}
	w.set("alpha", "a:1 p CVE-2024-0001 1\na:2 p CVE-2024-0001 1\nb p CVE-2024-0001 1\n")
	theirs, ours := t.TempDir(), t.TempDir()
	runUpdate(t, theirs, w, feeds, nil, false)
	later(t, theirs)
	first := snapshot(t, theirs)

	res, err := adopt(t, ours, first, "a:1")
	if err != nil || !slices.Equal(res.Built, []assay.Stream{"a:1"}) || !slices.Equal(first.moved, res.Built) {
		t.Errorf("%+v, moved %v, %v", res, first.moved, err)
	}
	res, err = adopt(t, ours, first)
	if err != nil || !slices.Equal(first.moved, []assay.Stream{"a:2", "b"}) || !slices.Equal(res.Unchanged, []assay.Stream{"a:1"}) {
		t.Errorf("%+v, moved %v, %v", res, first.moved, err)
	}
	res, err = adopt(t, ours, first, "c")
	if err != nil || !slices.Equal(res.Missing, []assay.Stream{"c"}) {
		t.Errorf("a stream that is not there: %+v, %v", res, err)
	}
	if got := look(t, open(t, ours), "b", "p"); got != "CVE-2024-0001<1 (alpha)" {
		t.Error(got)
	}
	if got := reads(t, ours, w, feeds); got != 0 {
		t.Error("an update after it reads the feed, though nothing changed")
	}

	w.set("alpha", "a:1 p CVE-2024-0001 2\na:2 p CVE-2024-0001 1\nb p CVE-2024-0001 1\n")
	later(t, ours) // the update by which nothing changed
	later(t, ours)
	runUpdate(t, theirs, w, feeds, nil, false)
	second := snapshot(t, theirs)
	if _, err := adopt(t, ours, second); err != nil || !slices.Equal(second.moved, []assay.Stream{"a:1"}) {
		t.Errorf("moved %v, %v", second.moved, err)
	}
	if _, err := adopt(t, ours, first); err != nil || len(first.moved) != 0 || look(t, open(t, ours), "a:1", "p") != "CVE-2024-0001<2 (alpha)" {
		t.Errorf("an older database: moved %v, %v", first.moved, err)
	}
	if err := open(t, ours).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// reads counts how often an update reads the feeds.
func reads(t *testing.T, dir string, w *web, feeds []assay.Feed) int {
	t.Helper()
	n := 0
	f := feeds[0].(lines)
	f.reads = &n
	runUpdate(t, dir, w, []assay.Feed{f}, nil, false)
	return n
}

// later makes what the databases have an hour older.
func later(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		ix, err := readIndex(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range ix.Shards {
			e := &ix.Shards[i]
			e.Built = e.Built.Add(-time.Hour)
			for j := range e.Feeds {
				e.Feeds[j].Fetched = e.Feeds[j].Fetched.Add(-time.Hour)
			}
		}
		b, err := json.Marshal(ix)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, indexName), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestAdoptBroken takes what it can of a place that is not as its index says,
// and leaves the rest as it was.
func TestAdoptBroken(t *testing.T) {
	w := &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a", "b"}, nil}}
	w.set("alpha", "a p CVE-2024-0001 1\nb p CVE-2024-0001 1\n")
	theirs := t.TempDir()
	runUpdate(t, theirs, w, feeds, nil, false)
	whole := snapshot(t, theirs)
	digest := map[assay.Stream]string{}
	for _, s := range open(t, theirs).Shards() {
		digest[s.Stream] = s.Digest
	}
	for _, tt := range []struct {
		name  string
		harm  func(*copied)
		err   error
		taken bool // the shard that is whole
	}{
		{"shard is missing", func(c *copied) { delete(c.shards, digest["a"]) }, assay.ErrNotFound, true},
		{"shard is another's", func(c *copied) { c.shards[digest["a"]] = c.shards[digest["b"]] }, assay.ErrMalformed, true},
		{"shard is cut", func(c *copied) { c.shards[digest["a"]] = c.shards[digest["a"]][:5000] }, assay.ErrMalformed, true},
		{"shard is longer", func(c *copied) { c.shards[digest["a"]] = append(slices.Clone(c.shards[digest["a"]]), 0) }, assay.ErrMalformed, true},
		{"index is cut", func(c *copied) { c.index = c.index[:100] }, assay.ErrMalformed, false},
		{"index is newer", func(c *copied) { c.index = fmt.Appendf(nil, `{"format":%d}`, Format+1) }, assay.ErrUnsupported, false},
		{"digest is a path", func(c *copied) {
			c.index = []byte(strings.ReplaceAll(string(c.index), digest["a"], "sha256:../../../x"))
		}, assay.ErrMalformed, false},
		{"size is a lie", func(c *copied) {
			c.index = []byte(strings.ReplaceAll(string(c.index), `"size": `, `"size": 9999999999`))
		}, assay.ErrTooLarge, false},
		{"streams are exchanged", func(c *copied) {
			c.index = []byte(strings.NewReplacer(digest["a"], digest["b"], digest["b"], digest["a"]).Replace(string(c.index)))
		}, assay.ErrMalformed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &copied{index: slices.Clone(whole.index), shards: map[string][]byte{}}
			for k, v := range whole.shards {
				c.shards[k] = v
			}
			tt.harm(c)
			ours := t.TempDir()
			w.set("alpha", "a p CVE-2024-0001 0\n")
			runUpdate(t, ours, w, feeds, nil, false)
			later(t, ours)
			_, err := adopt(t, ours, c)
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			d := open(t, ours)
			if got := look(t, d, "a", "p"); got != "CVE-2024-0001<0 (alpha)" {
				t.Errorf("what was there: %s", got)
			}
			if got := look(t, d, "b", "p") == "CVE-2024-0001<1 (alpha)"; got != tt.taken {
				t.Errorf("the whole shard: taken %v, want %v", got, tt.taken)
			}
			if err := d.Verify(t.Context()); err != nil {
				t.Error(err)
			}
			if files, _ := filepath.Glob(filepath.Join(ours, tempName, "*")); len(files) > 0 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
}

// TestAdoptHostile: a file that has the digest and the size that its index tells,
// and was made to harm, is refused before the library opens it.
func TestAdoptHostile(t *testing.T) {
	w := &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a"}, nil}}
	text := ""
	for i := range 2000 {
		text += fmt.Sprintf("a p%d CVE-2024-%04d 1\n", i, i)
	}
	w.set("alpha", text)
	theirs := t.TempDir()
	runUpdate(t, theirs, w, feeds, nil, false)
	whole := snapshot(t, theirs)
	shard := open(t, theirs).Shards()[0]
	old := whole.shards[shard.Digest]
	for n := range 200 {
		bad := slices.Clone(old)
		for i := range 16 { // in and behind the two meta pages
			at := (n*7919 + i*104729) % len(bad)
			if n%2 == 0 {
				at %= 3 * pageSize
			}
			bad[at] ^= byte(1 + (n+i)%255)
		}
		digest := digestOf(bad)
		c := &copied{index: []byte(strings.ReplaceAll(string(whole.index), shard.Digest, digest)), shards: map[string][]byte{digest: bad}}
		ours := t.TempDir()
		if _, err := adopt(t, ours, c); err != nil {
			continue
		}
		if err := open(t, ours).Verify(t.Context()); err != nil { // what was changed is of no account
			t.Errorf("%d: taken, and %v", n, err)
		}
	}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestSnapshotOutlives(t *testing.T) {
	dir := t.TempDir()
	if _, err := generation(t.Context(), dir, 0); err != nil {
		t.Fatal(err)
	}
	s, err := TakeSnapshot(t.Context(), dir, []assay.Stream{"a:*"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Delete(t.Context(), dir, []assay.Stream{"a:*"}); err != nil {
		t.Fatal(err)
	}
	if len(s.Shards) != 2 {
		t.Errorf("shards %v", s.Shards)
	}
	for _, sh := range s.Shards {
		r, err := s.Open(sh)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); n != sh.Size || err != nil {
			t.Errorf("%s: %d bytes of %d, %v", sh.Stream, n, sh.Size, err)
		}
	}
	if _, err := TakeSnapshot(t.Context(), dir, []assay.Stream{"a:*"}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("of streams that are gone: %v", err)
	}
}

func TestDelete(t *testing.T) {
	dir := t.TempDir()
	if _, err := Delete(t.Context(), dir, []assay.Stream{"a:1"}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("without a database: %v", err)
	}
	if _, err := generation(t.Context(), dir, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Delete(t.Context(), dir, []assay.Stream{"c"}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
	gone, err := Delete(t.Context(), dir, []assay.Stream{"a:*"})
	if err != nil || !slices.Equal(gone, []assay.Stream{"a:1", "a:2"}) {
		t.Errorf("%v, %v", gone, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, shardsName))
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	if s := open(t, dir).Shards(); len(s) != 1 || s[0].Stream != "b" {
		t.Errorf("shards %v", s)
	}
}

func TestDiff(t *testing.T) {
	w := &web{}
	feeds := []assay.Feed{lines{"alpha", []assay.Stream{"a", "b", "details:*", "kev"}, nil}}
	w.set("alpha", "a p CVE-2024-0001 1\na p CVE-2024-0002 1\na q CVE-2024-0001 1\ndetail CVE-2024-0001 old\ndetail CVE-2024-0002 same\nb p CVE-2024-0009 1\n")
	x, y := t.TempDir(), t.TempDir()
	runUpdate(t, x, w, feeds, nil, false)
	w.set("alpha", "a p CVE-2024-0001 2\na q CVE-2024-0001 1\na q CVE-2024-0003 1\ndetail CVE-2024-0001 new\ndetail CVE-2024-0002 same\nkev CVE-2024-0001\n")
	runUpdate(t, y, w, feeds, nil, false)
	var got []string
	for c, err := range open(t, x).Diff(t.Context(), open(t, y)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(c.What, " ", c.Stream, " ", c.Name, " ", c.ID, " ", c.Feed))
	}
	want := []string{
		"changed a p CVE-2024-0001 alpha", "removed a p CVE-2024-0002 alpha", "added a q CVE-2024-0003 alpha",
		"removed b p CVE-2024-0009 alpha", "changed details:2024 CVE-2024-0001 CVE-2024-0001 alpha", "added kev CVE-2024-0001 CVE-2024-0001 alpha",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for c := range open(t, x).Diff(t.Context(), open(t, x)) {
		t.Errorf("with itself: %v", c)
	}
}
