package publish

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/signature"
)

// Bounds of a layout.
const (
	maxListed = 1000 // manifests of its index.json; a copy with signatures has some ten
	maxNames  = 20   // that a message lists
)

// Annotations with which cosign's `save` names a manifest of a layout.
const (
	keyKind  = "kind"
	kindSigs = "dev.cosignproject.cosign/sigs"
	keyRef   = "org.opencontainers.image.ref.name"
)

// layout is an OCI image layout, as a registry that is read only.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
type layout struct {
	open    func(name string) (io.ReadCloser, error) // ErrNotFound without such a file
	close   func() error
	entries []descriptor // of index.json
}

// IsLayout reports whether a directory or an uncompressed tar file is an OCI image
// layout.
func IsLayout(path string) bool {
	l, err := openLayoutFiles(path)
	if err != nil {
		return false
	}
	defer l.close()
	f, err := l.open(oci.LayoutFile)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// OpenLayout opens a database in an OCI image layout, as tools copy it from a registry.
// Choice selects one of several: ":tag" or "@digest"; "" is the only one. With a key, the
// layout must also have a signature by that key.
func OpenLayout(ctx context.Context, path, choice string, key *signature.Key) (*Repository, error) {
	l, err := openLayoutFiles(path)
	if err != nil {
		return nil, err
	}
	p := &Repository{name: path + choice, client: l}
	if err := p.readLayout(ctx, l, choice, key); err != nil {
		l.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func (p *Repository) readLayout(ctx context.Context, l *layout, choice string, key *signature.Key) error {
	raw, err := l.read(oci.IndexFile, oci.MaxManifest)
	if err != nil {
		return err
	}
	var index struct {
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		return fmt.Errorf("%s: %w: %w", oci.IndexFile, err, assay.ErrMalformed)
	}
	if len(index.Manifests) > maxListed {
		return fmt.Errorf("%s lists over %d manifests: %w", oci.IndexFile, maxListed, assay.ErrTooLarge)
	}
	l.entries = index.Manifests
	if raw, err = l.database(ctx, choice); err != nil {
		return err
	}
	return p.use(ctx, raw, key)
}

// database returns the manifest of the chosen database.
func (l *layout) database(ctx context.Context, choice string) (found []byte, _ error) {
	var names []string
	digest := ""
	for _, d := range l.entries {
		raw, err := l.Manifest(ctx, d.Digest)
		if err != nil {
			return nil, err
		}
		if _, err := parseManifest(raw); errors.Is(err, assay.ErrUnsupported) {
			continue // a signature, or another artifact
		}
		tag := d.Annotations[keyRef]
		name := tag[strings.LastIndexByte(tag, ':')+1:]
		if name == "" {
			name = "@" + d.Digest
		}
		if !slices.Contains(names, name) && len(names) < maxNames {
			names = append(names, name)
		}
		switch {
		case choice != "" && choice != "@"+d.Digest && choice != ":"+tag && choice != ":"+name:
		case found != nil && digest != d.Digest:
			return nil, fmt.Errorf("several databases: %s: name one as PATH:TAG or PATH@DIGEST: %w", strings.Join(names, ", "), assay.ErrUnsupported)
		default:
			found, digest = raw, d.Digest
		}
	}
	switch {
	case found != nil:
		return found, nil
	case len(names) > 0:
		return nil, fmt.Errorf("no database %s; databases: %s: %w", choice[1:], strings.Join(names, ", "), assay.ErrNotFound)
	}
	return nil, fmt.Errorf("an OCI image layout without an advisory database made by `assay db push`: %w", assay.ErrUnsupported)
}

// Manifest returns the manifest of a digest, or of a tag.
func (l *layout) Manifest(_ context.Context, id string) ([]byte, error) {
	for _, d := range l.entries {
		if d.Annotations[keyRef] == id {
			id = d.Digest
			break
		}
	}
	_, _, err := oci.SplitDigest(id)
	if err != nil && strings.HasSuffix(id, ".sig") { // cosign's `save` names no tags
		for _, d := range l.entries {
			if d.Annotations[keyKind] == kindSigs {
				id, err = d.Digest, nil
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, assay.ErrNotFound)
	}
	name, err := blobName(id)
	if err != nil {
		return nil, err
	}
	raw, err := l.read(name, oci.MaxManifest)
	if err != nil {
		return nil, err
	}
	return raw, oci.Verify(raw, id)
}

// Referrers returns the index of the manifests that refer to the digest.
func (l *layout) Referrers(ctx context.Context, digest string) ([]byte, error) {
	if raw, err := l.Manifest(ctx, strings.Replace(digest, ":", "-", 1)); err == nil {
		return raw, nil
	}
	var list struct {
		Manifests []descriptor `json:"manifests"`
	}
	for _, d := range l.entries {
		raw, err := l.Manifest(ctx, d.Digest)
		if err != nil {
			return nil, err
		}
		var m struct {
			ArtifactType string     `json:"artifactType"`
			Subject      descriptor `json:"subject"`
		}
		if json.Unmarshal(raw, &m) == nil && m.Subject.Digest == digest {
			d.ArtifactType = m.ArtifactType
			list.Manifests = append(list.Manifests, d)
		}
	}
	return json.Marshal(list)
}

// Open opens a blob.
func (l *layout) Open(_ context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	name, err := blobName(d.Digest)
	if err != nil {
		return nil, err
	}
	f, err := l.open(name)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("%s is missing, so the layout is incomplete: copy the database again: %w", name, assay.ErrMalformed)
	}
	return f, err
}

// Close closes the file or directory.
func (l *layout) Close() error { return l.close() }

func (l *layout) read(name string, most int64) ([]byte, error) {
	f, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func blobName(digest string) (string, error) {
	algorithm, sum, err := oci.SplitDigest(digest)
	return path.Join("blobs", algorithm, sum), err
}

// openLayoutFiles opens a directory or a tar file. Links that lead out of the directory
// are not followed.
func openLayoutFiles(path string) (*layout, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openLayoutTar(path, info)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &layout{close: root.Close, open: func(name string) (io.ReadCloser, error) {
		return oci.OpenFile(root.FS(), name)
	}}, nil
}

// openLayoutTar opens a tar file. Of two members with the same name the last counts.
func openLayoutTar(path string, info fs.FileInfo) (*layout, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file: %w", path, assay.ErrUnsupported)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	members := map[string]*io.SectionReader{}
	t := tar.NewReader(f)
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err == nil && n == maxMembers {
			err = fmt.Errorf("over %d members: %w", maxMembers, assay.ErrTooLarge)
		}
		at := int64(0)
		if err == nil {
			at, err = f.Seek(0, io.SeekCurrent)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", path, damaged(err))
		}
		if h.Typeflag == tar.TypeReg {
			members[strings.TrimPrefix(h.Name, "./")] = io.NewSectionReader(f, at, h.Size)
		}
	}
	return &layout{close: f.Close, open: func(name string) (io.ReadCloser, error) {
		m := members[name]
		if m == nil {
			return nil, fmt.Errorf("%s: %w", name, assay.ErrNotFound)
		}
		return io.NopCloser(io.NewSectionReader(m, 0, m.Size())), nil
	}}, nil
}
