// Package registryclient is a client of registries: it resumes interrupted downloads,
// repeats requests that may succeed later, and explains errors.
//
// It uses HTTPS, and plain HTTP only for registries on this machine or with
// SourceOptions.Insecure.
//
// Specification:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
package registryclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
)

// MaxTries bounds how often one request is sent.
const MaxTries = 4

const (
	maxRetryAfter = time.Minute      // longest wait that a registry may ask for
	headerTimeout = time.Minute      // until an answer begins
	maxCert       = 4 << 20          // of SourceOptions.CACert, in bytes; the file of all of Mozilla's authorities has 0.2 MB
	maxIdle       = 16               // idle connections; layers are read in parallel
	dialTimeout   = 15 * time.Second // a host that takes longer counts as unreachable
)

// Options configures the connection to a registry.
type Options struct {
	assay.SourceOptions
	Backoff time.Duration // before the first retry, doubled for each next one; 0 means one second
	Mirror  bool          // the registry is a mirror of another, and must not get the other's credentials
	Push    bool          // request permission to write
}

// A Client reads and writes one repository. It is safe for use by several goroutines.
type Client struct {
	repo name.Repository
	http http.Client
	base *http.Transport
	url  string // of the repository, without a trailing slash
}

// Parse parses a reference.
func Parse(ref string, o assay.SourceOptions) (name.Reference, error) {
	r, err := name.ParseReference(ref, NameOptions(o)...)
	if err != nil {
		return nil, fmt.Errorf("reference %q: %w: %w", ref, err, assay.ErrMalformed)
	}
	return r, nil
}

// NameOptions returns the options with which package name parses references.
func NameOptions(o assay.SourceOptions) []name.Option {
	if o.Insecure {
		return []name.Option{name.WeakValidation, name.Insecure}
	}
	return []name.Option{name.WeakValidation}
}

// credentials returns those of the options, else those of Docker's or Podman's
// configuration.
func credentials(ctx context.Context, repo name.Repository, o Options) (authn.Authenticator, error) {
	switch {
	case o.Mirror:
	case o.RegistryToken != "":
		return &authn.Bearer{Token: o.RegistryToken}, nil
	case o.Username != "" || o.Password != "":
		return &authn.Basic{Username: o.Username, Password: o.Password}, nil
	}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, repo)
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", repo.RegistryStr(), err)
	}
	return auth, nil
}

// Connect detects how the registry authenticates clients, and logs in.
func Connect(ctx context.Context, repo name.Repository, o Options) (*Client, error) {
	auth, err := credentials(ctx, repo, o)
	if err != nil {
		return nil, err
	}
	conf, err := TLS(o.CACert, o.Insecure)
	if err != nil {
		return nil, err
	}
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:       conf,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // digests are those of the stored bytes
		MaxIdleConnsPerHost:   maxIdle,
		IdleConnTimeout:       headerTimeout,
	}
	scope := transport.PullScope
	if o.Push {
		scope = transport.PushScope
	}
	retry := &retrier{guard{base, o.Insecure}, cmp.Or(o.Backoff, time.Second)}
	t, err := transport.NewWithContext(ctx, repo.Registry, auth, retry, []string{repo.Scope(scope)})
	if err != nil {
		base.CloseIdleConnections()
		return nil, err
	}
	// The transport replaces the scheme by the one that the registry supports.
	return &Client{repo, http.Client{Transport: t}, base, "https://" + repo.RegistryStr() + "/v2/" + repo.RepositoryStr()}, nil
}

// SignatureRepository returns SourceOptions.SignatureRepository, or its default.
func SignatureRepository(o assay.SourceOptions) string {
	return cmp.Or(o.SignatureRepository, os.Getenv("COSIGN_REPOSITORY"))
}

// ConnectSignatures connects to the repository where cosign keeps the signatures of
// repository of; nil if they are in the same one.
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
func ConnectSignatures(ctx context.Context, of name.Repository, o Options) (*Client, error) {
	at := SignatureRepository(o.SourceOptions)
	if at == "" {
		return nil, nil
	}
	repo, err := name.NewRepository(at, NameOptions(o.SourceOptions)...)
	if err != nil {
		return nil, fmt.Errorf("repository of signatures %q: %w: %w", at, err, assay.ErrMalformed)
	}
	if repo.Name() == of.Name() {
		return nil, nil
	}
	o.Mirror = o.Mirror || repo.RegistryStr() != of.RegistryStr()
	c, err := Connect(ctx, repo, o)
	if err != nil {
		return nil, fmt.Errorf("repository of signatures %s: %w", at, err)
	}
	return c, nil
}

// Close closes the idle connections.
func (c *Client) Close() error {
	c.base.CloseIdleConnections()
	return nil
}

// TLS returns a configuration that trusts the system's certificates and those in a file,
// or with insecure every certificate.
func TLS(file string, insecure bool) (_ *tls.Config, err error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if file != "" {
		conf.RootCAs, err = roots(file)
	}
	return conf, err
}

// roots returns the system's certificates and those in the file.
func roots(file string) (*x509.CertPool, error) {
	pem, err := limit.ReadFile(file, maxCert)
	if err != nil {
		return nil, fmt.Errorf("--cacert: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--cacert %s: no PEM certificate: %w", file, assay.ErrMalformed)
	}
	return pool, nil
}

// get requests a path of the repository, from the byte at offset on.
func (c *Client) get(ctx context.Context, path, accept string, offset int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if offset > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(resp, http.StatusOK, http.StatusPartialContent); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// Manifest reads the manifest or index of a tag or digest.
func (c *Client) Manifest(ctx context.Context, id string) ([]byte, error) {
	resp, err := c.get(ctx, "/manifests/"+id, strings.Join(oci.ManifestTypes(), ", "), 0)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := limit.ReadAll(resp.Body, oci.MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("manifest of %s:%s: %w", c.repo, id, err)
	}
	return raw, nil
}

// Open reads a blob. After a broken connection it resumes where the blob was cut off.
func (c *Client) Open(ctx context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	path, accept := "/blobs/"+d.Digest, ""
	if oci.IsManifest(d.MediaType) {
		path, accept = "/manifests/"+d.Digest, d.MediaType
	}
	b := &blob{ctx: ctx, get: func(ctx context.Context, offset int64) (*http.Response, error) {
		return c.get(ctx, path, accept, offset)
	}}
	if err := b.connect(); err != nil {
		return nil, explainBlob(err, c.repo.RegistryStr())
	}
	return b, nil
}

// guard refuses plain HTTP without --insecure, except to this machine: a registry that
// redirects to plain HTTP would expose what is sent.
type guard struct {
	http.RoundTripper
	insecure bool
}

var errPlain = errors.New("plain HTTP is not allowed without --insecure")

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.insecure {
		host := r.URL.Hostname()
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, errPlain
		}
	}
	return g.RoundTripper.RoundTrip(r)
}

// retrier repeats a request when the registry is busy or the connection breaks. It
// waits as long as the answer demands.
type retrier struct {
	http.RoundTripper
	first time.Duration
}

func (t *retrier) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		return t.RoundTripper.RoundTrip(r)
	}
	wait := t.first
	for try := 1; ; try++ {
		resp, err := t.RoundTripper.RoundTrip(r)
		if try == MaxTries || r.Context().Err() != nil || !shouldRetry(resp, err) {
			return resp, err
		}
		pause := wait
		if resp != nil {
			if after := retryAfter(resp.Header.Get("Retry-After"), time.Now()); after > maxRetryAfter {
				return resp, nil
			} else if after > 0 {
				pause = after
			}
			resp.Body.Close()
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(pause):
		}
		wait *= 2
	}
}

// shouldRetry reports whether the request may succeed on another try.
func shouldRetry(resp *http.Response, err error) bool {
	if err != nil {
		var op *net.OpError
		cut := errors.As(err, &op) && (op.Op == "read" || op.Op == "write") // not "dial": no server answers
		return cut || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter parses a Retry-After header, in seconds or as a date; 0 means none.
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return t.Sub(now)
	}
	return 0
}
