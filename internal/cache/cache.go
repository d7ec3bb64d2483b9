// Package cache stores bytes by key in a directory, for any number of processes at
// once. Each entry is one file that is renamed into place; a damaged entry counts as
// missing.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/assaysec/assay"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxEntry bounds an entry in memory: the facts of a layer with a million files
	// take about 20 MB.
	maxEntry = 512 << 20
	// DefaultSize bounds the directory: it fits the layers of about a thousand images.
	DefaultSize = 1 << 30
	// pruneEvery is how long a process does not check the directory's size again.
	pruneEvery = 10 * time.Minute
)

// Dir is a cache in a directory.
type Dir struct {
	Path string // created when first needed
	Size int64  // limit in bytes, beyond which the least recently used entries are deleted; 0 means DefaultSize
}

// Get returns the value of a key, and marks the entry as used now.
func (d *Dir) Get(_ context.Context, key string) ([]byte, error) {
	name := d.file(key)
	info, err := os.Stat(name)
	if err != nil {
		return nil, notFound(err)
	}
	if info.Size() > maxEntry || !info.Mode().IsRegular() {
		return nil, assay.ErrNotFound
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, notFound(err)
	}
	if len(b) < sha256.Size {
		return nil, assay.ErrNotFound
	}
	if sum := sha256.Sum256(b[sha256.Size:]); string(sum[:]) != string(b[:sha256.Size]) {
		return nil, assay.ErrNotFound
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxEntry))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	v, err := r.DecodeAll(b[sha256.Size:], nil)
	if err != nil {
		return nil, assay.ErrNotFound
	}
	if time.Since(info.ModTime()) > time.Hour {
		now := time.Now()
		_ = os.Chtimes(name, now, now) // only the order of deletion depends on it
	}
	return v, nil
}

// Put stores a value.
func (d *Dir) Put(_ context.Context, key string, value []byte) (err error) {
	if len(value) > maxEntry {
		return fmt.Errorf("cache entry of %d bytes: %w", len(value), assay.ErrTooLarge)
	}
	name := d.file(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	b := w.EncodeAll(value, make([]byte, sha256.Size, sha256.Size+len(value)/3))
	sum := sha256.Sum256(b[sha256.Size:])
	copy(b, sum[:])
	f, err := os.CreateTemp(filepath.Dir(name), "put-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	// The checksum reveals a partly written entry, so there is no need to sync.
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	return d.prune()
}

func (d *Dir) file(key string) string {
	sum := sha256.Sum256([]byte(key))
	s := hex.EncodeToString(sum[:])
	return filepath.Join(d.Path, s[:2], s[2:])
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return assay.ErrNotFound
	}
	return err
}

// prune deletes the least recently used entries when the directory exceeds its size,
// and files that a killed process left behind. A stamp file limits how often it runs.
func (d *Dir) prune() error {
	stamp := filepath.Join(d.Path, "pruned")
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < pruneEvery {
		return nil
	}
	if err := os.WriteFile(stamp, nil, 0o644); err != nil {
		return err
	}
	now := time.Now()
	_ = os.Chtimes(stamp, now, now)
	limit := d.Size
	if limit == 0 {
		limit = DefaultSize
	}
	type entry struct {
		path string
		size int64
		used time.Time
	}
	var entries []entry
	var total int64
	err := filepath.WalkDir(d.Path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || path == stamp {
			return nil // deleted meanwhile
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if stale, _ := filepath.Match("put-*", e.Name()); stale {
			if now.Sub(info.ModTime()) > time.Hour {
				os.Remove(path)
			}
			return nil
		}
		entries = append(entries, entry{path, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if total <= limit {
			break
		}
		os.Remove(e.path)
		total -= e.size
	}
	return err
}
