package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assaysec/assay"
)

// logHeader and frameHeader are bytes before the first frame, and before the
// page in each.
const (
	logHeader   = 32
	frameHeader = 24
	logMagic    = 0x377f0682 // the lowest bit says that checksums are big-endian
	logVersion  = 3007000
)

// maxLog bounds the log in bytes. rpm checkpoints after each transaction and
// keeps it below 10 MB; the bound holds off an index of frames without end.
const maxLog = 256 << 20

// readLog returns where in the log the latest committed state of each page
// lies. Frames of an older log that follow, and those of a transaction that
// was not committed or not written in full, do not count, as in SQLite.
//
// Specification: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
func readLog(log *io.SectionReader, pageSize int) (map[uint32]int64, error) {
	if log.Size() < logHeader {
		return nil, nil // created, or cut at a checkpoint
	}
	if log.Size() > maxLog {
		return nil, fmt.Errorf("%d bytes, over %d: %w", log.Size(), maxLog, assay.ErrTooLarge)
	}
	var head [logHeader]byte
	if err := readAt(log, head[:], 0); err != nil {
		return nil, err
	}
	magic := binary.BigEndian.Uint32(head[:])
	sum := checksum{order: binary.LittleEndian}
	if magic&1 != 0 {
		sum.order = binary.BigEndian
	}
	sum.add(head[:24])
	switch size := binary.BigEndian.Uint32(head[8:]); {
	case magic&^1 != logMagic || !sum.is(head[24:]):
		return nil, fmt.Errorf("header with magic %#x or its checksum: %w", magic, assay.ErrMalformed)
	case binary.BigEndian.Uint32(head[4:]) != logVersion:
		return nil, fmt.Errorf("version %d: %w", binary.BigEndian.Uint32(head[4:]), assay.ErrUnsupported)
	case int64(size) != int64(pageSize):
		return nil, fmt.Errorf("page size %d, not %d: %w", size, pageSize, assay.ErrMalformed)
	}
	committed, pending := map[uint32]int64{}, map[uint32]int64{}
	frame := make([]byte, frameHeader+pageSize)
	for off := int64(logHeader); off <= log.Size()-int64(len(frame)); off += int64(len(frame)) {
		if err := readAt(log, frame, off); err != nil {
			return committed, err
		}
		sum.add(frame[:8])
		sum.add(frame[frameHeader:])
		page := binary.BigEndian.Uint32(frame)
		if page == 0 || string(frame[8:16]) != string(head[16:24]) || !sum.is(frame[16:]) {
			break
		}
		pending[page] = off + frameHeader
		if binary.BigEndian.Uint32(frame[4:]) != 0 { // the database's size: a commit
			for page, off := range pending {
				committed[page] = off
			}
			clear(pending)
		}
	}
	return committed, nil
}

// A checksum is that of a log, over what has been added so far.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add adds b, whose length is a multiple of eight.
func (c *checksum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c.s0 += c.order.Uint32(b) + c.s1
		c.s1 += c.order.Uint32(b[4:]) + c.s0
	}
}

// is reports whether b starts with the checksum.
func (c *checksum) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == c.s0 && binary.BigEndian.Uint32(b[4:]) == c.s1
}
