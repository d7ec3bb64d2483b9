package virtualdisk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// VHD: a disk and a foot behind it, or blocks that a table finds.
//
// Specification: Microsoft, Virtual Hard Disk Image Format Specification 1.0
// (2006), https://www.microsoft.com/en-us/download/details.aspx?id=23850
const (
	vhdMagic = "conectix"

	vhdFixed, vhdDynamic, vhdDiffers = 2, 3, 4

	maxVHDBlock = 256 << 20 // 2 MB is the rule
)

var errNotVHD = errors.New("no VHD")

type vhd struct {
	file   io.ReaderAt
	block  int64 // size
	bitmap int64 // its size, in front of each block
	table  int64 // its place
	blocks int64
	tables *table
}

// openVHD returns errNotVHD for what has no foot. Disks that grow have a copy of
// it in front.
func openVHD(f io.ReaderAt, size int64) (*Disk, error) {
	b := make([]byte, 511) // which is what programs before 2004 wrote; the 512th byte is nothing
	for _, at := range []int64{size - 512, size - 511, 0} {
		if size < 512 || string(b[:8]) == vhdMagic {
			break
		}
		if err := filesystem.ReadFull(f, b, at); err != nil {
			return nil, err
		}
	}
	if string(b[:8]) != vhdMagic {
		return nil, errNotVHD
	}
	be := binary.BigEndian
	d := &Disk{Format: "VHD", Size: int64(be.Uint64(b[48:]))}
	switch kind := be.Uint32(b[60:]); {
	case kind == vhdFixed:
		d.Size = min(d.Size, size-511)
		d.ReaderAt = io.NewSectionReader(f, 0, d.Size)
		return d, nil
	case kind == vhdDiffers:
		return nil, fmt.Errorf("VHD: holds only what differs from another disk; merge it first: %w", assay.ErrUnsupported)
	case kind != vhdDynamic:
		return nil, fmt.Errorf("VHD of kind %d: %w", kind, assay.ErrUnsupported)
	}
	at := be.Uint64(b[16:])
	if at > uint64(size) {
		return nil, fmt.Errorf("VHD: its head is missing: %w", assay.ErrMalformed)
	}
	b = make([]byte, 1024)
	if err := filesystem.ReadFull(f, b, int64(at)); err != nil {
		return nil, fmt.Errorf("VHD: %w", err)
	}
	v := &vhd{file: f, block: int64(be.Uint32(b[32:])), table: int64(be.Uint64(b[16:])), blocks: int64(be.Uint32(b[28:])), tables: newTable(f, size)}
	if string(b[:8]) != "cxsparse" || v.block < 512 || v.block%512 != 0 || v.block > maxVHDBlock || v.table < 0 || v.table > size {
		return nil, fmt.Errorf("VHD: a broken head: %w", assay.ErrMalformed)
	}
	v.bitmap = (v.block/512/8 + 511) &^ 511
	d.ReaderAt = &mapped{d.Size, v.find}
	return d, nil
}

func (v *vhd) find(at int64) (chunk, int64, error) {
	n, in := at/v.block, at%v.block
	if n >= v.blocks {
		return chunk{}, 0, fmt.Errorf("VHD: byte %d is in no block: %w", at, assay.ErrMalformed)
	}
	b, err := v.tables.entry(v.table+n*4, 4)
	if err != nil {
		return chunk{}, 0, fmt.Errorf("VHD: table: %w", err)
	}
	sector := binary.BigEndian.Uint32(b)
	if sector == 1<<32-1 {
		return chunk{}, v.block - in, nil
	}
	return chunk{v.file, int64(sector)*512 + v.bitmap + in}, v.block - in, nil
}
