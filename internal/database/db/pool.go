package db

import (
	"context"
	"sync"
)

// A Pool has the open shards of a process. Databases share them, and unused
// shards are closed. The zero value is empty.
type Pool struct {
	mu   sync.Mutex
	open map[string]*pooled // by path, which includes the digest
}

// pooled is a shard in use.
type pooled struct {
	mu    sync.Mutex // held during opening
	shard *shard     // nil until it is open
	users int        // guarded by the pool's lock
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
