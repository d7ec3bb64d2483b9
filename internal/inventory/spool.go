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
	// maxMemory bounds the bytes of wanted files in memory at one time: files
	// that wait for a companion, or to be read again, add up.
	maxMemory = 128 << 20
	heldCost  = 1 << 10  // bytes of a file beside its content
	poolOver  = 64 << 10 // bytes up to which a buffer serves a file of any size
	// maxOnDisk bounds the temporary files at one time: systems allow a process
	// no more than some thousand open files.
	maxOnDisk = 256
	// DefaultSpool bounds the bytes of wanted files on disk at one time: some
	// rpm databases of several hundred megabytes.
	DefaultSpool = 4 << 30
)

// A spool holds wanted files while they are read, small ones in pooled memory,
// large ones in temporary files that no name leads to.
type spool struct {
	dir    string
	left   atomic.Int64 // bytes
	memory atomic.Int64 // bytes
	files  atomic.Int64 // on disk

	refused atomic.Bool // something did not fit
	pool    sync.Pool
}

func newSpool(dir string, budget int64) *spool {
	s := &spool{dir: dir}
	s.left.Store(budget)
	s.memory.Store(maxMemory)
	s.files.Store(maxOnDisk)
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

// take takes n of what is left, if it is that much.
func take(left *atomic.Int64, n int64) bool {
	if left.Add(-n) < 0 {
		left.Add(n)
		return false
	}
	return true
}

// hold reads all of r, size bytes long.
func (s *spool) hold(path string, mode uint32, size int64, r io.Reader) (*held, error) {
	h := &held{File: assay.File{Path: path, Mode: mode, Size: size}}
	if size <= spoolOver {
		if ok, err := s.toMemory(h, size, r); err != nil {
			return nil, err
		} else if ok {
			return h, nil
		}
	}
	if err := s.toDisk(h, size); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(h.ReaderAt.(io.Writer), r, size); err != nil {
		h.release()
		return nil, noEOF(err)
	}
	return h, nil
}

// toMemory reads r into memory; ok is false when there is not enough left.
func (s *spool) toMemory(h *held, size int64, r io.Reader) (ok bool, _ error) {
	buf, _ := s.pool.Get().(*bytes.Buffer)
	if buf == nil || int64(buf.Cap()) > 4*size+poolOver { // a large one is wasted on a small file
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	buf.Grow(int(size))
	cost := int64(buf.Cap()) + heldCost
	if !take(&s.memory, cost) {
		return false, nil
	}
	h.free = func() {
		s.pool.Put(buf)
		s.memory.Add(cost)
	}
	if _, err := io.CopyN(buf, r, size); err != nil {
		h.release()
		return false, noEOF(err)
	}
	h.ReaderAt = bytes.NewReader(buf.Bytes())
	return true, nil
}

// toDisk makes an empty temporary file for h.
func (s *spool) toDisk(h *held, size int64) error {
	if !take(&s.left, size) {
		s.refused.Store(true)
		return fmt.Errorf("%d bytes are more than is left of the spool: %w", size, assay.ErrTooLarge)
	}
	if !take(&s.files, 1) {
		s.refused.Store(true)
		s.left.Add(size)
		return fmt.Errorf("more than %d files in the spool: %w", maxOnDisk, assay.ErrTooLarge)
	}
	f, err := os.CreateTemp(s.dir, "assay-*")
	if err != nil {
		s.left.Add(size)
		s.files.Add(1)
		return err
	}
	if runtime.GOOS != "windows" { // where an open file cannot be removed
		os.Remove(f.Name())
	}
	h.ReaderAt = f
	h.free = func() {
		f.Close()
		os.Remove(f.Name())
		s.left.Add(size)
		s.files.Add(1)
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return fmt.Errorf("truncated: %w", assay.ErrMalformed)
	}
	return err
}
