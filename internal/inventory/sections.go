package inventory

import (
	"encoding/binary"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/encoding/wire"
)

// This file stores the items of sections: results of kinds other than packages, by the
// paths of a layer.

// kinds are the kinds of sections that a scan wants.
type kinds struct {
	all     []*assay.SectionKind
	readers map[string]*assay.SectionKind // by the name of a reader
}

func newKinds(all []*assay.SectionKind) kinds {
	k := kinds{all, map[string]*assay.SectionKind{}}
	for _, kind := range all {
		for _, r := range kind.Readers {
			k.readers[r.Name()] = kind
		}
	}
	return k
}

// pack encodes the items of a reader, or of a streamer of kind. It refuses items of
// other kinds than the reader's own, which the cache would lose.
func pack(kind *assay.SectionKind, sections map[string][]any) (items []byte, gaps []string) {
	for name, values := range sections {
		if kind == nil || name != kind.Name {
			gaps = append(gaps, fmt.Sprintf("%s of the section %s, which this reader does not declare; dropped", printable.Count(len(values), "item", "items"), name))
			continue
		}
		n := 0
		for _, v := range values {
			if reflect.TypeOf(v) != reflect.PointerTo(kind.ItemType()) || reflect.ValueOf(v).IsNil() {
				gaps = append(gaps, fmt.Sprintf("item of type %T in the section %s; dropped", v, name))
				continue
			}
			items = wire.AppendValue(items, reflect.ValueOf(v).Elem())
			n++
		}
		if n > 0 {
			items = append(binary.AppendUvarint(nil, uint64(n)), items...)
		}
	}
	slices.Sort(gaps)
	return items, gaps
}

// unpack calls visit with each item in items: what pack returned, once or several times
// in a row. It reports whether visit wants more.
func unpack(kind *assay.SectionKind, items []byte, visit func(any) bool) (more bool, err error) {
	for more = true; len(items) > 0; {
		n, size := binary.Uvarint(items)
		if size <= 0 {
			return false, fmt.Errorf("section %s: %w", kind.Name, assay.ErrMalformed)
		}
		items = items[size:]
		for range n {
			v := kind.New()
			if items, err = wire.DecodeValue(items, reflect.ValueOf(v).Elem()); err != nil {
				return false, err
			}
			more = more && (visit == nil || visit(v))
		}
	}
	return more, nil
}

// A layerSection contains the items of a layer that are visible in the image.
type layerSection struct{ streamers, readers foundItems }

// foundItems are items of a layer, by path.
type foundItems struct {
	items *packed // may be nil
	below []bool  // by path: whether a lower layer has something there; nil where the kind does not need it
}

// section builds the section of a kind from the visible items of its layers.
func section(kind *assay.SectionKind, layers []layerSection) *assay.Section {
	return assay.NewSection(kind, func(yield func(assay.Item) bool) {
		for l, layer := range layers {
			if !layer.yield(kind, l, yield) {
				return
			}
		}
	})
}

// yield yields the items of a layer by path. It reports whether more are wanted.
func (s layerSection) yield(kind *assay.SectionKind, l int, yield func(assay.Item) bool) bool {
	next, stop := iter.Pull2(s.readers.items.records())
	defer stop()
	path, items, ok := next()
	give := func(from foundItems, n int, path string, items []byte) bool {
		more, err := unpack(kind, items, func(v any) bool {
			kind.Complete(v, from.below != nil && from.below[n])
			return yield(assay.Item{Path: path, Layer: l, Value: v})
		})
		return more && err == nil
	}
	n, m := 0, 0
	readersUntil := func(end string) bool {
		for ; ok && (end == "" || path < end); m++ {
			if !give(s.readers, m, path, items) {
				return false
			}
			path, items, ok = next()
		}
		return true
	}
	for p, x := range s.streamers.items.records() {
		if !readersUntil(p) || !give(s.streamers, n, p, x) {
			return false
		}
		n++
	}
	return readersUntil("")
}
