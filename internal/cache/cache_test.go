package cache

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assaysec/assay"
)

func TestDir(t *testing.T) {
	ctx := context.Background()
	d := &Dir{Path: filepath.Join(t.TempDir(), "cache")}
	if _, err := d.Get(ctx, "a"); !errors.Is(err, assay.ErrNotFound) {
		t.Fatalf("empty cache: %v", err)
	}
	want := bytes.Repeat([]byte("facts "), 1000)
	for key, value := range map[string][]byte{"a": want, "b": nil} {
		if err := d.Put(ctx, key, value); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Get(ctx, key); err != nil || !bytes.Equal(got, value) {
			t.Errorf("%s: %d bytes, %v", key, len(got), err)
		}
	}
	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		func(b []byte) []byte { return b[:len(b)/2] },
		func([]byte) []byte { return nil },
	} {
		if err := d.Put(ctx, "a", want); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(d.file("a"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(d.file("a"), damage(b), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Get(ctx, "a"); !errors.Is(err, assay.ErrNotFound) {
			t.Errorf("damaged entry: %v", err)
		}
	}
}

func TestPrune(t *testing.T) {
	ctx := context.Background()
	d := &Dir{Path: t.TempDir(), Size: 1}
	past := time.Now().Add(-2 * pruneEvery)
	for _, key := range []string{"a", "b"} {
		if err := d.Put(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
		stamp := filepath.Join(d.Path, "pruned")
		if err := os.Chtimes(stamp, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Put(ctx, "c", []byte("c")); err != nil {
		t.Fatal(err)
	}
	n := 0
	filepath.WalkDir(d.Path, func(_ string, e fs.DirEntry, _ error) error {
		if e.Type().IsRegular() && e.Name() != "pruned" {
			n++
		}
		return nil
	})
	if n != 0 {
		t.Errorf("%d entries stay in a cache of one byte", n)
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d := &Dir{Path: filepath.Join(file, "cache")}
	if err := d.Put(context.Background(), "a", nil); err == nil {
		t.Error("no error where the cache cannot be written")
	}
}
