// Package xmlstream reads XML documents that are too large for memory, element
// by element. Entities other than XML's own five are errors, and so is any
// encoding but UTF-8 and ASCII.
//
// Specification: https://www.w3.org/TR/xml/
package xmlstream

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Bounds of a document, in uncompressed bytes.
type Bounds struct {
	Document int64
	Element  int64 // a visited element
}

// A Visit reads an element to its end. Path has the names of the open elements
// above it, from the root.
type Visit func(d *xml.Decoder, path []string, e xml.StartElement) error

// Walk visits the elements depth levels below the root, which must have the
// given name. R may be compressed. Other and truncated documents are
// ErrMalformed, after the elements before the error were visited. An error that
// Visit wraps in Stop is returned unchanged, others with their offset.
func Walk(ctx context.Context, r io.Reader, b Bounds, root string, depth int, visit Visit) error {
	z, _, err := compression.Document(r)
	if err != nil {
		return err
	}
	defer z.Close()
	w := &window{ctx: ctx, r: limit.Reader(z, b.Document), element: b.Element}
	d := xml.NewDecoder(w)
	d.CharsetReader = charset
	var own stopped
	switch err := walk(d, w, root, depth, visit); {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own.error
	case w.err != nil:
		return fmt.Errorf("offset %d: %w", d.InputOffset(), w.err)
	case errors.Is(err, assay.ErrMalformed), errors.Is(err, assay.ErrTooLarge), errors.Is(err, assay.ErrUnsupported):
		return fmt.Errorf("offset %d: %w", d.InputOffset(), err)
	default:
		return fmt.Errorf("offset %d: %w: %w", d.InputOffset(), err, assay.ErrMalformed)
	}
}

// Stop marks an error of the visitor, which is not an error of the document.
func Stop(err error) error {
	if err != nil {
		return stopped{err}
	}
	return nil
}

type stopped struct{ error }

func walk(d *xml.Decoder, w *window, root string, depth int, visit Visit) error {
	var path []string
	seen := false
	for {
		w.end = d.InputOffset() + w.element
		t, err := d.Token()
		if err == io.EOF && seen && len(path) == 0 {
			return nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(path) == 0 && (t.Name.Local != root || seen) {
				return fmt.Errorf("found <%s>, want <%s>", t.Name.Local, root)
			}
			seen = true
			if len(path) < depth {
				path = append(path, t.Name.Local)
			} else if err := visit(d, path, t); err != nil {
				return err
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}

func charset(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "us-ascii", "ascii":
		return r, nil
	}
	return nil, fmt.Errorf("encoding %s: %w", name, assay.ErrUnsupported)
}

// window limits the decoder to offset end.
type window struct {
	ctx                context.Context
	r                  io.Reader
	read, end, element int64
	err                error // the reader's own
}

func (w *window) Read(p []byte) (int, error) {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err == nil && w.read >= w.end {
		w.err = fmt.Errorf("an element over %d bytes: %w", w.element, assay.ErrTooLarge)
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.r.Read(p)
	w.read += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
