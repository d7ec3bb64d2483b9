package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/boltfile"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// A Place is another location of a database: a registry, an archive, a
// directory.
type Place interface {
	// Name names the index.json for people: its file, or the place that has it.
	Name() string
	// Index returns the database's index.json.
	Index(ctx context.Context) ([]byte, error)
	// Shard returns the file of a shard in the index.
	Shard(ctx context.Context, s assay.Shard) (io.ReadCloser, error)
}

// A Patcher is a Place that can build a shard from a former version, with a
// smaller download.
type Patcher interface {
	Place
	// Patch returns shard s, built from the given file of its former version.
	// ErrNotFound: there is no patch for that version.
	Patch(ctx context.Context, s, former assay.Shard, file io.Reader) (io.ReadCloser, error)
}

// maxShard bounds the file of a shard from another place; the largest known has
// 200 MB.
const maxShard = 8 << 30

// Adopt copies the wanted streams (nil means all) from another place. A shard
// that is already here is not copied, and one that is newer here stays, unless
// Force. If a stream fails, it stays unchanged and the others are copied; the
// error joins all failures.
func (b *Builder) Adopt(ctx context.Context, dir string, from Place, wanted []assay.Stream) (Result, error) {
	raw, err := from.Index(ctx)
	if err != nil {
		return Result{}, err
	}
	theirs, err := parseIndex(raw)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", from.Name(), err)
	}
	u, unlock, err := b.begin(ctx, dir)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	a := &adoption{update: u, from: from, taken: map[assay.Stream]*entry{}, edited: map[assay.Stream]bool{}}
	var group errgroup.Group
	group.SetLimit(u.jobs())
	for i := range theirs.Shards {
		if e := &theirs.Shards[i]; wanted == nil || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(e.Stream) }) {
			group.Go(func() error { return a.adoptShard(ctx, e) })
		}
	}
	if err := group.Wait(); err != nil {
		return Result{}, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	res, err := a.exchange()
	if err != nil {
		return Result{}, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	res.Missing = u.missing(wanted)
	return res, errors.Join(a.failed...)
}

// adoption is a running Adopt.
type adoption struct {
	*update
	from Place

	mu     sync.Mutex
	taken  map[assay.Stream]*entry
	edited map[assay.Stream]bool // copied shards with changed content
	failed []error
}

// adoptShard copies a shard if that is useful. A returned error ends the whole
// Adopt; errors of the shard alone are in failed.
func (a *adoption) adoptShard(ctx context.Context, e *entry) error {
	mine := a.ix.find(e.Stream)
	here := mine != nil && intact(ctx, a.path(mine), mine, false) == nil
	switch {
	case here && mine.Digest == e.Digest:
		if !mine.current(e) {
			mine = &entry{Shard: e.Shard, ModTime: mine.ModTime, Sources: e.Sources}
		}
		a.note(mine, false)
		return nil
	case here && !a.Force && mine.current(e):
		a.note(mine, false)
		return nil
	}
	var former *entry
	if here {
		former = mine
	}
	got, err := a.move(ctx, e, former)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		a.mu.Lock()
		defer a.mu.Unlock()
		a.failed = append(a.failed, fmt.Errorf("%s: stream %s: %w", a.from.Name(), e.Stream, err))
		return nil
	}
	a.note(got, true)
	return nil
}

func (a *adoption) note(e *entry, edited bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken[e.Stream] = e
	a.edited[e.Stream] = edited
}

// current reports whether every feed of another shard was asked for e at least
// as late. A date in the future does not count.
func (e *entry) current(other *entry) bool {
	for i := range other.Feeds {
		f := &other.Feeds[i]
		mine := e.status(f.Feed)
		if mine == nil || f.Fetched.After(mine.Fetched) || Old(mine.Fetched, math.MaxInt64) {
			return false
		}
	}
	return true
}

// move copies a shard's file, or builds it from the former version, and verifies
// it.
func (a *adoption) move(ctx context.Context, e, former *entry) (*entry, error) {
	if e.Size < 0 || e.Size > maxShard {
		return nil, fmt.Errorf("%d bytes, over the limit of %d: %w", e.Size, int64(maxShard), assay.ErrTooLarge)
	}
	body, err := a.patched(ctx, e, former)
	if err != nil {
		body, err = a.from.Shard(ctx, e.Shard)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	f, err := os.CreateTemp(filepath.Join(a.dir, tempName), "shard-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(body, e.Size+1))
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	if digest := "sha256:" + hex.EncodeToString(h.Sum(nil)); n != e.Size || digest != e.Digest {
		return nil, fmt.Errorf("received data differs from the index (%d bytes, %s): %w", n, digest, assay.ErrMalformed)
	}
	got := &entry{Shard: e.Shard, Sources: e.Sources}
	return got, a.checkAndName(ctx, got, f.Name())
}

// patched is the shard built from the former version; on any error the whole
// shard is copied.
func (a *adoption) patched(ctx context.Context, e, former *entry) (io.ReadCloser, error) {
	p, ok := a.from.(Patcher)
	if !ok || former == nil {
		return nil, assay.ErrNotFound
	}
	f, err := limit.OpenRegular(a.path(former))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return p.Patch(ctx, e.Shard, former.Shard, f)
}

// checkAndName opens the file to check that it is a shard of the stream, and
// gives it its name.
func (a *adoption) checkAndName(ctx context.Context, e *entry, file string) error {
	if err := validate(file); err != nil {
		return err
	}
	if err := recoverPanics(func() error { return readable(ctx, file, e) }); err != nil {
		return err
	}
	if err := os.Rename(file, a.path(e)); err != nil {
		return err
	}
	st, err := os.Stat(a.path(e))
	if err != nil {
		return err
	}
	e.ModTime = st.ModTime().UnixNano()
	return nil
}

// recoverPanics converts a panic of the library to an error, in case a file that
// validate accepts can still cause one.
func recoverPanics(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v: %w", p, assay.ErrMalformed)
		}
	}()
	return read()
}

// validate checks the whole file, because the library that reads shards trusts
// its content and a malicious file makes it panic.
func validate(file string) error {
	f, err := limit.OpenRegular(file)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	b, err := boltfile.Open(f, st.Size())
	if err != nil {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return b.Root().Each(func(_, _ []byte, sub *boltfile.Bucket) error {
		if sub == nil {
			return nil
		}
		return sub.Each(func(_, _ []byte, deeper *boltfile.Bucket) error {
			if deeper != nil {
				return fmt.Errorf("nested bucket: %w", assay.ErrMalformed)
			}
			return nil
		})
	})
}

// exchange writes the index with the copied shards.
func (a *adoption) exchange() (res Result, err error) {
	next := &index{Format: Format, Built: a.now, Retired: a.ix.Retired}
	for i := range a.ix.Shards {
		if e := &a.ix.Shards[i]; a.taken[e.Stream] == nil {
			next.Shards = append(next.Shards, *e)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(a.taken)) {
		next.Shards = append(next.Shards, *a.taken[s])
		if a.edited[s] {
			res.Built = append(res.Built, s)
		} else {
			res.Unchanged = append(res.Unchanged, s)
		}
	}
	slices.SortFunc(next.Shards, byStream)
	if err := a.replace(next); err != nil {
		return Result{}, err
	}
	return res, nil
}

// Snapshot is the state of the wanted streams (nil means all) of a database at
// one moment, for another place. It stays readable when the database changes.
type Snapshot struct {
	Index  []byte // its index.json
	Shards []assay.Shard

	files map[string]*os.File // by digest
}

// TakeSnapshot opens the files of the database in dir.
func TakeSnapshot(ctx context.Context, dir string, wanted []assay.Stream) (*Snapshot, error) {
	ix, err := readIndex(dir)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{files: map[string]*os.File{}}
	out := &index{Format: Format, Built: ix.Built}
	for i := range ix.Shards {
		e := ix.Shards[i]
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(e.Stream) }) {
			continue
		}
		path := filepath.Join(dir, shardsName, e.file())
		if err := intact(ctx, path, &e, false); err != nil {
			s.Close()
			return nil, err
		}
		f, err := limit.OpenRegular(path)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.files[e.Digest] = f
		e.ModTime = 0
		out.Shards = append(out.Shards, e)
		s.Shards = append(s.Shards, e.Shard)
	}
	if len(s.Shards) == 0 {
		return nil, fmt.Errorf("%s: no such streams: %w in the database", dir, assay.ErrNotFound)
	}
	out.number()
	if s.Index, err = json.MarshalIndent(out, "", "\t"); err != nil {
		s.Close()
		return nil, err
	}
	s.Index = append(s.Index, '\n')
	return s, nil
}

// Open returns the file of a shard.
func (s *Snapshot) Open(shard assay.Shard) (io.Reader, error) {
	f := s.files[shard.Digest]
	if f == nil {
		return nil, fmt.Errorf("shard %s: %w in the snapshot", shard.Stream, assay.ErrNotFound)
	}
	return io.NewSectionReader(f, 0, shard.Size), nil
}

// Close closes the files.
func (s *Snapshot) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
