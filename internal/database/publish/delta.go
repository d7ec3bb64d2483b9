package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
)

// A delta is a shard compressed with its former version as dictionary, about a
// tenth of the size of the shard. A registry has, beside each shard, the deltas
// from some former versions, so that a client with a recent version downloads
// only these.
const (
	maxDelta  = 64 << 20 // of a shard with deltas; creating one takes four times its size in memory
	maxDeltas = 10       // of one stream, in sequence
	worth     = 2        // together they must be smaller than this part of the shard

	dictID = 1
)

// makeDelta returns the delta from old to next.
func makeDelta(old, next []byte) ([]byte, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderDictRaw(dictID, old), zstd.WithWindowSize(window(len(old)+len(next))))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.EncodeAll(next, nil), nil
}

// window is the power of two that holds n bytes.
func window(n int) int { return min(max(1<<bits.Len(uint(n)), zstd.MinWindowSize), zstd.MaxWindowSize) }

// applyDelta returns the shard that makeDelta got as next.
func applyDelta(old, delta []byte) ([]byte, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderDictRaw(dictID, old),
		zstd.WithDecoderMaxWindow(zstd.MaxWindowSize), zstd.WithDecoderMaxMemory(maxDelta))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	b, err := z.DecodeAll(delta, nil)
	if err != nil {
		return nil, fmt.Errorf("delta: %w: %w", err, assay.ErrMalformed)
	}
	return b, nil
}

// deltas are the layers that lead from former versions to the current shard:
// those of the former snapshot, and one from its shard.
func (w *pusher) deltas(ctx context.Context, s assay.Shard, full descriptor) ([]descriptor, error) {
	chain := w.oldDeltas[string(s.Stream)]
	base, ok := w.oldShard[string(s.Stream)]
	if !ok || base.Annotations[keyShard] == s.Digest || s.Size > maxDelta {
		return chain, nil
	}
	d, err := w.delta(ctx, s, base)
	if err != nil || d == nil {
		return nil, err
	}
	chain = append(chain[:len(chain):len(chain)], *d)
	total := int64(0)
	for i := len(chain) - 1; i >= 0; i-- {
		if total += chain[i].Size; total > full.Size/worth || len(chain)-i > maxDeltas {
			return chain[i+1:], nil
		}
	}
	return chain, nil
}

// delta creates and pushes the delta from the former shard; nil if that is
// unavailable or too large.
func (w *pusher) delta(ctx context.Context, s assay.Shard, base descriptor) (*descriptor, error) {
	from, err := body(ctx, w.client, base)
	if err != nil {
		return nil, nil
	}
	old, err := unpackShard(from)
	if err != nil {
		return nil, nil
	}
	r, err := w.edition.Open(s)
	if err != nil {
		return nil, err
	}
	next, err := limit.ReadAll(r, maxDelta)
	if err != nil {
		return nil, err
	}
	b, err := makeDelta(old, next)
	if err != nil {
		return nil, err
	}
	d := descriptor{MediaType: typeDelta, Digest: oci.Digest(b), Size: int64(len(b)),
		Annotations: map[string]string{keyTitle: string(s.Stream), keyShard: s.Digest, keyBase: base.Annotations[keyShard]}}
	return &d, w.blob(ctx, d, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
}

// unpackShard unpacks a shard and closes it.
func unpackShard(body io.ReadCloser) ([]byte, error) {
	r, err := unpack(body)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return limit.ReadAll(r, maxDelta)
}

// Patch builds the file of a shard from that of a former version, if the
// registry has deltas between them that are smaller than the shard; else the
// error is ErrNotFound.
func (p *Repository) Patch(ctx context.Context, s, former assay.Shard, file io.Reader) (io.ReadCloser, error) {
	var steps []descriptor
	total := int64(0)
	for at := former.Digest; at != s.Digest; {
		d, ok := p.deltas[at]
		if !ok || len(steps) == maxDeltas {
			return nil, fmt.Errorf("deltas from %s to %s: %w", former.Digest, s.Digest, assay.ErrNotFound)
		}
		steps = append(steps, d)
		total += d.Size
		at = d.Annotations[keyShard]
	}
	if len(steps) == 0 || total >= p.layers[s.Digest].Size {
		return nil, fmt.Errorf("deltas smaller than the new shards: %w", assay.ErrNotFound)
	}
	b, err := limit.ReadAll(file, maxDelta)
	for _, d := range steps {
		if err != nil {
			return nil, err
		}
		var delta []byte
		if delta, err = p.blob(ctx, d, maxDelta); err != nil {
			return nil, err
		}
		if b, err = applyDelta(b, delta); err == nil {
			err = oci.Verify(b, d.Annotations[keyShard])
		}
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}
