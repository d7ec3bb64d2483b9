// Package limit bounds reads of foreign bytes. Every bound is a named constant
// of the caller; exceeding it is an error, never silent truncation.
package limit

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
)

// ReadAll reads r to its end. Over max bytes it is ErrTooLarge.
func ReadAll(r io.Reader, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err == nil && int64(len(b)) > max {
		return nil, fmt.Errorf("over %d bytes: %w", max, assay.ErrTooLarge)
	}
	return b, err
}

// ReadFile reads a file of this machine, and names the file in every error. Over
// max bytes it is ErrTooLarge.
func ReadFile(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readNamed(f, name, max)
}

func readNamed(f *os.File, name string, max int64) ([]byte, error) {
	b, err := ReadAll(f, max)
	if errors.Is(err, assay.ErrTooLarge) { // other errors of files have the name
		err = fmt.Errorf("%s: %w", name, err)
	}
	return b, err
}

// Reader returns a reader of r that fails with ErrTooLarge after max bytes.
func Reader(r io.Reader, max int64) io.Reader { return &reader{r, max, max} }

type reader struct {
	r         io.Reader
	left, max int64
}

func (l *reader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return n - 1, fmt.Errorf("over %d bytes: %w", l.max, assay.ErrTooLarge)
	}
	return n, err
}
