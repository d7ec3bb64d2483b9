// Package registry is the image source "registry": images in registries that
// speak the OCI distribution protocol, with the user's credentials from
// Docker's or Podman's configuration or from the options.
//
// HTTPS is used always, and plain HTTP only for registries on this machine or
// with SourceOptions.Insecure. Credentials given in the options are sent to the
// registry that the reference names, never to its mirrors.
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

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
)

// Source is the source "registry".
type Source struct {
	// Backoff is the wait before the first of the retries; each next one is
	// twice as long. 0 means one second.
	Backoff time.Duration
}

// Name is "registry".
func (Source) Name() string { return "registry" }

// Open resolves the reference at the first mirror of its registry that knows
// it, then at the registry itself. A registry that cannot be reached is
// ErrNotFound.
func (s Source) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	r, err := name.ParseReference(ref, nameOptions(o)...)
	if err != nil {
		return nil, fmt.Errorf("reference %q: %w: %w", ref, err, assay.ErrMalformed)
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
		if err = explain(err, p.ref, o); failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
		if errors.Is(err, assay.ErrUnauthorized) || ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// names sets RepoTags and RepoDigests, under the name that the user gave.
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

// A place is where a reference may be found.
type place struct {
	ref    name.Reference
	mirror bool
}

// mirrors lists the mirrors of r's registry. A mirror is a host, perhaps with
// a path before the repositories.
func mirrors(r name.Reference, o assay.SourceOptions) ([]place, error) {
	host := r.Context().RegistryStr()
	list := o.Mirrors[host]
	if host == name.DefaultRegistry && len(list) == 0 {
		list = o.Mirrors["docker.io"]
	}
	var places []place
	for _, m := range list {
		at := strings.Trim(strings.TrimPrefix(m, "https://"), "/") + "/" + r.Context().RepositoryStr()
		repo, err := name.NewRepository(at, nameOptions(o)...)
		if err == nil && strings.Contains(m, "://") && !strings.HasPrefix(m, "https://") {
			err = fmt.Errorf("%s: a host is wanted, not a URL", m)
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

func nameOptions(o assay.SourceOptions) []name.Option {
	if o.Insecure {
		return []name.Option{name.WeakValidation, name.Insecure}
	}
	return []name.Option{name.WeakValidation}
}

func (s Source) open(ctx context.Context, p place, o assay.SourceOptions) (*assay.Image, error) {
	auth, err := credentials(ctx, p, o)
	if err != nil {
		return nil, err
	}
	c, err := s.connect(ctx, p.ref.Context(), auth, o)
	if err != nil {
		return nil, err
	}
	img, err := c.image(ctx, p.ref, o)
	if err != nil {
		c.base.CloseIdleConnections()
		return nil, err
	}
	img.Close = func() error {
		c.base.CloseIdleConnections()
		return nil
	}
	return img, nil
}

// image reads the manifest that ref names and opens the image behind it.
func (c *client) image(ctx context.Context, ref name.Reference, o assay.SourceOptions) (*assay.Image, error) {
	raw, err := c.manifest(ctx, ref.Identifier())
	if err != nil {
		return nil, err
	}
	digest := oci.Digest(raw)
	if d, ok := ref.(name.Digest); ok {
		if digest = d.DigestStr(); oci.Verify(raw, digest) != nil {
			return nil, fmt.Errorf("%s: the registry sent another manifest, of digest %s: %w", ref, oci.Digest(raw), assay.ErrMalformed)
		}
	}
	img, err := oci.OpenDocument(ctx, c, raw, o)
	if err != nil {
		return nil, err
	}
	img.RepoDigests = slices.Compact([]string{digest, img.Digest})
	return img, nil
}

// credentials finds what to show to the registry: the options' own, else the
// user's configuration of Docker or Podman.
func credentials(ctx context.Context, p place, o assay.SourceOptions) (authn.Authenticator, error) {
	switch {
	case p.mirror:
	case o.RegistryToken != "":
		return &authn.Bearer{Token: o.RegistryToken}, nil
	case o.Username != "" || o.Password != "":
		return &authn.Basic{Username: o.Username, Password: o.Password}, nil
	}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, p.ref.Context())
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", p.ref.Context().RegistryStr(), err)
	}
	return auth, nil
}
