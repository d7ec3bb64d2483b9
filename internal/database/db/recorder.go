package db

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/assaysec/assay"
)

// recorder is the Getter of a feed: it records the documents that the feed used.
type recorder struct {
	assay.Getter

	mu        sync.Mutex
	last      string            // the last requested document or directory, for error messages
	documents map[string]string // as in source.Documents; nil if the Getter has no digests
}

// Prefixes of URLs in source.Documents, for uses other than the current
// document.
const (
	listMark   = "list " // the names in the directory
	cachedMark = "held " // the version in the cache
)

func newRecorder(g assay.Getter) *recorder {
	r := &recorder{Getter: g}
	if _, ok := g.(assay.Digester); ok {
		r.documents = map[string]string{}
	}
	return r
}

func (r *recorder) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	r.asked(url)
	body, err := r.Getter.Get(ctx, url)
	if e := r.note(ctx, url); e != nil && err == nil {
		body.Close()
		return nil, e
	}
	return body, err
}

// List implements assay.Lister.
func (r *recorder) List(ctx context.Context, url string) ([]string, error) {
	r.asked(url)
	l, ok := r.Getter.(assay.Lister)
	if !ok {
		return nil, fmt.Errorf("%s: directories cannot be listed: %w", url, assay.ErrUnsupported)
	}
	names, err := l.List(ctx, url)
	if e := r.note(ctx, listMark+url); e != nil && err == nil {
		return nil, e
	}
	return names, err
}

// Cached implements assay.Keeper.
func (r *recorder) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	k, ok := r.Getter.(assay.Keeper)
	if !ok {
		return nil, fmt.Errorf("%s: %w in a cache", url, assay.ErrNotFound)
	}
	r.asked(url)
	body, err := k.Cached(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := r.note(ctx, cachedMark+url); err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// GetVersion implements assay.Keeper. It is not recorded, because the list with
// the version was.
func (r *recorder) GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error) {
	r.asked(url)
	if k, ok := r.Getter.(assay.Keeper); ok {
		return k.GetVersion(ctx, url, version)
	}
	return r.Getter.Get(ctx, url)
}

func (r *recorder) asked(url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = url
}

// fetch runs a feed's Fetch with the recorder. A panic of the feed becomes an
// error with the last requested document or directory.
func (r *recorder) fetch(ctx context.Context, f assay.Feed, wanted []assay.Stream, s assay.Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			err = fmt.Errorf("%s: internal error: %v", cmp.Or(r.last, "before any document"), p)
		}
	}()
	return f.Fetch(ctx, r, wanted, s)
}

// note records the document's version.
func (r *recorder) note(ctx context.Context, url string) error {
	if r.documents == nil {
		return nil
	}
	d, err := versionOf(ctx, r.Getter, url)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.documents[url] = d
	return nil
}

// versionOf is the digest of a document, or of a list of names; "" if the
// publisher has none.
func versionOf(ctx context.Context, g assay.Getter, url string) (string, error) {
	var d string
	var err error
	if directory, ok := strings.CutPrefix(url, listMark); ok {
		var names []string
		if l, ok := g.(assay.Lister); ok {
			names, err = l.List(ctx, directory)
		}
		sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
		d = hex.EncodeToString(sum[:])
	} else if cached, ok := strings.CutPrefix(url, cachedMark); ok {
		d, err = cachedDigest(ctx, g, cached)
	} else {
		d, err = g.(assay.Digester).Digest(ctx, url)
	}
	if errors.Is(err, assay.ErrNotFound) || errors.Is(err, assay.ErrUnsupported) && strings.HasPrefix(url, listMark) {
		return "", nil
	}
	return d, err
}

func cachedDigest(ctx context.Context, g assay.Getter, url string) (string, error) {
	k, ok := g.(assay.Keeper)
	if !ok {
		return "", nil
	}
	body, err := k.Cached(ctx, url)
	if err != nil {
		return "", err
	}
	defer body.Close()
	h := sha256.New()
	_, err = io.Copy(h, body)
	return hex.EncodeToString(h.Sum(nil)), err
}
