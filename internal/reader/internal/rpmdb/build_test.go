package rpmdb

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"io"

	"github.com/assaysec/assay/internal/encoding/sqlitefile"
)

// The databases of the tests are written here, by the formats' descriptions.

type field struct {
	tag, kind, count uint32
	data             []byte
}

func text(tag uint32, s string) field { return field{tag, typeString, 1, append([]byte(s), 0)} }

func texts(tag uint32, list ...string) field {
	f := field{tag: tag, kind: typeStringArray, count: uint32(len(list))}
	for _, s := range list {
		f.data = append(append(f.data, s...), 0)
	}
	return f
}

func numbers(tag uint32, list ...uint32) field {
	f := field{tag: tag, kind: typeInt32, count: uint32(len(list))}
	for _, n := range list {
		f.data = binary.BigEndian.AppendUint32(f.data, n)
	}
	return f
}

func header(fields ...field) []byte {
	var index, data []byte
	for _, f := range fields {
		for f.kind == typeInt32 && len(data)%4 != 0 {
			data = append(data, 0)
		}
		for _, n := range []uint32{f.tag, f.kind, uint32(len(data)), f.count} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(data, f.data...)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(fields)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	return append(append(b, index...), data...)
}

// named is a header with pad bytes that nobody asks for.
func named(name string, pad int) []byte {
	return header(text(tagName, name), text(tagVersion, "1"), text(tagRelease, "2"), text(tagArch, "noarch"),
		text(9999, string(bytes.Repeat([]byte{'x'}, pad))))
}

func section(b []byte) *io.SectionReader {
	if b == nil {
		return nil
	}
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func buildNDB(records ...[]byte) []byte {
	le := binary.LittleEndian
	b := make([]byte, ndbPage)
	copy(b, ndbMagic)
	le.PutUint32(b[12:], 1)
	for i := ndbHeader; i < ndbPage; i += ndbSlot {
		copy(b[i:], ndbSlotMagic)
	}
	for i, r := range records {
		id := uint32(i + 1)
		blob := append(append([]byte(ndbHeadMagic), le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, id), 1), uint32(len(r)))...), r...)
		for (len(blob)+ndbBlobTail)%ndbBlock != 0 {
			blob = append(blob, 0)
		}
		blob = le.AppendUint32(blob, adler32.Checksum(blob))
		blob = append(le.AppendUint32(blob, uint32(len(r))), ndbTailMagic...)
		slot := b[ndbHeader+i*ndbSlot:]
		le.PutUint32(slot[4:], id)
		le.PutUint32(slot[8:], uint32(len(b)/ndbBlock))
		le.PutUint32(slot[12:], uint32(len(blob)/ndbBlock))
		b = append(b, blob...)
	}
	return b
}

// buildBDB puts each record on a hash page of its own: there where it fits,
// else on overflow pages.
func buildBDB(order binary.ByteOrder, pageSize int, records ...[]byte) []byte {
	b := make([]byte, pageSize)
	order.PutUint32(b[12:], bdbHashMagic)
	order.PutUint32(b[16:], 9)
	order.PutUint32(b[20:], uint32(pageSize))
	b[25] = bdbTypeHashMeta
	newPage := func(kind byte) []byte {
		b = append(b, make([]byte, pageSize)...)
		p := b[len(b)-pageSize:]
		order.PutUint32(p[8:], uint32(len(b)/pageSize-1))
		p[25] = kind
		return p
	}
	hash := func(items ...[]byte) {
		p := newPage(bdbTypeHash)
		order.PutUint16(p[20:], uint16(len(items)))
		end := pageSize
		for i, item := range items {
			end -= len(item)
			copy(p[end:], item)
			order.PutUint16(p[bdbPageHeader+2*i:], uint16(end))
		}
	}
	key := func(n uint32) []byte {
		k := append([]byte{bdbItemKeyData}, 0, 0, 0, 0)
		order.PutUint32(k[1:], n)
		return k
	}
	hash(key(0), key(uint32(len(records)+1)))
	for i, r := range records {
		if len(r) < pageSize/4 {
			hash(key(uint32(i+1)), append([]byte{bdbItemKeyData}, r...))
			continue
		}
		item := make([]byte, bdbOffPage)
		item[0] = bdbItemOffPage
		order.PutUint32(item[4:], uint32(len(b)/pageSize+1))
		order.PutUint32(item[8:], uint32(len(r)))
		hash(key(uint32(i+1)), item)
		for len(r) > 0 {
			p := newPage(bdbTypeOverflow)
			n := copy(p[bdbPageHeader:], r)
			order.PutUint16(p[22:], uint16(n))
			if r = r[n:]; len(r) > 0 {
				order.PutUint32(p[16:], uint32(len(b)/pageSize))
			}
		}
	}
	order.PutUint32(b[32:], uint32(len(b)/pageSize-1))
	return b
}

func appendVarint(b []byte, v uint64) []byte {
	var tmp []byte
	for tmp = []byte{byte(v & 0x7f)}; v > 0x7f; {
		v >>= 7
		tmp = append([]byte{byte(v&0x7f) | 0x80}, tmp...)
	}
	return append(b, tmp...)
}

// What pages of SQLite begin with, and the bytes before that of the first one.
const (
	sqliteInterior = 5
	sqliteLeaf     = 13
	sqliteHeader   = 100
)

type sqliteBuilder struct {
	pageSize int
	pages    [][]byte
}

func (s *sqliteBuilder) newPage() (page []byte, number uint32) {
	s.pages = append(s.pages, make([]byte, s.pageSize))
	return s.pages[len(s.pages)-1], uint32(len(s.pages))
}

// leafCell is a row whose columns are given as types and bytes.
func (s *sqliteBuilder) leafCell(key int, types []uint64, body []byte) []byte {
	var head []byte
	for _, t := range types {
		head = appendVarint(head, t)
	}
	n := len(appendVarint(nil, uint64(len(head)+2)))
	payload := append(append(appendVarint(nil, uint64(len(head)+n)), head...), body...)
	cell := appendVarint(appendVarint(nil, uint64(len(payload))), uint64(key))
	most := s.pageSize - 35
	if len(payload) <= most {
		return append(cell, payload...)
	}
	least := (s.pageSize-12)*32/255 - 23
	local := least + (len(payload)-least)%(s.pageSize-4)
	if local > most {
		local = least
	}
	cell = append(cell, payload[:local]...)
	cell = binary.BigEndian.AppendUint32(cell, uint32(len(s.pages)+1))
	for rest := payload[local:]; len(rest) > 0; {
		p, n := s.newPage()
		if rest = rest[copy(p[4:], rest):]; len(rest) > 0 {
			binary.BigEndian.PutUint32(p, n+1)
		}
	}
	return cell
}

// fill writes a b-tree page; right is the last child of an interior one.
func fill(p []byte, start int, kind byte, right uint32, cells ...[]byte) {
	head := p[start:]
	head[0] = kind
	binary.BigEndian.PutUint16(head[3:], uint16(len(cells)))
	pointers := head[8:]
	if kind == sqliteInterior {
		binary.BigEndian.PutUint32(head[8:], right)
		pointers = head[12:]
	}
	end := len(p)
	for i, c := range cells {
		end -= len(c)
		copy(p[end:], c)
		binary.BigEndian.PutUint16(pointers[2*i:], uint16(end))
	}
}

// buildSQLite is a database with a leaf for each record below one root.
func buildSQLite(pageSize int, records ...[]byte) []byte {
	s := &sqliteBuilder{pageSize: pageSize}
	first, _ := s.newPage()
	copy(first, sqlitefile.Magic)
	binary.BigEndian.PutUint16(first[16:], uint16(pageSize&0xffff|pageSize>>16))
	binary.BigEndian.PutUint32(first[56:], 1)
	root, rootNumber := s.newPage()
	var children [][]byte
	var last uint32
	for i, r := range records {
		if last != 0 {
			children = append(children, appendVarint(binary.BigEndian.AppendUint32(nil, last), uint64(i)))
		}
		cell := s.leafCell(i+1, []uint64{0, uint64(12 + 2*len(r))}, r)
		p, n := s.newPage()
		fill(p, 0, sqliteLeaf, 0, cell)
		last = n
	}
	if last == 0 {
		fill(root, 0, sqliteLeaf, 0)
	} else {
		fill(root, 0, sqliteInterior, last, children...)
	}
	entry := func(key int, kind, name string, root byte) []byte {
		types := []uint64{uint64(13 + 2*len(kind)), uint64(13 + 2*len(name)), uint64(13 + 2*len(name)), 1, 13}
		return s.leafCell(key, types, append([]byte(kind+name+name), root))
	}
	fill(first, sqliteHeader, sqliteLeaf, 0, entry(1, "index", "Packages", 99), entry(2, "table", "Packages", byte(rootNumber)))
	return bytes.Join(s.pages, nil)
}

// A frame is a page that a log changes; size marks a commit.
type frame struct {
	page, size uint32
	content    []byte
}

func buildLog(order binary.ByteOrder, pageSize int, frames ...frame) []byte {
	be := binary.BigEndian
	magic := uint32(logMagic)
	if order == be {
		magic++
	}
	var b []byte
	for _, n := range []uint32{magic, logVersion, uint32(pageSize), 0, 11, 22} {
		b = be.AppendUint32(b, n)
	}
	sum := checksum{order: order}
	sum.add(b)
	b = be.AppendUint32(be.AppendUint32(b, sum.s0), sum.s1)
	for _, f := range frames {
		head := be.AppendUint32(be.AppendUint32(nil, f.page), f.size)
		sum.add(head)
		sum.add(f.content)
		head = be.AppendUint32(be.AppendUint32(head, 11), 22)
		head = be.AppendUint32(be.AppendUint32(head, sum.s0), sum.s1)
		b = append(append(b, head...), f.content...)
	}
	return b
}

// changes are the frames that make a database of before one of after.
func changes(pageSize int, before, after []byte) []frame {
	var list []frame
	for off := 0; off < len(after); off += pageSize {
		p := after[off : off+pageSize]
		if off+pageSize > len(before) || !bytes.Equal(p, before[off:off+pageSize]) {
			list = append(list, frame{page: uint32(off/pageSize + 1), content: p})
		}
	}
	list[len(list)-1].size = uint32(len(after) / pageSize)
	return list
}
