// Package contract holds, for each kind of part, the tests that every one of
// them passes. Tests only.
package contract

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// A SourceCase is an image that a source has.
type SourceCase struct {
	Source  assay.Source
	Ref     string
	Unknown string // a reference to an image that it has not
	Options assay.SourceOptions
	Want    *TestImage
}

// Source checks that the case's image opens, that each of its layers can be
// read, beside the others, and is what the image says, that an image which is
// not there is ErrNotFound, and that a cancelled context ends everything.
func Source(t *testing.T, c SourceCase) {
	ctx := t.Context()
	img, err := c.Source.Open(ctx, c.Ref, c.Options)
	if err != nil {
		t.Fatalf("Open(%q): %v", c.Ref, err)
	}
	t.Cleanup(func() {
		if img.Close != nil {
			if err := img.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	})
	t.Run("image", func(t *testing.T) { checkImage(t, c, img) })
	t.Run("layers", func(t *testing.T) {
		got := ReadLayers(t, ctx, img)
		for i, tar := range c.Want.Tars {
			if string(got[digest(tar)]) != string(tar) {
				t.Errorf("layer %d was not read", i)
			}
		}
	})
	t.Run("unknown", func(t *testing.T) {
		if _, err := c.Source.Open(ctx, c.Unknown, c.Options); !errors.Is(err, assay.ErrNotFound) {
			t.Errorf("Open(%q): %v, want %v", c.Unknown, err, assay.ErrNotFound)
		}
	})
	t.Run("cancelled", func(t *testing.T) { checkCancelled(t, c, img) })
}

func checkImage(t *testing.T, c SourceCase, img *assay.Image) {
	if img.Name != c.Ref {
		t.Errorf("Name %q, want %q", img.Name, c.Ref)
	}
	if img.Source == "" || img.ID == "" || len(img.Config) == 0 {
		t.Errorf("Source %q, ID %q, %d bytes of Config: want none empty", img.Source, img.ID, len(img.Config))
	}
	if want := c.Want.Platform; img.Platform.OS != want.OS || img.Platform.Arch != want.Arch {
		t.Errorf("Platform %v, want %v", img.Platform, want)
	}
	type layer struct {
		DiffID, CreatedBy string
		Reads             bool
	}
	var got, want []layer
	for i, l := range img.Layers {
		if l.Key == "" {
			t.Errorf("layer %d has no key", i)
		}
		got = append(got, layer{l.DiffID, l.CreatedBy, l.Open != nil || img.Stream != nil})
	}
	for i, tar := range c.Want.Tars {
		want = append(want, layer{digest(tar), c.Want.Steps[i], true})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("layers (-want +got):\n%s", d)
	}
	if len(img.Gaps) > 0 {
		t.Errorf("gaps: %v", img.Gaps)
	}
}

// ReadLayers reads all layers of an image, each once, as many at a time as the
// source allows, and returns them by diff ID, which they must have.
func ReadLayers(t testing.TB, ctx context.Context, img *assay.Image) map[string][]byte {
	t.Helper()
	got, err := readLayers(ctx, img)
	if err != nil {
		t.Errorf("layers: %v", err)
	}
	for diffID, b := range got {
		if digest(b) != diffID {
			t.Errorf("layer %s: %d bytes with digest %s", diffID, len(b), digest(b))
		}
	}
	return got
}

func readLayers(ctx context.Context, img *assay.Image) (map[string][]byte, error) {
	got := map[string][]byte{}
	if img.Stream != nil {
		wanted := map[string]bool{}
		for _, l := range img.Layers {
			wanted[l.DiffID] = true
		}
		err := img.Stream(ctx, func(d string) bool { return wanted[d] }, func(r io.Reader) (func(string), error) {
			b, err := io.ReadAll(r)
			return func(diffID string) { got[diffID] = b }, err
		})
		return got, err
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, l := range img.Layers {
		wait.Go(func() {
			b, err := ReadLayer(ctx, l)
			mu.Lock()
			defer mu.Unlock()
			if got[l.DiffID] = b; err != nil {
				errs = append(errs, err)
			}
		})
	}
	wait.Wait()
	return got, errors.Join(errs...)
}

// ReadLayer reads a layer to its end.
func ReadLayer(ctx context.Context, l assay.Layer) ([]byte, error) {
	r, err := l.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func checkCancelled(t *testing.T, c SourceCase, img *assay.Image) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := c.Source.Open(ctx, c.Ref, c.Options); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v, %v, want %v", got, err, context.Canceled)
	}
	if _, err := readLayers(ctx, img); !errors.Is(err, context.Canceled) {
		t.Errorf("layers: %v, want %v", err, context.Canceled)
	}
	if img.Stream != nil {
		return
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	r, err := img.Layers[0].Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("layer read after cancel: %v, want %v", err, context.Canceled)
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
