package compression

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"

	"github.com/assaysec/assay"
)

// maxDictionary is the largest dictionary of an xz block, which its reader
// allocates: that of `xz -9`, the largest preset.
const maxDictionary = 64 << 20

func (s *stream) xz() error {
	if n := dictionary(s.buf); n > maxDictionary {
		return fmt.Errorf("xz: dictionary of %d bytes, over the limit of %d: %w", n, maxDictionary, assay.ErrTooLarge)
	}
	end := &ending{r: s.buf}
	dec, err := xz.NewReader(end)
	s.dec = &whole{dec, end}
	return err
}

// whole checks that the stream has its end, because the decoder accepts a stream
// that stops between two blocks.
type whole struct {
	io.Reader
	end *ending
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err == io.EOF && string(w.end.last) != "YZ" {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// ending remembers the last two bytes that are not padding.
type ending struct {
	r    io.Reader
	last []byte
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	b := bytes.TrimRight(p[:n], "\x00")
	e.last = append(e.last, b[max(0, len(b)-2):]...)
	e.last = append(e.last[:0], e.last[max(0, len(e.last)-2):]...)
	return n, err
}

// dictionary is the dictionary size of the first block, in bytes; 0 without such
// a block, which the decoder reports. https://tukaani.org/xz/xz-file-format.txt,
// 3.1 and 5.3.1
func dictionary(r *bufio.Reader) uint64 {
	const streamHeader = 12
	head, _ := r.Peek(streamHeader + 1024)
	if len(head) <= streamHeader+2 {
		return 0
	}
	b := head[streamHeader+1:]
	flags := b[0]
	b = b[1:]
	skip := 0 // numbers before the filters: the compressed and uncompressed sizes of the block
	if flags&0x40 != 0 {
		skip++
	}
	if flags&0x80 != 0 {
		skip++
	}
	for ; skip > 0; skip-- {
		_, n := binary.Uvarint(b)
		b = b[max(n, 0):]
	}
	for range flags&3 + 1 {
		id, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		size, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		switch {
		case size > uint64(len(b)) || len(b) == 0:
			return 0
		case id == 0x21 && b[0] >= 40:
			return 1<<32 - 1
		case id == 0x21:
			return uint64(2|b[0]&1) << (b[0]/2 + 11)
		}
		b = b[size:]
	}
	return 0
}
