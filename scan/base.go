package scan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/assaysec/assay"
)

// A BaseRef is the base image that the user names.
type BaseRef struct {
	Name   string
	Digest string   // of its manifest; ""
	Layers []string // its diff IDs, lowest first
}

// BaseOf returns what identifies an opened image as the base of others.
func BaseOf(img *assay.Image) *BaseRef {
	return &BaseRef{Name: img.Name, Digest: img.Digest, Layers: diffIDs(img)}
}

func diffIDs(img *assay.Image) (ids []string) {
	for _, l := range img.Layers {
		ids = append(ids, l.DiffID)
	}
	return ids
}

// base finds the base image: the image that the user names, else the largest
// image scanned before whose layers are the lowest layers, else the image in the
// labels. The image that the user names is a gap if it is not the base.
func (s *scanner) base(ctx context.Context, img *assay.Image) (*assay.BaseImage, []assay.Gap) {
	if !img.Kind.IsImage() {
		return nil, nil
	}
	ids := diffIDs(img)
	if s.Base != nil {
		return s.Base.baseImageOf(ids)
	}
	known := s.seen(ctx, ids)
	if b := img.Base; b != nil && known != nil {
		known.Name, known.Digest = cmp.Or(b.Name, known.Name), cmp.Or(b.Digest, known.Digest)
	} else if known == nil && b != nil {
		known = b
	}
	s.remember(ctx, img, ids)
	if known != nil && known.Layers == 0 {
		known = nil
	}
	return known, nil
}

// baseImageOf is the base image of layers, if they are built on it.
func (b *BaseRef) baseImageOf(ids []string) (*assay.BaseImage, []assay.Gap) {
	n := common(ids, b.Layers)
	if n < len(b.Layers) || n == 0 {
		return nil, []assay.Gap{{Where: "base image " + b.Name, What: fmt.Sprintf(
			"the image is not built on it: only the first %d of its %d layers are in the image; no package counts as from the base image", n, len(b.Layers))}}
	}
	return &assay.BaseImage{Name: b.Name, Digest: b.Digest, Layers: n, By: "--base-image"}, nil
}

// setBaseOf sets the base image of a saved report.
func (b *BaseRef) setBaseOf(r *assay.Report) {
	var ids []string
	for _, l := range r.Image.Layers {
		ids = append(ids, l.DiffID)
	}
	var gaps []assay.Gap
	r.Image.Base, gaps = b.baseImageOf(ids)
	r.Gaps = append(r.Gaps, gaps...)
}

// common counts the equal elements at the beginning.
func common(a, b []string) (n int) {
	for n < len(a) && n < len(b) && a[n] != "" && a[n] == b[n] {
		n++
	}
	return n
}

// An imageNote is the cache's record of a scanned image.
type imageNote struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
}

// maxChain bounds the layers that are searched for among scanned images.
const maxChain = 256

// chain is the cache's key of the image that ends with the last of these layers,
// computed like the chain ID.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-chainid
func chain(ids []string) string {
	id := ids[0]
	for _, next := range ids[1:] {
		sum := sha256.Sum256([]byte(id + " " + next))
		id = "sha256:" + hex.EncodeToString(sum[:])
	}
	return "image-1 " + id
}

// seen finds the largest image scanned before whose layers are the lowest of
// these, but not all.
func (s *scanner) seen(ctx context.Context, ids []string) *assay.BaseImage {
	if s.Cache == nil {
		return nil
	}
	for n := min(len(ids)-1, maxChain); n > 0; n-- {
		var note imageNote
		b, err := s.Cache.Get(ctx, chain(ids[:n]))
		if err == nil && json.Unmarshal(b, &note) == nil {
			return &assay.BaseImage{Name: note.Name, Digest: note.Digest, Layers: n, By: "its layers are those of an image that was scanned before"}
		}
	}
	return nil
}

// remember stores an image's name, for images that are built on it. A file name
// does not replace the name of an image.
func (s *scanner) remember(ctx context.Context, img *assay.Image, ids []string) {
	if s.Cache == nil || len(ids) == 0 || len(ids) > maxChain || ids[0] == "" {
		return
	}
	name := img.Name
	if len(img.RepoTags) > 0 {
		name = img.RepoTags[0]
	}
	note, err := json.Marshal(imageNote{name, img.Digest})
	if err != nil {
		return
	}
	key := chain(ids)
	if old, err := s.Cache.Get(ctx, key); err == nil && (string(old) == string(note) || len(img.RepoTags) == 0) {
		return
	}
	_ = s.Cache.Put(ctx, key, note) // an error loses only a name
}
