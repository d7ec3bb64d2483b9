package registryclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxResumes = 5           // in a row without a byte between them
	stall      = time.Minute // without a byte; then the connection counts as dead
)

// A blob is the body of a blob that outlives its connection.
type blob struct {
	ctx    context.Context
	get    func(ctx context.Context, offset int64) (*http.Response, error)
	body   io.ReadCloser
	cancel context.CancelFunc
	timer  *time.Timer // closes the connection when it stalls
	offset int64
	end    int64 // length of the blob; -1 when the registry does not send it
	fails  int   // failures since the last byte
}

// connect requests the rest of the blob.
func (b *blob) connect() error {
	ctx, cancel := context.WithCancel(b.ctx)
	resp, err := b.get(ctx, b.offset)
	if err != nil {
		cancel()
		return err
	}
	skip := int64(0)
	if b.offset == 0 {
		b.end = resp.ContentLength
	} else if resp.StatusCode != http.StatusPartialContent { // the server ignored the range
		skip = b.offset
	} else if r := resp.Header.Get("Content-Range"); !strings.HasPrefix(r, fmt.Sprintf("bytes %d-", b.offset)) {
		resp.Body.Close()
		cancel()
		return fmt.Errorf("requested bytes from %d on, got range %.40q", b.offset, r)
	}
	b.body, b.cancel, b.timer = resp.Body, cancel, time.AfterFunc(stall, cancel)
	if _, err := io.CopyN(io.Discard, b.body, skip); err != nil {
		b.disconnect()
		return err
	}
	return nil
}

func (b *blob) disconnect() {
	if b.body != nil {
		b.timer.Stop()
		b.cancel()
		b.body.Close()
		b.body = nil
	}
}

func (b *blob) Read(p []byte) (int, error) {
	for {
		var n int
		var err error
		if b.body == nil {
			err = b.connect()
		}
		if err == nil {
			b.timer.Reset(stall)
			n, err = b.body.Read(p)
			b.timer.Stop()
		}
		b.offset += int64(n)
		if n > 0 {
			b.fails = 0
		}
		switch {
		case err == nil, err == io.EOF && (b.end < 0 || b.offset >= b.end):
			return n, err
		case b.ctx.Err() != nil:
			return n, b.ctx.Err()
		}
		b.disconnect()
		if b.fails++; b.fails > maxResumes {
			return n, errors.Join(fmt.Errorf("gave up after %d retries at byte %d", maxResumes, b.offset), err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (b *blob) Close() error {
	b.disconnect()
	return nil
}
