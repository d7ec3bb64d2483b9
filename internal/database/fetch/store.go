package fetch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// record is the small file KEY.json beside a document in the cache. The name of
// the document's own file has its digest, so that renaming KEY.json replaces
// both at once. KEY.part is an incomplete download.
type record struct {
	key string

	URL          string    `json:"url"`
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"lastModified,omitempty"`
	Fetched      time.Time `json:"fetched"`           // time of the last request to the publisher
	Missing      bool      `json:"missing,omitempty"` // the publisher has no such document
	Size         int64     `json:"size"`              // bytes; of a part: of the whole document, 0 if unknown
	SHA256       string    `json:"sha256,omitempty"`
	Last         string    `json:"last,omitempty"`    // of a document that was just removed: the SHA-256 of its last body
	Edition      string    `json:"edition,omitempty"` // the publisher's version, if GetVersion fetched it
}

const maxRecord = 64 << 10 // a record is some hundred bytes

// key is the unique file name of a document, readable for people.
func key(address string) string {
	sum := sha256.Sum256([]byte(address))
	base := address[strings.LastIndexByte(address, '/')+1:]
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, base[:min(len(base), 40)])
	return clean + "-" + hex.EncodeToString(sum[:12])
}

// body is the name of the document's file or, if it was just removed, of its
// last version; "" without one.
func (r *record) body() string {
	sum := cmp.Or(r.SHA256, r.Last)
	if len(sum) < 16 {
		return ""
	}
	return r.key + "." + sum[:16]
}

func (f *Fetcher) path(name string) string { return filepath.Join(f.o.Dir, name) }

// lock locks the document for this process.
func (f *Fetcher) lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := os.MkdirAll(f.o.Dir, 0o755); err != nil {
		return nil, err
	}
	l := flock.New(f.path(key + ".lock"))
	if ok, err := l.TryLockContext(ctx, 50*time.Millisecond); !ok {
		return nil, fmt.Errorf("waiting for another process: %w", err)
	}
	return func() { l.Close() }, nil
}

// load reads a record; nil if there is no usable one.
func (f *Fetcher) load(name, key string) *record {
	b, err := limit.ReadRegular(f.path(name), maxRecord)
	r := &record{key: key}
	if err != nil || json.Unmarshal(b, r) != nil {
		return nil
	}
	return r
}

// cached returns the record of an intact document in the cache; nil if there is
// none.
func (f *Fetcher) cached(ctx context.Context, key string) *record {
	r := f.load(key+".json", key)
	if r == nil || r.Missing {
		return r
	}
	if len(r.SHA256) != 2*sha256.Size {
		return nil
	}
	body, err := limit.OpenRegular(f.path(r.body()))
	if err != nil {
		return nil
	}
	defer body.Close()
	if sum, n, err := hash(ctx, body); err != nil || sum != r.SHA256 || n != r.Size {
		return nil
	}
	return r
}

// save makes r the record of its document and removes other versions of it.
func (f *Fetcher) save(r *record) error {
	if err := f.write(r.key+".json", r); err != nil {
		return err
	}
	old, _ := filepath.Glob(f.path(r.key + ".*"))
	for _, p := range old {
		switch filepath.Base(p) {
		case r.key + ".json", r.key + ".lock":
		default:
			if filepath.Base(p) != r.body() {
				os.Remove(p) // on Windows an open file stays until the next time
			}
		}
	}
	return nil
}

// write syncs a record before it replaces the old one.
func (f *Fetcher) write(name string, r *record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := f.path(name + ".tmp") // the lock is held
	file, err := os.Create(tmp)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	return renameWhole(file, err, f.path(name))
}

// renameWhole syncs, closes and renames file to path, unless err is set already.
func renameWhole(file *os.File, err error, path string) error {
	if err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

// hash returns the SHA-256 in hex and the length of r.
func hash(ctx context.Context, r io.Reader) (string, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	}))
	return hex.EncodeToString(h.Sum(nil)), n, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// offline returns the cached document without a request.
func offline(address string, r *record) (*record, error) {
	if r == nil {
		// Not ErrNotFound: the document may exist at the publisher.
		return nil, fmt.Errorf("%s: not cached, and offline: run once with network access or use --mirror: %w", address, assay.ErrUnsupported)
	}
	return r, nil
}
