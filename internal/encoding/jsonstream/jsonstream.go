// Package jsonstream reads JSON documents that are too large for memory, value
// by value. It distinguishes a value of an unexpected type, after which reading
// continues, from invalid JSON.
//
// Specification: https://www.rfc-editor.org/rfc/rfc8259. Like encoding/json, it
// replaces bytes that are not UTF-8 and allows a depth of 10,000.
package jsonstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/assaysec/assay"
)

// A Decoder reads one document. Its errors wrap ErrMalformed or ErrTooLarge, or
// are the reader's.
type Decoder struct {
	d        *json.Decoder
	r        *window
	maxValue int64
}

// NewDecoder returns a Decoder for r. It keeps one value at a time, of at most
// maxValue bytes; reading ends with ctx.
func NewDecoder(ctx context.Context, r io.Reader, maxValue int64) *Decoder {
	w := &window{ctx: ctx, r: r}
	return &Decoder{json.NewDecoder(w), w, maxValue}
}

// window limits the decoder to offset end.
type window struct {
	ctx       context.Context
	r         io.Reader
	read, end int64
	err       error // the reader's own
}

func (w *window) Read(p []byte) (int, error) {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err == nil && w.read >= w.end {
		w.err = assay.ErrTooLarge
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

// Value decodes the next value into v. It returns false if the value has another
// type than v; the next value can still be read.
func (d *Decoder) Value(v any) (bool, error) {
	d.allow()
	err := d.d.Decode(v)
	if err == nil {
		return true, nil
	}
	var syntax *json.SyntaxError
	if d.r.err == nil && !errors.As(err, &syntax) && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, nil
	}
	return false, d.broken(err)
}

// Skip skips the next value.
func (d *Decoder) Skip() error {
	_, err := d.Value(new(json.RawMessage))
	return err
}

// Object calls visit for each member of the next value, which must be an
// object. Visit reads the member's value.
func (d *Decoder) Object(visit func(key string) error) error {
	if err := d.expectDelim('{'); err != nil {
		return err
	}
	for d.d.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		if err := visit(t.(string)); err != nil { // the decoder takes only strings here
			return err
		}
	}
	_, err := d.token()
	return err
}

// Array calls visit for each element of the next value, which must be an
// array. Visit reads the element.
func (d *Decoder) Array(visit func() error) error {
	if err := d.expectDelim('['); err != nil {
		return err
	}
	for d.d.More() {
		if err := visit(); err != nil {
			return err
		}
	}
	_, err := d.token()
	return err
}

// End checks that no data follow.
func (d *Decoder) End() error {
	d.allow()
	if _, err := d.d.Token(); err != io.EOF {
		if err == nil {
			err = errors.New("unexpected data after the document")
		}
		return d.broken(err)
	}
	return nil
}

func (d *Decoder) allow() { d.r.end = d.d.InputOffset() + d.maxValue }

func (d *Decoder) expectDelim(delim json.Delim) error {
	t, err := d.token()
	if err == nil && t != delim {
		err = d.broken(fmt.Errorf("expected %s", delim))
	}
	return err
}

func (d *Decoder) token() (json.Token, error) {
	d.allow()
	t, err := d.d.Token()
	if err != nil {
		return nil, d.broken(err)
	}
	return t, nil
}

func (d *Decoder) broken(err error) error {
	if d.r.err != nil {
		err = d.r.err
		if errors.Is(err, assay.ErrTooLarge) {
			err = fmt.Errorf("a value over %d bytes: %w", d.maxValue, err)
		}
		return fmt.Errorf("offset %d: %w", d.d.InputOffset(), err)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("offset %d: %w: %w", d.d.InputOffset(), err, assay.ErrMalformed)
}
