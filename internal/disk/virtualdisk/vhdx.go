package virtualdisk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// VHDX: blocks that a table finds, which lies in one of two regions that a list
// names.
//
// Specification: [MS-VHDX] https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx
const (
	vhdxHeaders = 64 << 10 // two, each in 64 KB
	vhdxRegions = 192 << 10
	maxRegions  = 2047

	vhdxPresent = 6 // states of a block: all of it is there,
	vhdxPartly  = 7 // or what differs from another disk

	maxVHDXBlock = 256 << 20
	vhdxPerMap   = 1 << 23 // sectors of which one block of bits tells whether they are there
)

// GUIDs as they are stored.
var (
	guidTable      = []byte("\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08")
	guidMetadata   = []byte("\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e")
	guidParameters = []byte("\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b")
	guidSize       = []byte("\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8")
	guidSector     = []byte("\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f")
)

type vhdx struct {
	file   io.ReaderAt
	size   int64 // of the disk
	block  int64 // size
	sector int64
	table  int64 // its place
	tables *table
}

func openVHDX(f io.ReaderAt, size int64) (*Disk, error) {
	v := &vhdx{file: f, tables: newTable(f, size)}
	d := &Disk{Format: "VHDX"}
	err := v.headers(d)
	if err == nil {
		err = v.regions()
	}
	if err != nil {
		return nil, fmt.Errorf("VHDX: %w", err)
	}
	if v.block < 1<<20 || v.block > maxVHDXBlock || v.block&(v.block-1) != 0 || v.sector != 512 && v.sector != 4096 || v.table <= 0 || v.table > size {
		return nil, fmt.Errorf("VHDX: sizes that cannot be: %w", assay.ErrMalformed)
	}
	d.Size, d.ReaderAt = v.size, &mapped{v.size, v.find}
	return d, nil
}

// headers looks whether the newer one names a log, which is not applied.
func (v *vhdx) headers(d *Disk) error {
	b, newest, found := make([]byte, 64), uint64(0), false
	for at := int64(vhdxHeaders); at <= 2*vhdxHeaders; at += vhdxHeaders {
		if err := filesystem.ReadFull(v.file, b, at); err != nil {
			return err
		}
		sequence := binary.LittleEndian.Uint64(b[8:])
		if string(b[:4]) != "head" || found && sequence < newest {
			continue
		}
		newest, found, d.Doubt = sequence, true, ""
		if [16]byte(b[48:]) != [16]byte{} {
			d.Doubt = "was in use when it was copied, and what its log holds is not applied"
		}
	}
	if !found {
		return fmt.Errorf("no header: %w", assay.ErrMalformed)
	}
	return nil
}

// regions finds the table and what is said about the disk.
func (v *vhdx) regions() error {
	le := binary.LittleEndian
	b := make([]byte, 64<<10)
	if err := filesystem.ReadFull(v.file, b, vhdxRegions); err != nil {
		return err
	}
	count := le.Uint32(b[8:])
	if string(b[:4]) != "regi" || count > maxRegions {
		return fmt.Errorf("a broken list of regions: %w", assay.ErrMalformed)
	}
	metadata := int64(0)
	for e := b[16:]; count > 0 && len(e) >= 32; e, count = e[32:], count-1 {
		switch at := int64(le.Uint64(e[16:])); {
		case bytes.Equal(e[:16], guidTable):
			v.table = at
		case bytes.Equal(e[:16], guidMetadata):
			metadata = at
		case le.Uint32(e[28:])&1 != 0:
			return fmt.Errorf("an unknown region, which is required: %w", assay.ErrUnsupported)
		}
	}
	if err := filesystem.ReadFull(v.file, b, metadata); err != nil {
		return err
	}
	items := le.Uint16(b[10:])
	if string(b[:8]) != "metadata" || metadata <= 0 || items > maxRegions {
		return fmt.Errorf("broken metadata: %w", assay.ErrMalformed)
	}
	for e := b[32:]; items > 0 && len(e) >= 32; e, items = e[32:], items-1 {
		if err := v.item(e[:16], metadata+int64(le.Uint32(e[16:]))); err != nil {
			return err
		}
	}
	return nil
}

func (v *vhdx) item(guid []byte, at int64) error {
	var b [8]byte
	le := binary.LittleEndian
	switch {
	case bytes.Equal(guid, guidParameters):
		if err := filesystem.ReadFull(v.file, b[:], at); err != nil {
			return err
		}
		if v.block = int64(le.Uint32(b[:])); le.Uint32(b[4:])&2 != 0 {
			return fmt.Errorf("holds only what differs from another disk; merge it first: %w", assay.ErrUnsupported)
		}
	case bytes.Equal(guid, guidSize):
		if err := filesystem.ReadFull(v.file, b[:], at); err != nil {
			return err
		}
		if v.size = int64(le.Uint64(b[:])); v.size < 0 || v.size > maxSize {
			return fmt.Errorf("a size of %d bytes: %w", v.size, assay.ErrMalformed)
		}
	case bytes.Equal(guid, guidSector):
		if err := filesystem.ReadFull(v.file, b[:4], at); err != nil {
			return err
		}
		v.sector = int64(le.Uint32(b[:]))
	}
	return nil
}

func (v *vhdx) find(at int64) (chunk, int64, error) {
	n, in := at/v.block, at%v.block
	n += n / (vhdxPerMap * v.sector / v.block) // after so many blocks comes one of bits
	b, err := v.tables.entry(v.table+n*8, 8)
	if err != nil {
		return chunk{}, 0, fmt.Errorf("VHDX: table: %w", err)
	}
	switch e := binary.LittleEndian.Uint64(b); e & 7 {
	case vhdxPresent:
		return chunk{v.file, int64(e>>20<<20) + in}, v.block - in, nil
	case vhdxPartly:
		return chunk{}, 0, fmt.Errorf("VHDX: a block that differs from another disk's: %w", assay.ErrUnsupported)
	default:
		return chunk{}, v.block - in, nil
	}
}
