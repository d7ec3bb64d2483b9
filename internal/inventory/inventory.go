// Package inventory finds what is installed in an image. Each layer is read
// once, in one streaming pass, beside its siblings; what its files say is
// cached by the layer's verified digest; and squashing the layers' facts, as a
// file system would the files, gives the image's inventory and the layer that
// brought each package.
package inventory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/assaysec/assay"
	"golang.org/x/sync/errgroup"
)

// Options says how to take an inventory. The zero value reads nothing, for it
// has no readers; all else has a default.
type Options struct {
	Readers  []assay.Reader       // in the order in which files are offered to them
	Scopes   assay.Scope          // which of their patterns count; 0 means ScopeSystem|ScopeInstalled
	Skip     Skip                 // what is not to be looked at
	More     []More               // files to offer besides
	Cache    assay.Cache          // nil: no layer's facts are kept
	Build    string               // identifies the program's readers: facts of another build are read anew
	Jobs     int                  // layers read at once; 0 means runtime.NumCPU()
	SpoolDir string               // for wanted files over 8 MiB; "" means os.TempDir()
	Spool    int64                // bytes on disk at one time; 0 means DefaultSpool
	Verify   bool                 // read every layer, cached or not
	Progress func(assay.Progress) // may be nil; called from several goroutines
}

// Build reads the layers of an image and says what is installed. What could not
// be read is among the inventory's gaps; an error means that there is no
// inventory to rely on: a layer is not there or is not what its digest says.
func Build(ctx context.Context, img *assay.Image, o Options) (*assay.Inventory, error) {
	o.Scopes = cmp.Or(o.Scopes, assay.ScopeSystem|assay.ScopeInstalled)
	t := &builder{img: img, o: o, matcher: compile(o.Readers, o.Scopes), spool: newSpool(o.SpoolDir, o.Spool)}
	t.databases = map[string]bool{}
	for _, r := range o.Readers {
		t.databases[r.Name()] = slices.ContainsFunc(r.Wants(), func(p assay.Pattern) bool { return cmp.Or(p.Scope, assay.ScopeSystem)&assay.ScopeSystem != 0 })
	}
	t.matcher.skip = o.Skip
	t.matcher.offer(o.Readers, o.More)
	key := t.imageKey()
	if inv := t.known(ctx, key); inv != nil {
		return inv, nil
	}
	t.room.Store(maxImage)
	if o.Spool == 0 {
		t.spool.left.Store(DefaultSpool)
	}
	layers, err := t.layers(ctx)
	if err != nil {
		return nil, err
	}
	s, facts, err := t.squash(ctx, layers)
	if err != nil {
		return nil, err
	}
	inv := t.assemble(s, facts)
	if ctx.Err() == nil && key != "" && !slices.ContainsFunc(layers, func(l *layerFacts) bool { return l.transient }) && !t.spool.refused.Load() {
		_ = o.Cache.Put(ctx, key, encodeInventory(inv)) // else it is made again the next time
	}
	return inv, ctx.Err()
}

// imageKey is that of what the layers make together; "" when one of them may
// not be cached, or all are to be read anew.
func (t *builder) imageKey() string {
	if t.o.Cache == nil || t.o.Verify || len(t.img.Layers) == 0 {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %v", t.img.Kind, t.img.Gaps)
	for _, l := range t.img.Layers {
		if l.Key == "" {
			return ""
		}
		fmt.Fprintf(h, " %q", l.Key)
	}
	return t.key(fmt.Sprintf("image %x", h.Sum(nil)))
}

// known is the inventory that an earlier scan of the same layers made; nil when
// there is none.
func (t *builder) known(ctx context.Context, key string) *assay.Inventory {
	if key == "" {
		return nil
	}
	b, err := t.o.Cache.Get(ctx, key)
	if err != nil {
		return nil
	}
	inv, err := decodeInventory(b, func(l int) (assay.LayerRef, bool) {
		if l < 0 || l >= len(t.img.Layers) {
			return assay.LayerRef{}, false
		}
		return t.layerRef(l), true
	})
	if err != nil {
		return nil
	}
	return inv
}

// maxImage bounds what is held of all layers of an image, in bytes. An image of a hundred layers of
// which each rewrites the database of a full desktop has 400 MB.
const maxImage = 2 << 30

type builder struct {
	img     *assay.Image
	o       Options
	matcher *matcher
	spool   *spool
	done    atomic.Int64
	room    atomic.Int64 // bytes left of maxImage

	databases map[string]bool // readers of what the system's package managers keep
}

// layers returns the facts of every layer, read or cached.
func (t *builder) layers(ctx context.Context) ([]*layerFacts, error) {
	n := len(t.img.Layers)
	layers := make([]*layerFacts, n)
	first := map[string]int{} // layers of one key are read once
	var todo []int
	for i, l := range t.img.Layers {
		if _, ok := first[l.Key]; ok && l.Key != "" {
			continue
		}
		first[l.Key] = i
		todo = append(todo, i)
	}
	jobs := t.o.Jobs
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	var missing []int
	var mu sync.Mutex
	slices.SortStableFunc(todo, func(a, b int) int { // largest first, so that none is left alone at the end; then the upper ones, whose facts are likely to stand
		return cmp.Or(cmp.Compare(t.img.Layers[b].Size, t.img.Layers[a].Size), b-a)
	})
	for _, i := range todo {
		g.Go(func() error {
			defer t.progress(len(todo))
			var err error
			if f := t.cached(gctx, t.img.Layers[i]); f != nil {
				layers[i], err = t.fit(f)
				return err
			}
			if t.img.Layers[i].Open == nil && t.img.Layers[i].Walk == nil {
				mu.Lock()
				missing = append(missing, i)
				mu.Unlock()
				return nil
			}
			if layers[i], err = t.readLayer(gctx, t.img.Layers[i]); err != nil {
				return fmt.Errorf("layer %d: %w", i, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := t.stream(ctx, layers, missing); err != nil {
		return nil, err
	}
	for i, l := range t.img.Layers {
		if layers[i] == nil {
			layers[i] = layers[first[l.Key]]
		}
	}
	return layers, nil
}

func (t *builder) progress(total int) {
	n := t.done.Add(1)
	if t.o.Progress != nil {
		t.o.Progress(assay.Progress{Task: "Reading layers", Done: n, Total: int64(total), End: n == int64(total)})
	}
}

// name is what a layer is called in errors.
func name(l assay.Layer) string {
	if l.Digest != "" {
		return l.Digest
	}
	return l.DiffID
}

// key is that of a layer's facts: what else they depend on is in it.
func (t *builder) key(layer string) string {
	return fmt.Sprintf("facts\x00%s\x00%d %q %v\x00%s", t.o.Build, t.o.Scopes, t.o.Skip, t.o.More, layer)
}

func (t *builder) cached(ctx context.Context, l assay.Layer) *layerFacts {
	if t.o.Cache == nil || l.Key == "" || t.o.Verify {
		return nil
	}
	b, err := t.o.Cache.Get(ctx, t.key(l.Key))
	if err != nil {
		return nil
	}
	f, err := decode(b)
	if err != nil {
		return nil // written by nobody we know: as good as not there
	}
	return f
}

// put keeps a layer's facts. That the cache is full or read-only costs time
// the next time, and nothing now.
func (t *builder) put(ctx context.Context, key string, f *layerFacts) {
	if t.o.Cache != nil && key != "" && !f.transient {
		_ = t.o.Cache.Put(ctx, t.key(key), encode(f))
	}
}

func (t *builder) reader() *layerReader {
	return &layerReader{readers: t.o.Readers, matcher: t.matcher, spool: t.spool, progress: t.o.Progress}
}

func (t *builder) readLayer(ctx context.Context, l assay.Layer) (*layerFacts, error) {
	if l.Walk != nil {
		f, err := t.reader().walk(ctx, &l)
		if err != nil {
			return nil, err
		}
		return t.fit(f)
	}
	r, err := l.Open(ctx)
	if err != nil {
		if l.Foreign && errors.Is(err, assay.ErrNotFound) {
			return &layerFacts{transient: true, gaps: []assay.Gap{{What: "a foreign (non-distributable) layer whose content is not with the image; what it holds is not known"}}}, nil
		}
		return nil, err
	}
	defer r.Close()
	f, err := t.reader().read(ctx, r)
	if err != nil {
		return nil, err
	}
	t.put(ctx, l.Key, f)
	return t.fit(f)
}

// fit makes a layer's facts fit into what is left of maxImage, by leaving out
// what its files say. The rest is needed to tell what is at a path.
func (t *builder) fit(f *layerFacts) (*layerFacts, error) {
	rest := int64(8*len(f.index) + 16*len(f.asked))
	for path, target := range f.links {
		rest += int64(len(path) + len(target) + linkCost)
	}
	for path, target := range f.hards {
		rest += int64(len(path) + len(target) + linkCost)
	}
	size := rest
	for i := range f.files {
		size += f.files[i].size()
	}
	if take(&t.room, size) {
		return f, nil
	}
	bare := *f
	bare.transient = true
	bare.files = slices.Clone(f.files)
	for i := range bare.files {
		x := &bare.files[i]
		x.facts, x.gaps = assay.Facts{}, []string{fmt.Sprintf("what the image's layers say is over %d bytes; not kept", maxImage)}
		rest += x.size()
	}
	if !take(&t.room, rest) {
		return nil, fmt.Errorf("what the image's layers hold is over %d bytes: %w", maxImage, assay.ErrTooLarge)
	}
	return &bare, nil
}

// stream reads the layers that the source gives only together.
func (t *builder) stream(ctx context.Context, layers []*layerFacts, missing []int) error {
	if len(missing) == 0 {
		return nil
	}
	if t.img.Stream == nil {
		return fmt.Errorf("layer %d (%s) cannot be opened: %w", missing[0], name(t.img.Layers[missing[0]]), assay.ErrUnsupported)
	}
	wanted := map[string][]int{}
	for _, i := range missing {
		wanted[t.img.Layers[i].DiffID] = append(wanted[t.img.Layers[i].DiffID], i)
	}
	want := func(diffID string) bool { return wanted[diffID] != nil }
	var tooMuch error
	err := t.img.Stream(ctx, want, func(r io.Reader) (func(string), error) {
		f, err := t.reader().read(ctx, r)
		return func(diffID string) {
			held, err := t.fit(f)
			tooMuch = cmp.Or(tooMuch, err)
			for _, i := range wanted[diffID] {
				layers[i] = held
				t.put(ctx, t.img.Layers[i].Key, f)
			}
		}, err
	})
	if err = cmp.Or(err, tooMuch); err != nil {
		return err
	}
	for _, i := range missing {
		if layers[i] == nil {
			return fmt.Errorf("layer %d (%s) is not in what %s exported: %w", i, name(t.img.Layers[i]), t.img.Source, assay.ErrNotFound)
		}
	}
	return nil
}
