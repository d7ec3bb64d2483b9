package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/virtualdisk"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/source/dir"
	"github.com/assaysec/assay/internal/source/git"
	"github.com/assaysec/assay/internal/source/vmdisk"
)

// GitOptions select the commit of a repository.
type GitOptions = git.Options

// Directory opens a directory, or a single file, of this machine.
func Directory(path string, kind assay.TargetKind) (*assay.Image, error) {
	if kind != assay.KindSBOM && isArchive(path) {
		return nil, fmt.Errorf("%s is an archive, not a directory: scan an image with `assay image --input %s`; unpack a root file system and scan it with `assay rootfs DIRECTORY`: %w", path, path, assay.ErrUnsupported)
	}
	img, err := dir.Open(path)
	if err != nil {
		return nil, err
	}
	img.Kind = kind
	return img, nil
}

// isArchive reports whether a file is a tar, by its name or the magic in its first
// header. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
func isArchive(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	for _, ending := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"} {
		if strings.HasSuffix(strings.ToLower(path), ending) {
			return true
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 5)
	_, err = f.ReadAt(magic, 257)
	return err == nil && string(magic) == "ustar"
}

// Disk opens the disk image of a virtual machine, or a disk device of this machine.
func Disk(path string) (*assay.Image, error) { return vmdisk.Open(path) }

// diskEndings are the endings of files with disks.
var diskEndings = []string{".qcow2", ".vmdk", ".vhd", ".vhdx", ".img", ".raw"}

// IsDisk reports whether a file is a disk image, by its first bytes or by its name.
func IsDisk(path string, head []byte) bool {
	return virtualdisk.Recognize(head) || slices.Contains(diskEndings, strings.ToLower(filepath.Ext(path)))
}

// maxSBOM bounds an SBOM read from standard input.
const maxSBOM = 256 << 20

// SBOM opens an SBOM: a file, or standard input as "-".
func SBOM(path string, pipe io.Reader) (*assay.Image, error) {
	if path != "-" {
		return Directory(path, assay.KindSBOM)
	}
	b, err := limit.ReadAll(pipe, maxSBOM)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	img := dir.Content("stdin", b)
	img.Kind = assay.KindSBOM
	return img, nil
}

// Repository opens a repository of source code: a directory, or an address to fetch it
// from.
func Repository(ctx context.Context, ref string, o GitOptions) (*assay.Image, error) {
	if !git.IsAddress(ref) {
		if o.Branch+o.Tag+o.Commit != "" {
			return nil, fmt.Errorf("%s: a directory is scanned as it is; to scan another branch, tag or commit use the address file://%s", ref, absolute(ref))
		}
		img, err := Directory(ref, assay.KindRepository)
		if err != nil {
			return nil, err
		}
		img.Repository = git.Describe(ref)
		return img, nil
	}
	directory, info, gaps, done, err := git.Fetch(ctx, ref, o)
	if err != nil {
		return nil, err
	}
	img, err := Directory(directory, assay.KindRepository)
	if err != nil {
		done()
		return nil, err
	}
	img.Name, img.Source, img.Repository, img.Gaps = info.URL, "git", info, gaps
	closed := img.Close
	img.Close = func() error {
		defer done()
		return closed()
	}
	return img, nil
}

func absolute(path string) string {
	if p, err := filepath.Abs(path); err == nil {
		return filepath.ToSlash(p)
	}
	return path
}

// IsRepositoryAddress reports whether Repository fetches ref.
func IsRepositoryAddress(ref string) bool { return git.IsAddress(ref) }
