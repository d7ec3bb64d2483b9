package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// This file squashes the items of sections.

// sections builds the sections of the requested kinds.
func (t *builder) sections(s *squasher, visible []fact) assay.Sections {
	if len(t.kinds.all) == 0 {
		return nil
	}
	out := assay.Sections{}
	for _, kind := range t.kinds.all {
		layers := make([]layerSection, len(s.layers))
		for l, layer := range s.layers {
			streamed := layer.sections[kind.Name]
			if kind.IsPerLayer() {
				layers[l] = layerSection{s.perLayer(streamed, l), s.perLayer(t.kinds.itemsOf(kind, layer), l)}
			} else {
				layers[l].streamers.items = s.visibleItems(kind, streamed, l)
			}
		}
		if !kind.IsPerLayer() {
			for l, items := range t.kinds.visibleItems(kind, visible) {
				layers[l].readers.items = items
			}
		}
		out[kind.Name] = section(kind, layers)
	}
	return out
}

// itemsOf returns the items that readers of kind found in a layer.
func (k kinds) itemsOf(kind *assay.SectionKind, layer *layerFacts) *packed {
	var found []*fileFacts
	for i := range layer.Files {
		if f := &layer.Files[i]; len(f.Items) > 0 && k.readers[f.Reader] == kind {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b *fileFacts) int { return strings.Compare(a.Path, b.Path) })
	var w packedWriter
	for _, f := range found {
		w.add([]byte(f.Path), f.Items)
	}
	return w.packed()
}

// visibleItems returns by layer the items of kind in the visible facts.
func (k kinds) visibleItems(kind *assay.SectionKind, visible []fact) map[int]*packed {
	found := map[int]*packedWriter{}
	for _, f := range visible {
		if len(f.Items) == 0 || k.readers[f.Reader] != kind {
			continue
		}
		if found[f.layer] == nil {
			found[f.layer] = new(packedWriter)
		}
		found[f.layer].add([]byte(f.path), f.Items)
	}
	out := map[int]*packed{}
	for l, w := range found {
		out[l] = w.packed()
	}
	return out
}

// perLayer returns all items of a layer, and where lower layers have something.
func (s *squasher) perLayer(in *packed, l int) foundItems {
	if in == nil {
		return foundItems{}
	}
	out := foundItems{in, make([]bool, 0, in.Count)}
	for path := range in.records() {
		if s.ctx.Err() != nil {
			return foundItems{}
		}
		out.below = append(out.below, l > 0 && s.exists(path, l-1))
	}
	return out
}

// exists reports whether the file system of the layers 0 to top has something at path.
func (s *squasher) exists(path string, top int) bool {
	dir, base := split(path)
	real, ok := s.resolve(dir, top, true)
	if !ok {
		return false
	}
	p := s.look(join(real, base), top)
	return p.kind != 0 || p.implied
}

// placeItems resolves the paths of streamers' items, like placeFiles, where a layer
// wrote them through a link of a lower layer.
func (s *squasher) placeItems(l int, layer *layerFacts) {
	for _, kind := range s.kinds {
		in := layer.sections[kind.Name]
		if in == nil || kind.IsPerLayer() {
			continue
		}
		var dir layerDir
		for path := range in.records() {
			s.placePath(&dir, l, path)
		}
		for _, link := range in.Links {
			s.placePath(&dir, l, link.Path)
		}
	}
}

// visibleItems returns the streamers' items of a layer that are visible in the image.
func (s *squasher) visibleItems(kind *assay.SectionKind, in *packed, l int) *packed {
	if in == nil {
		return nil
	}
	type found struct {
		path  string
		items []byte
	}
	var all []found
	keep := func(path string, items func() []byte) {
		dir, base := split(path)
		real, ok := s.resolve(dir, l, true)
		if path = join(real, base); ok && s.visible(path, l, s.top) {
			all = append(all, found{path, items()})
		}
	}
	for path, items := range in.records() {
		keep(path, func() []byte { return items })
	}
	for _, link := range in.Links {
		keep(link.Path, func() []byte { return s.linkedItems(kind, link, l) })
	}
	slices.SortStableFunc(all, func(a, b found) int { return strings.Compare(a.path, b.path) })
	var w packedWriter
	for _, f := range all {
		if len(f.items) > 0 {
			w.add([]byte(f.path), f.items)
		}
	}
	return w.packed()
}

// linkedItems returns the items of the file that a hard link of layer l leads to.
func (s *squasher) linkedItems(kind *assay.SectionKind, link hardLink, l int) []byte {
	target, top := link.Target, l
	for range maxHops {
		real, ok := s.resolve(target, top, true)
		p := s.at(real, top)
		if !ok || p.kind != bitFile {
			break
		}
		in := s.layers[p.layer].sections[kind.Name]
		raw := s.raw(real, p.layer)
		if items, ok := s.itemsByPath(in)[raw]; ok {
			return items
		}
		next := in.link(raw)
		if next == "" {
			return nil
		}
		target, top = next, p.layer
	}
	s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, link.Path), What: fmt.Sprintf("a hard link to %q, which is not in the image; not read", link.Target)})
	return nil
}

// itemsByPath returns a layer's items by path.
func (s *squasher) itemsByPath(in *packed) map[string][]byte {
	if in == nil || s.items[in] != nil {
		return s.items[in]
	}
	out := make(map[string][]byte, in.Count)
	for path, items := range in.records() {
		out[path] = items
	}
	s.items[in] = out
	return out
}
