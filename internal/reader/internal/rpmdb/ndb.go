package rpmdb

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"

	"github.com/assaysec/assay"
)

// NDB, rpm's own format: pages of slots, each of which points at a blob.
// https://github.com/rpm-software-management/rpm/blob/rpm-4.19.x/lib/backend/ndb/rpmpkg.c
const (
	ndbMagic     = "RpmP"
	ndbSlotMagic = "Slot"
	ndbHeadMagic = "BlbS"
	ndbTailMagic = "BlbE"
	ndbPage      = 4096
	ndbHeader    = 32 // bytes before the first slot
	ndbSlot      = 16
	ndbBlock     = 16 // unit of a blob's place and length
	ndbBlobHead  = 16
	ndbBlobTail  = 12
)

// ndb visits the blobs of an NDB database in the order of its slots.
func (d *database) ndb(v visit) {
	var head [ndbHeader]byte
	if err := readAt(d.file, head[:], 0); err != nil {
		v(nil, err)
		return
	}
	if version := binary.LittleEndian.Uint32(head[4:]); version != 0 {
		v(nil, fmt.Errorf("ndb version %d: %w", version, assay.ErrUnsupported))
		return
	}
	pages := int64(binary.LittleEndian.Uint32(head[12:]))
	if pages == 0 || pages > d.file.Size()/ndbPage {
		v(nil, fmt.Errorf("ndb of %d bytes claims %d pages of slots: %w", d.file.Size(), pages, assay.ErrMalformed))
		return
	}
	var page [ndbPage]byte
	for p := range pages {
		if err := readAt(d.file, page[:], p*ndbPage); err != nil {
			v(nil, err)
			return
		}
		first := 0
		if p == 0 {
			first = ndbHeader
		}
		for i := first; i < ndbPage; i += ndbSlot {
			slot := page[i : i+ndbSlot]
			if string(slot[:4]) == ndbSlotMagic && binary.LittleEndian.Uint32(slot[4:]) == 0 {
				continue // free
			}
			record, err := d.ndbBlob(slot, pages)
			if err != nil {
				record, err = nil, fmt.Errorf("slot %d: %w", (p*ndbPage+int64(i))/ndbSlot, err)
			}
			if !v(record, err) {
				return
			}
		}
	}
}

// ndbBlob reads the blob of a slot in use.
func (d *database) ndbBlob(slot []byte, slotPages int64) ([]byte, error) {
	if string(slot[:4]) != ndbSlotMagic {
		return nil, fmt.Errorf("magic %q: %w", slot[:4], assay.ErrMalformed)
	}
	off := int64(binary.LittleEndian.Uint32(slot[8:])) * ndbBlock
	size := int64(binary.LittleEndian.Uint32(slot[12:])) * ndbBlock
	if off < slotPages*ndbPage || size < ndbBlobHead+ndbBlobTail || off > d.file.Size()-size {
		return nil, fmt.Errorf("blob of %d bytes at %d: %w", size, off, assay.ErrMalformed)
	}
	if size > maxRecord {
		return nil, tooLarge(size)
	}
	var head [ndbBlobHead]byte
	if err := readAt(d.file, head[:], off); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[12:]))
	switch {
	case string(head[:4]) != ndbHeadMagic:
		return nil, fmt.Errorf("blob at %d with magic %q: %w", off, head[:4], assay.ErrMalformed)
	case string(head[4:8]) != string(slot[4:8]):
		return nil, fmt.Errorf("blob at %d is of another package: %w", off, assay.ErrMalformed)
	case n > size-ndbBlobHead-ndbBlobTail:
		return nil, fmt.Errorf("blob at %d claims %d of %d bytes: %w", off, n, size, assay.ErrMalformed)
	}
	if err := d.claim(size); err != nil {
		return nil, err
	}
	b := append(d.record[:0], make([]byte, size)...)
	d.record = b
	if err := readAt(d.file, b, off); err != nil {
		return nil, err
	}
	switch tail := b[size-ndbBlobTail:]; {
	case string(tail[8:]) != ndbTailMagic || string(tail[4:8]) != string(head[12:]):
		return nil, fmt.Errorf("blob at %d has another end: %w", off, assay.ErrMalformed)
	case adler32.Checksum(b[:size-ndbBlobTail]) != binary.LittleEndian.Uint32(tail):
		return nil, fmt.Errorf("blob at %d has a wrong checksum: %w", off, assay.ErrMalformed)
	}
	return b[ndbBlobHead : ndbBlobHead+n], nil
}
