// Package inventory finds what is installed in an image. It reads each layer once, in
// one streaming pass, several layers in parallel. It caches the facts of a layer's
// files by the layer's verified digest. It then squashes the layers' facts as a file
// system squashes the files, which gives the image's inventory and the layer that added
// each package.
package inventory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/wire"
	"golang.org/x/sync/errgroup"
)

// Options configures Build. The zero value has no readers and so reads nothing;
// everything else has a default.
type Options struct {
	Readers  []assay.Reader       // in the order in which they get files
	Kinds    []*assay.SectionKind // kinds of sections to find; others cost nothing
	Scopes   assay.Scope          // which of their patterns count; 0 means ScopeSystem|ScopeInstalled
	Skip     Skip                 // what to skip
	More     []More               // additional files for readers
	Cache    assay.Cache          // nil: nothing is cached
	Build    string               // identifies the program's readers: facts cached by another build are not used
	Jobs     int                  // layers read in parallel; 0 means runtime.NumCPU()
	SpoolDir string               // for wanted files over 8 MiB; "" means os.TempDir()
	Budget   *Budget              // of memory and disk, shared with other scans; nil means the process's
	Verify   bool                 // read every layer, cached or not
	Progress func(assay.Progress) // may be nil; called from several goroutines

	// Registry is asked by readers of source code in directories. Facts then depend on
	// more than the target, so that nothing is cached. Nil: no registry is asked.
	Registry assay.PackageRegistry
}

// Build reads the layers of an image and returns what is installed. Gaps of the
// inventory list what could not be read. An error means that no inventory is reliable:
// a layer is missing, or does not match its digest. Build waits while other scans use
// up the budget.
func Build(ctx context.Context, img *assay.Image, o Options) (*assay.Inventory, error) {
	b := &builder{img: img, o: o, kinds: newKinds(o.Kinds)}
	b.o.Scopes = cmp.Or(o.Scopes, assay.ScopeSystem|assay.ScopeInstalled)
	if o.Registry != nil {
		b.o.Cache, o.Cache = nil, nil
	}
	key := b.imageKey()
	if inv := b.cachedImage(ctx, key); inv != nil {
		return inv, nil
	}
	if b.o.Budget == nil {
		b.o.Budget = processBudget()
	}
	b.account = b.o.Budget.begin()
	defer b.account.end()
	if err := b.account.acquire(ctx, scanSlots, 1); err != nil {
		return nil, err
	}
	b.compile()
	b.spool = &spool{dir: o.SpoolDir, account: b.account}
	layers, err := b.layers(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.account.acquire(ctx, jobSlots, 1); err != nil {
		return nil, err
	}
	s, visible, err := b.squash(ctx, layers)
	if err != nil {
		return nil, err
	}
	inv := b.assemble(s, visible)
	if ctx.Err() == nil && key != "" && !slices.ContainsFunc(s.layers, func(l *layerFacts) bool { return l.transient }) && !b.spool.refused.Load() {
		_ = o.Cache.Put(ctx, key, encodeInventory(inv, b.layerRef, len(img.Layers))) // otherwise the next scan builds it again
	}
	return inv, ctx.Err()
}

// compile prepares the readers and the matcher.
func (t *builder) compile() {
	t.readers, t.databases = slices.Clone(t.o.Readers), map[string]bool{}
	for _, k := range t.o.Kinds {
		t.readers = append(t.readers, k.Readers...)
	}
	for _, r := range t.readers {
		t.databases[r.Name()] = slices.ContainsFunc(r.Wants(), func(p assay.Pattern) bool { return cmp.Or(p.Scope, assay.ScopeSystem)&assay.ScopeSystem != 0 })
	}
	t.matcher = compile(t.readers, t.o.Scopes)
	t.matcher.skip = t.o.Skip
	t.matcher.offer(t.readers, t.o.More)
}

// imageKey is the cache key of the squashed image; "" when a layer may not be cached,
// or all layers must be read.
func (t *builder) imageKey() string {
	if t.o.Cache == nil || t.o.Verify || len(t.img.Layers) == 0 || len(t.o.Kinds) > 0 { // sections are built from the layers
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

// cachedImage returns the inventory that an earlier scan of the same layers cached; nil when
// there is none.
func (t *builder) cachedImage(ctx context.Context, key string) *assay.Inventory {
	if key == "" {
		return nil
	}
	b, err := t.o.Cache.Get(ctx, key)
	if err != nil {
		return nil
	}
	inv, err := decodeInventory(b, t.layerRef, len(t.img.Layers))
	if err != nil {
		return nil
	}
	return inv
}

// maxImage bounds the facts of all layers of an image, in bytes. An image of a hundred
// layers that each rewrite the package database of a full desktop has 400 MB.
const maxImage = 2 << 30

type builder struct {
	img     *assay.Image
	o       Options
	readers []assay.Reader // the readers of the options and of the kinds of sections
	kinds   kinds
	matcher *matcher
	account *account
	spool   *spool
	done    atomic.Int64

	databases map[string]bool // readers of the OS package databases
}

// layers returns the facts of every layer, read or cached.
func (t *builder) layers(ctx context.Context) ([]*layerFacts, error) {
	n := len(t.img.Layers)
	layers := make([]*layerFacts, n)
	first := map[string]int{} // layers with equal keys are read once
	var todo []int
	for i, l := range t.img.Layers {
		if _, ok := first[l.Key]; ok && l.Key != "" {
			continue
		}
		first[l.Key] = i
		todo = append(todo, i)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(max(t.o.Jobs, 0), runtime.NumCPU()))
	var missing []int
	var mu sync.Mutex
	slices.SortStableFunc(todo, func(a, b int) int { // largest first, so that none is left alone at the end; then the upper ones, whose facts are most likely visible
		return cmp.Or(cmp.Compare(t.img.Layers[b].Size, t.img.Layers[a].Size), b-a)
	})
	for _, i := range todo {
		g.Go(func() (err error) {
			defer recovered(&err, i)
			defer t.progress(len(todo))
			f, err := t.layer(gctx, t.img.Layers[i])
			if err != nil {
				return fmt.Errorf("layer %d: %w", i, err)
			}
			if layers[i] = f; f == nil {
				mu.Lock()
				missing = append(missing, i)
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(missing)
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

// A PanicError is a fault of assay's own that some input brought out. The process
// goes on: other scans are not touched.
type PanicError struct {
	During string // what was done, and with which input: "scan of app.tar"
	Value  any    // what the code panicked with
	Stack  []byte // where
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: internal error: %v; please report it with the input", e.During, e.Value)
}

// recovered makes a panic the error of the function that defers it: in a goroutine of
// its own it would end the process, with all other scans.
func recovered(err *error, layer int) {
	if v := recover(); v != nil {
		*err = &PanicError{fmt.Sprintf("layer %d", layer), v, debug.Stack()}
	}
}

func (t *builder) progress(total int) {
	n := t.done.Add(1)
	if t.o.Progress != nil {
		t.o.Progress(assay.Progress{Task: "Reading layers", Done: n, Total: int64(total), End: n == int64(total)})
	}
}

// name returns a layer's name for errors.
func name(l assay.Layer) string {
	if l.Digest != "" {
		return l.Digest
	}
	return l.DiffID
}

// layer returns the facts of one layer, cached or read; nil when the source provides it
// only together with others.
func (t *builder) layer(ctx context.Context, l assay.Layer) (*layerFacts, error) {
	claim, err := t.account.claimLayer(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.account.acquire(ctx, jobSlots, 1); err != nil {
		return nil, err
	}
	defer t.account.release(jobSlots, 1)
	f, missing := t.cached(ctx, l)
	switch {
	case f != nil && len(missing) == 0:
		return t.fit(ctx, f, claim)
	case l.Open == nil && l.Walk == nil:
		claim.drop()
		return nil, nil
	}
	lr := t.reader(missing, claim)
	if f != nil {
		lr.readers, lr.matcher = nil, &matcher{skip: t.o.Skip}
	}
	return t.readLayer(ctx, l, f, lr)
}

// key is the cache key of a layer's facts; it contains everything else that they depend
// on.
func (t *builder) key(layer string) string {
	var names []string
	for _, r := range t.kinds.readers {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	none := ""
	if len(t.o.Readers) == 0 {
		none = " without packages"
	}
	return fmt.Sprintf("facts\x00%s\x00%d %q %v %q%s\x00%s", t.o.Build, t.o.Scopes, t.o.Skip, t.o.More, slices.Compact(names), none, layer)
}

// kindKey is the cache key of a layer's items of one kind, independent of the other
// kinds.
func (t *builder) kindKey(kind *assay.SectionKind, layer string) string {
	return fmt.Sprintf("section\x00%s\x00%s %q\x00%s", t.o.Build, kind.Name, t.o.Skip, layer)
}

// cached returns the cached facts of a layer, or nil. missing lists the kinds that are
// not cached.
func (t *builder) cached(ctx context.Context, l assay.Layer) (f *layerFacts, missing []*assay.SectionKind) {
	if t.o.Cache != nil && l.Key != "" && !t.o.Verify {
		if b, err := t.o.Cache.Get(ctx, t.key(l.Key)); err == nil {
			if f, err = decode(b); err != nil || !f.Index.valid() {
				f = nil // written by an unknown build: treated as missing
			}
		}
	}
	found := map[string]*packed{}
	for _, kind := range t.kinds.all {
		switch {
		case len(kind.Streamers) == 0:
		case f == nil: // the layer is read anyway
			missing = append(missing, kind)
		default:
			if p := t.cachedKind(ctx, kind, l.Key); p != nil {
				found[kind.Name] = p
			} else {
				missing = append(missing, kind)
			}
		}
	}
	if f != nil {
		f.sections = found
	}
	return f, missing
}

func (t *builder) cachedKind(ctx context.Context, kind *assay.SectionKind, key string) *packed {
	b, err := t.o.Cache.Get(ctx, t.kindKey(kind, key))
	if err != nil {
		return nil
	}
	p := new(packed)
	if err := decodeAll(b, p); err != nil || !p.check(kind) {
		return nil
	}
	return p
}

// put caches a layer's facts. A full or read-only cache only costs time in the next
// scan.
func (t *builder) put(ctx context.Context, key string, f *layerFacts) {
	if t.o.Cache == nil || key == "" || f.transient {
		return
	}
	_ = t.o.Cache.Put(ctx, t.key(key), encode(f))
	t.putKinds(ctx, key, f)
}

func (t *builder) putKinds(ctx context.Context, key string, f *layerFacts) {
	if t.o.Cache == nil || key == "" {
		return
	}
	for _, kind := range t.kinds.all {
		if p := f.sections[kind.Name]; p != nil && !p.transient {
			_ = t.o.Cache.Put(ctx, t.kindKey(kind, key), wire.Append(nil, p))
		}
	}
}

// reader returns a reader of a layer, for all file readers and for the streamers of
// some kinds.
func (t *builder) reader(streamed []*assay.SectionKind, c *claim) *layerReader {
	l := &layerReader{budget: c, readers: t.readers, matcher: t.matcher, spool: t.spool, kinds: t.kinds, progress: t.o.Progress, registry: t.o.Registry}
	l.streams, l.packers = newStreamings(streamed)
	return l
}

// readLayer reads a layer: all of it, or, where its facts are cached, only for the
// missing kinds.
func (t *builder) readLayer(ctx context.Context, l assay.Layer, cached *layerFacts, lr *layerReader) (*layerFacts, error) {
	f, err := t.readFacts(ctx, l, lr)
	if err != nil {
		lr.budget.drop()
		return nil, err
	}
	if cached == nil {
		t.put(ctx, l.Key, f)
		return t.fit(ctx, f, lr.budget)
	}
	t.putKinds(ctx, l.Key, f)
	maps.Copy(cached.sections, f.sections)
	return t.fit(ctx, cached, lr.budget)
}

// readFacts reads a layer and returns its facts.
func (t *builder) readFacts(ctx context.Context, l assay.Layer, lr *layerReader) (*layerFacts, error) {
	if l.Walk != nil {
		return lr.walk(ctx, &l)
	}
	r, err := l.Open(ctx)
	if err != nil {
		if l.Foreign && errors.Is(err, assay.ErrNotFound) {
			return &layerFacts{transient: true, Gaps: []assay.Gap{{What: "the content of this foreign (non-distributable) layer is not part of the image; what it contains is unknown"}}}, nil
		}
		return nil, err
	}
	defer r.Close()
	return lr.read(ctx, r)
}

// fit claims from the budget what a layer's facts need. If one image may not have so
// much, it drops the facts of files; paths and links stay, because squashing needs
// them.
func (t *builder) fit(ctx context.Context, f *layerFacts, c *claim) (*layerFacts, error) {
	defer c.settle()
	rest := f.treeSize()
	size := rest
	for i := range f.Files {
		size += f.Files[i].size()
	}
	for _, p := range f.sections {
		size += p.size()
	}
	if err := c.resize(ctx, size); err == nil {
		return f, nil
	} else if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	what := fmt.Sprintf("the facts of the image's layers exceed %d bytes; the facts of this layer are dropped", maxImage)
	bare := *f
	bare.transient = true
	bare.Files = slices.Clone(f.Files)
	for i := range bare.Files {
		x := &bare.Files[i]
		x.Facts, x.Items, x.Gaps = assay.Facts{}, nil, []string{what}
		rest += x.size()
	}
	bare.sections = map[string]*packed{}
	for name, p := range f.sections {
		bare.sections[name] = p
		if p.Count > 0 {
			bare.sections[name] = &packed{Gaps: []assay.Gap{{What: what}}}
		}
	}
	if err := c.resize(ctx, rest); err != nil {
		return nil, cmp.Or(ctx.Err(), fmt.Errorf("the index of the image's layers exceeds %d bytes: %w", maxImage, assay.ErrTooLarge))
	}
	return &bare, nil
}

// treeSize estimates the bytes of the index of a layer's files.
func (f *layerFacts) treeSize() int64 {
	size := int64(17*len(f.Index.Bits) + 16*len(f.Asked))
	for path, target := range f.Links {
		size += int64(len(path) + len(target) + linkCost)
	}
	for path, target := range f.Hards {
		size += int64(len(path) + len(target) + linkCost)
	}
	return size
}

// stream reads the layers that the source provides only together.
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
	if err := t.account.acquire(ctx, jobSlots, 1); err != nil {
		return err
	}
	defer t.account.release(jobSlots, 1)
	var tooMuch error
	err := t.img.Stream(ctx, want, func(r io.Reader) (func(string), error) {
		lr := t.reader(t.kinds.all, &claim{account: t.account})
		f, err := lr.read(ctx, r)
		if err != nil {
			lr.budget.drop()
		}
		return func(diffID string) {
			spooled, err := t.fit(ctx, f, lr.budget)
			tooMuch = cmp.Or(tooMuch, err)
			for _, i := range wanted[diffID] {
				layers[i] = spooled
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
