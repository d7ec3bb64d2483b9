package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/oci"
)

const (
	manifestFile = "manifest.json"
	blobDir      = "blobs/sha256"
	maxNames     = 40 // names that a message lists
)

// A saved image is an element of manifest.json.
type saved struct {
	Config   string
	RepoTags oci.List[string]
	Layers   oci.List[string]
}

// dockerImage opens the image of manifest.json that choice selects.
func (a *archive) dockerImage(ctx context.Context, choice string, o assay.SourceOptions) (*assay.Image, error) {
	raw, err := oci.ReadFile(a, manifestFile, oci.MaxManifest)
	if err != nil {
		return nil, err
	}
	var all oci.List[saved]
	if err := oci.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	s, err := chosen(all, choice)
	if err != nil {
		return nil, err
	}
	raw, err = a.config(s.Config)
	if err != nil {
		return nil, fmt.Errorf("configuration %q: %w", s.Config, err)
	}
	img, err := oci.Image(raw, len(s.Layers))
	if err != nil {
		return nil, fmt.Errorf("configuration %q: %w", s.Config, err)
	}
	if err := oci.CheckPlatform(img.Platform, o.Platform); err != nil {
		return nil, err
	}
	img.RepoTags = s.RepoTags
	for i, name := range s.Layers {
		if err := a.layer(&img.Layers[i], name, o); err != nil {
			return nil, fmt.Errorf("layer %q: %w", name, err)
		}
	}
	return img, ctx.Err()
}

// compare reports an error when index.json describes another image than manifest.json:
// container engines use one or the other. It adds a gap when that is not known. The
// digests of the image are those of index.json.
func (a *archive) compare(ctx context.Context, img *assay.Image) error {
	m, err := oci.MatchLayout(ctx, a, img.RepoTags, img.ID)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil || !m.Known:
		what := fmt.Sprintf("not compared with %s, because no manifest there can be read; some container engines use that one", manifestFile)
		if err != nil {
			what += ": " + err.Error()
		}
		img.Gaps = append(img.Gaps, assay.Gap{Where: oci.IndexFile, What: what})
	case !m.Has:
		return fmt.Errorf("%s and %s describe different images; choose one of them: %s:PATH or %s:PATH: %w", manifestFile, oci.IndexFile, DockerName, OCIName, assay.ErrMalformed)
	}
	img.Digest, img.Indexes = m.Digest, m.Indexes
	return nil
}

// chosen selects an image: "" the only one, ":tag" by name or tag, "@n" the n-th from
// 0, "@sha256:…" by the digest of its configuration.
func chosen(all []saved, choice string) (saved, error) {
	if len(all) == 0 {
		return saved{}, fmt.Errorf("%s lists no images: %w", manifestFile, assay.ErrMalformed)
	}
	if choice == "" {
		if len(all) > 1 {
			return saved{}, fmt.Errorf("several images; choose one with PATH:TAG or PATH@NUMBER: %s", names(all))
		}
		return all[0], nil
	}
	want := choice[1:]
	for i, s := range all {
		if choice[0] == '@' {
			if want == strconv.Itoa(i) || "sha256:"+digestOf(s.Config) == want {
				return s, nil
			}
			continue
		}
		for _, t := range s.RepoTags {
			if oci.SameName(t, want) {
				return s, nil
			}
		}
	}
	return saved{}, fmt.Errorf("no image %q; images: %s: %w", want, names(all), assay.ErrNotFound)
}

// names lists images for a message.
func names(all []saved) string {
	var b strings.Builder
	for i, s := range all {
		if i == maxNames {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d:", i)
		if len(s.RepoTags) == 0 {
			b.WriteString(" (no tag)")
		}
		for _, t := range s.RepoTags[:min(len(s.RepoTags), maxNames)] {
			b.WriteString(" " + t)
		}
	}
	return b.String()
}

// digestOf returns the SHA-256 in a file's name ("<hex>.json", "sha256:<hex>",
// "blobs/sha256/<hex>"); "" when there is none.
func digestOf(name string) string {
	sum := strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ".json"), "sha256:")
	if _, _, err := oci.SplitDigest("sha256:" + sum); err != nil {
		return ""
	}
	return sum
}

// config reads a configuration, and verifies it when its name is its digest.
func (a *archive) config(name string) ([]byte, error) {
	e, err := a.named(name)
	if err != nil {
		return nil, err
	}
	if e.size > oci.MaxConfig {
		return nil, fmt.Errorf("over %d bytes: %w", oci.MaxConfig, assay.ErrTooLarge)
	}
	raw := make([]byte, e.size)
	if _, err := a.r.ReadAt(raw, e.offset); err != nil {
		return nil, err
	}
	if sum := digestOf(name); sum != "" {
		if err := oci.Verify(raw, "sha256:"+sum); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// named returns the file that manifest.json names.
func (a *archive) named(name string) (entry, error) {
	c := path.Clean(name)
	if c == ".." || strings.HasPrefix(c, "../") || strings.HasPrefix(c, "/") {
		return entry{}, fmt.Errorf("name points outside the archive: %w", assay.ErrMalformed)
	}
	e, err := a.find(c)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("missing: the archive is incomplete: %w", assay.ErrMalformed)
	}
	return e, err
}

// layer sets the key of l and how to open it.
func (a *archive) layer(l *assay.Layer, name string, o assay.SourceOptions) error {
	e, err := a.named(name)
	if err != nil {
		return err
	}
	head := make([]byte, min(e.size, compression.SniffLen))
	if _, err := a.r.ReadAt(head, e.offset); err != nil && err != io.EOF {
		return err
	}
	kind, err := compression.Sniff(head)
	if err != nil {
		return err
	}
	l.Size, l.MediaType = e.size, "application/vnd.docker.image.rootfs.diff.tar"
	if kind != compression.Plain {
		l.MediaType += "." + string(kind)
	}
	if path.Dir(path.Clean(name)) == blobDir && digestOf(name) != "" {
		l.Digest = "sha256:" + digestOf(name)
	}
	s := stored{archive: a, entry: e, diffID: l.DiffID, compressed: kind != compression.Plain}
	switch {
	case s.compressed && l.Digest != "":
		l.Key = l.Digest
		l.Open = oci.Blob{Blobs: s, Descriptor: oci.Descriptor{Digest: l.Digest, Size: e.size}, DiffID: l.DiffID, Options: o}.Open
	case o.Verify:
		l.Key, l.Open = l.DiffID, s.openVerified
	default:
		l.Key = fmt.Sprintf("%s:%d+%d", a.id, e.offset, e.size)
		l.Open = s.open
	}
	return nil
}

// A stored layer is a file of the archive.
type stored struct {
	*archive
	entry
	diffID     string
	compressed bool
}

func (s stored) open(ctx context.Context) (io.ReadCloser, error) {
	if s.compressed {
		return oci.Uncompressed(ctx, io.NopCloser(s.section(s.entry)), s.diffID, "")
	}
	return body{s.section(s.entry), ctx}, ctx.Err()
}

func (s stored) openVerified(ctx context.Context) (io.ReadCloser, error) {
	return oci.Uncompressed(ctx, io.NopCloser(s.section(s.entry)), s.diffID, s.diffID)
}

// Open opens the layer as the only blob of the archive.
func (s stored) Open(context.Context, oci.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(s.section(s.entry)), nil
}

// body is an uncompressed layer in a file; it can seek.
type body struct {
	*io.SectionReader
	ctx context.Context
}

func (b body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.SectionReader.Read(p)
}

func (body) Close() error { return nil }
