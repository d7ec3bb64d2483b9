package db

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
)

// spool has the encoded records of one stream on disk, in their order of
// arrival, and their offsets in memory.
type spool struct {
	f       *os.File
	w       *bufio.Writer
	size    int64
	records []place
}

type place struct {
	key string
	off int64
	n   int32
}

// newSpool creates a spool in directory dir; close removes it.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, err
	}
	return &spool{f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *spool) add(key string, record []byte) error {
	s.records = append(s.records, place{key, s.size, int32(len(record))})
	s.size += int64(len(record))
	_, err := s.w.Write(record)
	return err
}

func (s *spool) close() {
	s.f.Close()
	os.Remove(s.f.Name())
}

// sources are the spools of a shard, read as one.
type sources struct {
	spools []*spool
	order  []located // by key, then by arrival
}

type located struct {
	place
	spool int
}

// gather sorts the records of several spools.
func gather(spools []*spool) (*sources, error) {
	g := &sources{spools: spools}
	for i, s := range spools {
		if err := s.w.Flush(); err != nil {
			return nil, err
		}
		for _, p := range s.records {
			g.order = append(g.order, located{p, i})
		}
	}
	slices.SortStableFunc(g.order, func(a, b located) int { return cmp.Compare(a.key, b.key) })
	return g, nil
}

// groups splits the records by key: each is a range of g.order.
func (g *sources) groups() [][2]int {
	var out [][2]int
	for from := 0; from < len(g.order); {
		to := from + 1
		for to < len(g.order) && g.order[to].key == g.order[from].key {
			to++
		}
		out = append(out, [2]int{from, to})
		from = to
	}
	return out
}

// read returns the records of a group.
func (g *sources) read(group [2]int) ([][]byte, error) {
	records := make([][]byte, 0, group[1]-group[0])
	for _, l := range g.order[group[0]:group[1]] {
		b := make([]byte, l.n)
		if _, err := g.spools[l.spool].f.ReadAt(b, l.off); err != nil && err != io.EOF {
			return nil, fmt.Errorf("%s: %w", g.spools[l.spool].f.Name(), err)
		}
		records = append(records, b)
	}
	return records, nil
}
