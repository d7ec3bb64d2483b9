package fetch

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// A Copier is a Getter that copies each document, so that a directory becomes a
// mirror: https://HOST/PATH is HOST/PATH in it. It is not a Keeper, because a
// mirror needs whole documents.
type Copier struct {
	fetcher *Fetcher
	dir     string

	mu     sync.Mutex
	copied map[string]int64 // bytes by address
}

// NewCopier returns a Copier to a directory, which is created when needed.
func NewCopier(f *Fetcher, dir string) *Copier {
	return &Copier{fetcher: f, dir: dir, copied: map[string]int64{}}
}

// Copied is the number of documents so far, and their bytes.
func (c *Copier) Copied() (documents int, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.copied {
		size += n
	}
	return len(c.copied), size
}

// Get implements assay.Getter.
func (c *Copier) Get(ctx context.Context, address string) (io.ReadCloser, error) {
	body, err := c.fetcher.Get(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := c.copy(address, body); err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// List returns the names in a publisher's directory.
func (c *Copier) List(ctx context.Context, address string) ([]string, error) {
	return c.fetcher.List(ctx, address)
}

// copy writes the document to its place in a mirror, and seeks back to its
// start.
func (c *Copier) copy(address string, body io.Reader) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(path.Clean("/"+u.Host+u.Path), "/")
	if u.RawQuery != "" {
		name += "?" + u.RawQuery
	}
	root, err := c.root()
	if err != nil {
		return err
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.Create(name + ".part")
	if err != nil {
		return err
	}
	n, err := io.Copy(f, body)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = root.Rename(name+".part", name)
	}
	if err != nil {
		root.Remove(name + ".part")
		return fmt.Errorf("%s: %w", address, err)
	}
	c.mu.Lock()
	c.copied[address] = n
	c.mu.Unlock()
	_, err = body.(io.Seeker).Seek(0, io.SeekStart) // a Fetcher's documents are files
	return err
}

func (c *Copier) root() (*os.Root, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(c.dir)
}
