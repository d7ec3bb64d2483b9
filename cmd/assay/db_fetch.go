package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/feed"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func newDBFetch(g *global) *cobra.Command {
	var o getterOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "fetch FOLDER",
		Short: "Copy publishers' documents to a folder, a mirror for machines without a network",
		Long: `Copy what publishers have on all streams, or on those that are named, to a
folder: https://HOST/PATH is FOLDER/HOST/PATH. The folder, or a web server on it,
is a mirror, from which "assay db build --mirror" builds the database.`,
		Example: "  assay db fetch /srv/mirror\n  assay db fetch --streams 'debian:*,details:*,kev,epss' ./mirror && assay db build --mirror ./mirror",
		Args:    cobra.ExactArgs(1),
	}
	o.flags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wanted, err := streamsOf("", feed.All(), names, true)
		if err != nil {
			return err
		}
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			f, err := o.getter(filepath.Dir(dir), bars)
			if err != nil {
				return err
			}
			c := &copier{f: f, dir: args[0], copied: map[string]int64{}}
			err = c.run(ctx, feed.All(), wanted)
			bars.end()
			size := int64(0)
			for _, n := range c.copied {
				size += n
			}
			if !g.quiet && (err == nil || len(c.copied) > 0) {
				fmt.Fprintf(g.out, "%d documents, %s, in %s\n", len(c.copied), printable.Size(size), args[0])
			}
			return err
		})
	}
	return cmd
}

// copier is a Getter that keeps a copy of all that a feed gets. It has no
// collections: a mirror wants whole documents.
type copier struct {
	f   *fetch.Fetcher
	dir string

	mu     sync.Mutex
	copied map[string]int64 // bytes by address
}

// run lets the feeds read, for only they know their publishers' documents.
func (c *copier) run(ctx context.Context, feeds []assay.Feed, wanted []assay.Stream) error {
	var mu sync.Mutex
	var errs []error
	var group errgroup.Group
	group.SetLimit(4) // it waits for the network
	for _, f := range feeds {
		var of []assay.Stream
		for _, s := range f.Streams() {
			for _, w := range wanted {
				if w.Covers(s) {
					of = append(of, s)
				} else if s.Covers(w) {
					of = append(of, w)
				}
			}
		}
		if wanted != nil && len(of) == 0 {
			continue
		}
		slices.Sort(of)
		group.Go(func() error {
			if err := f.Fetch(ctx, c, slices.Compact(of), nothing{}); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s: %w", f.Name(), err))
			}
			return ctx.Err()
		})
	}
	return errors.Join(append(errs, group.Wait())...)
}

// nothing is a Sink that keeps nothing.
type nothing struct{}

func (nothing) Advisory(assay.Advisory) error { return nil }
func (nothing) Detail(assay.Detail) error     { return nil }
func (nothing) Skip(string, string)           {}

// Get implements assay.Getter.
func (c *copier) Get(ctx context.Context, address string) (io.ReadCloser, error) {
	body, err := c.f.Get(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := c.copy(address, body); err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// List returns the names in a publisher's folder.
func (c *copier) List(ctx context.Context, address string) ([]string, error) {
	return c.f.List(ctx, address)
}

// copy puts the document where a mirror has it, and goes back to its start.
func (c *copier) copy(address string, body io.Reader) error {
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

func (c *copier) root() (*os.Root, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(c.dir)
}
