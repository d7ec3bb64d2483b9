package scan

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/source"
)

// ImageOptions are the sources of an image. The zero value asks the container
// engines of this machine, then the registry.
type ImageOptions struct {
	Input   string   // an archive or a layout directory to open instead of a reference, optionally with :TAG or @DIGEST
	Sources []string // sources to ask, in order: docker, containerd, podman, remote; none means all

	assay.SourceOptions
}

// platform matches valid values of SourceOptions.Platform.
var platform = regexp.MustCompile(`^[^/]+/[^/]+(/[^/]+)?$`)

// imageSources are the valid values of ImageOptions.Sources.
var imageSources = []string{"docker", "containerd", "podman", "remote", "registry"}

// Check returns an OptionError if an option is invalid.
func (o *ImageOptions) Check() error {
	for _, s := range o.Sources {
		if !slices.Contains(imageSources, strings.TrimSpace(s)) {
			return &OptionError{"image-src", fmt.Errorf("%q is not one of docker, containerd, podman, remote", s)}
		}
	}
	if o.Platform != "" && !platform.MatchString(o.Platform) {
		return &OptionError{"platform", fmt.Errorf("%q is not OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64", o.Platform)}
	}
	if (o.Username == "") != (o.Password == "") {
		return &OptionError{"username", fmt.Errorf("--username and --password require each other (the password may be in ASSAY_PASSWORD)")}
	}
	return nil
}

// OpenImage finds the image of ref and reads its manifest and configuration;
// Scan reads its layers. A prefix of ref selects the source: docker: podman:
// containerd: registry: docker-archive: oci-archive: oci-dir:. Without a prefix,
// ref is a path if it looks like one, else a name. The caller must call the
// image's Close.
//
// Errors wrap assay.ErrNotFound if no source has the image, and
// assay.ErrUnauthorized if a registry needs other credentials.
func OpenImage(ctx context.Context, ref string, o ImageOptions) (_ *assay.Image, err error) {
	defer catch(&err, "image %s", cmp.Or(o.Input, ref))
	if err := o.Check(); err != nil {
		return nil, err
	}
	return closable(source.Open(ctx, source.All(), ref, source.Options{ImageSrc: o.Sources, Input: o.Input, SourceOptions: o.SourceOptions}))
}

// closable gives every target a Close method.
func closable(img *assay.Image, err error) (*assay.Image, error) {
	if err == nil && img.Close == nil {
		img.Close = func() error { return nil }
	}
	return img, err
}

// OpenDirectory opens a directory or a single file of this machine. Links to
// files outside are not followed.
func OpenDirectory(path string) (*assay.Image, error) {
	return closable(source.Directory(path, assay.KindFilesystem))
}

// OpenDisk opens a disk image: raw, qcow2, VMDK, VHD or VHDX, with ext2, ext3,
// ext4 or XFS file systems.
func OpenDisk(path string) (_ *assay.Image, err error) {
	defer catch(&err, "disk %s", path)
	return closable(source.Disk(path))
}

// OpenSBOM opens a file with an SBOM: CycloneDX, SPDX, Syft's JSON or a list of
// purls. "-" is standard input.
func OpenSBOM(path string, pipe io.Reader) (*assay.Image, error) {
	return closable(source.SBOM(path, pipe))
}

// RepositoryOptions select the state of a source code repository; at most one of
// Branch, Tag and Commit is set.
type RepositoryOptions struct {
	Branch   string
	Tag      string
	Commit   string
	Insecure bool   // allow TLS without verification
	CACert   string // file of CA certificates to trust instead of the system's
}

// Check returns an OptionError if an option is invalid.
func (o RepositoryOptions) Check() error {
	git := o.git()
	if err := git.Check(); err != nil {
		return &OptionError{"branch", err}
	}
	return nil
}

func (o RepositoryOptions) git() source.GitOptions {
	return source.GitOptions{Branch: o.Branch, Tag: o.Tag, Commit: o.Commit, Insecure: o.Insecure, CACert: o.CACert}
}

// IsRepositoryAddress reports whether OpenRepository fetches ref, which is then not a
// directory.
func IsRepositoryAddress(ref string) bool { return source.IsRepositoryAddress(ref) }

// OpenRepository opens a source code repository: a directory as it is, or a URL
// from which the git program fetches one commit. No code in it is run.
func OpenRepository(ctx context.Context, ref string, o RepositoryOptions) (*assay.Image, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return closable(source.Repository(ctx, ref, o.git()))
}

// Scopes are what a scan looks for in a kind of target by default.
func Scopes(k assay.TargetKind) assay.Scope {
	switch k {
	case assay.KindFilesystem:
		return assay.ScopeSystem | assay.ScopeDeclared
	case assay.KindRepository:
		return assay.ScopeDeclared
	case assay.KindSBOM:
		return assay.ScopeSBOM
	}
	return assay.ScopeSystem | assay.ScopeInstalled
}
