package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
)

// Media types of a database in a registry.
const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeDatabase = "application/vnd.assaysec.database.v1"
	typeIndex    = "application/vnd.assaysec.database.index.v1+json+zstd"
	typeShard    = "application/vnd.assaysec.database.shard.v1+zstd"
	typeDelta    = "application/vnd.assaysec.database.delta.v1+zstd"
)

// manifest has the needed fields of an OCI manifest.
type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType,omitempty"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// Annotations of a layer.
const (
	keyTitle = "org.opencontainers.image.title" // the stream
	keyShard = "dev.assaysec.database.shard"    // digest of the shard's file, whose compressed form is the layer
	keyBase  = "dev.assaysec.database.base"     // of a delta: digest of the shard's file that it applies to
)

// A Pushed is the result of Push.
type Pushed struct {
	Digest       string // of the manifest
	Sent, Reused int    // shards
	Bytes        int64  // of the pushed data
}

// Push pushes the snapshot to a reference. Shards of the reference's old
// snapshot are not pushed again.
func Push(ctx context.Context, ref string, e Snapshot, o registryclient.Options) (p Pushed, err error) {
	r, err := registryclient.Parse(ref, o.SourceOptions)
	if err != nil {
		return p, err
	}
	tag, ok := r.(name.Tag)
	if !ok {
		return p, fmt.Errorf("%s: cannot push to a digest, use a tag: %w", ref, assay.ErrUnsupported)
	}
	o.Push = true
	c, err := registryclient.Connect(ctx, r.Context(), o)
	if err != nil {
		return p, registryclient.Explain(err, r, o.SourceOptions)
	}
	defer c.Close()
	w := &pusher{client: c, edition: e, old: map[string]descriptor{}, oldShard: map[string]descriptor{}, oldDeltas: map[string][]descriptor{}}
	if raw, err := c.Manifest(ctx, tag.TagStr()); err == nil {
		if m, err := parseManifest(raw); err == nil {
			w.remember(m)
		}
	}
	m := manifest{SchemaVersion: 2, MediaType: typeManifest, ArtifactType: typeDatabase}
	for _, s := range e.Shards {
		d, err := w.shard(ctx, s)
		if err != nil {
			return p, fmt.Errorf("stream %s: %w", s.Stream, registryclient.Explain(err, r, o.SourceOptions))
		}
		deltas, err := w.deltas(ctx, s, d)
		if err != nil {
			return p, fmt.Errorf("stream %s: %w", s.Stream, registryclient.Explain(err, r, o.SourceOptions))
		}
		m.Layers = append(append(m.Layers, d), deltas...)
	}
	var index bytes.Buffer
	if err := compress(&index, bytes.NewReader(e.Index)); err != nil {
		return p, err
	}
	m.Config = descriptor{MediaType: typeIndex, Digest: oci.Digest(index.Bytes()), Size: int64(index.Len())}
	if err := w.blob(ctx, m.Config, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(index.Bytes())), nil }); err != nil {
		return p, registryclient.Explain(err, r, o.SourceOptions)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return p, err
	}
	if err := c.PutManifest(ctx, tag.TagStr(), typeManifest, raw); err != nil {
		return p, registryclient.Explain(err, r, o.SourceOptions)
	}
	w.pushed.Digest = oci.Digest(raw)
	return w.pushed, nil
}

type pusher struct {
	client  *registryclient.Client
	edition Snapshot
	pushed  Pushed

	// The old snapshot of the reference.
	old       map[string]descriptor   // shards by digest
	oldShard  map[string]descriptor   // shards by stream
	oldDeltas map[string][]descriptor // by stream, oldest first
}

func (w *pusher) remember(m *manifest) {
	w.old = m.shards()
	for _, d := range m.Layers {
		switch stream := d.Annotations[keyTitle]; d.MediaType {
		case typeShard:
			w.oldShard[stream] = d
		case typeDelta:
			w.oldDeltas[stream] = append(w.oldDeltas[stream], d)
		}
	}
}

// shard makes sure that the registry has a shard.
func (w *pusher) shard(ctx context.Context, s assay.Shard) (descriptor, error) {
	if d, ok := w.old[s.Digest]; ok {
		if has, err := w.client.Has(ctx, d.Digest); err == nil && has {
			d.Annotations[keyTitle] = string(s.Stream)
			w.pushed.Reused++
			return d, nil
		}
	}
	f, size, err := pack(w.edition, s)
	if err != nil {
		return descriptor{}, err
	}
	defer discard(f)
	digest, err := digestOf(f)
	if err != nil {
		return descriptor{}, err
	}
	d := descriptor{MediaType: typeShard, Digest: digest, Size: size, Annotations: map[string]string{keyTitle: string(s.Stream), keyShard: s.Digest}}
	w.pushed.Sent++
	return d, w.blob(ctx, d, func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, size)), nil })
}

// blob pushes a blob that is missing in the registry.
func (w *pusher) blob(ctx context.Context, d descriptor, open func() (io.ReadCloser, error)) error {
	if has, err := w.client.Has(ctx, d.Digest); err != nil || has {
		return err
	}
	w.pushed.Bytes += d.Size
	return w.client.PutBlob(ctx, oci.Descriptor{Digest: d.Digest, Size: d.Size}, open)
}

// A store is a registry, or a layout.
type store interface {
	signature.Store
	io.Closer
}

// A Repository is a database in a registry, or a copy of it in an OCI image layout.
type Repository struct {
	Digest string // of its manifest

	name       string // the reference
	client     store
	signatures store // where else signatures may be; may be nil
	manifest   *manifest
	layers     map[string]descriptor // by the shard's digest
	deltas     map[string]descriptor // by the digest that they apply to
	moved      atomic.Int64
	progress   func(assay.Progress)
}

// OpenRepository reads the manifest of ref. With a key, the manifest must have a
// signature by that key.
func OpenRepository(ctx context.Context, ref string, key *signature.Key, o registryclient.Options) (*Repository, error) {
	r, err := registryclient.Parse(ref, o.SourceOptions)
	if err != nil {
		return nil, err
	}
	c, err := registryclient.Connect(ctx, r.Context(), o)
	if err != nil {
		return nil, registryclient.Explain(err, r, o.SourceOptions)
	}
	p := &Repository{name: r.Name(), client: c, progress: o.Progress}
	if key != nil {
		other, err := registryclient.ConnectSignatures(ctx, r.Context(), o)
		if err != nil {
			c.Close()
			return nil, err
		}
		if other != nil {
			defer other.Close()
			p.signatures = other
		}
	}
	if err := p.read(ctx, r, key); err != nil {
		c.Close()
		return nil, registryclient.Explain(err, r, o.SourceOptions)
	}
	return p, nil
}

func (p *Repository) read(ctx context.Context, r name.Reference, key *signature.Key) error {
	raw, err := p.client.Manifest(ctx, r.Identifier())
	if err != nil {
		return err
	}
	if d, ok := r.(name.Digest); ok && oci.Verify(raw, d.DigestStr()) != nil {
		return fmt.Errorf("the registry sent a manifest with another digest, %s: %w", oci.Digest(raw), assay.ErrMalformed)
	}
	return p.use(ctx, raw, key)
}

// use makes the manifest that of the database.
func (p *Repository) use(ctx context.Context, raw []byte, key *signature.Key) (err error) {
	p.Digest = oci.Digest(raw)
	if key != nil {
		if err := p.signed(ctx, raw, key); err != nil {
			return err
		}
	}
	p.manifest, err = parseManifest(raw)
	if err == nil {
		p.layers, p.deltas = p.manifest.shards(), map[string]descriptor{}
		for _, d := range p.manifest.Layers {
			if d.MediaType == typeDelta {
				p.deltas[d.Annotations[keyBase]] = d
			}
		}
	}
	return err
}

func parseManifest(raw []byte) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", err, assay.ErrMalformed)
	}
	if m.Config.MediaType != typeIndex {
		return nil, fmt.Errorf("not an advisory database made by `assay db push` (type %q): %w", m.Config.MediaType, assay.ErrUnsupported)
	}
	for _, d := range append([]descriptor{m.Config}, m.Layers...) {
		switch {
		case d.Size <= 0:
			return nil, fmt.Errorf("manifest: layer %s of %d bytes: %w", d.Digest, d.Size, assay.ErrMalformed)
		case d.Size > maxLayer:
			return nil, fmt.Errorf("manifest: layer %s of %d bytes, over the limit of %d: %w", d.Digest, d.Size, int64(maxLayer), assay.ErrTooLarge)
		}
	}
	return m, nil
}

// shards lists the layers by the digest of their shard.
func (m *manifest) shards() map[string]descriptor {
	out := map[string]descriptor{}
	for _, l := range m.Layers {
		if l.MediaType == typeShard && l.Annotations[keyShard] != "" {
			out[l.Annotations[keyShard]] = l
		}
	}
	return out
}

// Name implements db.Place.
func (p *Repository) Name() string { return p.name + ": " + indexName }

// Index returns the index.
func (p *Repository) Index(ctx context.Context) ([]byte, error) {
	d := p.manifest.Config
	b, err := p.blob(ctx, d, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("index of the database: %w", err)
	}
	r, err := unpack(io.NopCloser(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("index of the database: %w", err)
	}
	defer r.Close()
	if b, err = limit.ReadAll(r, maxIndex); err != nil {
		return nil, fmt.Errorf("index of the database: %w", err)
	}
	return b, nil
}

// body opens a layer of a manifest; it fails if the layer is larger than in the
// manifest.
func body(ctx context.Context, c oci.Blobs, d descriptor) (io.ReadCloser, error) {
	b, err := c.Open(ctx, oci.Descriptor{Digest: d.Digest, Size: d.Size})
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{limit.Reader(b, d.Size), b}, nil
}

// blob reads a small blob and verifies it.
func (p *Repository) blob(ctx context.Context, d descriptor, max int64) ([]byte, error) {
	body, err := p.client.Open(ctx, oci.Descriptor{Digest: d.Digest, Size: d.Size})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := limit.ReadAll(body, min(max, d.Size))
	if err != nil {
		return nil, err
	}
	p.moved.Add(int64(len(b)))
	return b, oci.Verify(b, d.Digest)
}

// Shard opens the file of a shard; the reader must verify it.
func (p *Repository) Shard(ctx context.Context, s assay.Shard) (io.ReadCloser, error) {
	d, ok := p.layers[s.Digest]
	if !ok {
		return nil, fmt.Errorf("shard %s: %w among the layers, but listed in the index", s.Digest, assay.ErrNotFound)
	}
	b, err := body(ctx, p.client, d)
	if err != nil {
		return nil, err
	}
	return unpack(&counted{b, p, assay.Progress{Task: "stream " + string(s.Stream), Total: d.Size}})
}

// ReceivedBytes is how many bytes of blobs came so far.
func (p *Repository) ReceivedBytes() int64 { return p.moved.Load() }

// Close closes the connections.
func (p *Repository) Close() error { return p.client.Close() }

// counted is a body that counts its bytes.
type counted struct {
	io.ReadCloser
	p        *Repository
	progress assay.Progress
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.p.moved.Add(int64(n))
	c.progress.Done += int64(n)
	c.countReceived()
	return n, err
}

func (c *counted) Close() error {
	c.progress.End = true
	c.countReceived()
	return c.ReadCloser.Close()
}

func (c *counted) countReceived() {
	if c.p.progress != nil {
		c.p.progress(c.progress)
	}
}
