// Package archive is the image sources "docker-archive" and "oci-archive": tar
// files as `docker save`, `podman save`, `skopeo copy` and build tools write
// them, whole or as a reference PATH:TAG or PATH@DIGEST.
//
// Each of the two sources detects the format from the content, and so reads the
// archives of the other, too; its name decides only for a file in both formats.
// Opening an archive reads its headers only; its layers can be read from any
// offset. A compressed archive is first unpacked to an unnamed temporary file of
// at most 64 GiB.
package archive

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/oci"
)

// Names of the two sources.
const (
	DockerName = "docker-archive"
	OCIName    = "oci-archive"
)

// Docker is the source "docker-archive".
//
// Specification: https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format
type Docker struct{}

// Name is "docker-archive".
func (Docker) Name() string { return DockerName }

// Open opens an image of an archive; see the package.
func (Docker) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	return open(ctx, ref, DockerName, o)
}

// OCI is the source "oci-archive": an OCI image layout in a tar file.
//
// Specification: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
type OCI struct{}

// Name is "oci-archive".
func (OCI) Name() string { return OCIName }

// Open opens an image of an archive; see the package.
func (OCI) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	return open(ctx, ref, OCIName, o)
}

// Open opens an image of an archive in either format. One that has both, and in them
// different images, is ErrMalformed.
func Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	return open(ctx, ref, "", o)
}

// open opens an image; prefer is the name of the source whose format counts where the
// archive has both.
func open(ctx context.Context, ref, prefer string, o assay.SourceOptions) (*assay.Image, error) {
	path, choice, info, ok := oci.SplitPath(ref)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: no such file: %w", ref, assay.ErrNotFound)
	case info.IsDir():
		return nil, fmt.Errorf("%s: a directory, not an archive: for an OCI layout use oci-dir:%s: %w", path, ref, assay.ErrUnsupported)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file: %w", path, assay.ErrUnsupported)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s: empty file: %w", path, assay.ErrMalformed)
	}
	a, err := load(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	img, err := a.image(ctx, choice, prefer, o)
	if err != nil {
		a.file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	img.Name, img.Close = ref, a.file.Close
	return img, nil
}

// An archive is an open archive.
type archive struct {
	*index
	file io.Closer
	id   string // identity of the file
}

// load opens and indexes the archive at path, and unpacks a compressed one.
func load(ctx context.Context, path string) (*archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	id, size := identity(path, info), info.Size()
	head := make([]byte, compression.SniffLen)
	n, _ := f.ReadAt(head, 0)
	kind, err := compression.Sniff(head[:n])
	if err != nil {
		f.Close()
		return nil, err
	}
	file := &temporary{File: f}
	if kind != compression.Plain {
		file, size, err = spool(ctx, f)
		f.Close()
		if err != nil {
			return nil, err
		}
		id += ":" + string(kind)
	}
	x, err := newIndex(ctx, file, size)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &archive{index: x, file: file, id: id}, nil
}

// image opens the image in the format of the archive.
func (a *archive) image(ctx context.Context, choice, prefer string, o assay.SourceOptions) (*assay.Image, error) {
	_, docker := a.entries[manifestFile]
	_, layout := a.entries[oci.IndexFile]
	var img *assay.Image
	var err error
	name := DockerName
	switch {
	case docker && !(layout && prefer == OCIName):
		img, err = a.dockerImage(ctx, choice, o)
		if err == nil && layout && prefer == "" {
			err = a.compare(ctx, img)
		}
	case layout:
		name = OCIName
		img, err = oci.OpenLayout(ctx, a, choice, o)
	default:
		return nil, fmt.Errorf("not an image archive: it contains neither %s nor %s; to scan an archive of a root file system, unpack it and use `assay rootfs DIRECTORY`: %w", manifestFile, oci.IndexFile, assay.ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	img.Source = name
	return img, nil
}
