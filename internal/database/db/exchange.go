package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assaysec/assay"
)

const defaultGrace = time.Hour

// droppedByPublisher is the status of a feed whose publisher dropped a stream,
// as Debian does with old releases.
const droppedByPublisher = "the publisher dropped this stream; these are its last records"

// exchange writes the shards that the runs changed and then the index.
func (u *update) exchange(ctx context.Context, runs []*run) (res Result, err error) {
	next := &index{Format: Format, Built: u.now, Retired: u.ix.Retired}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(u.jobs())
	for _, s := range u.streams(runs) {
		group.Go(func() error {
			e, err := u.shard(ctx, s, runs)
			if err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
			old := u.ix.find(s)
			mu.Lock()
			defer mu.Unlock()
			next.Shards = append(next.Shards, *e)
			switch {
			case old == nil || old.Digest != e.Digest:
				res.Built = append(res.Built, s)
			case slices.ContainsFunc(runs, func(r *run) bool { return r.hasStream(s) && r.err == nil }):
				res.Unchanged = append(res.Unchanged, s)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
	slices.SortFunc(next.Shards, byStream)
	slices.Sort(res.Built)
	slices.Sort(res.Unchanged)
	if err := u.replace(next); err != nil {
		return Result{}, err
	}
	return res, nil
}

// replace makes next, whose shards all exist, the index.
func (u *update) replace(next *index) error {
	if err := syncDir(filepath.Join(u.dir, shardsName)); err != nil {
		return err
	}
	drop := u.retire(next)
	if err := next.write(u.dir); err != nil {
		return err
	}
	u.ix = next
	for _, file := range drop {
		os.Remove(filepath.Join(u.dir, shardsName, file)) // on Windows an open file stays until the next time
	}
	return nil
}

// streams lists the streams of the new database. Wanted streams of details have
// a shard even if it is empty, so that a later update knows that they were
// checked.
func (u *update) streams(runs []*run) []assay.Stream {
	set := map[assay.Stream]bool{}
	for i := range u.ix.Shards {
		set[u.ix.Shards[i].Stream] = true
	}
	for _, r := range runs {
		if r.sink == nil || r.err != nil {
			continue
		}
		for s := range r.sink.spools {
			set[s] = true
		}
		for _, s := range r.wanted {
			if isDetails(s) && !strings.HasSuffix(string(s), ":*") {
				set[s] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// shard returns the entry of a stream: the old one with the results of the runs
// for its feeds, and another file if they have other records for it.
func (u *update) shard(ctx context.Context, s assay.Stream, runs []*run) (*entry, error) {
	e := &entry{Shard: assay.Shard{Stream: s}}
	old := u.ix.find(s)
	given := func(r *run) bool { return r.sink != nil && r.err == nil && r.sink.spools[s] != nil }
	if old != nil && slices.ContainsFunc(runs, given) && intact(ctx, u.path(old), old, false) != nil {
		old = nil // damaged: only the new records remain; feeds that gave none are read the next time
	}
	if old != nil {
		e.Shard, e.ModTime = old.Shard, old.ModTime
		e.Feeds, e.Sources = slices.Clone(old.Feeds), slices.Clone(old.Sources)
	}
	var fresh []*spool
	replaced := map[string]bool{}
	for _, r := range runs {
		if sp := e.recordRun(r, u.now); sp != nil {
			fresh = append(fresh, sp)
			replaced[r.feed.Name()] = true
		}
	}
	slices.SortFunc(e.Feeds, func(a, b assay.FeedStatus) int { return cmp.Compare(a.Feed, b.Feed) })
	slices.SortFunc(e.Sources, func(a, b source) int { return cmp.Compare(a.Feed, b.Feed) })
	if len(fresh) == 0 && old != nil && (old.Records > 0 || intact(ctx, u.path(old), old, false) == nil) {
		return e, nil // a damaged empty shard is written again
	}
	if old != nil && old.Records > 0 && slices.ContainsFunc(e.Sources, func(s source) bool { return !s.Empty && !replaced[s.Feed] }) {
		kept, err := u.retain(ctx, old, replaced)
		if err != nil {
			return nil, err
		}
		defer kept.close()
		fresh = append(fresh, kept)
	}
	return e, u.write(ctx, e, fresh)
}

// recordRun records the result of r for the shard, and returns its records if
// they replace the feed's records in the shard.
func (e *entry) recordRun(r *run, now time.Time) *spool {
	name := r.feed.Name()
	st := e.status(name)
	switch {
	case !r.hasStream(e.Stream):
		return nil
	case r.err != nil:
		if st != nil {
			st.Error = r.err.Error()
		}
		return nil
	case r.current:
		if st != nil {
			if st.Fetched = now; st.Error != droppedByPublisher {
				st.Error = ""
			}
		}
		return nil
	}
	status, src := r.sink.status, source{Feed: name, Scope: r.wanted, Documents: r.documents}
	sp := r.sink.spools[e.Stream]
	if _, had := r.feed.(assay.DatedFeed); had && sp == nil && st == nil {
		return nil // its cached documents cover only the streams that it gave
	}
	if sp == nil {
		old := e.source(name)
		if src.Empty = old == nil || old.Empty; !src.Empty {
			status = *st
			status.Fetched, status.Error = now, droppedByPublisher
		}
	}
	e.Feeds = append(slices.DeleteFunc(e.Feeds, func(s assay.FeedStatus) bool { return s.Feed == name }), status)
	e.Sources = append(slices.DeleteFunc(e.Sources, func(s source) bool { return s.Feed == name }), src)
	return sp
}

// retain copies the records of the old shard's other feeds to a spool.
func (u *update) retain(ctx context.Context, old *entry, replaced map[string]bool) (*spool, error) {
	sh, err := openShard(ctx, u.path(old), old)
	if err != nil {
		return nil, err
	}
	defer sh.close()
	sp, err := newSpool(filepath.Join(u.dir, tempName))
	if err != nil {
		return nil, err
	}
	err = sh.scan(ctx, true, func(key string, list message) error {
		return items(list, func(b message) error {
			_, from, err := idAndFeed(b, feedField(old.Stream))
			if err != nil || replaced[from] {
				return err
			}
			return sp.add(key, b.b)
		})
	})
	if err != nil {
		sp.close()
		return nil, err
	}
	return sp, nil
}

// write writes the shard's file and completes e. An intact file that already
// exists stays.
func (u *update) write(ctx context.Context, e *entry, spools []*spool) error {
	tmp, err := tempFile(u.dir, "shard-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	n, err := writeShard(ctx, tmp, e.Stream, spools)
	if err != nil {
		return err
	}
	digest, err := fileDigest(ctx, tmp)
	if err != nil {
		return err
	}
	if digest != e.Digest {
		e.Built = u.now
	}
	st, err := os.Stat(tmp)
	if err != nil {
		return err
	}
	e.Digest, e.Size, e.Records, e.ModTime = digest, st.Size(), n, 0
	path := u.path(e)
	if intact(ctx, path, e, true) != nil {
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	if st, err = os.Stat(path); err != nil {
		return err
	}
	e.ModTime = st.ModTime().UnixNano()
	return nil
}

// retire finds the files that are not in next. Files that have been unused for a
// while are returned for removal; the others are recorded in next.
func (u *update) retire(next *index) (drop []string) {
	grace := cmp.Or(u.Grace, defaultGrace)
	named := map[string]bool{}
	for i := range next.Shards {
		named[next.Shards[i].file()] = true
	}
	since := map[string]time.Time{}
	for _, r := range next.Retired {
		since[r.File] = r.Since
	}
	next.Retired = nil
	files, err := os.ReadDir(filepath.Join(u.dir, shardsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil // they are found the next time
	}
	for _, f := range files {
		name := f.Name()
		if named[name] || !strings.HasSuffix(name, shardExt) {
			continue
		}
		at, known := since[name]
		switch {
		case !known:
			next.Retired = append(next.Retired, retired{name, u.now})
		case u.now.Sub(at) > grace:
			drop = append(drop, name)
		default:
			next.Retired = append(next.Retired, retired{name, at})
		}
	}
	return drop
}
