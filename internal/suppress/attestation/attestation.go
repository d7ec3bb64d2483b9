// Package attestation finds the VEX documents that are attached to an image in
// its registry: by referrers, by the tag that cosign derives from its digest, or
// in BuildKit's index; in signed or unsigned attestations, or as plain
// documents.
//
// An attestation counts only if its subject is the image. With a key, only
// documents signed by it count. Everything that is refused or unreadable is a
// gap.
//
// Specifications:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
// https://github.com/openvex/spec/blob/main/ATTESTING.md
// https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md
// https://github.com/moby/buildkit/blob/v0.12.0/docs/attestations/attestation-storage.md
package attestation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// Bounds of what is read for one image.
const (
	maxRepositories = 4          // that are searched for an image; engines know one or two
	maxManifests    = 500        // that refer to it; some tens are usual where every build signs
	maxLayers       = 100        // of one of them
	maxDocument     = 64 << 20   // of one layer; SBOMs have 20 MB
	maxTotal        = 1024 << 20 // of all
	maxGaps         = 100        // that are listed one by one
)

// A Document is a VEX document that is attached to an image.
type Document struct {
	*vex.Document
	Name     string // REPOSITORY@DIGEST of its manifest
	Verified bool   // it has a signature by the key
}

// Options are the options for access to registries, and the key for signatures.
type Options struct {
	registryclient.Options
	Key *signature.Key // nil: signatures are not verified
}

// Find returns the documents attached to the image, in its repositories and in the one
// where cosign keeps attestations of several. An image whose source knows no registry for
// it is ErrUnsupported, unless its digest is known and there is such a repository.
func Find(ctx context.Context, img *assay.Image, o Options) ([]Document, []assay.Gap, error) {
	repos, digests := repositoriesOf(img)
	shared := registryclient.SignatureRepository(o.SourceOptions)
	if len(repos) == 0 && (shared == "" || img.Digest == "") {
		return nil, nil, fmt.Errorf("%s: the registry of an image from %s is unknown, so attached documents cannot be found: name the image as registry:HOST/NAME:TAG, or save the documents and name the files: %w",
			img.Name, img.Source, assay.ErrUnsupported)
	}
	l := &lookup{options: o, image: img, seen: map[string]bool{}, subjects: map[string]bool{}, left: maxTotal}
	if len(repos) > maxRepositories {
		l.gap(img.Name, "is in %d repositories; the first %d were asked for VEX documents", len(repos), maxRepositories)
		repos = repos[:maxRepositories]
	}
	for _, repo := range repos {
		l.listRepository(ctx, repo, digests[repo])
	}
	if shared != "" && !slices.Contains(repos, shared) {
		known := slices.DeleteFunc(slices.Concat(sorted(l.subjects), []string{img.Digest}, img.Indexes), func(d string) bool { return d == "" })
		l.listRepository(ctx, shared, known)
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if l.more > 0 {
		l.gaps = append(l.gaps, assay.Gap{Where: "attestations", What: fmt.Sprintf("unreadable or refused documents beyond those listed: %d", l.more)})
	}
	return l.docs, l.gaps, nil
}

// repositoriesOf are the repositories that have the image, with its digests in each.
func repositoriesOf(img *assay.Image) (repos []string, digests map[string][]string) {
	digests = map[string][]string{}
	for _, ref := range img.RepoDigests {
		repo, digest, ok := strings.Cut(ref, "@")
		if _, _, err := oci.SplitDigest(digest); !ok || err != nil {
			continue
		}
		if digests[repo] == nil {
			repos = append(repos, repo)
		}
		if !slices.Contains(digests[repo], digest) {
			digests[repo] = append(digests[repo], digest)
		}
	}
	for _, repo := range repos {
		if img.Digest != "" && !slices.Contains(digests[repo], img.Digest) {
			digests[repo] = append(digests[repo], img.Digest)
		}
	}
	return repos, digests
}

// A lookup is one search.
type lookup struct {
	options Options
	image   *assay.Image
	docs    []Document
	gaps    []assay.Gap
	more    int             // gaps beyond maxGaps
	seen    map[string]bool // manifests
	left    int64           // bytes that may still be read

	host string // of the first repository, which the credentials are for

	subjects map[string]bool // digests of the image

	// Of the current repository.
	client *registryclient.Client
	repo   string
	raw    []byte // of the current manifest
}

func (l *lookup) gap(where, format string, args ...any) {
	if len(l.gaps) == maxGaps {
		l.more++
		return
	}
	l.gaps = append(l.gaps, assay.Gap{Where: where, What: fmt.Sprintf(format, args...)})
}

// listRepository is repository, with an error as a gap.
func (l *lookup) listRepository(ctx context.Context, repo string, digests []string) {
	if ctx.Err() != nil || len(digests) == 0 {
		return
	}
	if err := l.repository(ctx, repo, digests); err != nil {
		l.gap(repo, "cannot list the VEX documents attached to the image: %v", err)
	}
}

// repository looks for documents attached to the image in one repository.
func (l *lookup) repository(ctx context.Context, repo string, digests []string) error {
	ref, err := registryclient.Parse(repo+"@"+digests[0], l.options.SourceOptions)
	if err != nil {
		return err
	}
	o := l.options.Options
	o.Mirror = ref.Context().RegistryStr() != cmp.Or(l.host, ref.Context().RegistryStr()) // the user's credentials are for the first
	l.host = cmp.Or(l.host, ref.Context().RegistryStr())
	l.client, err = registryclient.Connect(ctx, ref.Context(), o)
	if err != nil {
		return registryclient.Explain(err, ref, l.options.SourceOptions)
	}
	defer l.client.Close()
	l.repo = repo
	var inside []oci.Descriptor
	for _, d := range digests { // an attestation in an index names the image's own manifest
		l.subjects[d] = true
	}
	for _, d := range digests {
		more, err := l.index(ctx, d)
		if err != nil && !registryclient.Absent(err) {
			return registryclient.Explain(err, ref, l.options.SourceOptions)
		}
		inside = append(inside, more...)
	}
	for _, d := range inside {
		l.manifest(ctx, d.Digest)
	}
	for _, d := range sorted(l.subjects) {
		if err := l.attached(ctx, d); err != nil {
			return registryclient.Explain(err, ref, l.options.SourceOptions)
		}
	}
	return ctx.Err()
}

// index adds the image's own manifest to the subjects if d is an index, and
// returns BuildKit's attestations in the index.
func (l *lookup) index(ctx context.Context, digest string) (attestations []oci.Descriptor, _ error) {
	raw, err := l.client.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	if err := oci.Verify(raw, digest); err != nil {
		return nil, err
	}
	var m manifest
	if err := oci.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	for _, d := range m.Manifests {
		p := l.image.Platform
		if d.Platform != nil && d.Platform.OS == p.OS && d.Platform.Arch == p.Arch && (d.Platform.Variant == p.Variant || p.Variant == "") && l.image.Digest == "" {
			l.subjects[d.Digest] = true
		}
	}
	for _, d := range m.Manifests {
		if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" && l.subjects[d.Annotations["vnd.docker.reference.digest"]] {
			attestations = append(attestations, oci.Descriptor{Digest: d.Digest})
		}
	}
	return attestations, nil
}

// attached reads the referrers of a digest of the image.
func (l *lookup) attached(ctx context.Context, digest string) error {
	raw, err := l.client.Referrers(ctx, digest)
	if err != nil {
		return err
	}
	if raw != nil {
		var list manifest
		if err := oci.Unmarshal(raw, &list); err != nil {
			return fmt.Errorf("referrers of %s: %w", digest, err)
		}
		for _, d := range list.Manifests {
			if relevant(d.ArtifactType, d.Annotations) {
				l.manifest(ctx, d.Digest)
			}
		}
	}
	tag := strings.Replace(digest, ":", "-", 1) + ".att"
	raw, err = l.client.Manifest(ctx, tag)
	switch {
	case registryclient.Absent(err):
		return nil
	case err != nil:
		return err
	}
	if d := oci.Digest(raw); !l.seen[d] {
		l.seen[d] = true
		l.layers(ctx, d, raw)
	}
	return nil
}
