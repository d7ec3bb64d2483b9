package virtualdisk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// qcow2, versions 2 and 3: clusters that two levels of tables find.
//
// Specification: https://www.qemu.org/docs/master/interop/qcow2.html
const (
	qcowMagic = "QFI\xfb\x00\x00\x00"

	qcowDirty      = 1 << 0 // counts of references may be wrong, which are not read
	qcowCorrupt    = 1 << 1
	qcowData       = 1 << 2 // the bytes are in another file
	qcowCompressed = 1 << 3 // not with deflate
	qcowExtended   = 1 << 4 // entries tell which parts of clusters there are

	qcowCompressedBit = 1 << 62
	qcowOffset        = 0x00fffffffffffe00
	qcowZero          = 1
)

type qcow2 struct {
	file     io.ReaderAt
	size     int64 // of the file
	bits     int   // of a place in a cluster
	entry    int64 // size of an entry of the second level
	level1   int64 // place of the first level's table
	entries  int64 // that it has
	extended bool
	zstd     bool
	tables   *table
	clusters *cache
	inflates sync.Pool // of io.ReadCloser
	zstds    sync.Pool // of *zstd.Decoder
}

func openQcow2(f io.ReaderAt, size int64) (*Disk, error) {
	b := make([]byte, 112)
	if err := filesystem.ReadFull(f, b[:72], 0); err != nil {
		return nil, fmt.Errorf("qcow2: %w", err)
	}
	be := binary.BigEndian
	version := be.Uint32(b[4:])
	if version == 3 { // the rest is zero in version 2
		if err := filesystem.ReadFull(f, b[72:104], 72); err != nil {
			return nil, fmt.Errorf("qcow2: %w", err)
		}
		if be.Uint32(b[100:]) >= 112 {
			if err := filesystem.ReadFull(f, b[104:], 104); err != nil {
				return nil, fmt.Errorf("qcow2: %w", err)
			}
		}
	}
	q := &qcow2{
		file: f, size: size, bits: int(be.Uint32(b[20:])), entry: 8, level1: int64(be.Uint64(b[40:])), entries: int64(be.Uint32(b[36:])),
		tables: newTable(f, size), clusters: newCache(maxCache),
	}
	features := be.Uint64(b[72:])
	if q.extended = features&qcowExtended != 0; q.extended {
		q.entry = 16
	}
	d := &Disk{Format: "qcow2", Size: int64(be.Uint64(b[24:]))}
	d.ReaderAt = &mapped{d.Size, q.find}
	if features&qcowCorrupt != 0 {
		d.Doubt = "is marked as corrupt"
	}
	err := q.check(version, features, b)
	return d, err
}

// check refuses what cannot be read.
func (q *qcow2) check(version uint32, features uint64, b []byte) error {
	be := binary.BigEndian
	switch {
	case version != 2 && version != 3:
		return fmt.Errorf("qcow2 of version %d: %w", version, assay.ErrUnsupported)
	case be.Uint64(b[8:]) != 0:
		return fmt.Errorf("qcow2: holds only what differs from %q; convert it first: %w", q.backing(be.Uint64(b[8:]), be.Uint32(b[16:])), assay.ErrUnsupported)
	case be.Uint32(b[32:]) != 0:
		return fmt.Errorf("qcow2: encrypted: %w", assay.ErrUnsupported)
	case features&qcowData != 0:
		return fmt.Errorf("qcow2: its data is in another file: %w", assay.ErrUnsupported)
	case features&^(qcowDirty|qcowCorrupt|qcowCompressed|qcowExtended) != 0:
		return fmt.Errorf("qcow2: unknown features %#x: %w", features, assay.ErrUnsupported)
	case features&qcowCompressed != 0 && b[104] > 1:
		return fmt.Errorf("qcow2: compressed in an unknown way (%d): %w", b[104], assay.ErrUnsupported)
	case q.bits < 9 || q.bits > 21 || q.level1 < 0 || q.extended && q.bits < 14:
		return fmt.Errorf("qcow2: sizes that cannot be: %w", assay.ErrMalformed)
	}
	q.zstd = features&qcowCompressed != 0 && b[104] == 1
	return nil
}

// backing is the name of the disk from which this one differs.
func (q *qcow2) backing(at uint64, length uint32) string {
	b := make([]byte, min(length, 1023))
	if at > uint64(q.size) || filesystem.ReadFull(q.file, b, int64(at)) != nil {
		return "another disk"
	}
	return string(b)
}

func (q *qcow2) find(at int64) (chunk, int64, error) {
	cluster := int64(1) << q.bits
	n, in := at>>q.bits, at&(cluster-1)
	perTable := cluster / q.entry
	if n/perTable >= q.entries {
		return chunk{}, 0, fmt.Errorf("qcow2: byte %d is in no table: %w", at, assay.ErrMalformed)
	}
	b, err := q.tables.entry(q.level1+n/perTable*8, 8)
	if err != nil {
		return chunk{}, 0, fmt.Errorf("qcow2: first table: %w", err)
	}
	second := int64(binary.BigEndian.Uint64(b) & qcowOffset)
	if second == 0 {
		return chunk{}, cluster - in, nil
	}
	if b, err = q.tables.entry(second+n%perTable*q.entry, q.entry); err != nil {
		return chunk{}, 0, fmt.Errorf("qcow2: second table: %w", err)
	}
	e, offset := binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b)&qcowOffset)
	switch {
	case e&qcowCompressedBit != 0:
		b, err := q.clusters.get(int64(e&^(3<<62)), func() ([]byte, error) { return q.decompress(e) })
		if err != nil {
			err = fmt.Errorf("qcow2: cluster %d: %w", n, err)
		}
		return chunk{bytes.NewReader(b), in}, cluster - in, err
	case q.extended:
		return q.part(binary.BigEndian.Uint64(b[8:]), offset, in)
	case e&qcowZero != 0 || offset == 0:
		return chunk{}, cluster - in, nil
	}
	return chunk{q.file, offset + in}, cluster - in, nil
}

// part is for clusters of 32 parts, each of which is there, or zero.
func (q *qcow2) part(there uint64, offset, in int64) (chunk, int64, error) {
	size := int64(1) << q.bits / 32
	left := size - in%size
	if there>>(in/size)&1 == 0 {
		return chunk{}, left, nil
	}
	return chunk{q.file, offset + in}, left, nil
}

// decompress reads a cluster whose entry says where it begins and how many
// sectors it takes at most.
func (q *qcow2) decompress(e uint64) ([]byte, error) {
	width := 62 - (q.bits - 8)
	offset := int64(e & (1<<width - 1))
	length := (int64(e&^(3<<62)>>width)+1)*512 - offset%512
	if offset > q.size {
		return nil, fmt.Errorf("begins beyond the end of the file: %w", assay.ErrMalformed)
	}
	in := make([]byte, min(length, q.size-offset))
	if err := filesystem.ReadFull(q.file, in, offset); err != nil {
		return nil, err
	}
	out := make([]byte, 1<<q.bits)
	if q.zstd {
		return out, q.unzstd(out, in)
	}
	return out, inflate(&q.inflates, out, in)
}

// inflate fills out; what follows the stream in in is not looked at.
func inflate(pool *sync.Pool, out, in []byte) error {
	r, _ := pool.Get().(io.ReadCloser)
	if r == nil {
		r = flate.NewReader(nil)
	}
	defer pool.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(in), nil); err != nil {
		return err
	}
	if _, err := io.ReadFull(r, out); err != nil {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return nil
}

func (q *qcow2) unzstd(out, in []byte) error {
	d, _ := q.zstds.Get().(*zstd.Decoder)
	if d == nil {
		var err error
		if d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
			return err
		}
	}
	defer q.zstds.Put(d)
	err := d.Reset(bytes.NewReader(in))
	if err == nil {
		_, err = io.ReadFull(d, out)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", err, assay.ErrMalformed), d.Reset(nil))
	}
	return d.Reset(nil)
}

// maxWindow bounds what a stream may want to look back: no more than the
// largest cluster, but encoders claim more.
const maxWindow = 8 << 20
