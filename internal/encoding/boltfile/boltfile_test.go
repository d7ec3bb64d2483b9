package boltfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/assaysec/assay"
)

// file is made by the library: inline buckets, deep ones, overflowing values.
func file(t testing.TB, keys int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{"few", "many"} {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			n := 3
			if name == "many" {
				n = keys
			}
			for i := range n {
				if err := b.Put(fmt.Appendf(nil, "k%06d", i), bytes.Repeat([]byte{byte(i)}, i%300)); err != nil {
					return err
				}
			}
			sub, err := b.CreateBucket([]byte("sub"))
			if err != nil {
				return err
			}
			if err := sub.Put([]byte("long"), bytes.Repeat([]byte("x"), 20_000)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// list writes all keys with the lengths of their values.
func list(raw []byte) (string, error) {
	f, err := Open(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	var walk func(b *Bucket, prefix string) error
	walk = func(b *Bucket, prefix string) error {
		return b.Each(func(k, v []byte, sub *Bucket) error {
			if sub != nil {
				return walk(sub, prefix+string(k)+"/")
			}
			fmt.Fprintln(&out, prefix+string(k), len(v))
			return nil
		})
	}
	err = walk(f.Root(), "")
	return out.String(), err
}

func TestRead(t *testing.T) {
	const keys = 5000
	var want strings.Builder
	for _, name := range []string{"few", "many"} {
		n := 3
		if name == "many" {
			n = keys
		}
		for i := range n {
			fmt.Fprintf(&want, "%s/k%06d %d\n", name, i, i%300)
		}
		fmt.Fprintf(&want, "%s/sub/long 20000\n", name)
	}
	got, err := list(file(t, keys))
	if err != nil || got != want.String() {
		t.Errorf("%v; %d bytes, want %d", err, len(got), want.Len())
	}
}

func TestBroken(t *testing.T) {
	whole := file(t, 50)
	for name, tt := range map[string]struct {
		raw []byte
		err error
	}{
		"empty":           {nil, assay.ErrUnsupported},
		"text":            {bytes.Repeat([]byte("text "), 5000), assay.ErrUnsupported},
		"cut":             {whole[:len(whole)/4], assay.ErrMalformed},
		"only the metas":  {whole[:8192], assay.ErrMalformed},
		"zeros as pages":  {append(bytes.Clone(whole[:8192]), make([]byte, len(whole)-8192)...), assay.ErrMalformed},
		"letters as data": {append(bytes.Clone(whole[:8192]), bytes.Repeat([]byte("\xff"), len(whole)-8192)...), assay.ErrMalformed},
	} {
		if _, err := list(tt.raw); !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, 20))
	f.Fuzz(func(t *testing.T, raw []byte) { list(raw) })
}
