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
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/wire"
	"golang.org/x/sync/errgroup"
)

// Options says how to take an inventory. The zero value reads nothing, for it
// has no readers; all else has a default.
type Options struct {
	Readers  []assay.Reader       // in the order in which files are offered to them
	Kinds    []*assay.SectionKind // other results that are wanted; a kind that is not costs nothing
	Scopes   assay.Scope          // which of their patterns count; 0 means ScopeSystem|ScopeInstalled
	Skip     Skip                 // what is not to be looked at
	More     []More               // files to offer besides
	Cache    assay.Cache          // nil: no layer's facts are kept
	Build    string               // identifies the program's readers: facts of another build are read anew
	Jobs     int                  // layers read at once; 0 means runtime.NumCPU()
	SpoolDir string               // for wanted files over 8 MiB; "" means os.TempDir()
	Budget   *Budget              // of memory and disk, shared with other scans; nil means that of the process
	Verify   bool                 // read every layer, cached or not
	Progress func(assay.Progress) // may be nil; called from several goroutines
}

// Build reads the layers of an image and says what is installed. What could not
// be read is among the inventory's gaps; an error means that there is no
// inventory to rely on: a layer is not there or is not what its digest says.
// Where other scans have the budget, it waits.
func Build(ctx context.Context, img *assay.Image, o Options) (*assay.Inventory, error) {
	b := &builder{img: img, o: o, kinds: newKinds(o.Kinds)}
	b.o.Scopes = cmp.Or(o.Scopes, assay.ScopeSystem|assay.ScopeInstalled)
	key := b.imageKey()
	if inv := b.known(ctx, key); inv != nil {
		return inv, nil
	}
	if b.o.Budget == nil {
		b.o.Budget = processBudget()
	}
	b.account = b.o.Budget.begin()
	defer b.account.end()
	if err := b.account.take(ctx, scanSlots, 1); err != nil {
		return nil, err
	}
	b.compile()
	b.spool = &spool{dir: o.SpoolDir, account: b.account}
	layers, err := b.layers(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.account.take(ctx, jobSlots, 1); err != nil {
		return nil, err
	}
	s, visible, err := b.squash(ctx, layers)
	if err != nil {
		return nil, err
	}
	inv := b.assemble(s, visible)
	if ctx.Err() == nil && key != "" && !slices.ContainsFunc(layers, func(l *layerFacts) bool { return l.transient }) && !b.spool.refused.Load() {
		_ = o.Cache.Put(ctx, key, encodeInventory(inv, b.layerRef, len(img.Layers))) // else it is made again the next time
	}
	return inv, ctx.Err()
}

// compile makes ready what reads the layers.
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

// imageKey is that of what the layers make together; "" when one of them may
// not be cached, or all are to be read anew.
func (t *builder) imageKey() string {
	if t.o.Cache == nil || t.o.Verify || len(t.img.Layers) == 0 || len(t.o.Kinds) > 0 { // sections are made of the layers'
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
	inv, err := decodeInventory(b, t.layerRef, len(t.img.Layers))
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
	readers []assay.Reader // the options', and those of the kinds
	kinds   kinds
	matcher *matcher
	account *account
	spool   *spool
	done    atomic.Int64

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
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(max(t.o.Jobs, 0), runtime.NumCPU()))
	var missing []int
	var mu sync.Mutex
	slices.SortStableFunc(todo, func(a, b int) int { // largest first, so that none is left alone at the end; then the upper ones, whose facts are likely to hold
		return cmp.Or(cmp.Compare(t.img.Layers[b].Size, t.img.Layers[a].Size), b-a)
	})
	for _, i := range todo {
		g.Go(func() error {
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

// layer returns the facts of one layer, cached or read; nil when the source gives it
// only together with others.
func (t *builder) layer(ctx context.Context, l assay.Layer) (*layerFacts, error) {
	charged, err := t.account.takeLayer(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.account.take(ctx, jobSlots, 1); err != nil {
		return nil, err
	}
	defer t.account.give(jobSlots, 1)
	f, missing := t.cached(ctx, l)
	switch {
	case f != nil && len(missing) == 0:
		return t.fit(ctx, f, charged)
	case l.Open == nil && l.Walk == nil:
		t.account.give(factBytes, charged)
		return nil, nil
	}
	lr := t.reader(missing)
	lr.charged = charged
	if f != nil {
		lr.readers, lr.matcher = nil, &matcher{skip: t.o.Skip}
	}
	return t.readLayer(ctx, l, f, lr)
}

// key is that of a layer's facts: what else they depend on is in it.
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

// kindKey is that of what a layer says of one kind, whatever else was wanted.
func (t *builder) kindKey(kind *assay.SectionKind, layer string) string {
	return fmt.Sprintf("section\x00%s\x00%s %q\x00%s", t.o.Build, kind.Name, t.o.Skip, layer)
}

// cached returns what the cache has of a layer: nil when that is nothing. missing
// are the kinds that it does not have.
func (t *builder) cached(ctx context.Context, l assay.Layer) (f *layerFacts, missing []*assay.SectionKind) {
	if t.o.Cache != nil && l.Key != "" && !t.o.Verify {
		if b, err := t.o.Cache.Get(ctx, t.key(l.Key)); err == nil {
			if f, err = decode(b); err != nil {
				f = nil // written by nobody we know: as good as not there
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

// put keeps a layer's facts. That the cache is full or read-only costs time
// the next time, and nothing now.
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

// reader reads a layer for all readers, and for the streamers of some kinds.
func (t *builder) reader(streamed []*assay.SectionKind) *layerReader {
	l := &layerReader{readers: t.readers, matcher: t.matcher, spool: t.spool, kinds: t.kinds, progress: t.o.Progress}
	l.streams, l.packers = newStreamings(streamed)
	return l
}

// readLayer reads a layer: all of it, or, where its facts are cached, for the kinds
// that are missing only.
func (t *builder) readLayer(ctx context.Context, l assay.Layer, cached *layerFacts, lr *layerReader) (*layerFacts, error) {
	defer func() { t.account.give(factBytes, lr.charged) }()
	if l.Walk != nil {
		f, err := lr.walk(ctx, &l)
		if err != nil {
			return nil, err
		}
		return t.fitRead(ctx, f, lr)
	}
	r, err := l.Open(ctx)
	if err != nil {
		if l.Foreign && errors.Is(err, assay.ErrNotFound) {
			return &layerFacts{transient: true, Gaps: []assay.Gap{{What: "a foreign (non-distributable) layer whose content is not with the image; what it holds is not known"}}}, nil
		}
		return nil, err
	}
	defer r.Close()
	f, err := lr.read(ctx, r)
	if err != nil {
		return nil, err
	}
	if cached == nil {
		t.put(ctx, l.Key, f)
		return t.fitRead(ctx, f, lr)
	}
	t.putKinds(ctx, l.Key, f)
	maps.Copy(cached.sections, f.sections)
	return t.fitRead(ctx, cached, lr)
}

// fitRead is fit for what was read; what the reader had of the budget counts.
func (t *builder) fitRead(ctx context.Context, f *layerFacts, lr *layerReader) (*layerFacts, error) {
	charged := lr.charged
	lr.charged = 0
	return t.fit(ctx, f, charged)
}

// fit makes a layer's facts fit into what one image may have of the budget, by
// leaving out what its files say. The rest is needed to tell what is at a path.
// charged is what they have of the budget so far.
func (t *builder) fit(ctx context.Context, f *layerFacts, charged int64) (*layerFacts, error) {
	rest := f.treeSize()
	size := rest
	for i := range f.Files {
		size += f.Files[i].size()
	}
	for _, p := range f.sections {
		size += p.size()
	}
	t.account.sawLayer(size)
	if err := t.account.resize(ctx, factBytes, charged, size); err == nil {
		return f, nil
	} else if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	what := fmt.Sprintf("what the image's layers say is over %d bytes; not kept", maxImage)
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
	if err := t.account.resize(ctx, factBytes, charged, rest); err != nil {
		return nil, cmp.Or(ctx.Err(), fmt.Errorf("what the image's layers hold is over %d bytes: %w", maxImage, assay.ErrTooLarge))
	}
	return &bare, nil
}

// treeSize is about how many bytes it takes up where a layer's files are.
func (f *layerFacts) treeSize() int64 {
	size := int64(8*len(f.Index) + 16*len(f.Asked))
	for path, target := range f.Links {
		size += int64(len(path) + len(target) + linkCost)
	}
	for path, target := range f.Hards {
		size += int64(len(path) + len(target) + linkCost)
	}
	return size
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
	if err := t.account.take(ctx, jobSlots, 1); err != nil {
		return err
	}
	defer t.account.give(jobSlots, 1)
	var tooMuch error
	err := t.img.Stream(ctx, want, func(r io.Reader) (func(string), error) {
		lr := t.reader(t.kinds.all)
		f, err := lr.read(ctx, r)
		t.account.give(factBytes, lr.charged)
		return func(diffID string) {
			held, err := t.fit(ctx, f, 0)
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
