package inventory

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/assaysec/assay"
)

const (
	// spoolOver is the size in bytes from which a wanted file goes to disk
	// rather than memory: with two layers at once, 16 MiB are in use.
	spoolOver = 8 << 20
	// DefaultSpool bounds the bytes of wanted files on disk at one time: some
	// rpm databases of several hundred megabytes.
	DefaultSpool = 4 << 30
)

// A spool holds wanted files while they are read, small ones in pooled memory,
// large ones in temporary files that no name leads to.
type spool struct {
	dir  string
	left atomic.Int64
	pool sync.Pool
}

func newSpool(dir string, budget int64) *spool {
	s := &spool{dir: dir}
	s.left.Store(budget)
	return s
}

// A held is a file kept in a spool.
type held struct {
	assay.File
	free func()
}

// release gives back what the file takes up; once is enough.
func (h *held) release() {
	if h.free != nil {
		h.free()
		h.free = nil
	}
}

// hold reads all of r, size bytes long.
func (s *spool) hold(path string, mode uint32, size int64, r io.Reader) (*held, error) {
	h := &held{File: assay.File{Path: path, Mode: mode, Size: size}}
	if size <= spoolOver {
		buf, _ := s.pool.Get().(*bytes.Buffer)
		if buf == nil {
			buf = new(bytes.Buffer)
		}
		buf.Reset()
		buf.Grow(int(size))
		h.free = func() { s.pool.Put(buf) }
		if _, err := io.CopyN(buf, r, size); err != nil {
			h.release()
			return nil, noEOF(err)
		}
		h.ReaderAt = bytes.NewReader(buf.Bytes())
		return h, nil
	}
	if s.left.Add(-size) < 0 {
		s.left.Add(size)
		return nil, fmt.Errorf("%d bytes are more than is left of the spool: %w", size, assay.ErrTooLarge)
	}
	f, err := os.CreateTemp(s.dir, "assay-*")
	if err != nil {
		s.left.Add(size)
		return nil, err
	}
	if runtime.GOOS != "windows" { // where an open file cannot be removed
		os.Remove(f.Name())
	}
	h.ReaderAt = f
	h.free = func() {
		f.Close()
		os.Remove(f.Name())
		s.left.Add(size)
	}
	if _, err := io.CopyN(f, r, size); err != nil {
		h.release()
		return nil, noEOF(err)
	}
	return h, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return fmt.Errorf("truncated: %w", assay.ErrMalformed)
	}
	return err
}
