package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/assaysec/assay"
)

// Delete removes the wanted streams from the database in dir, and their files at
// once, even if readers use them. It returns the removed shards.
func Delete(ctx context.Context, dir string, wanted []assay.Stream) ([]assay.Stream, error) {
	if _, err := readIndex(dir); err != nil {
		return nil, err
	}
	b := Builder{Grace: 1} // a nanosecond: nothing is kept
	u, unlock, err := b.begin(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	next := &index{Format: Format, Built: u.ix.Built}
	for i := range u.ix.Shards {
		e := &u.ix.Shards[i]
		next.Retired = append(next.Retired, retired{File: e.file()})
		if !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(e.Stream) }) {
			next.Shards = append(next.Shards, *e)
		}
	}
	var gone []assay.Stream
	for i := range u.ix.Shards {
		if s := u.ix.Shards[i].Stream; next.find(s) == nil {
			gone = append(gone, s)
		}
	}
	if len(gone) == 0 {
		return nil, fmt.Errorf("%s: none of these streams: %w in the database", dir, assay.ErrNotFound)
	}
	if err := u.replace(next); err != nil {
		return nil, fmt.Errorf("database %s: %w; the old one is unchanged", dir, err)
	}
	return gone, nil
}

// Clear removes the database in dir, whatever its index contains, even if this
// version cannot read it.
func Clear(ctx context.Context, dir string) error {
	unlock, err := lock(ctx, dir)
	if err != nil {
		return fmt.Errorf("database %s: %w", dir, err)
	}
	defer unlock()
	if err := os.Remove(filepath.Join(dir, indexName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, shardsName))
}
