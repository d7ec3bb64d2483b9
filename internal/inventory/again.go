package inventory

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// maxRounds bounds how often layers are read again for files that only links in other
// layers lead to; each round follows what the round before found.
const maxRounds = 3

// squash combines the layers. It reads again the files that the first pass could not
// know to be wanted; usual images have none.
func (t *builder) squash(ctx context.Context, layers []*layerFacts) (*squasher, []fact, error) {
	layers = slices.Clone(layers)
	done := map[missingFile]bool{}
	for round := 0; ; round++ {
		s, err := t.newSquasher(ctx, layers)
		if err != nil {
			return nil, nil, err
		}
		s.plain = !t.img.Kind.IsImage()
		facts := s.visibleFacts()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		var todo []missingFile
		for _, k := range s.missing {
			once := k
			if once.name = ""; !done[once] { // many links may lead to one file
				done[once] = true
				todo = append(todo, k)
			}
		}
		if len(todo) == 0 {
			return s, facts, nil
		}
		if round == maxRounds {
			for _, k := range todo {
				s.gaps = append(s.gaps, assay.Gap{Where: s.where(k.layer, k.glob), What: "too many nested links lead to it; not read"})
			}
			return s, facts, nil
		}
		if err := t.readAgain(ctx, layers, todo); err != nil {
			return nil, nil, err
		}
	}
}

// readAgain reads the missing files and adds their facts to the layers.
func (t *builder) readAgain(ctx context.Context, layers []*layerFacts, todo []missingFile) error {
	kept := map[int]map[string]*spooled{}
	defer func() {
		for _, files := range kept {
			for _, h := range files {
				h.release()
			}
		}
	}()
	most := make([]int64, len(t.readers))
	for _, p := range t.matcher.all {
		most[p.reader] = max(most[p.reader], p.max, assay.DefaultMaxSize)
	}
	wants := map[int][]*want{}
	wanted := map[missingFile]bool{} // many links may lead to one file
	add := func(layer int, glob string, k missingFile) {
		once := missingFile{layer: layer, glob: glob, exact: k.exact, reader: k.reader}
		if !wanted[once] {
			wanted[once] = true
			wants[layer] = append(wants[layer], &want{reader: k.reader, rooted: true, exact: k.exact, glob: glob, max: most[k.reader]})
		}
	}
	for _, k := range todo {
		add(k.layer, k.glob, k)
		for link := range strings.SplitSeq(k.links, "\x00") {
			if link != "" {
				add(k.layer, link, k)
			}
		}
		if k.with != "" {
			add(k.below, k.glob+k.with, k)
		}
	}
	if err := t.keep(ctx, wants, kept); err != nil {
		return err
	}
	read := map[missingFile]fileFacts{} // by what was read
	own := map[int]bool{}               // layers whose facts are a copy, which may be changed
	for _, k := range todo {
		if !own[k.to] {
			own[k.to] = true
			to := *layers[k.to]
			to.Files = slices.Clone(to.Files)
			layers[k.to] = &to
		}
		t.readMissing(ctx, layers[k.to], kept, read, k)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// keep reads the wanted files of the layers into the spool.
func (t *builder) keep(ctx context.Context, wants map[int][]*want, kept map[int]map[string]*spooled) error {
	diff := map[string][]int{}
	reader := func(i int) *layerReader {
		kept[i] = map[string]*spooled{}
		return &layerReader{readers: t.readers, matcher: newMatcher(wants[i]), spool: t.spool, keep: true, kept: kept[i]}
	}
	for i := range wants {
		l := t.img.Layers[i]
		if l.Walk != nil {
			if _, err := reader(i).walk(ctx, &l); err != nil {
				return fmt.Errorf("layer %d: %w", i, err)
			}
			continue
		}
		if l.Open == nil {
			diff[l.DiffID] = append(diff[l.DiffID], i)
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
		for i := range wants {
			all = append(all, wants[i]...)
		}
		files := map[string]*spooled{}
		kept[-1-len(kept)] = files // released at the end, whatever its layer
		lr := &layerReader{readers: t.readers, matcher: newMatcher(all), spool: t.spool, keep: true, kept: files}
		_, err := lr.read(ctx, r)
		return func(id string) {
			for _, i := range diff[id] {
				kept[i] = files
			}
		}, err
	})
}

// readMissing reads a missing file, unless it was read under another name, and adds its
// facts to its layer.
func (t *builder) readMissing(ctx context.Context, to *layerFacts, kept map[int]map[string]*spooled, done map[missingFile]fileFacts, k missingFile) {
	r := t.readers[k.reader]
	read := func(f *assay.File) fileFacts {
		facts := t.kinds.readFile(ctx, r, f)
		to.transient = to.transient || facts.transient
		return facts
	}
	if !k.exact {
		for path, h := range kept[k.layer] {
			if matchPath(k.glob, path) {
				to.Files = append(to.Files, read(&h.File))
			}
		}
		return
	}
	once := k
	once.as, once.name, once.to = "", "", 0
	add, again := done[once]
	if h := kept[k.layer][k.glob]; h == nil {
		add = fileFacts{Reader: r.Name(), Gaps: []string{"the links at this path lead to no readable file"}}
	} else if !again {
		f := h.File
		f.Path = k.name
		if c := kept[k.below][k.glob+k.with]; k.with != "" && c != nil {
			f.With = map[string]*assay.File{k.with: &c.File}
		}
		add = read(&f)
		done[once] = add
	}
	add.Path = k.as
	if k.with != "" {
		to.Files = slices.DeleteFunc(to.Files, func(f fileFacts) bool { return f.Path == k.as && f.Reader == r.Name() })
	}
	to.Files = append(to.Files, add)
}
