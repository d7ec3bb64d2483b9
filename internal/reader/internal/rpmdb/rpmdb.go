// Package rpmdb reads the headers of the packages in an rpm database: Berkeley
// DB hash (Packages), NDB (Packages.db) and SQLite (rpmdb.sqlite, with its
// write-ahead log). The format is told by the content. It reads only, in one
// pass, and what it reads and keeps is bounded whatever the file claims.
//
// Specifications: https://rpm-software-management.github.io/rpm/manual/hregions.html,
// https://github.com/rpm-software-management/rpm/tree/rpm-4.19.x/lib/backend,
// https://www.sqlite.org/fileformat2.html
package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
)

const (
	// maxRecord bounds one header in bytes. The largest of distributions
	// (kernel sources, TeX collections) are below 10 MB; rpm itself stops at
	// 256 MB.
	maxRecord = 64 << 20

	// maxText bounds the text of all headers in bytes, mostly the paths of
	// files: a full installation of an enterprise distribution has about
	// 70 MB. It holds off headers that expand when they are decoded.
	maxText = 128 << 20
)

// Headers yields the headers in a database. A record that cannot be read, or
// not in full, comes with an error, alone or beside what could be read, and
// the iteration goes on as far as there is something to go on with. The log is
// the SQLite database's -wal file; nil when there is none. Records come in the
// order in which they are stored.
func Headers(db, log *io.SectionReader) iter.Seq2[Header, error] {
	return (&database{file: db, log: log, text: maxText}).headers
}

// A database is one that is being read.
type database struct {
	file, log *io.SectionReader

	// claims is how many bytes records may still claim where the format lets
	// them overlap. They may claim as many as there are: each belongs to one.
	claims int64
	text   int64  // how many bytes decoded headers may still take
	record []byte // the last record; reused
}

func (d *database) headers(yield func(Header, error) bool) {
	d.claims = d.file.Size()
	d.records(func(record []byte, err error) bool {
		if err != nil {
			return yield(Header{}, err)
		}
		h, err := parse(record, &d.text)
		if d.text < 0 {
			yield(Header{}, fmt.Errorf("all headers have more text than is kept: %w", assay.ErrTooLarge))
			return false
		}
		return yield(h, err)
	})
}

// A visit gets records, or what is wrong with them. It returns false when it
// wants no more.
type visit func(record []byte, err error) bool

// records visits the records with the reader of the database's format.
func (d *database) records(v visit) {
	if d.file.Size() == 0 {
		v(nil, fmt.Errorf("empty file: %w", assay.ErrMalformed))
		return
	}
	var head [16]byte
	if err := readAt(d.file, head[:], 0); err != nil {
		v(nil, err)
		return
	}
	switch {
	case string(head[:]) == sqlitefile.Magic:
		d.sqlite(v)
	case string(head[:4]) == ndbMagic:
		d.ndb(v)
	case binary.LittleEndian.Uint32(head[12:]) == bdbHashMagic:
		d.bdb(v, binary.LittleEndian)
	case binary.BigEndian.Uint32(head[12:]) == bdbHashMagic:
		d.bdb(v, binary.BigEndian)
	default:
		v(nil, fmt.Errorf("neither Berkeley DB hash, NDB nor SQLite: %w", assay.ErrMalformed))
	}
}

// claim takes n bytes for a part of a record that may overlap others.
func (d *database) claim(n int64) error {
	if n > d.claims {
		return fmt.Errorf("records overlap: %w", assay.ErrMalformed)
	}
	d.claims -= n
	return nil
}

func tooLarge(n int64) error {
	return fmt.Errorf("record of %d bytes, over %d: %w", n, maxRecord, assay.ErrTooLarge)
}

// readAt fills p from off. Whatever lies beyond the end is ErrMalformed.
func readAt(r *io.SectionReader, p []byte, off int64) error {
	if off < 0 || off > r.Size()-int64(len(p)) {
		return fmt.Errorf("ends before offset %d+%d: %w", off, len(p), assay.ErrMalformed)
	}
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("ends before offset %d+%d: %w", off, len(p), assay.ErrMalformed)
	}
	return err
}

// pageSet is a set of page numbers. A page serves one purpose only, so meeting
// one again means a loop or an overlap.
type pageSet []uint64

func newPageSet(pages int64) pageSet { return make(pageSet, (pages+63)/64) }

// add reports whether page is in range and was not in the set.
func (s pageSet) add(page uint32) bool {
	i, bit := page/64, uint64(1)<<(page%64)
	if int64(i) >= int64(len(s)) || s[i]&bit != 0 {
		return false
	}
	s[i] |= bit
	return true
}
