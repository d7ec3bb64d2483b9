package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

const (
	maxValue    = 64 << 20 // records of one key, unpacked; linux in Debian has 5 MB (2026)
	lockTimeout = 10 * time.Second
)

// shard is an open shard. Several goroutines may use it.
type shard struct {
	stream assay.Stream
	db     *bolt.DB
	dec    *zstd.Decoder

	foldLock sync.Mutex
	folded   map[string][]string // keys with capitals by their lower case; nil before spellings
}

// openShard opens the file of e, which must be intact: it has the size and
// modification time in the index or, after a copy, the digest.
func openShard(ctx context.Context, path string, e *entry) (*shard, error) {
	if err := intact(ctx, path, e, false); err != nil {
		return nil, err
	}
	b, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: lockTimeout, NoStatistics: true})
	if err != nil {
		return nil, damaged(path, e.Stream, err)
	}
	s := &shard{stream: e.Stream, db: b}
	if err := s.describe(); err != nil {
		b.Close()
		return nil, damaged(path, e.Stream, err)
	}
	return s, nil
}

// describe reads what the shard is.
func (s *shard) describe() error {
	return s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketMeta)
		if b == nil {
			return fmt.Errorf("missing description: %w", assay.ErrMalformed)
		}
		if f, err := strconv.Atoi(string(b.Get(keyFormat))); err != nil || f > Format {
			return fmt.Errorf("unknown format %q: %w", b.Get(keyFormat), assay.ErrUnsupported)
		}
		if got := assay.Stream(b.Get(keyStream)); got != s.stream {
			return fmt.Errorf("contains stream %q: %w", got, assay.ErrMalformed)
		}
		o := []zstd.DOption{zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxValue), zstd.WithDecoderLowmem(true)}
		if dict := b.Get(keyDictionary); len(dict) > 0 {
			o = append(o, zstd.WithDecoderDictRaw(dictID, bytes.Clone(dict)))
		}
		var err error
		s.dec, err = zstd.NewReader(nil, o...)
		return err
	})
}

// damaged adds advice to the error of an unusable shard.
func damaged(path string, s assay.Stream, err error) error {
	return fmt.Errorf("shard %s (%s) cannot be used: %w; run `assay db update`", s, path, err)
}

// intact checks that the file of a shard matches the index. It computes the
// digest only if the modification time differs, or when full.
func intact(ctx context.Context, path string, e *entry, full bool) error {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return damaged(path, e.Stream, err)
	}
	if err != nil {
		return err
	}
	if st.Size() != e.Size {
		return damaged(path, e.Stream, fmt.Errorf("%d bytes, want %d: %w", st.Size(), e.Size, assay.ErrMalformed))
	}
	if !full && st.ModTime().UnixNano() == e.ModTime {
		return nil
	}
	digest, err := fileDigest(ctx, path)
	if err != nil {
		return err
	}
	if digest != e.Digest {
		return damaged(path, e.Stream, fmt.Errorf("digest %s, want %s: %w", digest, e.Digest, assay.ErrMalformed))
	}
	return nil
}

// fileDigest is the SHA-256 of a file, "sha256:…".
func fileDigest(ctx context.Context, path string) (string, error) {
	f, err := limit.OpenRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

func (s *shard) damaged(err error) error { return damaged(s.db.Path(), s.stream, err) }

func (s *shard) close() error {
	if s.dec != nil {
		s.dec.Close()
	}
	return s.db.Close()
}

// unpack returns the list in a value. The result does not share memory with the
// value, which is invalid after its transaction.
func (s *shard) unpack(v []byte) (message, error) {
	switch {
	case len(v) == 0:
		return message{}, fmt.Errorf("empty value: %w", assay.ErrMalformed)
	case v[0] == storedPlain:
		return newMessage(bytes.Clone(v[1:])), nil
	case v[0] == storedZstd:
		b, err := s.dec.DecodeAll(v[1:], nil)
		if err != nil {
			return message{}, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		}
		return newMessage(b), nil
	}
	return message{}, fmt.Errorf("unknown kind of value %d: %w", v[0], assay.ErrUnsupported)
}

// get returns the list of records under key; empty if there is none.
func (s *shard) get(key string) (list message, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketRecords)
		if b == nil {
			return nil // a shard without records
		}
		v := b.Get([]byte(key))
		if v == nil {
			return nil
		}
		list, err = s.unpack(v)
		return err
	})
	if err != nil {
		err = s.damaged(fmt.Errorf("%s: %w", key, err))
	}
	return list, err
}

// spellings returns the keys that are name in another case.
func (s *shard) spellings(ctx context.Context, name string) ([]string, error) {
	s.foldLock.Lock()
	defer s.foldLock.Unlock()
	if s.folded == nil {
		folded := map[string][]string{}
		err := s.scan(ctx, false, func(key string, _ message) error {
			if low := strings.ToLower(key); low != key {
				folded[low] = append(folded[low], key)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.folded = folded
	}
	return s.folded[name], nil
}

// scan calls f for each key and its list, in the order of keys. It reads a batch
// in each transaction, so that a slow f blocks nothing. An ErrMalformed of f is
// an error of the shard.
func (s *shard) scan(ctx context.Context, values bool, f func(key string, list message) error) error {
	type pair struct {
		key  string
		list message
	}
	batch := make([]pair, 0, 256)
	for next := []byte{}; next != nil; {
		batch = batch[:0]
		size := 0
		err := s.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketRecords)
			if b == nil {
				next = nil
				return nil
			}
			c := b.Cursor()
			k, v := c.Seek(next)
			for ; k != nil && len(batch) < cap(batch) && size < batchSize; k, v = c.Next() {
				p := pair{key: string(k)}
				if values {
					var err error
					if p.list, err = s.unpack(v); err != nil {
						return s.damaged(fmt.Errorf("%s: %w", k, err))
					}
				}
				size += len(p.list.b)
				batch = append(batch, p)
			}
			next = bytes.Clone(k)
			return nil
		})
		if err != nil {
			return err
		}
		for _, p := range batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(p.key, p.list); errors.Is(err, assay.ErrMalformed) {
				return s.damaged(fmt.Errorf("%s: %w", p.key, err))
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}
