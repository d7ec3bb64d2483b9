package fetch

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// place is the location of the documents of hosts: a directory, a URL, or, if
// both are empty, the publishers.
type place struct {
	dir, base string
	noHost    bool // the path does not include the host
}

func newPlace(s string) (place, error) {
	switch {
	case s == "":
		return place{}, nil
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
		if _, err := url.Parse(s); err != nil {
			return place{}, err
		}
		return place{base: strings.TrimRight(s, "/")}, nil
	}
	dir := strings.TrimPrefix(s, "file://")
	st, err := os.Stat(dir)
	if err != nil {
		return place{}, err
	}
	if !st.IsDir() {
		return place{}, fmt.Errorf("not a directory: %w", fs.ErrInvalid)
	}
	return place{dir: dir}, nil
}

// locate returns the location of the document, and its parsed address.
func (f *Fetcher) locate(address string) (place, *url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return place{}, nil, fmt.Errorf("invalid URL %q: %w", address, assay.ErrUnsupported)
	}
	if p, ok := f.hosts[u.Host]; ok {
		p.noHost = true
		return p, u, nil
	}
	return f.mirror, u, nil
}

// url is the URL of the request for the document u.
func (p place) url(u *url.URL) string {
	if p.base == "" {
		return u.String()
	}
	s := p.base
	if !p.noHost {
		s += "/" + u.Host
	}
	s += u.EscapedPath()
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	return s
}

// name is the path of the document u inside the directory.
func (p place) name(u *url.URL) string {
	n := path.Clean("/" + u.Path)
	if !p.noHost {
		n = path.Clean("/" + u.Host + n)
	}
	if n = strings.TrimPrefix(n, "/"); n == "" {
		n = "."
	}
	if u.RawQuery != "" {
		n += "?" + u.RawQuery
	}
	return filepath.FromSlash(n)
}

// open opens the document u in the directory. A directory in its place is
// ErrNotFound.
func (p place) open(u *url.URL, max int64) (*os.File, error) {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := p.name(u)
	if info, err := root.Stat(name); err == nil && info.IsDir() {
		return nil, assay.ErrNotFound
	}
	f, err := limit.OpenRegularIn(root, name)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, assay.ErrNotFound
		}
		return nil, err
	}
	st, err := f.Stat()
	switch {
	case err == nil && st.Size() > max:
		err = fmt.Errorf("over %d bytes: %w", max, assay.ErrTooLarge)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (p place) list(u *url.URL) ([]string, error) {
	d, err := os.OpenInRoot(p.dir, p.name(u))
	if err != nil {
		if os.IsNotExist(err) {
			return nil, assay.ErrNotFound
		}
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(maxNames)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}
