package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A Change is a record that differs between two databases.
type Change struct {
	Stream assay.Stream `json:"stream"`
	Name   string       `json:"name"` // of the package; of details, the vulnerability
	ID     string       `json:"id"`
	Feed   string       `json:"feed"`
	What   string       `json:"what"` // "added", "removed", "changed"
}

// The kinds of changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Diff yields the differences between d and next, by stream, name and ID. All
// records of streams that only one of them has are differences.
func (d *DB) Diff(ctx context.Context, next *DB) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		olds, news := digests(d), digests(next)
		streams := maps.Clone(olds)
		maps.Copy(streams, news)
		for _, s := range slices.Sorted(maps.Keys(streams)) {
			if olds[s] == news[s] {
				continue
			}
			changes, err := diffStream(ctx, d, next, s)
			if err != nil {
				yield(Change{}, fmt.Errorf("%s: %w", s, err))
				return
			}
			for _, c := range changes {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

func digests(d *DB) map[assay.Stream]string {
	m := map[assay.Stream]string{}
	for _, s := range d.Shards() {
		m[s.Stream] = s.Digest
	}
	return m
}

// identity is equal for versions of the same record.
type identity struct{ name, id, feed string }

func diffStream(ctx context.Context, old, next *DB, s assay.Stream) ([]Change, error) {
	before, err := sums(ctx, old, s)
	if err != nil {
		return nil, err
	}
	after, err := sums(ctx, next, s)
	if err != nil {
		return nil, err
	}
	var out []Change
	add := func(k identity, what string) {
		out = append(out, Change{s, k.name, k.id, k.feed, what})
	}
	for k, sum := range after {
		if was, ok := before[k]; !ok {
			add(k, Added)
		} else if was != sum {
			add(k, Changed)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			add(k, Removed)
		}
	}
	slices.SortFunc(out, func(a, b Change) int {
		return strings.Compare(a.Name+"\x00"+a.ID+"\x00"+a.Feed, b.Name+"\x00"+b.ID+"\x00"+b.Feed)
	})
	return out, nil
}

// sums has a digest of each record; records with the same identity share one.
func sums(ctx context.Context, d *DB, s assay.Stream) (map[identity][16]byte, error) {
	sh, err := d.shard(ctx, s)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[identity][16]byte{}
	err = sh.scan(ctx, true, func(key string, list message) error {
		return items(list, func(b message) error {
			id, from, err := idAndFeed(b, feedField(s))
			k := identity{key, id, from}
			if isDetails(s) {
				k.name = id
			}
			old := out[k]
			sum := sha256.Sum256(append(old[:], b.b...))
			out[k] = [16]byte(sum[:16])
			return err
		})
	})
	return out, err
}
