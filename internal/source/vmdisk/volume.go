package vmdisk

import (
	"bytes"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/ext4"
	"github.com/assaysec/assay/internal/disk/filesystem"
	"github.com/assaysec/assay/internal/disk/partition"
	"github.com/assaysec/assay/internal/disk/xfs"
)

// A fileSystem is a readable file system.
type fileSystem interface {
	Root() uint64
	Label() filesystem.Label
	Unclean() (bool, error)
	Node(number uint64) (filesystem.Node, error)
	List(number uint64) ([]filesystem.Name, error) // with an error, the entries that could be read
	Open(number uint64) (io.ReaderAt, error)
}

// A volume is a partition, or a whole disk, with a file system.
type volume struct {
	fileSystem
	partition.Partition // Number 0 is the whole disk
}

// where names a partition in gaps.
func where(p partition.Partition) string {
	if p.Number == 0 {
		return "disk"
	}
	return fmt.Sprintf("partition %d", p.Number)
}

// A finding is a problem of a partition to report.
type finding struct {
	assay.Gap
	minor bool // reported only where the disk contains nothing else
}

func (f finding) add(gaps []assay.Gap) []assay.Gap {
	if f.What == "" {
		return gaps
	}
	return append(gaps, f.Gap)
}

// open detects what a partition contains, and opens a supported file system.
func open(disk io.ReaderAt, p partition.Partition) (*volume, finding) {
	tell := func(what string) finding { return finding{Gap: assay.Gap{Where: where(p), What: what}} }
	if p.Size <= 0 {
		return nil, tell("begins beyond the end of the disk: the disk is truncated")
	}
	r := io.NewSectionReader(disk, p.Offset, p.Size)
	var f fileSystem
	var err error
	switch {
	case xfs.Is(r):
		if f, err = xfs.Open(r, p.Size); err != nil {
			return nil, tell("XFS: " + err.Error())
		}
	case ext4.Is(r):
		if f, err = ext4.Open(r, p.Size); err != nil {
			return nil, tell("ext4: " + err.Error())
		}
	default:
		return nil, unreadable(r, p)
	}
	unclean, err := f.Unclean()
	switch {
	case err != nil:
		return &volume{f, p}, tell("journal: " + err.Error())
	case unclean:
		return &volume{f, p}, tell("was in use when it was copied: changes in its journal are not applied, so the latest changes are missing")
	}
	return &volume{f, p}, finding{}
}

// contents identifies unsupported content by magic numbers. Sources: util-linux's
// libblkid, and the formats' specifications.
var contents = []struct {
	at    int64
	magic string
	name  string
	minor bool // contains no software: reported only where the disk contains nothing else
}{
	{0, "LUKS\xba\xbe", "an encrypted volume (LUKS)", false},
	{0, "SKUL\xba\xbe", "an encrypted volume (LUKS)", false},
	{0, "LABELONE", "a physical volume of LVM", false},
	{512, "LABELONE", "a physical volume of LVM", false},
	{1024, "LABELONE", "a physical volume of LVM", false},
	{1536, "LABELONE", "a physical volume of LVM", false},
	{0x10040, "_BHRfS_M", "btrfs", false},
	{4086, "SWAPSPACE2", "swap", true},
	{4086, "SWAP-SPACE", "swap", true},
	{8182, "SWAPSPACE2", "swap", true},
	{16374, "SWAPSPACE2", "swap", true},
	{65526, "SWAPSPACE2", "swap", true},
	{0, "hsqs", "squashfs", false},
	{1024, "\xe2\xe1\xf5\xe0", "EROFS", false},
	{1024, "\x10\x20\xf5\xf2", "F2FS", false},
	{0x8001, "CD001", "ISO 9660", false},
	{3, "NTFS    ", "NTFS", false},
	{3, "ReFS\x00", "ReFS", false},
	{3, "-FVE-FS-", "an encrypted volume (BitLocker)", false},
	{3, "EXFAT   ", "exFAT", true},
	{54, "FAT1", "FAT", true},
	{82, "FAT32", "FAT", true},
	{4096, "\xfc\x4e\x2b\xa9", "a part of a RAID (md)", false},
	{0, "\xfc\x4e\x2b\xa9", "a part of a RAID (md)", false},
	{0x8000, "JFS1", "JFS", false},
	{0x10034, "ReIsEr", "ReiserFS", false},
	{4096, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", "bcachefs", false},
	{4120, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", "bcachefs", false},
	{0x20000, "\x0c\xb1\xba\x00\x00\x00\x00\x00", "ZFS", false},
	{0x21000, "\x0c\xb1\xba\x00\x00\x00\x00\x00", "ZFS", false},
	{32, "NXSB", "APFS", false},
	{1024, "H+\x00\x04", "HFS+", false},
	{1372, "\x19\x54\x01\x19", "UFS", false},
	{0x1055c, "\x19\x54\x01\x19", "UFS", false},
}

// starters are the types of partitions that contain only boot code, or nothing.
var starters = map[string]string{
	"21686148-6449-6e6f-744e-656564454649": "BIOS boot",
	"9e1a2d38-c612-4316-aa26-8b49521e5a8b": "PReP boot",
	"e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
	"41":                                   "PReP boot",
}

// unreadable says what a partition contains that is not read.
func unreadable(r io.ReaderAt, p partition.Partition) finding {
	f := finding{Gap: assay.Gap{Where: where(p)}, minor: true}
	b := make([]byte, min(p.Size, 0x22000))
	n, err := r.ReadAt(b, 0)
	if err != nil && (err != io.EOF || n == 0) {
		f.What, f.minor = "cannot be read: "+filesystem.ReadFull(r, b, 0).Error(), false
		return f
	}
	b = b[:n]
	for _, c := range contents {
		if int64(n) > c.at && bytes.HasPrefix(b[c.at:], []byte(c.magic)) {
			f.What, f.minor = "contains "+c.name+", which is not read", c.minor
			return f
		}
	}
	switch name := starters[p.Type]; {
	case name != "":
		f.What = "contains boot code only (" + name + ")"
	case bytes.Count(b, []byte{0}) == len(b):
		f.What = "is empty"
	default:
		f.What, f.minor = "contains nothing that assay recognises", false
	}
	return f
}
