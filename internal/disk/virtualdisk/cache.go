package virtualdisk

import (
	"container/list"
	"io"
	"sync"

	"github.com/assaysec/assay/internal/disk/filesystem"
)

const (
	// maxCache bounds what is kept of a disk's decompressed pieces: 64 KB each as
	// a rule, and 2 MB at most.
	maxCache = 64 << 20

	// maxTables bounds what is kept of the tables that say where pieces are: 8
	// MB map 64 GB of a qcow2.
	maxTables = 8 << 20

	pageSize = 4096
)

// A cache keeps pieces by their place in the file, those that were asked for
// last. What could not be read is kept as well.
type cache struct {
	mu    sync.Mutex
	max   int64
	held  int64
	order list.List // of *piece, newest first
	items map[int64]*list.Element
}

type piece struct {
	at  int64
	b   []byte
	err error
}

func newCache(max int64) *cache { return &cache{max: max, items: map[int64]*list.Element{}} }

// get gives a piece, which fill reads if it is not here. Two goroutines may fill
// the same piece at a time.
func (c *cache) get(at int64, fill func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	if e, ok := c.items[at]; ok {
		c.order.MoveToFront(e)
		c.mu.Unlock()
		p := e.Value.(*piece)
		return p.b, p.err
	}
	c.mu.Unlock()
	b, err := fill()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[at]; ok {
		return b, err
	}
	c.items[at] = c.order.PushFront(&piece{at, b, err})
	for c.held += weight(b); c.held > c.max; {
		e := c.order.Back()
		p := c.order.Remove(e).(*piece)
		delete(c.items, p.at)
		c.held -= weight(p.b)
	}
	return b, err
}

// weight is what a piece takes, with what it costs to keep it.
func weight(b []byte) int64 { return int64(len(b)) + 256 }

// A table is a file of which small pieces are read again and again.
type table struct {
	r     io.ReaderAt
	size  int64
	cache *cache
}

func newTable(r io.ReaderAt, size int64) *table { return &table{r, size, newCache(maxTables)} }

// entry gives width bytes at a place that is a multiple of width; width divides
// a page.
func (t *table) entry(at, width int64) ([]byte, error) {
	page := at &^ (pageSize - 1)
	b, err := t.cache.get(page, func() ([]byte, error) {
		b := make([]byte, max(0, min(pageSize, t.size-page)))
		return b, filesystem.ReadFull(t.r, b, page)
	})
	if err != nil {
		return nil, err
	}
	if at < 0 || at-page+width > int64(len(b)) {
		b = make([]byte, width)
		return b, filesystem.ReadFull(t.r, b, at) // unaligned, or beyond the end: which says so
	}
	return b[at-page:][:width], nil
}
