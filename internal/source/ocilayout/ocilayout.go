// Package ocilayout is the image source "oci-dir": a directory with an OCI image
// layout, as a reference PATH, PATH:TAG or PATH@DIGEST. Links that lead out of the
// directory are not followed.
//
// Specification:
// https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
package ocilayout

import (
	"context"
	"fmt"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
)

// Source is the source "oci-dir".
type Source struct{}

// Name is "oci-dir".
func (Source) Name() string { return "oci-dir" }

// Open opens an image of a layout; see the package.
func (s Source) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	path, choice, info, ok := oci.SplitPath(ref)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: no such directory: %w", ref, assay.ErrNotFound)
	case !info.IsDir():
		return nil, fmt.Errorf("%s: not a directory; for an archive use oci-archive:%s: %w", path, ref, assay.ErrUnsupported)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	img, err := oci.OpenLayout(ctx, root.FS(), choice, o)
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	img.Name, img.Source, img.Close = ref, s.Name(), root.Close
	return img, nil
}
