// Package store is the image source "store": a directory with an OCI layout for
// each name.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
)

type Source struct{ Dir string }

func (Source) Name() string { return "store" }

func (s Source) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	root, err := os.OpenRoot(filepath.Join(s.Dir, filepath.Base(ref)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w in %s", ref, assay.ErrNotFound, s.Dir)
	}
	if err != nil {
		return nil, err
	}
	img, err := oci.OpenLayout(ctx, root.FS(), "", o)
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	img.Name, img.Source, img.Close = ref, s.Name(), root.Close
	return img, nil
}
