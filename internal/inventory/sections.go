package inventory

import (
	"bytes"
	"cmp"
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

// unpack calls visit with each item that pack encoded.
func unpack(kind *assay.SectionKind, items []byte, visit func(any) bool) (rest []byte, more bool, err error) {
	n, size := binary.Uvarint(items)
	if size <= 0 {
		return nil, false, fmt.Errorf("section %s: %w", kind.Name, assay.ErrMalformed)
	}
	items, more = items[size:], true
	for range n {
		v := kind.New()
		if items, err = wire.DecodeValue(items, reflect.ValueOf(v).Elem()); err != nil {
			return nil, false, err
		}
		more = more && (visit == nil || visit(v))
	}
	return items, more, nil
}

// A class distinguishes what one layer may say of one path at the same time.
type class byte

const (
	classEntry    class = iota // what exists there
	classWhiteout              // what lower layers have there is deleted
	classOpaque                // what lower layers have below it is deleted
	classGone                  // earlier records are void: the path occurred again
	classGoneDeep              // the same, for the path and everything below it
)

// A packer collects a layer's records in the order of its entries, as bytes: separate
// objects would need several times the memory.
type packer struct {
	room    [][]byte          // chunks, so that growing copies nothing
	records []uint32          // where the records are in room: chunk and offset
	at      map[string]uint32 // the last record of a path that has items; nil where not needed
	gone    int               // records of classGone and classGoneDeep
	dropped int               // records that exceeded the limit
	gaps    []assay.Gap

	transient bool // a streamer panicked
}

const (
	recordCost = 8  // overhead of a record
	chunkBits  = 20 // bits of an offset in a chunk of 1 MiB; a longer record has a chunk of its own
)

// add appends a record. It returns how many bytes that took.
func (p *packer) add(c class, path string, items []byte) int64 {
	most := 1 + 2*binary.MaxVarintLen32 + len(path) + len(items)
	last := len(p.room) - 1
	if last < 0 || len(p.room[last])+most > cap(p.room[last]) {
		p.room = append(p.room, make([]byte, 0, max(1<<chunkBits, most)))
		last++
	}
	b := p.room[last]
	start, at := len(b), uint32(last<<chunkBits|len(b))
	b = append(b, byte(c))
	b = append(binary.AppendUvarint(b, uint64(len(path))), path...)
	p.room[last] = append(binary.AppendUvarint(b, uint64(len(items))), items...)
	p.records = append(p.records, at)
	if p.at != nil && c == classEntry {
		p.at[path] = at
	}
	return int64(len(p.room[last]) - start + recordCost)
}

// forget records that a path occurs again in the layer.
func (p *packer) forget(path string, deep bool) int64 {
	if len(p.records) == 0 {
		return 0
	}
	delete(p.at, path)
	p.gone++
	if deep {
		return p.add(classGoneDeep, path, nil)
	}
	return p.add(classGone, path, nil)
}

// A record is one decoded record of a packer.
type record struct {
	class class
	path  []byte
	items []byte
}

func (p *packer) record(at uint32) (r record) {
	b := p.room[at>>chunkBits][at&(1<<chunkBits-1):]
	r.class, b = class(b[0]), b[1:]
	n, size := binary.Uvarint(b)
	r.path, b = b[size:size+int(n)], b[size+int(n):]
	n, size = binary.Uvarint(b)
	r.items = b[size : size+int(n)]
	return r
}

// pack sorts the records by path, and removes those that a later record makes void.
func (p *packer) pack() *packed {
	gone := p.goneAt()
	slices.SortFunc(p.records, func(a, b uint32) int {
		x, y := p.record(a), p.record(b)
		return cmp.Or(bytes.Compare(x.path, y.path), cmp.Compare(x.class, y.class), cmp.Compare(a, b))
	})
	out := &packed{Gaps: p.gaps, transient: p.transient}
	if p.dropped > 0 {
		out.Gaps = append(out.Gaps, assay.Gap{What: fmt.Sprintf("%d more results are dropped: the results of this layer exceed %d bytes", p.dropped, maxFacts)})
	}
	var w packedWriter
	for i, at := range p.records {
		r := p.record(at)
		if r.class >= classGone || r.class == classEntry && isGone(gone, r.path, at) {
			continue
		}
		if i+1 < len(p.records) {
			if next := p.record(p.records[i+1]); next.class == r.class && bytes.Equal(next.path, r.path) {
				continue
			}
		}
		w.add(r.path, r.items)
	}
	out.Data, out.Count = slices.Clip(w.data), w.count
	return out
}

// A goneMark is where a path occurred again.
type goneMark struct{ self, deep uint32 }

func (p *packer) goneAt() map[string]goneMark {
	if p.gone == 0 {
		return nil
	}
	marks := map[string]goneMark{}
	for _, at := range p.records {
		r := p.record(at)
		m := marks[string(r.path)]
		switch r.class {
		case classGoneDeep:
			m.self, m.deep = at, at
		case classGone:
			m.self = at
		default:
			continue
		}
		marks[string(r.path)] = m
	}
	return marks
}

// isGone reports whether path, or a directory above it, occurred again after a record.
func isGone(marks map[string]goneMark, path []byte, at uint32) bool {
	if len(marks) == 0 {
		return false
	}
	if marks[string(path)].self > at {
		return true
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' && marks[string(path[:i])].deep > at {
			return true
		}
	}
	return false
}

// packed contains one layer's items of one kind, by path. Each path is stored as the
// number of bytes shared with the path before, the rest of it, and its items.
type packed struct {
	Data  []byte
	Count int         // number of paths
	Gaps  []assay.Gap // Where is a path, or ""

	transient bool `wire:"-"` // not to be cached: a streamer panicked, and may not the next time
}

func (p *packed) size() int64 { return int64(cap(p.Data)) }

type packedWriter struct {
	data  []byte
	last  []byte
	count int
}

func (w *packedWriter) add(path, items []byte) {
	n := 0
	for n < len(path) && n < len(w.last) && path[n] == w.last[n] {
		n++
	}
	w.data = binary.AppendUvarint(w.data, uint64(n))
	w.data = append(binary.AppendUvarint(w.data, uint64(len(path)-n)), path[n:]...)
	w.data = append(binary.AppendUvarint(w.data, uint64(len(items))), items...)
	w.last = append(w.last[:n], path[n:]...)
	w.count++
}

// records yields the paths with their items, in order; nil has none. It ends at damage,
// which check excludes before.
func (p *packed) records() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		var b, path []byte
		if p != nil {
			b = p.Data
		}
		for len(b) > 0 {
			shared, n := binary.Uvarint(b)
			if n <= 0 || shared > uint64(len(path)) {
				return
			}
			b = b[n:]
			rest, n := binary.Uvarint(b)
			if n <= 0 || rest > uint64(len(b)-n) {
				return
			}
			path = append(path[:shared], b[n:n+int(rest)]...)
			b = b[n+int(rest):]
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return
			}
			items := b[n : n+int(size) : n+int(size)]
			b = b[n+int(size):]
			if !yield(string(path), items) {
				return
			}
		}
	}
}

// check reports whether a value from the cache can be read to its end.
func (p *packed) check(kind *assay.SectionKind) bool {
	n := 0
	for _, items := range p.records() {
		rest, _, err := unpack(kind, items, nil)
		if err != nil || len(rest) > 0 {
			return false
		}
		n++
	}
	return n == p.Count
}

// A layerSection contains the items of a layer that are visible in the image.
type layerSection struct {
	streamed *packed // by streamers; may be nil
	readers  *packed // by readers; may be nil
	below    []bool  // of streamed: whether a lower layer has something at the path; nil where the kind does not need it
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
	next, stop := iter.Pull2(s.readers.records())
	defer stop()
	path, items, ok := next()
	give := func(path string, items []byte, below bool) bool {
		_, more, err := unpack(kind, items, func(v any) bool {
			kind.Complete(v, below)
			return yield(assay.Item{Path: path, Layer: l, Value: v})
		})
		return more && err == nil
	}
	n := 0
	for p, x := range s.streamed.records() {
		for ok && path < p {
			if !give(path, items, false) {
				return false
			}
			path, items, ok = next()
		}
		if !give(p, x, s.below != nil && s.below[n]) {
			return false
		}
		n++
	}
	for ; ok; path, items, ok = next() {
		if !give(path, items, false) {
			return false
		}
	}
	return true
}
