// Package fetch downloads documents of publishers over HTTP: with conditional
// requests, within bounds, and with resumed downloads. Any number of processes
// may share its cache on disk. A mirror, which may be a directory, can replace
// the publishers.
//
// HTTP semantics: https://www.rfc-editor.org/rfc/rfc9110 (conditional requests
// §13, ranges §14, Retry-After §10.2.3).
package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Bounds for publishers.
const (
	maxDocument = 4 << 30       // the largest document known is 400 MB (vulnrichment, 2026)
	maxTime     = 2 * time.Hour // for one document with all its attempts
	maxStall    = time.Minute   // without any data: the connection is dead
	maxDial     = 15 * time.Second
	maxWait     = 2 * time.Minute // the longest Retry-After that is respected
	maxRedirect = 5
	maxListing  = 8 << 20 // an index page
	maxNames    = 100_000 // entries of a directory or index page
)

// Options are the locations of documents and of the cache. The zero value asks
// the publishers and caches below the user's cache directory.
type Options struct {
	Dir       string               // the cache; "" means assay/documents below the user's cache directory
	Mirror    string               // directory or URL with https://HOST/PATH as HOST/PATH; "" means none
	Hosts     map[string]string    // host → directory or URL that replaces https://HOST; takes precedence over Mirror
	TLS       *tls.Config          // of that client; nil means the system's certificates
	Client    *http.Client         // nil means a client that respects HTTPS_PROXY, HTTP_PROXY and NO_PROXY
	Offline   bool                 // use only the cache, without network access
	MaxAge    time.Duration        // a document fetched less than this ago is not requested again; 0 means always request
	Retries   int                  // further attempts after a temporary failure; 0 means 4, negative none
	Backoff   time.Duration        // pause before the first of them, doubled for each; 0 means 500 ms
	MaxSize   int64                // bytes of a document; 0 means 4 GiB
	UserAgent string               // "" means "assay"
	Progress  func(assay.Progress) // may be nil; called from several goroutines
}

// A Fetcher is an assay.Getter. It requests each document once, so that all
// readers see the same version, and an unavailable document delays only one of
// them: create a new Fetcher for each update. Several goroutines may use it.
type Fetcher struct {
	o      Options
	client *http.Client
	mirror place
	hosts  map[string]place
	stall  time.Duration // maxStall; less in tests

	mu   sync.Mutex
	docs map[string]*document
}

// document is a Fetcher's record of a URL.
type document struct {
	turn  chan struct{} // has one token: its owner may send requests
	known *record       // nil: not requested yet, or err
	err   error         // why it is unavailable
}

// New returns a Fetcher. A mirror directory must exist.
func New(o Options) (*Fetcher, error) {
	f := &Fetcher{o: o, docs: map[string]*document{}, hosts: map[string]place{}, stall: maxStall}
	var err error
	if f.mirror, err = newPlace(o.Mirror); err != nil {
		return nil, printable.SafeError(fmt.Errorf("mirror %s: %w", o.Mirror, err))
	}
	for host, base := range o.Hosts {
		if f.hosts[host], err = newPlace(base); err != nil {
			return nil, printable.SafeError(fmt.Errorf("mirror of %s: %w", host, err))
		}
	}
	if f.o.Dir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("cache of documents: %w", err)
		}
		f.o.Dir = filepath.Join(dir, "assay", "documents")
	}
	f.o.MaxSize = cmp.Or(o.MaxSize, maxDocument)
	f.o.Retries = cmp.Or(o.Retries, 4)
	f.o.Backoff = cmp.Or(o.Backoff, 500*time.Millisecond)
	f.o.UserAgent = cmp.Or(o.UserAgent, "assay")
	f.client = o.Client
	if f.client == nil {
		f.client = NewClient(o.TLS)
	}
	f.client = bounded(f.client)
	return f, nil
}

var errRedirect = errors.New("redirected")

// NewClient returns a client that respects HTTPS_PROXY, HTTP_PROXY and NO_PROXY. The
// certificates are the system's if trust is nil.
func NewClient(trust *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 100, IdleConnTimeout: maxStall,
		DialContext: (&net.Dialer{Timeout: maxDial}).DialContext, TLSHandshakeTimeout: maxDial, TLSClientConfig: trust,
	}}
}

// bounded returns c with our limit of redirects.
func bounded(c *http.Client) *http.Client {
	our := *c
	our.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirect:
			return fmt.Errorf("%w more than %d times", errRedirect, maxRedirect)
		case r.URL.Scheme != "https" && via[0].URL.Scheme == "https":
			return fmt.Errorf("%w from https to %s", errRedirect, r.URL.Redacted())
		}
		return nil
	}
	return &our
}

// Get implements assay.Getter. The result is also an io.ReaderAt and an
// io.Seeker. A document over the limit is ErrTooLarge.
func (f *Fetcher) Get(ctx context.Context, address string) (io.ReadCloser, error) {
	return f.GetVersion(ctx, address, "")
}

// GetVersion implements assay.Keeper.
func (f *Fetcher) GetVersion(ctx context.Context, address, version string) (io.ReadCloser, error) {
	file, _, err := f.open(ctx, address, version)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Cached implements assay.Keeper. A mirror directory has no cached documents:
// its documents are current. A document that its publisher removed stays cached
// until the next Fetcher requests it.
func (f *Fetcher) Cached(ctx context.Context, address string) (io.ReadCloser, error) {
	p, _, err := f.locate(address)
	if err != nil {
		return nil, err
	}
	if r := f.cached(ctx, key(address)); p.dir == "" && r != nil && r.body() != "" {
		if file, err := limit.OpenRegular(f.path(r.body())); err == nil {
			return file, nil
		}
	}
	return nil, fmt.Errorf("%s: %w in the cache", address, assay.ErrNotFound)
}

// Digest returns the SHA-256, in hex, of the document that Get returns. For an
// unchanged document it needs only a conditional request; a changed one is
// downloaded to the cache.
func (f *Fetcher) Digest(ctx context.Context, address string) (string, error) {
	file, sum, err := f.open(ctx, address, "")
	if err != nil {
		return "", err
	}
	defer file.Close()
	if sum == "" {
		sum, _, err = hash(ctx, file)
	}
	return sum, err
}

// List returns the names in the directory at address, which ends in a slash:
// those in a mirror's directory, or the links of the server's index page. They
// are sorted; directories have no slash.
func (f *Fetcher) List(ctx context.Context, address string) ([]string, error) {
	p, u, err := f.locate(address)
	if err != nil {
		return nil, err
	}
	if p.dir != "" {
		names, err := p.list(u)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		return names, nil
	}
	r, err := f.Get(ctx, address)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	page, err := limit.ReadAll(r, maxListing)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return links(page), nil
}

// href finds the links of an index page, in the formats of all servers.
var href = regexp.MustCompile(`(?i)<a\s[^>]*href=["']([^"'?#<>]+)["']`)

func links(page []byte) []string {
	var names []string
	for _, m := range href.FindAllSubmatch(page, maxNames) {
		name, err := url.PathUnescape(strings.TrimPrefix(strings.TrimSuffix(string(m[1]), "/"), "./"))
		if err == nil && name != "" && name != ".." && !strings.ContainsAny(name, "/\\:") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// open returns the document and its digest, "" if it is not known yet.
func (f *Fetcher) open(ctx context.Context, address, version string) (_ *os.File, _ string, err error) {
	defer func() { err = printable.SafeError(err) }() // of the URL of a mirror, too
	p, u, err := f.locate(address)
	if err != nil {
		return nil, "", err
	}
	if p.dir != "" {
		file, err := p.open(u, f.o.MaxSize)
		if err != nil {
			return nil, "", fmt.Errorf("%s: in %s: %w", address, p.dir, err)
		}
		return file, "", nil
	}
	for range 3 { // another process may replace the document between the two steps
		var r *record
		if r, err = f.ask(ctx, address, p.url(u), version); err != nil {
			return nil, "", err
		}
		var file *os.File
		if file, err = limit.OpenRegular(f.path(r.body())); err == nil {
			return file, r.SHA256, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		f.forget(address)
	}
	return nil, "", fmt.Errorf("%s: cache: %w", address, err)
}

// ask updates the document at address, once, and returns its state in the cache.
func (f *Fetcher) ask(ctx context.Context, address, target, version string) (*record, error) {
	f.mu.Lock()
	d := f.docs[address]
	if d == nil {
		d = &document{turn: make(chan struct{}, 1)}
		f.docs[address] = d
	}
	f.mu.Unlock()
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d.err != nil {
		return nil, d.err
	}
	if d.known == nil {
		r, err := f.update(ctx, address, target, version)
		if err != nil {
			if ctx.Err() == nil {
				d.err = err
			}
			return nil, err
		}
		d.known = r
	}
	if d.known.Missing {
		return nil, fmt.Errorf("%s: %w", address, assay.ErrNotFound)
	}
	return d.known, nil
}

func (f *Fetcher) forget(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.docs, address)
}
