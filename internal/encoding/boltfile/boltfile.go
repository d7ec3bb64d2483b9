// Package boltfile reads files of the bbolt key-value store from other programs,
// and validates everything in them. (The bbolt library maps the file and trusts
// it; a damaged file makes it panic or loop.)
//
// Format: https://github.com/etcd-io/bbolt/blob/v1.4.0/internal/common/page.go
// and meta.go in the same directory. Numbers are little-endian, as on the
// machines that write such files.
package boltfile

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/assaysec/assay"
)

// Bounds of a file.
const (
	maxPage  = 256 << 20 // bytes of a page with its overflow: one value of that size
	maxDepth = 40        // of branches and nested buckets; a tree of 2^40 pages is 13 deep
)

const (
	pageHeader = 16
	element    = 16 // of a leaf or a branch
	bucketSize = 16
	metaSize   = 64

	flagBranch = 1
	flagLeaf   = 2

	flagBucket = 1 // of a leaf's element

	magic = 0xED0CDAED
)

// A File is an open file.
type File struct {
	r        io.ReaderAt
	pageSize int64
	pages    uint64
	root     uint64
	budget   uint64 // pages that may still be read: each page only a few times
}

// A Bucket is a set of keys with values, or with nested buckets.
type Bucket struct {
	f      *File
	page   uint64 // of its root; 0: it is inline
	inline []byte
	depth  int
}

// Open reads the header of a file of size bytes. Any other file is
// ErrUnsupported.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r}
	var best uint64
	head := make([]byte, pageHeader+metaSize)
	for _, at := range []int64{0, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} { // the second meta page begins after one page size
		if _, err := r.ReadAt(head, at); err != nil {
			break
		}
		m := head[pageHeader:]
		sum := fnv.New64a()
		sum.Write(m[:metaSize-8])
		if binary.LittleEndian.Uint32(m) != magic || binary.LittleEndian.Uint32(m[4:]) != 2 || sum.Sum64() != binary.LittleEndian.Uint64(m[metaSize-8:]) {
			continue
		}
		pageSize := int64(binary.LittleEndian.Uint32(m[8:]))
		txid := binary.LittleEndian.Uint64(m[48:])
		if pageSize < 1<<10 || pageSize > 64<<10 || at != 0 && at != pageSize || f.pageSize != 0 && txid <= best {
			continue
		}
		best = txid
		f.pageSize, f.root = pageSize, binary.LittleEndian.Uint64(m[16:])
	}
	if f.pageSize == 0 {
		return nil, fmt.Errorf("not a bbolt file: %w", assay.ErrUnsupported)
	}
	f.pages = uint64(size / f.pageSize)
	return f, nil
}

// Root is the bucket with all others.
func (f *File) Root() *Bucket {
	f.budget = 4 * f.pages
	return &Bucket{f: f, page: f.root}
}

func bad(format string, args ...any) error {
	return fmt.Errorf("bbolt file: "+format+": %w", append(args, assay.ErrMalformed)...)
}

// page reads a page with its overflow.
func (f *File) page(id uint64) ([]byte, error) {
	if id < 2 || id >= f.pages {
		return nil, bad("page %d of %d", id, f.pages)
	}
	if f.budget == 0 {
		return nil, bad("pages refer to each other in a cycle")
	}
	f.budget--
	head := make([]byte, pageHeader)
	if _, err := f.r.ReadAt(head, int64(id)*f.pageSize); err != nil {
		return nil, err
	}
	if is := binary.LittleEndian.Uint64(head); is != id {
		return nil, bad("page %d has the number %d", id, is)
	}
	overflow := uint64(binary.LittleEndian.Uint32(head[12:]))
	size := int64(overflow+1) * f.pageSize
	if overflow >= f.pages-id || size > maxPage {
		return nil, bad("page %d has %d bytes", id, size)
	}
	b := make([]byte, size)
	if _, err := f.r.ReadAt(b, int64(id)*f.pageSize); err != nil {
		return nil, err
	}
	return b, nil
}

// Each visits the keys of the bucket in order; for a nested bucket sub is set
// instead of value. The arguments are valid until visit returns, except sub.
func (b *Bucket) Each(visit func(key, value []byte, sub *Bucket) error) error {
	if b.depth > maxDepth {
		return bad("buckets nested %d levels deep", b.depth)
	}
	if b.page == 0 {
		return b.walk(b.inline, b.depth, visit)
	}
	p, err := b.f.page(b.page)
	if err != nil {
		return err
	}
	return b.walk(p, b.depth, visit)
}

// walk visits everything below a page.
func (b *Bucket) walk(p []byte, depth int, visit func(key, value []byte, sub *Bucket) error) error {
	if depth > maxDepth {
		return bad("pages nested %d levels deep", depth)
	}
	if len(p) < pageHeader {
		return bad("page of %d bytes", len(p))
	}
	flags, count := binary.LittleEndian.Uint16(p[8:]), int(binary.LittleEndian.Uint16(p[10:]))
	if flags != flagBranch && flags != flagLeaf {
		return bad("data page with flags %#x", flags)
	}
	if pageHeader+count*element > len(p) {
		return bad("%d elements in a page of %d bytes", count, len(p))
	}
	for i := range count {
		e := p[pageHeader+i*element:]
		var err error
		if flags == flagLeaf {
			err = b.leaf(e, depth, visit)
		} else {
			var below []byte
			if below, err = b.f.page(binary.LittleEndian.Uint64(e[8:])); err == nil {
				err = b.walk(below, depth+1, visit)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf visits one element; e begins with it and includes the rest of the page.
func (b *Bucket) leaf(e []byte, depth int, visit func(key, value []byte, sub *Bucket) error) error {
	flags, pos := binary.LittleEndian.Uint32(e), uint64(binary.LittleEndian.Uint32(e[4:]))
	ksize, vsize := uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
	if pos+ksize+vsize > uint64(len(e)) {
		return bad("an element beyond its page")
	}
	key, value := e[pos:pos+ksize], e[pos+ksize:pos+ksize+vsize]
	if flags&flagBucket == 0 {
		return visit(key, value, nil)
	}
	if len(value) < bucketSize {
		return bad("a bucket of %d bytes", len(value))
	}
	sub := &Bucket{f: b.f, page: binary.LittleEndian.Uint64(value), depth: depth + 1}
	if sub.page == 0 {
		sub.inline = value[bucketSize:]
	}
	return visit(key, nil, sub)
}
