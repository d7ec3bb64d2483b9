// Package virtualdisk reads the files in which virtual machines have their
// disks: as they are (raw), qcow2, VMDK, VHD and VHDX. Nothing is unpacked to
// anywhere; memory is bounded by a cache. What refers to another disk (backing
// files, differences) or is encrypted is ErrUnsupported, as are other formats
// that are known by name.
package virtualdisk

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
)

// A Disk is what the virtual machine sees. It is safe for use by several
// goroutines.
type Disk struct {
	io.ReaderAt
	Size   int64
	Format string // "raw", "qcow2", "VMDK", "VHD", "VHDX"
	Doubt  string // what may be wrong with it; mostly ""
}

// Sibling opens a file beside the disk's. A disk of several files asks for them
// by plain names.
type Sibling func(name string) (r io.ReaderAt, size int64, err error)

// maxSize bounds the size that a disk may claim: formats go to some exabytes,
// and sums of offsets must not overflow.
const maxSize = 1 << 60

// headSize is what a format is told by.
const headSize = 64 << 10

// foreign are the formats known by their first bytes, and not read.
var foreign = []struct {
	at          int
	magic, name string
}{
	{0, "QFI\xfb\x00\x00\x00\x01", "qcow, version 1"},
	{0, "QED\x00", "QED"},
	{0, "COWD", "a VMDK of VMFS"},
	{0, "WithoutFreeSpace", "Parallels HDD"},
	{0, "WithouFreSpacExt", "Parallels HDD"},
	{64, "\x7f\x10\xda\xbe", "VDI"},
	{0, "\x1f\x8b", "compressed with gzip"},
	{0, "\xfd7zXZ\x00", "compressed with xz"},
	{0, "\x28\xb5\x2f\xfd", "compressed with zstd"},
	{0, "BZh", "compressed with bzip2"},
	{0, "PK\x03\x04", "a zip archive"},
	{257, "ustar", "a tar archive, as of an appliance (OVA)"},
}

// Recognize reports whether a file is a disk by its first bytes. Those of a raw disk
// and of a VHD of fixed size say nothing.
func Recognize(head []byte) bool {
	for _, magic := range []string{qcowMagic[:4], sparseMagic, "vhdxfile", vhdMagic} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return isDescriptor(head)
}

// Open tells the format of a file of size bytes, and reads its head.
func Open(f io.ReaderAt, size int64, sibling Sibling) (*Disk, error) {
	head := make([]byte, min(size, headSize))
	if err := filesystem.ReadFull(f, head, 0); err != nil {
		return nil, err
	}
	is := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	for _, k := range foreign {
		if len(head) > k.at && bytes.HasPrefix(head[k.at:], []byte(k.magic)) {
			return nil, fmt.Errorf("%s, unpack or convert it first: %w", k.name, assay.ErrUnsupported)
		}
	}
	d, err := (*Disk)(nil), error(nil)
	switch {
	case is(qcowMagic):
		d, err = openQcow2(f, size)
	case is(sparseMagic):
		d, err = openSparse(f, size)
	case isDescriptor(head):
		d, err = openDescriptor(head, sibling)
	case is("vhdxfile"):
		d, err = openVHDX(f, size)
	default:
		if d, err = openVHD(f, size); errors.Is(err, errNotVHD) {
			d, err = &Disk{ReaderAt: f, Size: size, Format: "raw"}, nil
		}
	}
	switch {
	case err != nil:
		return nil, err
	case d.Size < 0 || d.Size > maxSize:
		return nil, fmt.Errorf("%s: a size of %d bytes: %w", d.Format, d.Size, assay.ErrMalformed)
	}
	return d, nil
}

// A chunk is a piece of the disk: bytes of a file, or zero where r is nil.
type chunk struct {
	r      io.ReaderAt
	offset int64
}

// A mapped disk is put together from chunks. find gives the chunk in which the
// byte at lies, and how many bytes of it there are from there on.
type mapped struct {
	size int64
	find func(at int64) (c chunk, length int64, err error)
}

// ReadAt is io.ReaderAt.
func (m *mapped) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, fmt.Errorf("offset %d: %w", at, assay.ErrMalformed)
	}
	if left := max(m.size-at, 0); int64(len(p)) > left {
		p, err = p[:left], io.EOF
	}
	for n < len(p) {
		c, length, err := m.find(at + int64(n))
		if err != nil {
			return n, err
		}
		part := p[n:min(int64(len(p)), int64(n)+length)]
		if c.r == nil {
			clear(part)
		} else if err := filesystem.ReadFull(c.r, part, c.offset); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, err
}
