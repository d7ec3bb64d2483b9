// Package vmdisk opens the disk of a virtual machine as an image of one layer: the
// files of all its partitions, each below the directory where the operating system
// would mount it.
//
// The partition with the operating system is the root. The others are mounted as
// its etc/fstab says (by UUID, label or device), or as the type of the partition
// says. The files of any further partition are below "partition-3", outside the
// root, where OS packages are not searched; there is a gap for it. It reads ext2,
// ext3, ext4 and XFS; other contents are gaps.
package vmdisk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/partition"
	"github.com/assaysec/assay/internal/disk/virtualdisk"
)

// maxPartitions bounds the partitions that are read: Linux supports at most 256 on a
// disk.
const maxPartitions = 256

// Open opens the disk in a file. A disk of which nothing can be read is ErrUnsupported
// or ErrMalformed.
func Open(path string) (*assay.Image, error) {
	files := &files{directory: filepath.Dir(path)}
	img, err := files.image(path)
	if err != nil {
		files.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// files contains the open files, all in one directory.
type files struct {
	directory string
	open      []*os.File
}

func (f *files) Close() error {
	var errs []error
	for _, o := range f.open {
		errs = append(errs, o.Close())
	}
	f.open = nil
	return errors.Join(errs...)
}

// file opens a file, or a disk device of this machine.
func (f *files) file(path string) (io.ReaderAt, int64, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fmt.Errorf("no such file: %w", assay.ErrNotFound)
	case err != nil:
		return nil, 0, plain(err)
	case !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeDevice:
		return nil, 0, fmt.Errorf("not a regular file: %w", assay.ErrUnsupported)
	}
	o, err := os.Open(path)
	if err != nil {
		return nil, 0, plain(err)
	}
	f.open = append(f.open, o)
	size, err := o.Seek(0, io.SeekEnd)
	return o, size, plain(err)
}

// plain returns the error without the path, which messages show already.
func plain(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (f *files) image(path string) (*assay.Image, error) {
	r, size, err := f.file(path)
	if err != nil {
		return nil, err
	}
	disk, err := virtualdisk.Open(r, size, func(name string) (io.ReaderAt, int64, error) {
		if name != filepath.Base(name) {
			return nil, 0, fmt.Errorf("missing from the directory of its descriptor: %w", assay.ErrUnsupported)
		}
		return f.file(filepath.Join(f.directory, name))
	})
	if err != nil {
		return nil, err
	}
	img := &assay.Image{Kind: assay.KindVM, Name: path, Source: "vmdisk", Close: f.Close}
	if disk.Doubt != "" {
		img.Gaps = append(img.Gaps, assay.Gap{Where: "disk", What: disk.Doubt})
	}
	t, gaps, err := read(disk, disk.Size)
	if err != nil {
		return nil, err
	}
	img.Gaps = append(img.Gaps, gaps...)
	img.Layers = []assay.Layer{{History: -1, Size: size, Walk: t.walk, Other: t.other}}
	return img, nil
}

// read combines the contents of the partitions of a disk.
func read(disk io.ReaderAt, size int64) (*tree, []assay.Gap, error) {
	volumes, gaps, err := find(disk, size)
	if err != nil {
		return nil, nil, err
	}
	t := &tree{mounts: map[place]*volume{}, memo: map[place]listing{}}
	gaps = append(gaps, t.arrange(volumes)...)
	return t, gaps, nil
}

// find looks for readable volumes: in the partitions, or on the whole disk where it has
// none.
func find(disk io.ReaderAt, size int64) (volumes []*volume, gaps []assay.Gap, err error) {
	parts, bad := partition.Table(disk, size)
	if bad != nil {
		gaps = append(gaps, assay.Gap{Where: "disk", What: "partition table: " + bad.Error()})
	}
	if len(parts) > maxPartitions {
		gaps = append(gaps, assay.Gap{Where: "disk", What: fmt.Sprintf("%d partitions, only %d are read", len(parts), maxPartitions)})
		parts = parts[:maxPartitions]
	}
	minor := []assay.Gap(nil) // of no interest beside other problems
	for _, p := range parts {
		v, gap := open(disk, p)
		if v != nil {
			volumes = append(volumes, v)
		}
		if gap.minor {
			minor = gap.add(minor)
		} else {
			gaps = gap.add(gaps)
		}
	}
	if len(volumes) == 0 { // the table may be the beginning of a file system
		if v, gap := open(disk, partition.Partition{Size: size}); v != nil || len(parts) == 0 {
			if v != nil {
				return []*volume{v}, gap.add(nil), nil
			}
			gaps = gap.add(gaps)
		}
		return nil, nil, nothing(append(gaps, minor...), bad)
	}
	return volumes, gaps, nil
}

// nothing returns the error for a disk of which nothing can be read.
func nothing(gaps []assay.Gap, bad error) error {
	text := ""
	for _, g := range gaps {
		text += "; " + g.Where + " " + g.What
	}
	if text == "" {
		text = "; the disk is empty"
	}
	if errors.Is(bad, assay.ErrMalformed) {
		return fmt.Errorf("no readable file system%s: %w", text, assay.ErrMalformed)
	}
	return fmt.Errorf("no readable file system%s: %w", text, assay.ErrUnsupported)
}
