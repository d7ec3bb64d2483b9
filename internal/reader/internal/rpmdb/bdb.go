package rpmdb

import (
	"encoding/binary"
	"fmt"

	"github.com/assaysec/assay"
)

// Berkeley DB's hash access method, version 8 and later, in either byte order.
// https://github.com/berkeleydb/libdb/blob/v5.3.28/src/dbinc/db_page.h
const (
	bdbHashMagic  = 0x061561
	bdbMeta       = 512 // bytes of the first page that are used
	bdbPageHeader = 26
	bdbOffPage    = 12 // bytes of an item that lies on overflow pages

	bdbTypeHashUnsorted = 2
	bdbTypeOverflow     = 7
	bdbTypeHashMeta     = 8
	bdbTypeHash         = 13

	bdbItemKeyData = 1
	bdbItemOffPage = 3
)

type bdb struct {
	*database
	order    binary.ByteOrder
	pageSize int64
	pages    int64   // in the file
	last     int64   // page, as the first page says
	used     pageSet // overflow pages
	overflow []byte  // an overflow page
}

// bdb visits the values of all hash pages, in the order of the file: the
// buckets matter to look-ups only.
func (d *database) bdb(v visit, order binary.ByteOrder) {
	b := &bdb{database: d, order: order}
	if err := b.open(); err != nil {
		v(nil, fmt.Errorf("bdb: %w", err))
		return
	}
	page := make([]byte, b.pageSize)
	for n := int64(1); n < b.pages; n++ {
		if err := readAt(b.file, page, n*b.pageSize); err != nil {
			v(nil, fmt.Errorf("page %d: %w", n, err))
			return
		}
		if t := page[25]; t != bdbTypeHash && t != bdbTypeHashUnsorted {
			continue
		}
		if !b.hashPage(page, n, v) {
			return
		}
	}
	if rest := b.file.Size() - b.pages*b.pageSize; rest != 0 || b.last >= b.pages {
		v(nil, fmt.Errorf("bdb ends after %d pages and %d bytes, before its last page: %w", b.pages, rest, assay.ErrMalformed))
	}
}

func (b *bdb) open() error {
	var meta [bdbMeta]byte
	if err := readAt(b.file, meta[:], 0); err != nil {
		return err
	}
	b.pageSize = int64(b.order.Uint32(meta[20:]))
	switch {
	case b.pageSize < 512 || b.pageSize > 64<<10 || b.pageSize&(b.pageSize-1) != 0:
		return fmt.Errorf("page size %d: %w", b.pageSize, assay.ErrMalformed)
	case meta[25] != bdbTypeHashMeta:
		return fmt.Errorf("first page of type %d: %w", meta[25], assay.ErrMalformed)
	case meta[24] != 0 || meta[26]&1 != 0:
		return fmt.Errorf("encryption or checksums: %w", assay.ErrUnsupported)
	}
	b.pages = b.file.Size() / b.pageSize
	b.last = int64(b.order.Uint32(meta[32:]))
	b.used = newPageSet(b.pages)
	b.overflow = make([]byte, b.pageSize)
	return nil
}

// hashPage visits the values on a page; it holds keys and values in turn,
// growing from its end.
func (b *bdb) hashPage(page []byte, n int64, v visit) bool {
	entries := int64(b.order.Uint16(page[20:]))
	floor := bdbPageHeader + 2*entries
	if entries%2 != 0 || floor > b.pageSize {
		return v(nil, fmt.Errorf("page %d: %d items: %w", n, entries, assay.ErrMalformed))
	}
	end := b.pageSize
	var key []byte
	for i := range entries {
		start := int64(b.order.Uint16(page[bdbPageHeader+2*i:]))
		if start < floor || start >= end {
			return v(nil, fmt.Errorf("page %d: item %d at %d: %w", n, i, start, assay.ErrMalformed))
		}
		item := page[start:end]
		end = start
		if i%2 == 0 {
			key = item
			continue
		}
		if len(key) == 5 && key[0] == bdbItemKeyData && b.order.Uint32(key[1:]) == 0 {
			continue // the number for the next package
		}
		record, err := b.value(item)
		if err != nil {
			record, err = nil, fmt.Errorf("page %d: item %d: %w", n, i, err)
		}
		if !v(record, err) {
			return false
		}
	}
	return true
}

// value is the value of an item, on the page or on overflow pages.
func (b *bdb) value(item []byte) ([]byte, error) {
	switch {
	case item[0] == bdbItemKeyData:
		return item[1:], nil
	case item[0] == bdbItemOffPage && len(item) >= bdbOffPage:
		return b.chain(b.order.Uint32(item[4:]), int64(b.order.Uint32(item[8:])))
	}
	return nil, fmt.Errorf("item of type %d and %d bytes: %w", item[0], len(item), assay.ErrMalformed)
}

// chain reads size bytes from the overflow pages that start at page.
func (b *bdb) chain(page uint32, size int64) ([]byte, error) {
	if size > maxRecord {
		return nil, tooLarge(size)
	}
	record := b.record[:0]
	for int64(len(record)) < size {
		if int64(page) >= b.pages || page == 0 || !b.used.add(page) {
			return nil, fmt.Errorf("overflow page %d after %d of %d bytes is missing or in use: %w", page, len(record), size, assay.ErrMalformed)
		}
		if err := readAt(b.file, b.overflow, int64(page)*b.pageSize); err != nil {
			return nil, err
		}
		n := int64(b.order.Uint16(b.overflow[22:]))
		if b.overflow[25] != bdbTypeOverflow || n == 0 || n > b.pageSize-bdbPageHeader {
			return nil, fmt.Errorf("overflow page %d of type %d with %d bytes: %w", page, b.overflow[25], n, assay.ErrMalformed)
		}
		n = min(n, size-int64(len(record)))
		record = append(record, b.overflow[bdbPageHeader:bdbPageHeader+n]...)
		b.record = record
		page = b.order.Uint32(b.overflow[16:])
	}
	return record, nil
}
