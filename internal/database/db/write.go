package db

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"github.com/assaysec/assay"
)

// A shard is a bbolt file (https://github.com/etcd-io/bbolt) with two buckets:
// its description, and its records by key. The first byte of a value is the
// encoding of the list of records after it.
var (
	bucketMeta    = []byte("meta")
	bucketRecords = []byte("records")

	keyFormat     = []byte("format")
	keyStream     = []byte("stream")
	keyRecords    = []byte("records")
	keyDictionary = []byte("dictionary")
)

const (
	storedPlain byte = 0
	storedZstd  byte = 1

	pageSize  = 4096 // the same on every machine, so that equal shards have equal files
	batchSize = 4 << 20
	dictID    = 1

	maxKey = 1024 // bbolt takes 32 kB; the longest name of a package known has 214 bytes
)

// writeShard writes the records of the spools to a new shard at path and returns
// their number. Equal records give equal bytes.
func writeShard(ctx context.Context, path string, stream assay.Stream, spools []*spool) (records int, err error) {
	g, err := gather(spools)
	if err != nil {
		return 0, err
	}
	groups := g.groups()
	dict, err := dictionary(stream, g, groups)
	if err != nil {
		return 0, err
	}
	enc, err := encoder(dict)
	if err != nil {
		return 0, err
	}
	b, err := bolt.Open(path, 0o644, &bolt.Options{
		PageSize: pageSize, NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistArrayType, NoStatistics: true,
	})
	if err != nil {
		return 0, err
	}
	w := &shardWriter{db: b, enc: enc}
	records, err = w.writeRecords(ctx, stream, g, groups)
	if err == nil {
		err = w.describe(stream, records, dict)
	}
	var size int64
	if err == nil {
		err = b.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil })
	}
	if e := b.Close(); err == nil {
		err = e
	}
	if err != nil {
		return 0, err
	}
	return records, finish(path, size)
}

// finish truncates space that bbolt allocated ahead and syncs the file.
func finish(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = f.Truncate(size)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func encoder(dict []byte) (*zstd.Encoder, error) {
	o := []zstd.EOption{zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)}
	if len(dict) > 0 {
		o = append(o, zstd.WithEncoderDictRaw(dictID, dict))
	}
	return zstd.NewWriter(nil, o...)
}

type shardWriter struct {
	db  *bolt.DB
	enc *zstd.Encoder
}

// writeRecords writes the records, a few megabytes in each transaction.
func (w *shardWriter) writeRecords(ctx context.Context, stream assay.Stream, g *sources, groups [][2]int) (records int, err error) {
	for len(groups) > 0 && err == nil {
		err = w.db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucketRecords)
			if err != nil {
				return err
			}
			b.FillPercent = 1
			for size := 0; size < batchSize && len(groups) > 0; groups = groups[1:] {
				if err := ctx.Err(); err != nil {
					return err
				}
				list, n, err := value(stream, g, groups[0])
				if err != nil {
					return err
				}
				packed := w.pack(list)
				if err := b.Put([]byte(g.order[groups[0][0]].key), packed); err != nil {
					return err
				}
				records += n
				size += len(packed)
			}
			return nil
		})
	}
	return records, err
}

// value returns the list of records of a group, and their number.
func value(stream assay.Stream, g *sources, group [2]int) ([]byte, int, error) {
	records, err := g.read(group)
	if err != nil {
		return nil, 0, err
	}
	if records, err = canonical(stream, records); err != nil {
		return nil, 0, fmt.Errorf("%s: %s: %w", stream, g.order[group[0]].key, err)
	}
	var list []byte
	for _, r := range records {
		list = appendItem(list, r)
	}
	if len(list) > maxValue {
		return nil, 0, fmt.Errorf("%s: %s: records over %d bytes: %w", stream, g.order[group[0]].key, maxValue, assay.ErrTooLarge)
	}
	return list, len(records), nil
}

func (w *shardWriter) pack(list []byte) []byte {
	out := w.enc.EncodeAll(list, append(make([]byte, 0, len(list)/2+64), storedZstd))
	if len(out) > len(list) {
		out = append(append(out[:0], storedPlain), list...)
	}
	return out
}

// describe writes the description of the shard. It uses its own transaction,
// because bbolt does not always write several buckets in the same order.
func (w *shardWriter) describe(stream assay.Stream, records int, dict []byte) error {
	return w.db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		for _, kv := range [][2][]byte{
			{keyFormat, []byte(strconv.Itoa(Format))},
			{keyStream, []byte(stream)},
			{keyRecords, []byte(strconv.Itoa(records))},
			{keyDictionary, dict},
		} {
			if err := b.Put(kv[0], kv[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// The dictionary of a shard consists of its own values. A trained dictionary
// (klauspost/compress/dict) saves another 2 %, takes 50 % longer, and differs
// each time (November 2026).
const (
	dictSize   = 32 << 10 // of 16, 32, 64 and 112 kB this gives the smallest shards
	dictShare  = 16       // and at most this part of the data to compress
	dictSample = 1 << 10  // bytes of one value
)

// dictionary takes samples evenly from all values; zstd compresses each value as
// if they preceded it.
func dictionary(stream assay.Stream, g *sources, groups [][2]int) ([]byte, error) {
	total := 0
	for _, l := range g.order {
		total += int(l.n)
	}
	size := min(dictSize, total/dictShare)
	if size < dictSample {
		return nil, nil
	}
	var dict []byte
	step := max(1, len(groups)*dictSample/size)
	for i := step / 2; i < len(groups) && len(dict) < size; i += step {
		list, _, err := value(stream, g, groups[i])
		if err != nil {
			return nil, err
		}
		dict = append(dict, list[:min(len(list), dictSample)]...)
	}
	return dict[:min(len(dict), size)], nil
}

// tempFile names a new file in the directory for unfinished ones.
func tempFile(dir, pattern string) (string, error) {
	f, err := os.CreateTemp(filepath.Join(dir, tempName), pattern)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}
