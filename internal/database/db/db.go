// Package db builds, opens and updates the advisory database.
//
// A database is a directory with index.json, which lists the shards, and one
// shard for each stream, an immutable file named by its digest. Readers open
// what they need and take no lock. One writer at a time adds new shards beside
// the old ones and then replaces the index. A process that is killed at any
// moment leaves the old database or the new one.
//
// A package's advisories are one compressed record under its name, so a look-up
// reads a few pages. The parts of a detail from different feeds are stored
// separately and merged when read, so that each feed can be replaced alone.
package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay"
)

// DB is an open database: an assay.Advisories and an assay.Details. Its answers
// do not change while it is open, except for a shard that was replaced over an
// hour ago and is asked for the first time. Several goroutines may use it.
type DB struct {
	dir  string
	pool *Pool

	mu     sync.Mutex
	index  *index
	shards map[assay.Stream]usedShard
}

// usedShard is a shard in use, with its entry in the index.
type usedShard struct {
	shard *shard
	path  string
	as    assay.Shard
}

// Open opens the database in directory dir. Without one it is ErrNotFound; one of
// a newer format is ErrUnsupported.
func Open(dir string) (*DB, error) { return OpenIn(dir, &Pool{}) }

// OpenIn is Open with a pool of shards shared by several databases.
func OpenIn(dir string, pool *Pool) (*DB, error) {
	ix, err := pool.index(dir)
	if err != nil {
		return nil, err
	}
	return &DB{dir: dir, pool: pool, index: ix, shards: map[assay.Stream]usedShard{}}, nil
}

// Refresh reads the index again, so that new shards can be asked. Shards that
// were asked before stay unchanged.
func (d *DB) Refresh() error {
	ix, err := d.pool.index(d.dir)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.index = ix
	return nil
}

// Close closes the shards that were opened.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, s := range d.shards {
		errs = append(errs, d.pool.release(s.path))
	}
	clear(d.shards)
	return errors.Join(errs...)
}

// Shards lists the shards of the database, by stream.
func (d *DB) Shards() []assay.Shard {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]assay.Shard, len(d.index.Shards))
	for i, e := range d.index.Shards {
		list[i] = e.Shard
		if s, ok := d.shards[e.Stream]; ok {
			list[i] = s.as
		}
	}
	return list
}

// Used describes the shards that were asked, for a report.
func (d *DB) Used() assay.Database {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := assay.Database{Digest: d.index.digest}
	for _, s := range d.shards {
		u.Shards = append(u.Shards, s.as)
		if u.Built.IsZero() || s.as.Built.Before(u.Built) {
			u.Built = s.as.Built
		}
	}
	slices.SortFunc(u.Shards, func(a, b assay.Shard) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	return u
}

// shard returns the open shard of a stream. If its file was removed because the
// database was replaced, it is that of the new database.
func (d *DB) shard(ctx context.Context, s assay.Stream) (*shard, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sh, ok := d.shards[s]; ok {
		return sh.shard, nil
	}
	for again := false; ; again = true {
		e := d.index.find(s)
		if e == nil {
			return nil, fmt.Errorf("stream %s: %w in the database", s, assay.ErrNotFound)
		}
		path := filepath.Join(d.dir, shardsName, e.file())
		sh, err := d.pool.openShared(ctx, path, e)
		if err == nil {
			d.shards[s] = usedShard{shard: sh, path: path, as: e.Shard}
			return sh, nil
		}
		if again || !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		ix, e2 := d.pool.index(d.dir)
		if e2 != nil {
			return nil, errors.Join(err, e2)
		}
		d.index = ix
	}
}

// Lookup implements assay.Advisories. They are sorted by ID.
func (d *DB) Lookup(ctx context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		sh, err := d.shard(ctx, s)
		if err != nil {
			yield(assay.Advisory{}, err)
			return
		}
		names := []string{name}
		if s == lowered && name == strings.ToLower(name) {
			others, err := sh.spellings(ctx, name)
			if err != nil {
				yield(assay.Advisory{}, err)
				return
			}
			names = append(names, others...)
		}
		for _, name := range names {
			list, err := sh.get(name)
			if err != nil {
				yield(assay.Advisory{}, err)
				return
			}
			err = advisories(list, s, name, yield)
			if err == errStop {
				return
			}
			if err != nil {
				yield(assay.Advisory{}, sh.damaged(err))
				return
			}
		}
	}
}

// lowered is the stream whose names some programs write in lower case, as older rules of
// package URLs demanded: a name without capitals also means those that have them.
const lowered assay.Stream = "go"

// errStop ends a walk whose caller wants no more.
var errStop = errors.New("stop")

// advisories yields the records of a list.
func advisories(list message, s assay.Stream, name string, yield func(assay.Advisory, error) bool) error {
	return items(list, func(b message) error {
		a, err := decodeAdvisory(b, s, name)
		if err != nil {
			return err
		}
		if !yield(a, nil) {
			return errStop
		}
		return nil
	})
}

// Detail implements assay.Details. The texts are NVD's if it has some; scores,
// weaknesses and references are those of all feeds.
func (d *DB) Detail(ctx context.Context, id string) (assay.Detail, error) {
	var parts []assay.Detail
	for _, s := range []assay.Stream{assay.DetailStream(id), assay.StreamKEV, assay.StreamEPSS} {
		sh, err := d.shard(ctx, s)
		if errors.Is(err, assay.ErrNotFound) {
			continue
		}
		if err != nil {
			return assay.Detail{}, err
		}
		list, err := sh.get(detailKey(s, id))
		if err != nil {
			return assay.Detail{}, err
		}
		err = items(list, func(b message) error {
			p, err := decodeDetail(b)
			if p.ID == id {
				parts = append(parts, p)
			}
			return err
		})
		if err != nil {
			return assay.Detail{}, sh.damaged(err)
		}
	}
	if len(parts) == 0 {
		return assay.Detail{}, fmt.Errorf("%s: %w in the database", id, assay.ErrNotFound)
	}
	return merge(id, parts), nil
}

// Artifact implements assay.Artifacts.
func (d *DB) Artifact(ctx context.Context, sha1 [20]byte) (found []assay.Artifact, err error) {
	sh, err := d.shard(ctx, assay.StreamArtifacts)
	if err != nil {
		return nil, err
	}
	list, err := sh.get(artifactKey(sha1))
	if err != nil {
		return nil, err
	}
	err = items(list, func(b message) error {
		a, err := decodeArtifact(b)
		if a.SHA1 == sha1 && !slices.Contains(found, a) {
			found = append(found, a)
		}
		return err
	})
	if err != nil {
		return nil, sh.damaged(err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("artifact %x: %w in the database", sha1, assay.ErrNotFound)
	}
	return found, nil
}

// Names yields the names of packages in a stream, or the identifiers of
// details, in order.
func (d *DB) Names(ctx context.Context, s assay.Stream) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		sh, err := d.shard(ctx, s)
		if err != nil {
			yield("", err)
			return
		}
		blocks := isDetails(s) && detailKey(s, "CVE-2000-0000") != "CVE-2000-0000"
		err = sh.scan(ctx, blocks, func(key string, list message) error {
			if !blocks {
				if !yield(key, nil) {
					return errStop
				}
				return nil
			}
			return items(list, func(b message) error {
				id, _, err := idAndFeed(b, 2)
				if err == nil && !yield(id, nil) {
					err = errStop
				}
				return err
			})
		})
		if err != nil && err != errStop {
			yield("", err)
		}
	}
}

// A Query selects advisories; an empty field does not restrict it.
type Query struct {
	ID      string       // of the vulnerability or the publisher's notice, in any case
	Package string       // in the stream's own spelling
	Stream  assay.Stream // may end in ":*"
}

// Search yields the advisories that match q, by stream and package. Without a
// package it reads every record of the streams.
func (d *DB) Search(ctx context.Context, q Query) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		found := func(a assay.Advisory, err error) bool {
			if err == nil && q.ID != "" && !names(&a, q.ID) {
				return true
			}
			return yield(a, err)
		}
		for _, sh := range d.Shards() {
			if isDetails(sh.Stream) || sh.Stream == assay.StreamArtifacts || q.Stream != "" && !q.Stream.Covers(sh.Stream) {
				continue
			}
			if err := d.search(ctx, sh.Stream, q.Package, found); err != nil {
				if err != errStop {
					yield(assay.Advisory{}, err)
				}
				return
			}
		}
	}
}

func (d *DB) search(ctx context.Context, s assay.Stream, name string, yield func(assay.Advisory, error) bool) error {
	sh, err := d.shard(ctx, s)
	if err != nil {
		return err
	}
	if name == "" {
		return sh.scan(ctx, true, func(key string, list message) error { return advisories(list, s, key, yield) })
	}
	list, err := sh.get(name)
	if err != nil {
		return err
	}
	if err := advisories(list, s, name, yield); errors.Is(err, assay.ErrMalformed) {
		return sh.damaged(err)
	} else if err != nil {
		return err
	}
	return nil
}

// names reports whether id is one of a's names.
func names(a *assay.Advisory, id string) bool {
	same := func(s string) bool { return strings.EqualFold(s, id) }
	return same(a.ID) || slices.ContainsFunc(a.Aliases, same) || slices.ContainsFunc(a.VendorIDs, same)
}

// Verify checks the digest of every shard and that each of its records can be
// read. The error joins one for each damaged shard.
func (d *DB) Verify(ctx context.Context) error {
	d.mu.Lock()
	ix := d.index
	d.mu.Unlock()
	var errs []error
	for i := range ix.Shards {
		if err := ctx.Err(); err != nil {
			return err
		}
		errs = append(errs, d.verify(ctx, &ix.Shards[i]))
	}
	return errors.Join(errs...)
}

func (d *DB) verify(ctx context.Context, e *entry) error {
	path := filepath.Join(d.dir, shardsName, e.file())
	if err := intact(ctx, path, e, true); err != nil {
		return err
	}
	return readable(ctx, path, e)
}

// readable checks that each record of a shard's file can be read.
func readable(ctx context.Context, path string, e *entry) error {
	sh, err := openShard(ctx, path, e)
	if err != nil {
		return err
	}
	defer sh.close()
	n := 0
	err = sh.scan(ctx, true, func(key string, list message) error {
		return items(list, func(b message) (err error) {
			n++
			switch {
			case isDetails(e.Stream):
				_, err = decodeDetail(b)
			case e.Stream == assay.StreamArtifacts:
				_, err = decodeArtifact(b)
			default:
				_, err = decodeAdvisory(b, e.Stream, key)
			}
			return err
		})
	})
	if err == nil && n != e.Records {
		err = sh.damaged(fmt.Errorf("%d records, want %d: %w", n, e.Records, assay.ErrMalformed))
	}
	return err
}

// DefaultMaxAge is the age after which a database is updated.
const DefaultMaxAge = 24 * time.Hour

// maxAhead is the clock difference up to which a date in the future is accepted.
const maxAhead = time.Hour

// Old reports whether data fetched at a time are older than maxAge. A time in
// the future counts as old.
func Old(fetched time.Time, maxAge time.Duration) bool {
	age := time.Since(fetched)
	return age > maxAge || age < -maxAhead
}

// Stale returns the wanted streams that need an update: those that are missing
// in the database in dir, or whose publisher was last asked more than maxAge ago
// by one of the feeds (nil means any feed). 0 means DefaultMaxAge; with a
// negative maxAge the age does not matter. A pattern is stale if nothing matches
// it or a stale stream does. Without a database all streams are stale.
func (p *Pool) Stale(ctx context.Context, dir string, wanted []assay.Stream, feeds []assay.Feed, maxAge time.Duration) ([]assay.Stream, error) {
	ix, err := p.index(dir)
	if errors.Is(err, assay.ErrNotFound) {
		return wanted, nil
	}
	if err != nil {
		return nil, err
	}
	if maxAge == 0 {
		maxAge = DefaultMaxAge
	}
	var stale []assay.Stream
	for _, w := range wanted {
		found, old := false, false
		for i := range ix.Shards {
			e := &ix.Shards[i]
			if !w.Covers(e.Stream) {
				continue
			}
			found = found || feeds == nil
			for _, f := range e.Feeds {
				counts := feeds == nil || slices.ContainsFunc(feeds, func(g assay.Feed) bool { return g.Name() == f.Feed })
				found = found || counts
				old = old || counts && maxAge > 0 && Old(f.Fetched, maxAge)
			}
			old = old || intact(ctx, filepath.Join(dir, shardsName, e.file()), e, false) != nil
		}
		if !found || old {
			stale = append(stale, w)
		}
	}
	return stale, nil
}
