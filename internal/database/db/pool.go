package db

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A Pool holds the shards that a process has open, each once however many
// databases ask it, and closes those that nobody uses. The zero value is empty.
type Pool struct {
	mu   sync.Mutex
	open map[string]*pooled // by path, which names the digest
	last *index             // that was read last; nil while none was
	of   string             // its directory
	info fs.FileInfo        // and its file
}

// pooled is a shard in use.
type pooled struct {
	mu    sync.Mutex // held while it is opened
	shard *shard     // nil until it is
	users int        // guarded by the pool's lock
}

// index reads the index of a database, unless its file is the one that was read
// last: writers never change an index, they put another in its place.
func (p *Pool) index(dir string) (*index, error) {
	info, err := os.Stat(filepath.Join(dir, indexName))
	if err != nil {
		return readIndex(dir) // which says what is wrong
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && p.of == dir && os.SameFile(p.info, info) && p.info.ModTime().Equal(info.ModTime()) && p.info.Size() == info.Size() {
		return p.last, nil
	}
	ix, err := readIndex(dir)
	if err != nil {
		return nil, err
	}
	p.last, p.of, p.info = ix, dir, info
	return ix, nil
}

// take opens a shard, or shares it. Whoever takes it gives it back.
func (p *Pool) take(ctx context.Context, path string, e *entry) (*shard, error) {
	p.mu.Lock()
	if p.open == nil {
		p.open = map[string]*pooled{}
	}
	in := p.open[path]
	if in == nil {
		in = &pooled{}
		p.open[path] = in
	}
	in.users++
	p.mu.Unlock()

	in.mu.Lock()
	var err error
	if in.shard == nil {
		in.shard, err = openShard(ctx, path, e)
	}
	s := in.shard
	in.mu.Unlock()
	if err != nil {
		p.give(path)
		return nil, err
	}
	return s, nil
}

// give gives a shard back; the last one closes it.
func (p *Pool) give(path string) error {
	p.mu.Lock()
	in := p.open[path]
	if in.users--; in.users > 0 {
		p.mu.Unlock()
		return nil
	}
	delete(p.open, path)
	p.mu.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.shard == nil {
		return nil
	}
	return in.shard.close()
}

// Len is how many shards are open.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}
