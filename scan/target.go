package scan

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/source"
)

// ImageOptions says where an image is looked for. The zero value asks the
// container engines of this machine, then the registry.
type ImageOptions struct {
	Input   string   // an archive or a layout directory, opened instead of any reference, perhaps with :TAG or @DIGEST
	Sources []string // asked for a name, in order: docker, containerd, podman, remote; none means all of them

	assay.SourceOptions
}

// platform is what SourceOptions.Platform takes.
var platform = regexp.MustCompile(`^[^/]+/[^/]+(/[^/]+)?$`)

// imageSources are what ImageOptions.Sources takes.
var imageSources = []string{"docker", "containerd", "podman", "remote", "registry"}

// Check says which options cannot be meant; an OptionError.
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

// OpenImage finds the image that ref names and reads its manifest and
// configuration; its layers are read by Scan. A prefix of ref chooses the source:
// docker: podman: containerd: registry: docker-archive: oci-archive: oci-dir:.
// Without one, ref is a path where it looks like one, or else a name. The caller
// calls the image's Close.
//
// Errors wrap assay.ErrNotFound where no source has the image, and
// assay.ErrUnauthorized where a registry wants other credentials.
func OpenImage(ctx context.Context, ref string, o ImageOptions) (*assay.Image, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return closable(source.Open(ctx, source.All(), ref, source.Options{ImageSrc: o.Sources, Input: o.Input, SourceOptions: o.SourceOptions}))
}

// closable gives every target a Close.
func closable(img *assay.Image, err error) (*assay.Image, error) {
	if err == nil && img.Close == nil {
		img.Close = func() error { return nil }
	}
	return img, err
}

// OpenDirectory opens a directory or a single file of this machine. What lies
// outside is not read, whatever links lead there.
func OpenDirectory(path string) (*assay.Image, error) {
	return closable(source.Folder(path, assay.KindFilesystem))
}

// OpenDisk opens the image of a disk: raw, qcow2, VMDK, VHD or VHDX, with ext2,
// ext3, ext4 or XFS file systems.
func OpenDisk(path string) (*assay.Image, error) { return closable(source.Disk(path)) }

// OpenSBOM opens a file with an SBOM: CycloneDX, SPDX, Syft's JSON or a list of
// purls. "-" is what comes by the pipe.
func OpenSBOM(path string, pipe io.Reader) (*assay.Image, error) {
	return closable(source.SBOM(path, pipe))
}

// RepositoryOptions says which state of a repository of source code is meant; at
// most one of Branch, Tag and Commit is set.
type RepositoryOptions struct {
	Branch   string
	Tag      string
	Commit   string
	Insecure bool   // unverified TLS is allowed
	CACert   string // file of certificates to trust instead of the system's
}

// Check says which options cannot be meant; an OptionError.
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

// OpenRepository opens a repository of source code: a directory as it is, or an
// address from which the git program fetches one commit. Nothing of it is run.
func OpenRepository(ctx context.Context, ref string, o RepositoryOptions) (*assay.Image, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return closable(source.Repository(ctx, ref, o.git()))
}

// Scopes are what an image, a directory, a repository and so on is looked at for,
// where a Request does not say.
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
