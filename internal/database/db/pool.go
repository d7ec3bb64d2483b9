package db

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A Pool has the open shards of a process. Databases share them, and unused
// shards are closed. The zero value is empty.
type Pool struct {
	mu   sync.Mutex
	open map[string]*pooled // by path, which includes the digest
	last *index             // that was read last; nil while none was
	of   string             // its directory
	info fs.FileInfo        // and its file
}

// pooled is a shard in use.
type pooled struct {
	mu    sync.Mutex // held during opening
	shard *shard     // nil until it is open
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

// openShared opens a shard, or shares an open one. The caller must give it back.
func (p *Pool) openShared(ctx context.Context, path string, e *entry) (*shard, error) {
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
		p.release(path)
		return nil, err
	}
	return s, nil
}

// release returns a shard; the last user closes it.
func (p *Pool) release(path string) error {
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

// Len is the number of open shards.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}
