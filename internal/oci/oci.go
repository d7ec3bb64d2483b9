// Package oci reads images in the OCI and Docker formats: index, manifest,
// configuration and layers, wherever their blobs are stored. Every blob is verified
// against the digest and the size in its descriptor.
//
// Specifications:
// https://github.com/opencontainers/image-spec/blob/v1.1.0/spec.md
// https://github.com/distribution/distribution/blob/v2.8.0/docs/spec/manifest-v2-2.md
package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

const (
	// MaxManifest bounds a manifest or an index: the distribution specification asks
	// registries to accept 4 MiB.
	MaxManifest = 4 << 20
	// MaxConfig bounds a configuration. Configurations with thousands of instructions
	// are below 1 MiB.
	MaxConfig = 16 << 20

	maxList    = 10_000 // elements of one list; only tests have images of 1,000 layers
	maxDepth   = 4      // nesting of indexes; tools write two levels
	maxIndexes = 100    // indexes read for one image
)

// A Descriptor describes a blob.
type Descriptor struct {
	MediaType    string      `json:"mediaType"`
	ArtifactType string      `json:"artifactType"`
	Digest       string      `json:"digest"`
	Size         int64       `json:"size"`
	Platform     *Platform   `json:"platform"`
	Annotations  Annotations `json:"annotations"`
}

// Annotations contains the annotations of a descriptor that assay uses.
type Annotations struct {
	RefName   string `json:"org.opencontainers.image.ref.name"` // a tag, or a full reference
	ImageName string `json:"io.containerd.image.name"`          // a full reference
}

// A Platform is the platform of a manifest in an index.
type Platform struct {
	OS      string `json:"os"`
	Arch    string `json:"architecture"`
	Variant string `json:"variant"`
}

// Blobs opens content by descriptor.
type Blobs interface {
	// Open returns the blob as stored; package oci verifies it. The context also bounds
	// reading.
	Open(ctx context.Context, d Descriptor) (io.ReadCloser, error)
}

// A List is a JSON array of at most 10,000 elements. A longer one is ErrTooLarge,
// because a few bytes of JSON can expand to many of memory.
type List[T any] []T

// UnmarshalJSON reads an array or null.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if string(b) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("not a list: %w", assay.ErrMalformed)
	}
	for d.More() {
		if len(*l) == maxList {
			return fmt.Errorf("list of over %d elements: %w", maxList, assay.ErrTooLarge)
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// A document is an index or a manifest.
type document struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	ArtifactType  string           `json:"artifactType"`
	Manifests     List[Descriptor] `json:"manifests"`
	Config        *Descriptor      `json:"config"`
	Layers        List[Descriptor] `json:"layers"`
	Annotations   baseLabels       `json:"annotations"`
}

func parseDocument(raw []byte) (*document, error) {
	var d document
	if err := Unmarshal(raw, &d); err != nil {
		return nil, err
	}
	switch {
	case d.SchemaVersion == 1:
		return nil, fmt.Errorf("schema 1 manifest: push the image again with a Docker of 2017 or later: %w", assay.ErrUnsupported)
	case len(d.Manifests) > 0 && (len(d.Layers) > 0 || d.Config != nil):
		// Readers would disagree about which it is: CVE-2021-41190.
		return nil, fmt.Errorf("both an index and a manifest: %w", assay.ErrMalformed)
	}
	return &d, nil
}

func (d *document) isIndex() bool {
	return d.Config == nil && len(d.Layers) == 0 && (d.Manifests != nil || isIndexType(d.MediaType))
}

// Unmarshal decodes one JSON document. Invalid JSON is ErrMalformed.
func Unmarshal(raw []byte, v any) error {
	err := json.Unmarshal(raw, v)
	if err != nil && !errors.Is(err, assay.ErrTooLarge) {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return err
}

const (
	typeIndex          = "application/vnd.oci.image.index.v1+json"
	typeManifest       = "application/vnd.oci.image.manifest.v1+json"
	typeDockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeSchema1        = "application/vnd.docker.distribution.manifest.v1+"
)

// ManifestTypes lists the media types of indexes and manifests that assay reads, for a
// client's Accept header.
func ManifestTypes() []string {
	return []string{typeIndex, typeDockerIndex, typeManifest, typeDockerManifest}
}

func isIndexType(t string) bool { return t == typeIndex || t == typeDockerIndex }

// IsManifest reports whether t is the media type of an index or a manifest, which
// registries store apart from other blobs.
func IsManifest(t string) bool {
	return isIndexType(t) || t == typeManifest || t == typeDockerManifest
}

// Read reads a blob of at most max bytes and verifies it.
func Read(ctx context.Context, b Blobs, d Descriptor, max int64) ([]byte, error) {
	if d.Size > max {
		return nil, fmt.Errorf("%s: over %d bytes: %w", d.Digest, max, assay.ErrTooLarge)
	}
	v, err := openVerified(ctx, b, d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	defer v.Close()
	raw, err := limit.ReadAll(v, max)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	return raw, ctx.Err()
}

// Open opens the image that root, an index or a manifest, describes for the platform of
// o. It does not read layers. The caller sets Name and Source.
func Open(ctx context.Context, b Blobs, root Descriptor, o assay.SourceOptions) (*assay.Image, error) {
	raw, err := Read(ctx, b, root, MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("manifest %w", err)
	}
	return OpenDocument(ctx, b, raw, o)
}

// OpenDocument is Open for a root that the caller has read, and verified where
// possible.
func OpenDocument(ctx context.Context, b Blobs, raw []byte, o assay.SourceOptions) (*assay.Image, error) {
	doc, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if doc.isIndex() {
		return openIndex(ctx, b, doc.Manifests, o)
	}
	return openManifest(ctx, b, doc, Digest(raw), o)
}

// openIndex opens the image for the platform of o.
func openIndex(ctx context.Context, b Blobs, ds []Descriptor, o assay.SourceOptions) (*assay.Image, error) {
	f := flattener{ctx: ctx, blobs: b}
	if err := f.add(ds, nil); err != nil {
		return nil, err
	}
	if len(f.manifests) == 0 && f.other != "" {
		return nil, fmt.Errorf("the index lists no image, only %s: %w", f.other, assay.ErrUnsupported)
	}
	d, err := choose(f.manifests, o.Platform)
	if err != nil {
		return nil, err
	}
	raw, err := Read(ctx, b, d, MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("manifest %w", err)
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	img, err := openManifest(ctx, b, doc, d.Digest, o)
	if err == nil {
		img.Indexes = f.within[d.Digest]
	}
	return img, err
}

// A flattener lists the images of an index and of the indexes in it.
type flattener struct {
	ctx       context.Context
	blobs     Blobs
	indexes   int
	manifests []Descriptor
	within    map[string][]string // by digest of a manifest: the indexes that list it, outermost first
	other     string              // media type of an entry that is not an image
}

// add adds the entries of an index that is in others; path are their digests.
func (f *flattener) add(ds []Descriptor, path []string) error {
	for _, d := range ds {
		switch {
		case d.isAttestation():
		case isIndexType(d.MediaType):
			if err := f.nested(d, append(path[:len(path):len(path)], d.Digest)); err != nil {
				return err
			}
		case IsManifest(d.MediaType), d.MediaType == "":
			if len(f.manifests) == maxList {
				return fmt.Errorf("index with over %d images: %w", maxList, assay.ErrTooLarge)
			}
			f.manifests = append(f.manifests, d)
			f.locate(d.Digest, path)
		case strings.HasPrefix(d.MediaType, typeSchema1):
			return fmt.Errorf("schema 1 manifest: push the image again with a Docker of 2017 or later: %w", assay.ErrUnsupported)
		default:
			f.other = fmt.Sprintf("media type %q", d.MediaType)
		}
	}
	return nil
}

// locate records which indexes list a manifest.
func (f *flattener) locate(digest string, path []string) {
	if f.within == nil {
		f.within = map[string][]string{}
	}
	for _, index := range path {
		if !slices.Contains(f.within[digest], index) {
			f.within[digest] = append(f.within[digest], index)
		}
	}
}

// nested adds the entries of an index; path ends with its digest.
func (f *flattener) nested(d Descriptor, path []string) error {
	if f.indexes++; len(path) > maxDepth || f.indexes > maxIndexes {
		return fmt.Errorf("index %s: over %d indexes, or %d deep: %w", d.Digest, maxIndexes, maxDepth, assay.ErrTooLarge)
	}
	raw, err := Read(f.ctx, f.blobs, d, MaxManifest)
	if err != nil {
		return fmt.Errorf("index %w", err)
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return fmt.Errorf("index %s: %w", d.Digest, err)
	}
	return f.add(doc.Manifests, path)
}

// isAttestation reports whether d is an attestation of BuildKit about an image, not an
// image. Its platform decides, as it does for container engines: annotations may say
// anything.
// https://github.com/moby/buildkit/blob/v0.12.0/docs/attestations/attestation-storage.md
func (d Descriptor) isAttestation() bool {
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Arch == "unknown"
}

// openManifest builds the image of one manifest.
func openManifest(ctx context.Context, b Blobs, m *document, digest string, o assay.SourceOptions) (*assay.Image, error) {
	if m.Config == nil {
		return nil, fmt.Errorf("manifest %s: neither an image manifest nor an index: %w", digest, assay.ErrMalformed)
	}
	foreign := make([]bool, len(m.Layers))
	for i, d := range m.Layers {
		var ok bool
		if foreign[i], ok = layerType(d.MediaType); !ok {
			return nil, fmt.Errorf("manifest %s: layer %s: media type %q%s: %w", digest, d.Digest, d.MediaType, m.kind(), assay.ErrUnsupported)
		}
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("manifest %s: layer %d: %w", digest, i, err)
		}
	}
	raw, err := Read(ctx, b, *m.Config, MaxConfig)
	if err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	img, err := Image(raw, len(m.Layers))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", m.Config.Digest, err)
	}
	if err := CheckPlatform(img.Platform, o.Platform); err != nil {
		return nil, err
	}
	img.ID, img.Digest = m.Config.Digest, digest
	if m.Annotations != (baseLabels{}) {
		img.Base = m.Annotations.base(raw, len(m.Layers))
	}
	for i, d := range m.Layers {
		l := &img.Layers[i]
		l.Digest, l.MediaType, l.Size, l.Foreign, l.Key = d.Digest, d.MediaType, d.Size, foreign[i], d.Digest
		l.Open = Blob{Blobs: b, Descriptor: d, DiffID: l.DiffID, Options: o}.Open
	}
	return img, nil
}

// kind describes a manifest whose layers are not those of an image.
func (m *document) kind() string {
	switch t := m.ArtifactType; {
	case t != "":
		return fmt.Sprintf(" (an artifact of type %q, not an image)", t)
	case m.Config.MediaType != "" && !strings.Contains(m.Config.MediaType, "image"):
		return fmt.Sprintf(" (configuration of type %q, not an image's)", m.Config.MediaType)
	}
	return ""
}

// layerType reports whether t is the media type of a layer. Package compression detects
// the compression itself.
func layerType(t string) (foreign, ok bool) {
	t, _, _ = strings.Cut(t, ";")
	switch t {
	case "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd",
		"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.docker.image.rootfs.diff.tar.zstd":
		return false, true
	case "application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
		"application/vnd.docker.image.rootfs.foreign.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":
		return true, true
	}
	return false, false
}
