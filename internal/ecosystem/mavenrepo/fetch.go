package mavenrepo

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// A repository has files under a URL.
type repository struct {
	id                  string
	url                 *url.URL // without user name and password
	name                string   // its URL for people
	user, password      string
	releases, snapshots bool
	blocked             string // why it must not be asked; "" if it may
	withheld            string // why it gets no credentials although settings.xml has some for its id
}

// A stop is an error after which a repository is not asked any more.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// get returns a file of a repository. ErrNotFound: the repository does not have it. The
// text of any other error is the same for all files that fail for this reason.
func (s *Session) get(ctx context.Context, r *repository, path, root string) ([]byte, error) {
	if r.blocked != "" {
		return nil, stop{errors.New(r.blocked)}
	}
	if r.url.Scheme == "file" {
		return s.getFile(r, path, root)
	}
	b, sum, err := s.download(ctx, r, path, s.o.MaxSize)
	if err != nil {
		return nil, err
	}
	if err := checkRoot(b, root); err != nil {
		return nil, err
	}
	return b, s.verify(ctx, r, path, b, sum)
}

// getFile returns a file of a repository in a directory, which only settings.xml names.
func (s *Session) getFile(r *repository, path, root string) ([]byte, error) {
	b, err := limit.ReadRegular(filepath.Join(filepath.FromSlash(r.url.Path), filepath.FromSlash(path)), s.o.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, assay.ErrNotFound)
	}
	if err != nil {
		return nil, plainCause(err)
	}
	return b, checkRoot(b, root)
}

// verify compares a file with the SHA-1 that its repository states: in the header of
// the answer, else in a file beside it. One that states none is believed, as Maven does.
//
// https://maven.apache.org/resolver/about-checksums.html
func (s *Session) verify(ctx context.Context, r *repository, path string, b []byte, stated string) error {
	if stated == "" {
		text, _, err := s.download(ctx, r, path+".sha1", maxChecksum)
		if errors.Is(err, assay.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("checksum: %w", err)
		}
		fields := strings.Fields(string(text))
		if len(fields) == 0 || len(fields[0]) != 2*sha1.Size {
			return fmt.Errorf("checksum: not a SHA-1: %w", assay.ErrMalformed)
		}
		stated = fields[0]
	}
	if sum := sha1.Sum(b); !strings.EqualFold(stated, hex.EncodeToString(sum[:])) {
		return errors.New("content differs from its SHA-1 checksum")
	}
	return nil
}

// download returns what a repository answers, and the SHA-1 that the answer states.
func (s *Session) download(ctx context.Context, r *repository, path string, most int64) (_ []byte, sum string, err error) {
	tooLate := stop{fmt.Errorf("no more time: Maven repositories are asked for %v in one scan", s.o.Total)}
	if s.late.Err() != nil {
		return nil, "", tooLate
	}
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	defer context.AfterFunc(s.late, cancel)()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.JoinPath(path).String(), nil)
	if err != nil {
		return nil, "", stop{errors.New("invalid URL")}
	}
	req.Header.Set("User-Agent", s.o.UserAgent)
	if r.user != "" || r.password != "" {
		req.SetBasicAuth(r.user, r.password)
	}
	defer func() {
		switch {
		case err == nil || parent.Err() != nil:
		case s.late.Err() != nil:
			err = tooLate
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			err = fmt.Errorf("no complete answer within %v", s.o.Timeout)
		}
	}()
	answer, err := s.client.Do(req)
	if err != nil {
		return nil, "", plainCause(err)
	}
	defer answer.Body.Close()
	if err := r.status(answer.StatusCode); err != nil {
		return nil, "", err
	}
	b, err := limit.ReadAll(answer.Body, most)
	if errors.Is(err, assay.ErrTooLarge) {
		return nil, "", fmt.Errorf("answer of more than %d bytes: %w", most, assay.ErrTooLarge)
	}
	if err != nil {
		return nil, "", plainCause(err)
	}
	if sum = answer.Header.Get("X-Checksum-Sha1"); len(sum) != 2*sha1.Size {
		sum = ""
	}
	return b, sum, nil
}

// status is the error of a status.
func (r *repository) status(code int) error {
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", code, http.StatusText(code)))
	switch code {
	case http.StatusOK:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: %w", text, assay.ErrNotFound)
	case http.StatusTooManyRequests:
		return stop{fmt.Errorf("%s: rate limit reached", text)}
	case http.StatusUnauthorized:
		if r.withheld != "" {
			text += "; " + r.withheld
		}
		return stop{errors.New(text)}
	}
	return errors.New(text)
}

// plainCause is why a request failed, without addresses and ports, which differ from
// one request to the next, and without the URL.
func plainCause(err error) error {
	var outer *url.Error
	for errors.As(err, &outer) {
		err = outer.Err
	}
	var name *net.DNSError
	if errors.As(err, &name) {
		return stop{fmt.Errorf("%s: host name cannot be resolved", name.Name)}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = fmt.Errorf("%s: %w", op.Op, op.Err)
		if op.Op == "dial" {
			return stop{err}
		}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the answer is cut off")
	}
	return err
}

var errRedirect = errors.New("redirected")

// boundedClient is c with our limit of redirects, on which credentials stay with their
// host.
func boundedClient(c *http.Client) *http.Client {
	our := *cmp.Or(c, http.DefaultClient)
	our.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		first := via[0]
		switch {
		case len(via) > maxRedirect:
			return fmt.Errorf("%w more than %d times", errRedirect, maxRedirect)
		case r.URL.Scheme != "https" && r.URL.Scheme != first.URL.Scheme:
			return fmt.Errorf("%w from %s to %s", errRedirect, first.URL.Scheme, r.URL.Scheme)
		case isLinkLocal(r.URL) && !isLinkLocal(first.URL):
			return fmt.Errorf("%w to a link-local address", errRedirect)
		}
		if r.URL.Host != first.URL.Host {
			r.Header.Del("Authorization")
		}
		r.Header.Del("Referer")
		return nil
	}
	return &our
}

// isLinkLocal reports whether a URL names an address of the local link: clouds tell
// machines their secrets there.
func isLinkLocal(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLinkLocalUnicast()
}
