package xfs

import (
	"encoding/binary"
	"sort"

	"github.com/assaysec/assay/internal/disk/filesystem"
)

const (
	logSector = 512
	logMagic  = 0xfeedbabe // of the head of a record

	// maxRecord bounds a record of the log, in sectors: 256 KB and its heads.
	maxRecord = 512 + 8

	recordPart  = 32 << 10 // a record has a head for each part of that size that it may have
	unmountFlag = 0x20     // of an operation, at byte 9 of a record
)

// Unclean reports whether the log holds changes that were not yet made: its last
// record is not the one that unmounting writes. A log on another device is taken
// for clean.
func (f *FS) Unclean() (bool, error) {
	if f.logStart == 0 || f.logBlocks == 0 {
		return false, nil
	}
	begin, err := f.at(f.logStart)
	if err != nil {
		return false, err
	}
	l := log{fs: f, begin: begin, sectors: int(f.logBlocks << f.blockLog / logSector)}
	return l.unclean()
}

// A log is a ring of sectors, each of which tells in which round it was written.
type log struct {
	fs      *FS
	begin   int64
	sectors int
	err     error
}

func (l *log) read(n int) []byte {
	b := make([]byte, logSector)
	if err := filesystem.ReadFull(l.fs.volume, b, l.begin+int64(n)*logSector); err != nil && l.err == nil {
		l.err = err
	}
	return b
}

// round is in which round a sector was written; the head of a record has it
// behind its magic number.
func (l *log) round(n int) uint32 {
	b := l.read(n)
	if first := binary.BigEndian.Uint32(b); first != logMagic {
		return first
	}
	return binary.BigEndian.Uint32(b[4:])
}

// unclean finds the end of what was written last, and the record before it.
func (l *log) unclean() (bool, error) {
	first, last := l.round(0), l.round(l.sectors-1)
	end := 0 // the last round is complete
	if first != last {
		end = sort.Search(l.sectors, func(n int) bool { return l.round(n) != first })
	}
	if first == 0 {
		return false, l.err // nothing was ever written
	}
	for back := 1; back <= min(maxRecord, l.sectors) && l.err == nil; back++ {
		n := (end - back + l.sectors) % l.sectors
		if b := l.read(n); binary.BigEndian.Uint32(b) == logMagic {
			operations := binary.BigEndian.Uint32(b[40:])
			heads := max(1, (int(binary.BigEndian.Uint32(b[320:]))+recordPart-1)/recordPart)
			next := l.read((n + heads) % l.sectors)
			return operations != 1 || next[9]&unmountFlag == 0, l.err
		}
	}
	return true, l.err
}
