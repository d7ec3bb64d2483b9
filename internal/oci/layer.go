package oci

import (
	"context"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/klauspost/readahead"
)

// A blob is read and verified this far ahead of its decoder, in a goroutine of its own:
// one large layer then takes as long as its decoder alone.
const (
	aheadBuffers = 4
	aheadSize    = 128 << 10
)

// A Blob is a layer stored as a blob.
type Blob struct {
	Blobs
	Descriptor
	DiffID  string
	Options assay.SourceOptions // Verify and Progress are used
}

// Open implements Layer.Open.
func (b Blob) Open(ctx context.Context) (io.ReadCloser, error) {
	v, err := openVerified(ctx, b.Blobs, b.Descriptor)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", b.Digest, err)
	}
	l := &layer{ctx: ctx, name: b.Digest}
	if b.Options.Verify {
		if err := l.verifyDiff(b.DiffID); err != nil {
			v.Close()
			return nil, fmt.Errorf("layer %s: %w", b.Digest, err)
		}
	}
	if b.Options.Progress != nil {
		v.ReadCloser = &meter{ReadCloser: v.ReadCloser, report: b.Options.Progress, state: assay.Progress{Task: "layer " + short(b.Digest), Total: b.Size}}
	}
	ahead, err := readahead.NewReadCloserSize(v, aheadBuffers, aheadSize)
	if err != nil {
		v.Close()
		return nil, fmt.Errorf("layer %s: %w", b.Digest, err)
	}
	l.blob = struct{ io.ReadCloser }{ahead} // hides a WriteTo that returns io.EOF at its end
	if l.dec, _, err = compression.Reader(l.blob); err != nil {
		defer l.Close()
		return nil, l.finish(err)
	}
	return l, nil
}

// Uncompressed returns the tar of the layer stored in r under name. It verifies it
// against diffID unless diffID is "". Closing the tar closes r.
func Uncompressed(ctx context.Context, r io.ReadCloser, name, diffID string) (io.ReadCloser, error) {
	l := &layer{ctx: ctx, blob: r, name: name}
	var err error
	if diffID != "" {
		err = l.verifyDiff(diffID)
	}
	if err == nil {
		l.dec, _, err = compression.Reader(r)
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("layer %s: %w", name, err)
	}
	return l, nil
}

// short returns a digest as tools print it: with twelve digits.
func short(digest string) string {
	if _, sum, err := SplitDigest(digest); err == nil {
		return "sha256:"[:len(digest)-len(sum)] + sum[:12]
	}
	return digest
}

// layer is the uncompressed tar of a layer.
type layer struct {
	ctx  context.Context
	blob io.ReadCloser
	dec  io.ReadCloser
	diff *digester // nil unless the diff ID is verified
	name string
	err  error // what Read returned at the end
}

func (l *layer) verifyDiff(diffID string) error {
	h, err := newHash(diffID)
	if err != nil {
		return fmt.Errorf("diff ID: %w", err)
	}
	l.diff = &h
	return nil
}

func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.err = l.ctx.Err(); l.err != nil {
		return 0, l.err
	}
	n, err := l.dec.Read(p)
	if l.diff != nil {
		l.diff.Write(p[:n])
	}
	if err != nil {
		l.err = l.finish(err)
	}
	return n, l.err
}

// finish reads the blob to its end, even where the decoder stopped early, so that the
// digest is checked. It says what to do about damage.
func (l *layer) finish(err error) error {
	if err == io.EOF || damaged(err) {
		if _, e := io.Copy(io.Discard, l.blob); e != nil {
			if damaged(e) {
				return fmt.Errorf("layer %s: damaged in transit or in storage: pull or save the image again: %w", l.name, e)
			}
			err = e
		}
	}
	switch {
	case err == io.EOF:
		if l.diff == nil {
			return io.EOF
		}
		if e := l.diff.check(); e != nil {
			return fmt.Errorf("layer %s: differs from the diff ID %s in the configuration: do not trust the image: uncompressed %w", l.name, l.diff.want, e)
		}
		return io.EOF
	case damaged(err):
		return fmt.Errorf("layer %s: damaged when it was stored: build or push the image again: %w", l.name, err)
	}
	return fmt.Errorf("layer %s: %w", l.name, err)
}

func (l *layer) Close() error {
	if l.dec != nil {
		l.dec.Close()
	}
	return l.blob.Close()
}

// meterStep is how many bytes are read between two progress reports.
const meterStep = 512 << 10

// meter reports how much was read.
type meter struct {
	io.ReadCloser
	report func(assay.Progress)
	state  assay.Progress
	told   int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.state.Done += int64(n)
	if m.state.Done-m.told >= meterStep {
		m.told = m.state.Done
		m.report(m.state)
	}
	return n, err
}

func (m *meter) Close() error {
	if !m.state.End {
		m.state.End = true
		m.report(m.state)
	}
	return m.ReadCloser.Close()
}
