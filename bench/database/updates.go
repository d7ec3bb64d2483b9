//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/database/publish"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/oci/registryclient"
)

const edited = 10

// updates counts the bytes that come over the network for a whole database and
// after ten advisories of PyPI changed: from the publishers, and from where
// another published its database.
func updates(w *tabwriter.Writer, mirror, work string) error {
	site := filepath.Join(work, "site")
	if err := os.CopyFS(site, os.DirFS(mirror)); err != nil {
		return err
	}
	if err := writable(site); err != nil {
		return err
	}
	var sent atomic.Int64
	files := http.FileServer(http.Dir(site))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(&counter{rw, &sent}, r)
	}))
	defer server.Close()
	hub := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer hub.Close()
	ref := hub.Listener.Addr().String() + "/team/db:1"

	step := func() (upstream, pulled int64, err error) {
		sent.Store(0)
		pulled, err = round(context.Background(), server.URL, ref, work, func() { upstream = sent.Load() })
		return upstream, pulled, err
	}
	up1, pull1, err := step()
	if err != nil {
		return err
	}
	if err := edit(filepath.Join(site, "osv-vulnerabilities.storage.googleapis.com", "PyPI")); err != nil {
		return err
	}
	up2, pull2, err := step()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "update from publishers, %d advisories changed\t%.0f kB\t%.2f %% of %.1f MB\t\n", edited, float64(up2)/1e3, 100*float64(up2)/float64(up1), float64(up1)/1e6)
	fmt.Fprintf(w, "pull from a registry, %d advisories changed\t%.0f kB\t%.2f %% of %.1f MB\t\n", edited, float64(pull2)/1e3, 100*float64(pull2)/float64(pull1), float64(pull1)/1e6)
	return nil
}

// round builds a database, publishes it and takes it from there. It returns the
// bytes that came from the registry; built is called between.
func round(ctx context.Context, mirror, ref, work string, built func()) (pulled int64, _ error) {
	publisher, client := filepath.Join(work, "publisher"), filepath.Join(work, "client")
	g, err := fetch.New(fetch.Options{Mirror: mirror, Dir: filepath.Join(work, "documents")})
	if err != nil {
		return 0, err
	}
	b := db.Builder{Partial: true}
	if res, err := b.Update(ctx, publisher, feed.All(), g, nil); err != nil && len(res.Built) == 0 {
		return 0, err
	}
	built()
	s, err := db.TakeSnapshot(ctx, publisher, nil)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if _, err := publish.Push(ctx, ref, publish.Snapshot{Index: s.Index, Shards: s.Shards, Open: s.Open}, registryclient.Options{}); err != nil {
		return 0, err
	}
	p, err := publish.OpenRepository(ctx, ref, nil, registryclient.Options{})
	if err != nil {
		return 0, err
	}
	defer p.Close()
	_, err = b.Adopt(ctx, client, p, nil)
	return p.ReceivedBytes(), err
}

// counter counts the bytes of answers.
type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// writable lets the copy be changed.
func writable(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(p, map[bool]fs.FileMode{true: 0o755, false: 0o644}[d.IsDir()])
	})
}

// edit changes some records as OSV does: in the archive, as a file each, and at
// the top of the list of changes.
func edit(dir string) error {
	archive := filepath.Join(dir, "all.zip")
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	var out bytes.Buffer
	var top strings.Builder
	w := zip.NewWriter(&out)
	now := time.Now().UTC().Format(time.RFC3339)
	n := 0
	for _, f := range z.File {
		body, err := f.Open()
		if err != nil {
			return err
		}
		b, err := io.ReadAll(body)
		body.Close()
		if err != nil {
			return err
		}
		if id := strings.TrimSuffix(f.Name, ".json"); n < edited && bytes.Contains(b, []byte(`"modified"`)) && !bytes.Contains(b, []byte(`"withdrawn"`)) {
			n++
			at := bytes.Index(b, []byte(`"modified"`))
			from := at + len(`"modified"`) + bytes.IndexByte(b[at+len(`"modified"`):], '"') + 1
			to := from + bytes.IndexByte(b[from:], '"')
			b = append(append(append([]byte{}, b[:from]...), now...), b[to:]...)
			if err := os.WriteFile(filepath.Join(dir, f.Name), b, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(&top, "%s,%s\n", now, id)
		}
		m, err := w.Create(f.Name)
		if err == nil {
			_, err = m.Write(b)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := prepend(filepath.Join(dir, "modified_id.csv"), top.String()); err != nil {
		return err
	}
	return os.WriteFile(archive, out.Bytes(), 0o644)
}

// prepend puts lines at the top of a list of changes, and takes older ones on the
// same records out.
func prepend(list, top string) error {
	old, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(old)) {
		_, id, _ := strings.Cut(strings.TrimSpace(line), ",")
		if !strings.Contains(top, ","+id+"\n") {
			kept.WriteString(line)
		}
	}
	return os.WriteFile(list, []byte(top+kept.String()), 0o644)
}
