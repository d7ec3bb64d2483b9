package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// The files of a layout.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
const (
	LayoutFile = "oci-layout"
	IndexFile  = "index.json"
)

// maxLayoutFile bounds the file oci-layout, which contains a version number.
const maxLayoutFile = 4 << 10

// maxNames bounds the names that a message lists.
const maxNames = 40

// OpenLayout opens an image of an OCI image layout. Choice selects it: "" the only one,
// ":tag" or "@digest". It reads nothing outside of fsys, provided that fsys does not
// leave its root.
func OpenLayout(ctx context.Context, fsys fs.FS, choice string, o assay.SourceOptions) (*assay.Image, error) {
	if err := checkLayoutVersion(fsys); err != nil {
		return nil, err
	}
	raw, err := ReadFile(fsys, IndexFile, MaxManifest)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("not an OCI image layout: %w", err)
	} else if err != nil {
		return nil, err
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", IndexFile, err)
	}
	if len(doc.Manifests) == 0 {
		return nil, fmt.Errorf("%s lists no images: %w", IndexFile, assay.ErrMalformed)
	}
	ds, err := chosen(doc.Manifests, choice)
	if err != nil {
		return nil, err
	}
	img, err := openIndex(ctx, layoutBlobs{fsys}, ds, o)
	if err != nil {
		return nil, err
	}
	for _, d := range ds {
		if n := d.name(); strings.ContainsAny(n, ":/") && !slices.Contains(img.RepoTags, n) {
			img.RepoTags = append(img.RepoTags, n)
		}
	}
	return img, nil
}

// A LayoutMatch says whether the index of a layout lists an image.
type LayoutMatch struct {
	Has, Known bool     // Known is false where no manifest of the image's entries can be read
	Digest     string   // of its manifest; "" without one
	Indexes    []string // digests of the indexes that list the manifest
}

// MatchLayout looks for the image with a configuration in the index of a layout: where
// entries have one of names, in each of them; otherwise in any.
func MatchLayout(ctx context.Context, fsys fs.FS, names []string, config string) (m LayoutMatch, err error) {
	raw, err := ReadFile(fsys, IndexFile, MaxManifest)
	if err != nil {
		return m, err
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return m, fmt.Errorf("%s: %w", IndexFile, err)
	}
	named := slices.DeleteFunc(slices.Clone(doc.Manifests), func(d Descriptor) bool { return !slices.ContainsFunc(names, d.hasName) })
	if len(named) == 0 {
		return matchLayout(ctx, layoutBlobs{fsys}, doc.Manifests, config)
	}
	m.Has = true
	for _, d := range named {
		one, err := matchLayout(ctx, layoutBlobs{fsys}, []Descriptor{d}, config)
		if err != nil {
			return LayoutMatch{}, err
		}
		m.Has, m.Known = m.Has && (one.Has || !one.Known), m.Known || one.Known
		if m.Digest == "" {
			m.Digest, m.Indexes = one.Digest, one.Indexes
		}
	}
	return m, nil
}

// matchLayout looks for the configuration in ds, and in the images in them.
func matchLayout(ctx context.Context, b Blobs, ds []Descriptor, config string) (m LayoutMatch, err error) {
	f := flattener{ctx: ctx, blobs: b}
	if err := f.add(ds, nil); err != nil {
		return m, err
	}
	for _, d := range f.manifests {
		raw, err := Read(ctx, b, d, MaxManifest)
		if err != nil {
			continue // of a platform that was not saved
		}
		doc, err := parseDocument(raw)
		if err != nil {
			return LayoutMatch{}, fmt.Errorf("manifest %s: %w", d.Digest, err)
		}
		if m.Known = true; doc.Config != nil && doc.Config.Digest == config {
			return LayoutMatch{Has: true, Known: true, Digest: d.Digest, Indexes: f.within[d.Digest]}, nil
		}
	}
	return m, nil
}

// checkLayoutVersion reports a layout of an unsupported version. A layout without the
// version file counts as version 1, for some tools leave the file out.
func checkLayoutVersion(fsys fs.FS) error {
	raw, err := ReadFile(fsys, LayoutFile, maxLayoutFile)
	if errors.Is(err, assay.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	var v struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("%s: %w", LayoutFile, err)
	}
	if !strings.HasPrefix(v.Version, "1.") {
		return fmt.Errorf("%s: version %.20q: %w", LayoutFile, v.Version, assay.ErrUnsupported)
	}
	return nil
}

// ReadFile reads a regular file of at most max bytes.
func ReadFile(fsys fs.FS, name string, max int64) ([]byte, error) {
	f, err := OpenFile(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, max)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// OpenFile opens a regular file; ErrNotFound without one. It refuses named pipes, which
// would block.
func OpenFile(fsys fs.FS, name string) (fs.File, error) {
	i, err := fs.Stat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing: %w", name, assay.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case !i.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: %w", name, assay.ErrMalformed)
	}
	return fsys.Open(name)
}

// chosen lists the entries of a layout's index that choice selects. Several entries
// with the same name, or without names, are platforms of one image.
func chosen(ds []Descriptor, choice string) ([]Descriptor, error) {
	var found []Descriptor
	var names []string // for messages; an image without a name is listed by its digest
	tags, digests := map[string]bool{}, map[string]bool{}
	for _, d := range ds {
		if d.isAttestation() {
			continue
		}
		if choice == "" || choice == "@"+d.Digest || choice[0] == ':' && d.hasName(choice[1:]) {
			found = append(found, d)
		}
		n := d.name()
		if n != "" {
			tags[n] = true
		} else {
			n = d.Digest
		}
		digests[d.Digest] = true
		if !slices.Contains(names, n) && len(names) < maxNames {
			names = append(names, n)
		}
	}
	switch list := strings.Join(names, ", "); {
	case choice != "" && len(found) == 0:
		return nil, fmt.Errorf("no image %q; images: %s: %w", choice[1:], list, assay.ErrNotFound)
	case choice == "" && len(tags) > 1 && len(digests) > 1:
		return nil, fmt.Errorf("several images; choose one with PATH:TAG: %s", list)
	}
	return found, nil
}

func (d Descriptor) name() string {
	if d.Annotations.ImageName != "" {
		return d.Annotations.ImageName
	}
	return d.Annotations.RefName
}

func (d Descriptor) hasName(want string) bool {
	for _, n := range []string{d.Annotations.RefName, d.Annotations.ImageName} {
		if n != "" && SameName(n, want) {
			return true
		}
	}
	return false
}

// layoutBlobs reads the blobs of a layout.
type layoutBlobs struct{ fs.FS }

func (b layoutBlobs) Open(_ context.Context, d Descriptor) (io.ReadCloser, error) {
	algorithm, sum, err := SplitDigest(d.Digest)
	if err != nil {
		return nil, err
	}
	f, err := OpenFile(b.FS, path.Join("blobs", algorithm, sum))
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("blob is missing: the layout is incomplete: %w", assay.ErrMalformed)
	}
	return f, err
}
