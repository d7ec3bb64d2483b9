// Package compression decompresses image layers and archives. It detects the
// format by the first bytes, not by a name or a media type, because those are
// often wrong.
//
// Specifications: gzip RFC 1952, Zstandard RFC 8878.
package compression

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
)

// Kind names a compression.
type Kind string

// The kinds that Reader reads.
const (
	Plain Kind = "plain"
	Gzip  Kind = "gzip"
	Zstd  Kind = "zstd"
	Bzip2 Kind = "bzip2" // documents only
	XZ    Kind = "xz"    // documents only
)

const (
	bufferSize = 64 << 10 // read ahead of a decoder; a larger buffer is not faster

	// maxWindow is the largest window of a zstd frame, and so the memory of each
	// open layer. No level of the encoder in BuildKit, containerd and podman
	// uses more, nor does `zstd -19`; `zstd --ultra -21` does.
	maxWindow = 32 << 20
)

// SniffLen is how many bytes Sniff needs; fewer are an end of file.
const SniffLen = 10

// Sniff detects the kind of data that begin with head. Unknown data are Plain;
// bzip2 and xz, which layers must not have, are ErrUnsupported.
func Sniff(head []byte) (Kind, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return Gzip, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), // a frame, or a skippable one
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return Zstd, nil
	case len(head) >= 10 && bytes.HasPrefix(head, []byte("BZh")) && bytes.Equal(head[4:10], []byte("1AY&SY")):
		return Bzip2, fmt.Errorf("compressed with bzip2: %w", assay.ErrUnsupported)
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return XZ, fmt.Errorf("compressed with xz: %w", assay.ErrUnsupported)
	}
	return Plain, nil
}

// Reader returns r uncompressed, and its kind. Several members or frames in a
// row are one stream; empty data are Plain. Invalid compressed data are
// ErrMalformed from Read; errors of r are unchanged. Close releases the decoder
// and leaves r open.
func Reader(r io.Reader) (io.ReadCloser, Kind, error) { return newReader(r, false) }

func newReader(r io.Reader, document bool) (io.ReadCloser, Kind, error) {
	s := &stream{src: source{r: r}, buf: buffers.Get().(*bufio.Reader)}
	s.buf.Reset(&s.src)
	head, err := s.buf.Peek(SniffLen)
	if err == nil || err == io.EOF {
		if s.kind, err = Sniff(head); document && errors.Is(err, assay.ErrUnsupported) {
			err = nil
		}
	}
	if err == nil {
		switch s.kind {
		case Gzip:
			err = s.gzip()
		case Zstd:
			err = s.zstd()
		case Bzip2:
			s.dec = bzip2.NewReader(s.buf)
		case XZ:
			err = s.xz()
		default:
			s.dec = s.buf
		}
	}
	if err != nil {
		err = s.explain(err)
		s.Close()
		return nil, s.kind, err
	}
	return s, s.kind, nil
}

// Document is Reader for documents of publishers, which may also be bzip2
// (https://sourceware.org/bzip2) or xz
// (https://tukaani.org/xz/xz-file-format.txt).
func Document(r io.Reader) (io.ReadCloser, Kind, error) { return newReader(r, true) }

// Decoders have up to a few hundred kilobytes each, so they are reused.
var (
	buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}
	gzips   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstds   sync.Pool // of *zstd.Decoder
)

type stream struct {
	src  source
	buf  *bufio.Reader // nil once closed
	dec  io.Reader
	free func()
	kind Kind
}

func (s *stream) gzip() error {
	z := gzips.Get().(*gzip.Reader)
	s.dec, s.free = z, func() { gzips.Put(z) }
	return z.Reset(s.buf)
}

func (s *stream) zstd() error {
	z, ok := zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
			return err
		}
	}
	s.dec, s.free = z, func() {
		if z.Reset(nil) == nil { // releases the buffer
			zstds.Put(z)
		}
	}
	return z.Reset(s.buf)
}

func (s *stream) Read(p []byte) (int, error) {
	if s.buf == nil {
		return 0, errors.New("read after close")
	}
	n, err := s.dec.Read(p)
	if err != nil && err != io.EOF {
		err = s.explain(err)
	}
	return n, err
}

func (s *stream) Close() error {
	if s.buf == nil {
		return nil
	}
	if s.free != nil {
		s.free()
	}
	s.buf.Reset(nil)
	buffers.Put(s.buf)
	s.buf, s.dec = nil, nil
	return nil
}

// explain distinguishes errors of the decoder from errors of its source.
func (s *stream) explain(err error) error {
	switch {
	case s.src.err != nil:
		return s.src.err
	case errors.Is(err, assay.ErrUnsupported):
		return err
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("zstd: window over %d bytes: %w", maxWindow, assay.ErrTooLarge)
	case s.kind == XZ && errors.Is(err, assay.ErrTooLarge):
		return err
	case err == io.EOF: // the header is truncated
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: %w: %w", s.kind, err, assay.ErrMalformed)
}

// A source stores the error of the compressed data.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
