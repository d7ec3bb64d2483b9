package docker

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
)

// An export is the archive that the daemon makes of an image.
type export struct {
	*daemon
	id    string
	diffs map[string]bool // of the image's layers
}

// visitor is the callback of Image.Stream.
type visitor = func(r io.Reader) (commit func(diffID string), err error)

// stream implements Image.Stream. Archives of Docker before 25 reveal the diff ID of a
// layer only at its end: such a layer is visited before it is known to be wanted, and
// committed only if it is. Nothing is exported when no layer is wanted.
func (e *export) stream(ctx context.Context, want func(string) bool, visit visitor) error {
	missing := map[string]bool{}
	for d := range e.diffs {
		if want(d) {
			missing[d] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	r, err := e.ImageSave(ctx, []string{e.id})
	if err != nil {
		return fmt.Errorf("export of the image: %w", err)
	}
	defer r.Close()
	if err := e.walk(ctx, tar.NewReader(bufio.NewReaderSize(r, bufferSize)), missing, visit); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, assay.ErrMalformed) {
			err = fmt.Errorf("cut short: %w: %w", err, assay.ErrMalformed)
		}
		return fmt.Errorf("export of the image: %w", err)
	}
	for d := range missing {
		return fmt.Errorf("export of the image: layer %s is missing: %w", d, assay.ErrMalformed)
	}
	return nil
}

// bufferSize is how many bytes of the daemon's answer are read at once.
const bufferSize = 256 << 10

// walk offers the layers of the archive to visit until none is missing.
func (e *export) walk(ctx context.Context, t *tar.Reader, missing map[string]bool, visit visitor) error {
	for len(missing) > 0 {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		}
		named := "sha256:" + path.Base(h.Name)
		switch {
		case h.Typeflag != tar.TypeReg, e.diffs[named] && !missing[named]:
			continue
		}
		body := bufio.NewReaderSize(&cancelled{ctx, t}, tarBlock)
		if !e.diffs[named] && !isLayer(h.Name, body) {
			continue
		}
		diffID, commit, err := layer(body, visit)
		switch {
		case err != nil:
			return fmt.Errorf("layer %s: %w", h.Name, err)
		case e.diffs[named] && diffID != named:
			return fmt.Errorf("layer %s: content has digest %s: %w", named, diffID, assay.ErrMalformed)
		case missing[diffID]:
			delete(missing, diffID)
			if commit != nil {
				commit(diffID)
			}
		}
	}
	return nil
}

const tarBlock = 512

// isLayer distinguishes layers from the other files of an archive, which are JSON and
// small texts.
func isLayer(name string, body *bufio.Reader) bool {
	if base := path.Base(name); base == "layer.tar" || strings.HasSuffix(base, ".tar") || strings.HasSuffix(base, ".tar.gz") {
		return true
	}
	head, err := body.Peek(tarBlock)
	if kind, _ := compression.Sniff(head); kind != compression.Plain {
		return true
	}
	return err == nil && (bytes.HasPrefix(head[257:], []byte("ustar")) || bytes.Count(head, []byte{0}) == tarBlock) // a header, or the end of an empty archive
}

// layer calls visit with a layer, reads the rest of it, and returns its diff ID.
func layer(body io.Reader, visit visitor) (diffID string, commit func(string), err error) {
	r, _, err := compression.Reader(body)
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	h := sha256.New()
	tee := &hashed{r: r, w: h}
	commit, err = visit(tee)
	if err == nil {
		_, err = io.Copy(io.Discard, tee)
	}
	if tee.err != nil { // more precise than the error of visit
		err = tee.err
	}
	if err != nil {
		return "", nil, err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), commit, nil
}

// hashed hashes what is read.
type hashed struct {
	r   io.Reader
	w   io.Writer
	err error
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.w.Write(p[:n])
	if err != nil && err != io.EOF {
		h.err = err
	}
	return n, err
}

// cancelled fails once its context is done.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
