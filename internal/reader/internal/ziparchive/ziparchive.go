// Package ziparchive reads zip archives whose bytes nobody vouches for: the
// directory is streamed, not held, only what is wanted of it is kept, and no
// two members may share bytes.
//
// Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
// Archives in several parts, encrypted members and methods other than store
// and deflate are unsupported. As Java and Python do, it takes archives that
// something was put in front of, such as a shell script.
package ziparchive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/assaysec/assay"
)

const (
	localSize     = 30
	centralSize   = 46
	endSize       = 22
	end64Size     = 56
	locatorSize   = 20
	maxComment    = math.MaxUint16
	usualEnd      = 1 << 10   // bytes at the end in which most archives have their end record
	maxDirectory  = 256 << 20 // bytes; the largest archives have 200,000 members of 100 bytes
	maxCandidates = 16        // end records that are tried: a comment may hold a false one
)

var (
	localMark   = []byte("PK\x03\x04")
	centralMark = []byte("PK\x01\x02")
	endMark     = []byte("PK\x05\x06")
	end64Mark   = []byte("PK\x06\x06")
	locatorMark = []byte("PK\x06\x07")
)

// An Archive is read by one goroutine at a time.
type Archive struct {
	r    io.ReaderAt
	base int64 // of all offsets: the length of what was put in front
	dir  int64 // where the directory begins
	size int64 // of the directory

	inflater io.Reader // kept from one member to the next
	taken    []extent  // of members that were opened, in order
}

// Open finds the directory of the archive that r holds.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	for _, tail := range []int64{usualEnd, maxComment + endSize} {
		a, err := find(r, size, min(size, tail))
		if a != nil || err != nil {
			return a, err
		}
	}
	return nil, fmt.Errorf("no zip archive: no directory is where the end tells: %w", assay.ErrMalformed)
}

// find looks for the end record in the tail of the archive. Nil when none is
// there.
func find(r io.ReaderAt, size, tail int64) (*Archive, error) {
	b := make([]byte, tail)
	if n, err := r.ReadAt(b, size-tail); int64(n) < tail {
		return nil, fmt.Errorf("end of the archive: %w", err)
	}
	for end, tries := len(b), 0; tries < maxCandidates; tries++ {
		i := bytes.LastIndex(b[:end], endMark)
		if i < 0 {
			break
		}
		end = i
		if len(b)-i < endSize {
			continue
		}
		a, err := directory(r, b[i:], size-tail+int64(i))
		if a != nil || err != nil {
			return a, err
		}
	}
	return nil, nil
}

// directory reads the end record b, which lies at an offset. Nil when there is
// no directory where it says.
func directory(r io.ReaderAt, b []byte, at int64) (*Archive, error) {
	le := binary.LittleEndian
	size, offset := uint64(le.Uint32(b[12:])), uint64(le.Uint32(b[16:]))
	end := at
	if le.Uint16(b[10:]) == math.MaxUint16 || size == math.MaxUint32 || offset == math.MaxUint32 {
		if s, o, e, ok := directory64(r, at); ok {
			size, offset, end = s, o, e
		}
	}
	if size > uint64(end) || offset > uint64(end) {
		return nil, nil
	}
	if size > maxDirectory {
		return nil, fmt.Errorf("the archive's directory has over %d bytes: %w", maxDirectory, assay.ErrTooLarge)
	}
	for _, base := range []int64{end - int64(size) - int64(offset), 0} {
		a := &Archive{r: r, base: base, dir: base + int64(offset), size: int64(size)}
		mark := make([]byte, 4)
		if base < 0 || a.dir+a.size > end {
			continue
		}
		if _, err := r.ReadAt(mark, a.dir); err == nil && bytes.Equal(mark, centralMark) || a.size == 0 {
			return a, nil
		}
	}
	return nil, nil
}

// directory64 reads the end record for large archives, before the usual one.
func directory64(r io.ReaderAt, at int64) (size, offset uint64, end int64, ok bool) {
	le := binary.LittleEndian
	locator, b := make([]byte, locatorSize), make([]byte, end64Size)
	if at < locatorSize {
		return 0, 0, 0, false
	}
	if _, err := r.ReadAt(locator, at-locatorSize); err != nil || !bytes.HasPrefix(locator, locatorMark) {
		return 0, 0, 0, false
	}
	// Where something was put in front, the record is not where the locator says but just before it.
	for _, end := range []int64{int64(le.Uint64(locator[8:])), at - locatorSize - end64Size} {
		if end < 0 || end > at {
			continue
		}
		if _, err := r.ReadAt(b, end); err == nil && bytes.HasPrefix(b, end64Mark) {
			return le.Uint64(b[40:]), le.Uint64(b[48:]), end, true
		}
	}
	return 0, 0, 0, false
}
