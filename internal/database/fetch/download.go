package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// retry is a temporary failure: its cause and how long the server asks us to
// wait.
type retry struct {
	error
	after time.Duration
}

func (r retry) Unwrap() error { return r.error }

// update downloads the document to the cache unless the cached one is current or
// has the version; "" means any.
func (f *Fetcher) update(ctx context.Context, address, target, version string) (*record, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	k := key(address)
	unlock, err := f.lock(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("%s: cache %s: %w", address, f.o.Dir, err)
	}
	defer unlock()
	old := f.cached(ctx, k)
	if f.o.Offline {
		return offline(address, old)
	}
	if old != nil && f.isCurrent(old, version) {
		return old, nil
	}
	for attempt := 0; ; attempt++ {
		r, err := f.attempt(ctx, address, target, k, old)
		var again retry
		switch {
		case err == nil:
			if r.Missing && old != nil {
				r.Last = old.SHA256 // "" if it was missing before
			}
			r.key, r.URL, r.Edition, r.Fetched = k, address, version, time.Now().UTC().Truncate(time.Second)
			if err := f.save(r); err != nil {
				return nil, fmt.Errorf("%s: cache: %w", address, err)
			}
			return r, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%s: %w", documentName(address, target), ctx.Err())
		case !errors.As(err, &again):
			return nil, fmt.Errorf("%s: %w", documentName(address, target), err)
		case attempt >= f.o.Retries || again.after > maxWait:
			return nil, fmt.Errorf("%s: %w; try again later, or use --mirror with a copy", documentName(address, target), again.error)
		}
		waiting := assay.Progress{Task: "trying again: " + address} // tell the user why nothing happens
		f.reportProgress(waiting)
		if waiting.End = true; attempt == 0 {
			defer f.reportProgress(waiting)
		}
		f.pause(ctx, again.after, attempt)
	}
}

// isCurrent reports whether a cached document is used without a request: it has
// the version that its publisher names or, without a version, is young enough.
func (f *Fetcher) isCurrent(old *record, version string) bool {
	if version != "" {
		return old.Edition == version
	}
	return f.o.MaxAge > 0 && time.Since(old.Fetched) < f.o.MaxAge
}

// pause waits before another attempt, at least as long as the server asks for.
func (f *Fetcher) pause(ctx context.Context, least time.Duration, attempt int) {
	d := max(least, f.o.Backoff<<attempt)
	d += rand.N(d/4 + 1) // so that many clients do not return at once
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// documentName is the name of a document with the URL of the request.
func documentName(address, target string) string {
	if address == target {
		return address
	}
	return address + " (from " + target + ")"
}

// attempt makes one request. It resumes the part of an earlier attempt, by this
// process or another, if the publisher confirms that the document is the same.
func (f *Fetcher) attempt(ctx context.Context, address, target, key string, old *record) (*record, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(f.stall, func() { cancel(fmt.Errorf("no data received for %s", f.stall)) })
	defer stall.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", f.o.UserAgent)
	req.Header.Set("Accept-Encoding", "identity") // the bytes as published, with their true length
	part := f.condition(req, key, old)
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, classifyNetworkError(ctx, err)
	}
	defer resp.Body.Close()
	switch s := resp.StatusCode; {
	case s == http.StatusNotModified && old != nil && part == nil:
		return old, nil
	case s == http.StatusOK:
		part = nil
	case s == http.StatusPartialContent && part != nil && continues(resp, part):
	case s == http.StatusPartialContent, s == http.StatusRequestedRangeNotSatisfiable:
		f.drop(key)
		return nil, retry{fmt.Errorf("unexpected status %s for a range request", resp.Status), 0}
	case s == http.StatusNotFound, s == http.StatusGone:
		return &record{Missing: true}, nil
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		return nil, fmt.Errorf("%s: %w; check the proxy, or name a mirror", resp.Status, assay.ErrUnauthorized)
	case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s >= 500:
		return nil, retry{errors.New(resp.Status), retryAfter(resp)}
	default:
		return nil, fmt.Errorf("unexpected status %s", resp.Status)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" && !strings.HasSuffix(address, ".gz") {
		return nil, fmt.Errorf("unrequested content encoding %q: %w", e, assay.ErrUnsupported)
	}
	return f.receive(ctx, resp, address, key, part, stall)
}

// condition adds conditions to req, so that it asks only for missing data. It
// returns the part to resume; nil without one.
func (f *Fetcher) condition(req *http.Request, key string, old *record) *record {
	if part := f.load(key+".part.json", key); part != nil {
		if st, err := os.Stat(f.path(key + ".part")); err == nil && st.Size() > 0 && part.validator() != "" {
			part.Size = st.Size()
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", part.Size))
			req.Header.Set("If-Range", part.validator())
			return part
		}
	}
	if old != nil && old.ETag != "" {
		req.Header.Set("If-None-Match", old.ETag)
	}
	if old != nil && old.LastModified != "" {
		req.Header.Set("If-Modified-Since", old.LastModified)
	}
	return nil
}

// validator is the value of If-Range: a strong entity tag or a date.
func (r *record) validator() string {
	if r.ETag != "" && !strings.HasPrefix(r.ETag, "W/") {
		return r.ETag
	}
	return r.LastModified
}

// continues reports whether the response continues at the end of the part.
func continues(resp *http.Response, part *record) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", part.Size))
}

func (f *Fetcher) drop(key string) {
	os.Remove(f.path(key + ".part.json"))
	os.Remove(f.path(key + ".part"))
}

// receive writes the response body to the part and, when it is complete, makes
// it the document. On failure a part that can be resumed is kept.
func (f *Fetcher) receive(ctx context.Context, resp *http.Response, address, key string, part *record, stall *time.Timer) (*record, error) {
	r := &record{key: key, ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}
	flags, have := os.O_RDWR|os.O_CREATE|os.O_TRUNC, int64(0)
	if part != nil {
		flags, have = os.O_RDWR|os.O_CREATE|os.O_APPEND, part.Size
		r.ETag, r.LastModified = part.ETag, part.LastModified
	} else {
		f.drop(key)
		if r.validator() != "" {
			if err := f.write(key+".part.json", r); err != nil {
				return nil, err
			}
		}
	}
	total := int64(0)
	if resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	if total > f.o.MaxSize {
		return nil, fmt.Errorf("%d bytes, over the limit of %d: %w", total, f.o.MaxSize, assay.ErrTooLarge)
	}
	file, err := os.OpenFile(f.path(key+".part"), flags, 0o644)
	if err != nil {
		return nil, err
	}
	done := have
	n, err := io.Copy(file, limit.Reader(readerFunc(func(p []byte) (int, error) {
		n, err := resp.Body.Read(p)
		stall.Reset(f.stall)
		if err != nil && err != io.EOF {
			err = retry{err, 0} // not an error of the disk, which is permanent
		}
		done += int64(n)
		f.reportProgress(assay.Progress{Task: address, Done: done, Total: total})
		return n, err
	}), f.o.MaxSize-have))
	f.reportProgress(assay.Progress{Task: address, Done: done, Total: total, End: true})
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = retry{fmt.Errorf("received %d of %d bytes: %w", n, resp.ContentLength, io.ErrUnexpectedEOF), 0}
	}
	if err == nil {
		if _, err = file.Seek(0, io.SeekStart); err == nil {
			r.SHA256, r.Size, err = hash(ctx, file)
		}
	}
	if err != nil {
		file.Close()
		if r.validator() == "" || errors.Is(err, assay.ErrTooLarge) {
			f.drop(key)
		}
		return nil, classifyNetworkError(ctx, err)
	}
	return r, renameWhole(file, nil, f.path(r.body()))
}

func (f *Fetcher) reportProgress(p assay.Progress) {
	if f.o.Progress != nil {
		f.o.Progress(p)
	}
}

// classifyNetworkError marks failures of the network, which may be temporary.
func classifyNetworkError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return retry{cause, 0}
	}
	var r retry
	if errors.As(err, &r) {
		return retry{r.error, 0}
	}
	var unknown *net.DNSError
	if errors.As(err, &unknown) && unknown.IsNotFound {
		return fmt.Errorf("%w: check the network, or name a mirror", err)
	}
	var network *url.Error // the error type of Client.Do
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &network) && !errors.Is(err, errRedirect) && !errors.As(err, &certificate) {
		return retry{network.Err, 0}
	}
	return err
}

// retryAfter is how long the server asks us to wait.
func retryAfter(resp *http.Response) time.Duration {
	v := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(min(s, 1<<30)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
