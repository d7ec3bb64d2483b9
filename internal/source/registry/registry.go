// Package registry is the image source "registry": images in registries that serve
// the OCI distribution protocol, with the credentials of the options, or of Docker's
// or Podman's configuration.
//
// Credentials of the options are sent to the registry of the reference, never to
// its mirrors.
//
// Specification: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
)

// Source is the source "registry".
type Source struct {
	// Backoff is the wait before the first retry; each next one is twice as long. 0
	// means one second.
	Backoff time.Duration
}

// Name is "registry".
func (Source) Name() string { return "registry" }

// Open opens the image from the first mirror that has it, else from the registry
// itself. A registry that cannot be reached is ErrNotFound.
func (s Source) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	r, err := registryclient.Parse(ref, o)
	if err != nil {
		return nil, err
	}
	places, err := mirrors(r, o)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, p := range append(places, place{r, false}) {
		img, err := s.open(ctx, p, o)
		if err == nil {
			img.Name, img.Source = ref, s.Name()
			names(img, r)
			return img, nil
		}
		if err = registryclient.Explain(err, p.ref, o); failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
		if errors.Is(err, assay.ErrUnauthorized) || ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// names sets RepoTags and RepoDigests, with the repository as the user named it.
func names(img *assay.Image, r name.Reference) {
	repo := r.Context().Name()
	if r.Context().RegistryStr() == name.DefaultRegistry {
		repo = "docker.io/" + r.Context().RepositoryStr()
	}
	if t, ok := r.(name.Tag); ok {
		img.RepoTags = []string{repo + ":" + t.TagStr()}
	}
	for i, d := range img.RepoDigests {
		img.RepoDigests[i] = repo + "@" + d
	}
}

// A place is a registry to try, and the reference there.
type place struct {
	ref    name.Reference
	mirror bool
}

// mirrors lists the mirrors of r's registry. A mirror is a host, optionally with a path
// prefix for the repositories.
func mirrors(r name.Reference, o assay.SourceOptions) ([]place, error) {
	host := r.Context().RegistryStr()
	list := o.Mirrors[host]
	if host == name.DefaultRegistry && len(list) == 0 {
		list = o.Mirrors["docker.io"]
	}
	var places []place
	for _, m := range list {
		if strings.Contains(m, "@") { // the error of package name would show the password
			return nil, fmt.Errorf("mirror of %s: want a host without a user and a password; log in with `docker login`: %w", host, assay.ErrMalformed)
		}
		at := strings.Trim(strings.TrimPrefix(m, "https://"), "/") + "/" + r.Context().RepositoryStr()
		repo, err := name.NewRepository(at, registryclient.NameOptions(o)...)
		if err == nil && strings.Contains(m, "://") && !strings.HasPrefix(m, "https://") {
			err = fmt.Errorf("%s: want a host, not a URL", m)
		}
		if err != nil {
			return nil, fmt.Errorf("mirror of %s: %w: %w", host, err, assay.ErrMalformed)
		}
		var there name.Reference = repo.Digest(r.Identifier())
		if _, ok := r.(name.Tag); ok {
			there = repo.Tag(r.Identifier())
		}
		places = append(places, place{there, true})
	}
	return places, nil
}

func (s Source) open(ctx context.Context, p place, o assay.SourceOptions) (*assay.Image, error) {
	c, err := registryclient.Connect(ctx, p.ref.Context(), registryclient.Options{SourceOptions: o, Backoff: s.Backoff, Mirror: p.mirror})
	if err != nil {
		return nil, err
	}
	img, err := image(ctx, c, p.ref, o)
	if err != nil {
		c.Close()
		return nil, err
	}
	img.Close = c.Close
	return img, nil
}

// image reads the manifest of ref and opens the image.
func image(ctx context.Context, c *registryclient.Client, ref name.Reference, o assay.SourceOptions) (*assay.Image, error) {
	raw, err := c.Manifest(ctx, ref.Identifier())
	if err != nil {
		return nil, err
	}
	digest := oci.Digest(raw)
	if d, ok := ref.(name.Digest); ok {
		if digest = d.DigestStr(); oci.Verify(raw, digest) != nil {
			return nil, fmt.Errorf("%s: the registry sent another manifest, with digest %s: %w", ref, oci.Digest(raw), assay.ErrMalformed)
		}
	}
	img, err := oci.OpenDocument(ctx, c, raw, o)
	if err != nil {
		return nil, err
	}
	img.RepoDigests = slices.Compact([]string{digest, img.Digest})
	return img, nil
}
