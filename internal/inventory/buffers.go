package inventory

import (
	"slices"
	"sync"
)

const (
	minBuffer  = 4 << 10  // bytes of the smallest buffer
	poolOver   = 64 << 10 // bytes up to which a buffer serves a file of any size
	maxBuffers = 16 << 20 // bytes of buffers that wait to be used again
	maxFree    = 32       // the number of these
)

// buffers are the buffers of files in memory that nobody uses, to be used again: fresh
// memory costs more time than reading a file into it.
type buffers struct {
	mu    sync.Mutex
	free  [][]byte // the last one is the one released last
	bytes int      // of all of them
}

// get returns a buffer with room for size bytes, the smallest that there is.
func (b *buffers) get(size int) []byte {
	b.mu.Lock()
	best := -1
	for i, buf := range b.free {
		if n := cap(buf); n >= size && n <= 4*size+poolOver && (best < 0 || n < cap(b.free[best])) {
			best = i
		}
	}
	if best < 0 {
		b.mu.Unlock()
		return make([]byte, 0, max(size, minBuffer))
	}
	defer b.mu.Unlock()
	buf := b.free[best]
	b.free = slices.Delete(b.free, best, best+1)
	b.bytes -= cap(buf)
	return buf
}

// put takes a buffer back. Those that wait longest are dropped.
func (b *buffers) put(buf []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, buf)
	b.bytes += cap(buf)
	drop := 0
	for b.bytes > maxBuffers || len(b.free)-drop > maxFree {
		b.bytes -= cap(b.free[drop])
		drop++
	}
	b.free = slices.Delete(b.free, 0, drop)
}
