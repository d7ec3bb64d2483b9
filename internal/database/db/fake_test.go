package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/assaysec/assay"
)

// web is what publishers have: a Getter with digests.
type web struct {
	mu   sync.Mutex
	docs map[string]string
	gets int
}

func (w *web) set(url, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.docs == nil {
		w.docs = map[string]string{}
	}
	w.docs[url] = text
}

func (w *web) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gets++
	text, ok := w.docs[url]
	if !ok {
		return nil, fmt.Errorf("%s: %w", url, assay.ErrNotFound)
	}
	return io.NopCloser(strings.NewReader(text)), ctx.Err()
}

func (w *web) Digest(_ context.Context, url string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, ok := w.docs[url]
	if !ok {
		return "", fmt.Errorf("%s: %w", url, assay.ErrNotFound)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// lines is a feed whose document, at its name, has a record a line: "stream
// package id fixed", "detail id text", "kev id", "epss id", "skip" or "fail".
type lines struct {
	name    string
	streams []assay.Stream
	reads   *int
}

func (l lines) Name() string            { return l.name }
func (l lines) Streams() []assay.Stream { return l.streams }

func (l lines) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	if l.reads != nil {
		*l.reads++
	}
	r, err := g.Get(ctx, l.name)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		f := append(strings.Fields(line), "", "", "", "")
		switch f[0] {
		case "":
		case "skip":
			s.Skip("x", "unwanted")
		case "fail":
			return fmt.Errorf("%s: %w", l.name, assay.ErrMalformed)
		case "detail":
			err = s.Detail(assay.Detail{ID: f[1], Text: f[2]})
		case "kev":
			err = s.Detail(assay.Detail{ID: f[1], KEV: &assay.KEV{Added: "2024-01-02"}})
		case "epss":
			err = s.Detail(assay.Detail{ID: f[1], EPSS: &assay.EPSS{Score: 0.5}})
		default:
			err = s.Advisory(assay.Advisory{ID: f[2], VendorIDs: []string{"N-" + f[2]}, Affected: []assay.Affected{
				{Stream: assay.Stream(f[0]), Name: f[1], Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: f[3]}}},
			}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// update updates dir from feeds; what Update returns must be as wanted.
func runUpdate(t *testing.T, dir string, w *web, feeds []assay.Feed, wanted []assay.Stream, failing bool) Result {
	t.Helper()
	res, err := (&Builder{Jobs: 2}).Update(t.Context(), dir, feeds, w, wanted)
	if (err != nil) != failing {
		t.Fatalf("Update: %v", err)
	}
	return res
}

func open(t *testing.T, dir string) *DB {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// look writes what the database says of a package: "id<fixed (feed) …".
func look(t *testing.T, d *DB, s assay.Stream, name string) string {
	t.Helper()
	var out []string
	for a, err := range d.Lookup(t.Context(), s, name) {
		if err != nil {
			return err.Error()
		}
		out = append(out, fmt.Sprintf("%s<%s (%s)", a.ID, a.Affected[0].Ranges[0].Fixed, a.Feed))
	}
	return strings.Join(out, " ")
}
