package registryclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
)

// Has reports whether the repository has the blob.
func (c *Client) Has(ctx context.Context, digest string) (bool, error) {
	resp, err := c.send(ctx, http.MethodHead, c.url+"/blobs/"+digest, nil, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}

// PutBlob uploads a blob in one request. It calls open again where the registry
// redirects the upload.
func (c *Client) PutBlob(ctx context.Context, d oci.Descriptor, open func() (io.ReadCloser, error)) error {
	resp, err := c.send(ctx, http.MethodPost, c.url+"/blobs/uploads/", nil, http.StatusAccepted)
	if err != nil {
		return err
	}
	resp.Body.Close()
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return fmt.Errorf("location of the upload: %w", err)
	}
	q, err := url.ParseQuery(at.RawQuery)
	if err != nil {
		return fmt.Errorf("location of the upload: %w", err)
	}
	q.Set("digest", d.Digest)
	at.RawQuery = q.Encode()
	resp, err = c.send(ctx, http.MethodPut, at.String(), &content{"application/octet-stream", open, d.Size}, http.StatusCreated)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// PutManifest uploads a manifest under a tag. The repository must have its blobs.
func (c *Client) PutManifest(ctx context.Context, tag, mediaType string, raw []byte) error {
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	resp, err := c.send(ctx, http.MethodPut, c.url+"/manifests/"+tag, &content{mediaType, open, int64(len(raw))}, http.StatusCreated, http.StatusOK)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// maxReferrers bounds the index of a manifest's referrers, in bytes.
const maxReferrers = 4 << 20

// Absent reports whether err is a registry's answer that it does not have the content,
// or does not support the request, or assay.ErrNotFound.
func Absent(err error) bool {
	var answer *transport.Error
	return errors.Is(err, assay.ErrNotFound) || errors.As(err, &answer) && (answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusMethodNotAllowed)
}

// maxPages bounds the pages of the index of referrers.
const maxPages = 100

// Referrers returns the index of the manifests that refer to the digest, with all its
// pages joined. It is nil where the registry has none.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers
func (c *Client) Referrers(ctx context.Context, digest string) ([]byte, error) {
	for _, path := range []string{"/referrers/" + digest, "/manifests/" + strings.Replace(digest, ":", "-", 1)} {
		raw, next, err := c.referrers(ctx, c.url+path)
		if Absent(err) {
			continue
		}
		if err != nil || next == "" {
			return raw, err
		}
		return c.pages(ctx, raw, next)
	}
	return nil, nil
}

// referrers reads one page of the index, and the address of the next page.
func (c *Client) referrers(ctx context.Context, at string) (raw []byte, next string, _ error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return nil, "", err
	}
	if raw, err = limit.ReadAll(resp.Body, maxReferrers); err != nil {
		return nil, "", err
	}
	link, rest, ok := strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), ">")
	if !ok || !strings.Contains(rest, `rel="next"`) {
		return raw, "", nil
	}
	u, err := resp.Request.URL.Parse(link)
	if err != nil || u.Host != resp.Request.URL.Host {
		return nil, "", fmt.Errorf("next page of referrers: %.200q is on another host: %w", link, assay.ErrMalformed)
	}
	return raw, u.String(), nil
}

// pages reads the pages after the first, and joins them.
func (c *Client) pages(ctx context.Context, first []byte, next string) ([]byte, error) {
	type page struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		Manifests     []json.RawMessage `json:"manifests"`
	}
	var all page
	if err := oci.Unmarshal(first, &all); err != nil {
		return nil, err
	}
	size := len(first)
	for n := 1; next != ""; n++ {
		if n == maxPages || size > maxReferrers {
			return nil, fmt.Errorf("referrers: over %d pages or %d bytes: %w", maxPages, maxReferrers, assay.ErrTooLarge)
		}
		raw, after, err := c.referrers(ctx, next)
		if err != nil {
			return nil, err
		}
		var more page
		if err := oci.Unmarshal(raw, &more); err != nil {
			return nil, err
		}
		size += len(raw)
		all.Manifests, next = append(all.Manifests, more.Manifests...), after
	}
	return json.Marshal(all)
}

// content is the body of a request.
type content struct {
	mediaType string
	open      func() (io.ReadCloser, error) // returns a reader from the first byte, on each call
	size      int64
}

// send sends a request that changes the registry; body may be nil. An answer with a
// status outside want is an error.
func (c *Client) send(ctx context.Context, method, at string, body *content, want ...int) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		return nil, err
	}
	if body != nil {
		if req.Body, err = body.open(); err != nil {
			return nil, err
		}
		req.GetBody, req.ContentLength = body.open, body.size
		req.Header.Set("Content-Type", body.mediaType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(resp, want...); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}
