package inventory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/assaysec/assay"
)

const (
	// spoolOver is the size in bytes from which a wanted file goes to disk
	// rather than memory: with two layers at once, 16 MiB are in use.
	spoolOver = 8 << 20
	// maxMemory bounds the bytes of one scan's wanted files in memory at one time:
	// files that wait for a companion, or to be read again, add up.
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

// A spool holds the wanted files of one scan while they are read, small ones in
// pooled memory, large ones in temporary files that no name leads to.
type spool struct {
	dir     string
	account *account

	refused atomic.Bool // something did not fit
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

// hold reads all of r, size bytes long. It waits where other scans have what it
// needs; ErrTooLarge where this one has too much itself.
func (s *spool) hold(ctx context.Context, f assay.File, r io.Reader) (*held, error) {
	h := &held{File: f}
	if f.Size <= spoolOver {
		if ok, err := s.toMemory(h, r); err != nil {
			return nil, err
		} else if ok {
			return h, nil
		}
	}
	if err := s.toDisk(ctx, h); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(h.ReaderAt.(io.Writer), r, f.Size); err != nil {
		h.release()
		return nil, noEOF(err)
	}
	return h, nil
}

// toMemory reads r into memory; ok is false when there is not enough left.
func (s *spool) toMemory(h *held, r io.Reader) (ok bool, _ error) {
	buf := s.account.buffer(h.Size)
	cost := int64(buf.Cap()) + heldCost
	if !s.account.tryTake(memoryBytes, cost) {
		return false, nil
	}
	h.free = func() {
		s.account.buffers.Put(buf)
		s.account.give(memoryBytes, cost)
	}
	if _, err := io.CopyN(buf, r, h.Size); err != nil {
		h.release()
		return false, noEOF(err)
	}
	h.ReaderAt = bytes.NewReader(buf.Bytes())
	return true, nil
}

// toDisk makes an empty temporary file for h.
func (s *spool) toDisk(ctx context.Context, h *held) error {
	if err := s.account.take(ctx, diskBytes, h.Size); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.refused.Store(true)
		return fmt.Errorf("%d bytes are more than is left of the spool: %w", h.Size, assay.ErrTooLarge)
	}
	if err := s.account.take(ctx, diskFiles, 1); err != nil {
		s.account.give(diskBytes, h.Size)
		if ctx.Err() != nil {
			return err
		}
		s.refused.Store(true)
		return fmt.Errorf("more than %d files in the spool: %w", s.account.alone[diskFiles], assay.ErrTooLarge)
	}
	back := func() {
		s.account.give(diskBytes, h.Size)
		s.account.give(diskFiles, 1)
	}
	f, err := os.CreateTemp(s.dir, "assay-*")
	if err != nil {
		back()
		return err
	}
	if runtime.GOOS != "windows" { // where an open file cannot be removed
		os.Remove(f.Name())
	}
	h.ReaderAt = f
	h.free = func() {
		f.Close()
		os.Remove(f.Name())
		back()
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return fmt.Errorf("truncated: %w", assay.ErrMalformed)
	}
	return err
}
