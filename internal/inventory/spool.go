package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/assaysec/assay"
)

const (
	// spoolOver is the size in bytes from which a wanted file is stored on disk, not in
	// memory: two parallel layers then use 16 MiB.
	spoolOver = 8 << 20
	// maxMemory bounds the bytes of one scan's wanted files in memory at one time:
	// files that wait for a companion, or to be read again, add up.
	maxMemory = 128 << 20
	heldCost  = 1 << 10 // overhead of a file beside its content
	// maxOnDisk bounds the temporary files at one time: systems limit a process to some
	// thousand open files.
	maxOnDisk = 256
	// DefaultSpool bounds the bytes of wanted files on disk at one time: some rpm
	// databases of several hundred megabytes.
	DefaultSpool = 4 << 30
)

// A spool stores the wanted files of one scan while they are read: small ones in pooled
// memory, large ones in unnamed temporary files.
type spool struct {
	dir     string
	account *account

	refused atomic.Bool // a file did not fit
}

// A spooled is a file in a spool.
type spooled struct {
	assay.File
	free func()
}

// release frees the file's memory or disk; repeated calls do nothing.
func (h *spooled) release() {
	if h.free != nil {
		h.free()
		h.free = nil
	}
}

// store reads all of r, size bytes long, into the spool. It waits while other scans use
// what it needs. It returns ErrTooLarge where this scan already uses too much.
func (s *spool) store(ctx context.Context, f assay.File, r io.Reader) (*spooled, error) {
	h := &spooled{File: f}
	small := f.Size <= spoolOver
	if small {
		if ok, err := s.toMemory(h, r, s.tryMemory); ok || err != nil {
			return h, err
		}
	}
	if err := s.toDisk(ctx, h); err != nil {
		if !small || errors.Is(err, assay.ErrTooLarge) || ctx.Err() != nil {
			return nil, err
		}
		// No temporary file can be made: wait for memory instead.
		_, err := s.toMemory(h, r, func(n int64) (bool, error) { err := s.account.acquire(ctx, memoryBytes, n); return err == nil, err })
		return h, err
	}
	if _, err := io.CopyN(h.ReaderAt.(io.Writer), r, f.Size); err != nil {
		h.release()
		return nil, noEOF(err)
	}
	return h, nil
}

func (s *spool) tryMemory(n int64) (bool, error) { return s.account.tryAcquire(memoryBytes, n), nil }

// toMemory reads r into memory, if acquire allows it.
func (s *spool) toMemory(h *spooled, r io.Reader, acquire func(int64) (bool, error)) (ok bool, _ error) {
	buf := s.account.buffers.get(int(h.Size))
	cost := int64(cap(buf)) + heldCost
	if ok, err := acquire(cost); !ok {
		s.account.buffers.put(buf)
		return false, err
	}
	h.free = func() {
		s.account.buffers.put(buf)
		s.account.release(memoryBytes, cost)
	}
	content := buf[:h.Size]
	if _, err := io.ReadFull(r, content); err != nil {
		h.release()
		return false, noEOF(err)
	}
	h.ReaderAt = bytes.NewReader(content)
	return true, nil
}

// toDisk makes an empty temporary file for h.
func (s *spool) toDisk(ctx context.Context, h *spooled) error {
	if err := s.account.acquire(ctx, diskBytes, h.Size); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.refused.Store(true)
		return fmt.Errorf("%d bytes exceed the free space of the spool: %w", h.Size, assay.ErrTooLarge)
	}
	if err := s.account.acquire(ctx, diskFiles, 1); err != nil {
		s.account.release(diskBytes, h.Size)
		if ctx.Err() != nil {
			return err
		}
		s.refused.Store(true)
		return fmt.Errorf("more than %d files in the spool: %w", s.account.alone[diskFiles], assay.ErrTooLarge)
	}
	back := func() {
		s.account.release(diskBytes, h.Size)
		s.account.release(diskFiles, 1)
	}
	f, err := os.CreateTemp(s.dir, "assay-*")
	if err != nil {
		back()
		return err
	}
	if runtime.GOOS != "windows" { // where an open file cannot be deleted
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
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("truncated: %w", assay.ErrMalformed)
	}
	return err
}
