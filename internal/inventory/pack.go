package inventory

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/assaysec/assay"
)

// A class distinguishes what one layer may say of one path at the same time.
type class byte

const (
	classEntry    class = iota // what exists there
	classWhiteout              // what lower layers have there is deleted
	classOpaque                // what lower layers have below it is deleted
	classLink                  // a hard link to a file of a lower layer, instead of items
)

// A packer collects a layer's records of one kind in the order of its entries, as bytes:
// separate objects would need several times the memory.
type packer struct {
	room    [][]byte             // chunks, so that growing copies nothing
	records []position           // of each record
	at      map[string]position  // the last record of a path that has items; nil where not needed
	gone    map[string]goneMarks // paths that occurred again
	size    int64                // bytes that all of this needs
	dropped int                  // records that exceeded the limit
	gaps    []assay.Gap

	transient bool // a streamer panicked
}

// A position is where a record is in a packer's room: the number of the chunk and the
// offset in it. Later records have larger ones. The first is not 0.
type position uint64

// goneMarks are positions: the earlier records of a path, or of everything in it, are
// void.
type goneMarks struct{ self, deep position }

const (
	recordCost = 8       // overhead of a record
	mapCost    = 48      // overhead of a path in a map
	chunkSize  = 1 << 20 // bytes; a longer record has a chunk of its own
)

// add appends a record, within the limit.
func (p *packer) add(c class, path string, items []byte) {
	cost := int64(3+2*binary.MaxVarintLen32+len(path)+len(items)) + recordCost
	indexed := p.at != nil && c == classEntry
	if indexed {
		cost += int64(len(path)) + mapCost
	}
	if !p.charge(cost) {
		return
	}
	most := 1 + 2*binary.MaxVarintLen32 + binary.MaxVarintLen64 + len(path) + len(items)
	last := len(p.room) - 1
	if last < 0 || len(p.room[last])+most > cap(p.room[last]) {
		p.room = append(p.room, make([]byte, 0, max(chunkSize, most)))
		last++
	}
	b := p.room[last]
	at := position(last+1)<<32 | position(len(b))
	b = append(b, byte(c))
	var before position
	if indexed {
		before = p.at[path]
		p.at[path] = at
	}
	b = binary.AppendUvarint(b, uint64(before))
	b = append(binary.AppendUvarint(b, uint64(len(path))), path...)
	p.room[last] = append(binary.AppendUvarint(b, uint64(len(items))), items...)
	p.records = append(p.records, at)
}

// gap records what could not be read.
func (p *packer) gap(path, what string) {
	if len(p.gaps) == maxLayerGaps {
		p.gaps = append(p.gaps, assay.Gap{What: "more gaps of this kind, which are not listed"})
	}
	if len(p.gaps) < maxLayerGaps {
		p.gaps = append(p.gaps, assay.Gap{Where: path, What: what})
	}
}

// charge reports whether n more bytes are within the limit.
func (p *packer) charge(n int64) bool {
	if p.size+n > maxFacts {
		p.dropped++
		return false
	}
	p.size += n
	return true
}

// forget makes the records of a path void that occurs again in the layer; deep: also of
// what is below it.
func (p *packer) forget(path string, deep bool) {
	if len(p.records) == 0 {
		return
	}
	delete(p.at, path)
	m, marked := p.gone[path]
	if !marked && !p.charge(int64(len(path))+mapCost) {
		return
	}
	m.self = p.records[len(p.records)-1]
	if deep {
		m.deep = m.self
	}
	if p.gone == nil {
		p.gone = map[string]goneMarks{}
	}
	p.gone[path] = m
}

// isGone reports whether path, or a directory above it, occurred again after a record.
func (p *packer) isGone(path []byte, at position) bool {
	if len(p.gone) == 0 {
		return false
	}
	if p.gone[string(path)].self >= at {
		return true
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' && p.gone[string(path[:i])].deep >= at {
			return true
		}
	}
	return false
}

// A record is one decoded record of a packer.
type record struct {
	class  class
	before position // of the path's record before; 0 when there is none
	path   []byte
	items  []byte
}

func (p *packer) record(at position) (r record) {
	b := p.room[at>>32-1][uint32(at):]
	r.class, b = class(b[0]), b[1:]
	before, size := binary.Uvarint(b)
	r.before, b = position(before), b[size:]
	n, size := binary.Uvarint(b)
	r.path, b = b[size:size+int(n)], b[size+int(n):]
	n, size = binary.Uvarint(b)
	r.items = b[size : size+int(n)]
	return r
}

// itemsAt returns the items of a path: those of all its records that are not void.
func (p *packer) itemsAt(path string) (items []byte) {
	for at := p.at[path]; at != 0; {
		r := p.record(at)
		if p.isGone(r.path, at) {
			break
		}
		items = append(slices.Clone(r.items), items...)
		at = r.before
	}
	return items
}

// pack sorts the records by path, joins those of one path, and removes those that are
// void.
func (p *packer) pack() *packed {
	slices.SortFunc(p.records, func(a, b position) int {
		x, y := p.record(a), p.record(b)
		return cmp.Or(bytes.Compare(x.path, y.path), cmp.Compare(x.class, y.class), cmp.Compare(a, b))
	})
	out := &packed{Gaps: p.gaps, transient: p.transient}
	if p.dropped > 0 {
		out.Gaps = append(out.Gaps, assay.Gap{What: fmt.Sprintf("%d more results are dropped: the results of this layer exceed %d bytes", p.dropped, maxFacts)})
	}
	var w packedWriter
	var last record
	flush := func() {
		if len(last.items) > 0 {
			w.add(last.path, last.items)
		}
		last = record{}
	}
	for _, at := range p.records {
		r := p.record(at)
		switch {
		case (r.class == classEntry || r.class == classLink) && p.isGone(r.path, at):
		case r.class == classLink:
			out.Links = append(out.Links, hardLink{string(r.path), string(r.items)})
		case r.class == last.class && bytes.Equal(r.path, last.path):
			last.items = slices.Concat(last.items, r.items)
		default:
			flush()
			last = r
		}
	}
	flush()
	out.Data, out.Count = slices.Clip(w.data), w.count
	return out
}

// packed contains one layer's items of one kind, by path. Each path is stored as the
// number of bytes shared with the path before, the rest of it, and its items.
type packed struct {
	Data  []byte
	Count int         // number of paths
	Links []hardLink  // hard links to files of lower layers, by path; only where items hold while their path does
	Gaps  []assay.Gap // Where is a path, or ""

	transient bool `wire:"-"` // not to be cached: a streamer panicked, and may not the next time
}

// A hardLink is a second path of a file.
type hardLink struct{ Path, Target string }

func (p *packed) size() int64 {
	size := int64(cap(p.Data))
	for _, l := range p.Links {
		size += int64(len(l.Path) + len(l.Target) + linkCost)
	}
	return size
}

// link returns the target of the hard link at a path; "" where there is none.
func (p *packed) link(path string) string {
	if p == nil {
		return ""
	}
	i, ok := slices.BinarySearchFunc(p.Links, path, func(l hardLink, path string) int { return cmp.Compare(l.Path, path) })
	if !ok {
		return ""
	}
	return p.Links[i].Target
}

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

// packed returns what was added; nil for nothing.
func (w *packedWriter) packed() *packed {
	if w.count == 0 {
		return nil
	}
	return &packed{Data: w.data, Count: w.count}
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
		if _, err := unpack(kind, items, nil); err != nil {
			return false
		}
		n++
	}
	return n == p.Count
}
