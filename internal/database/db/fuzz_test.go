package db

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzShard opens shards that were changed: none may answer, and none may end
// the process.
func FuzzShard(f *testing.F) {
	dir := f.TempDir()
	if _, err := generation(f.Context(), dir, 0); err != nil {
		f.Fatal(err)
	}
	ix, err := readIndex(dir)
	if err != nil {
		f.Fatal(err)
	}
	e := ix.Shards[0]
	path := filepath.Join(dir, shardsName, e.file())
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "shard"+shardExt)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		s, err := openShard(t.Context(), path, &e)
		if (err == nil) != bytes.Equal(b, whole) {
			t.Errorf("%v", err)
		}
		if err == nil {
			s.close()
		}
	})
}

// FuzzUnpack reads values that were changed.
func FuzzUnpack(f *testing.F) {
	enc, err := encoder(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add((&shardWriter{enc: enc}).pack(bytes.Repeat([]byte("abc"), 1000)))
	f.Add([]byte{storedPlain, 1, 2, 3})
	dir := f.TempDir()
	if _, err := generation(f.Context(), dir, 0); err != nil {
		f.Fatal(err)
	}
	ix, err := readIndex(dir)
	if err != nil {
		f.Fatal(err)
	}
	s, err := openShard(f.Context(), filepath.Join(dir, shardsName, ix.Shards[0].file()), &ix.Shards[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := s.unpack(b)
		if len(m.b) > maxValue {
			t.Errorf("%d bytes", len(m.b))
		}
		if err == nil {
			items(m, func(p message) error {
				_, err := decodeAdvisory(p, "a", "b")
				return err
			})
		}
	})
}

// FuzzIndex reads indexes.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	if _, err := generation(f.Context(), dir, 0); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		ix, err := parseIndex(b)
		if err != nil {
			return
		}
		for _, e := range ix.Shards {
			if filepath.Base(e.file()) != e.file() {
				t.Error(errors.New("a shard outside its folder: " + e.file()))
			}
		}
		ix.number()
	})
}
