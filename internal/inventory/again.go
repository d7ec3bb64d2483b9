package inventory

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/assaysec/assay"
)

// maxRounds bounds how often layers are read again for files that only links
// of other layers lead to; each round follows what the one before found.
const maxRounds = 3

// squash puts the layers together, reading again what the first pass could
// not know to be wanted. For usual images that is nothing.
func (t *taker) squash(ctx context.Context, layers []*layerFacts) (*squasher, []fact, error) {
	layers = slices.Clone(layers)
	done := map[lack]bool{}
	for round := 0; ; round++ {
		s := newSquasher(t.o.Readers, t.matcher, layers)
		facts := s.standing()
		var todo []lack
		for _, k := range s.lacks {
			if !done[k] {
				done[k] = true
				todo = append(todo, k)
			}
		}
		if len(todo) == 0 {
			return s, facts, nil
		}
		if round == maxRounds {
			for _, k := range todo {
				s.gaps = append(s.gaps, assay.Gap{Where: s.where(k.layer, k.glob), What: "reached through too many links; not read"})
			}
			return s, facts, nil
		}
		if err := t.readAgain(ctx, layers, todo); err != nil {
			return nil, nil, err
		}
	}
}

// readAgain reads the lacking files and adds what they say to the layers.
func (t *taker) readAgain(ctx context.Context, layers []*layerFacts, todo []lack) error {
	kept := map[int]map[string]*held{}
	defer func() {
		for _, files := range kept {
			for _, h := range files {
				h.release()
			}
		}
	}()
	wants := map[int][]*want{}
	for _, k := range todo {
		w := &want{reader: k.reader, rooted: true, glob: k.glob, max: assay.DefaultMaxSize}
		for _, p := range t.matcher.all {
			if p.reader == k.reader {
				w.max = max(w.max, p.max)
			}
		}
		wants[k.layer] = append(wants[k.layer], w)
		if k.with != "" {
			c := *w
			c.glob += k.with
			wants[k.below] = append(wants[k.below], &c)
		}
	}
	if err := t.keep(ctx, wants, kept); err != nil {
		return err
	}
	for _, k := range todo {
		t.readLack(ctx, layers, kept, k)
	}
	return nil
}

// keep takes the wanted files out of the layers.
func (t *taker) keep(ctx context.Context, wants map[int][]*want, kept map[int]map[string]*held) error {
	diff := map[string]int{}
	reader := func(i int) *layerReader {
		kept[i] = map[string]*held{}
		return &layerReader{readers: t.o.Readers, matcher: newMatcher(wants[i]), spool: t.spool, keep: true, kept: kept[i]}
	}
	for i := range wants {
		l := t.img.Layers[i]
		if l.Open == nil {
			diff[l.DiffID] = i
			continue
		}
		r, err := l.Open(ctx)
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		_, err = reader(i).read(ctx, r)
		r.Close()
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	if len(diff) == 0 {
		return nil
	}
	return t.img.Stream(ctx, func(id string) bool { _, ok := diff[id]; return ok }, func(r io.Reader) (func(string), error) {
		var all []*want
		for _, i := range diff {
			all = append(all, wants[i]...)
		}
		files := map[string]*held{}
		kept[-1-len(kept)] = files // released at the end, whichever layer it proves to be
		lr := &layerReader{readers: t.o.Readers, matcher: newMatcher(all), spool: t.spool, keep: true, kept: files}
		_, err := lr.read(ctx, r)
		return func(id string) {
			if i, ok := diff[id]; ok {
				kept[i] = files
			}
		}, err
	})
}

// readLack has a lacking file read and adds what it says to its layer.
func (t *taker) readLack(ctx context.Context, layers []*layerFacts, kept map[int]map[string]*held, k lack) {
	r := t.o.Readers[k.reader]
	var add []fileFacts
	for path, h := range kept[k.layer] {
		f := h.File
		switch {
		case k.exact && path != k.glob, !k.exact && !globPath(k.glob, path):
			continue
		case k.exact:
			f.Path = k.as
		}
		if k.with != "" {
			if c := kept[k.below][k.glob+k.with]; c != nil {
				f.With = map[string]*assay.File{k.with: &c.File}
			}
		}
		add = append(add, readFile(ctx, r, &f))
	}
	if k.exact && len(add) == 0 {
		add = append(add, fileFacts{path: k.as, reader: r.Name(), gaps: []string{"the links at this path lead to no file that could be read"}})
	}
	to := *layers[k.to]
	to.files = slices.DeleteFunc(slices.Clone(to.files), func(f fileFacts) bool {
		return k.with != "" && f.path == k.as && f.reader == r.Name()
	})
	to.files = append(to.files, add...)
	layers[k.to] = &to
}
