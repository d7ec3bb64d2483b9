package db

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Format is the version of the database format. It increases when an older
// reader would misunderstand a newer database.
const Format = 1

const (
	indexName  = "index.json"
	shardsName = "shards"
	tempName   = "tmp"
	lockName   = "lock"
	shardExt   = ".db"

	maxIndex = 64 << 20 // some hundred shards of 3 kB each
)

// index is the file that lists the content of the database. It is the only file
// that changes; replacing it replaces the database.
type index struct {
	Format  int       `json:"format"`
	Built   time.Time `json:"built"`
	Shards  []entry   `json:"shards"` // by stream
	Retired []retired `json:"retired,omitempty"`

	// DocumentSets has the documents of the shards' sources, each set once.
	DocumentSets []map[string]string `json:"editions,omitempty"`

	digest string // of the file's content
}

// entry is a shard with the data to check whether it is current and intact.
type entry struct {
	assay.Shard
	ModTime int64    `json:"modTime"` // of the file when its digest was verified; Unix time in nanoseconds
	Sources []source `json:"sources"` // by feed
}

// source is the state of the publisher's documents when a feed was read for a
// shard: digests by URL, "" for a missing document. A feed that was asked and
// had no data is a source too.
type source struct {
	Feed      string            `json:"feed"`
	Scope     []assay.Stream    `json:"scope,omitempty"` // the wanted streams; none means all
	Documents map[string]string `json:"-"`
	Edition   int               `json:"edition"`         // Index into DocumentSets, from 1; 0 if unknown
	Empty     bool              `json:"empty,omitempty"` // the shard has no records by the feed
}

// retired is a shard's file that the index no longer names. It is kept a while
// for readers with an older index.
type retired struct {
	File  string    `json:"file"`
	Since time.Time `json:"since"`
}

// readIndex returns ErrNotFound when there is no database in dir.
func readIndex(dir string) (*index, error) {
	path := filepath.Join(dir, indexName)
	b, err := limit.ReadRegular(path, maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no advisory database: %w; run `assay db update`", dir, assay.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	ix, err := parseIndex(b)
	if errors.Is(err, assay.ErrMalformed) {
		return nil, fmt.Errorf("%s: %w; delete it and run `assay db update`", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ix, nil
}

func parseIndex(b []byte) (*index, error) {
	ix := &index{}
	err := json.Unmarshal(b, ix)
	switch {
	case ix.Format > Format || err != nil && newer(b): // a newer format may have another structure
		return nil, fmt.Errorf("the database has a newer format than %d, the newest that this assay reads: %w; update assay, or use another directory", Format, assay.ErrUnsupported)
	case err != nil:
		return nil, fmt.Errorf("not the index of an advisory database, or damaged: %w: %w", err, assay.ErrMalformed)
	case ix.Format < 1:
		return nil, fmt.Errorf("not the index of an advisory database, or damaged: missing format: %w", assay.ErrMalformed)
	}
	for _, e := range ix.Shards {
		for i := range e.Sources {
			if n := e.Sources[i].Edition; n > 0 && n <= len(ix.DocumentSets) {
				e.Sources[i].Documents = ix.DocumentSets[n-1]
			}
		}
		if hash, ok := strings.CutPrefix(e.Digest, "sha256:"); !ok || len(hash) != 2*sha256.Size || strings.Trim(hash, "0123456789abcdef") != "" {
			return nil, fmt.Errorf("shard %s: digest %q: %w", e.Stream, e.Digest, assay.ErrMalformed)
		}
	}
	sum := sha256.Sum256(b)
	ix.digest = "sha256:" + hex.EncodeToString(sum[:])
	return ix, nil
}

// newer reports whether an unreadable index has a newer format.
func newer(b []byte) bool {
	var head struct {
		Format int `json:"format"`
	}
	return json.Unmarshal(b, &head) == nil && head.Format > Format
}

// find returns the shard of a stream; nil if there is none.
func (ix *index) find(s assay.Stream) *entry {
	i, ok := slices.BinarySearchFunc(ix.Shards, s, func(e entry, s assay.Stream) int { return strings.Compare(string(e.Stream), string(s)) })
	if !ok {
		return nil
	}
	return &ix.Shards[i]
}

func (e *entry) file() string { return strings.TrimPrefix(e.Digest, "sha256:") + shardExt }

// source returns the recorded documents of a feed; nil if the feed gave nothing
// to the shard.
func (e *entry) source(feed string) *source {
	for i := range e.Sources {
		if e.Sources[i].Feed == feed {
			return &e.Sources[i]
		}
	}
	return nil
}

// status returns the status of a feed; nil if it gave nothing to the shard.
func (e *entry) status(feed string) *assay.FeedStatus {
	for i := range e.Feeds {
		if e.Feeds[i].Feed == feed {
			return &e.Feeds[i]
		}
	}
	return nil
}

// number assigns each set of documents its place in DocumentSets.
func (ix *index) number() {
	ix.DocumentSets = nil
	for i := range ix.Shards {
		for j := range ix.Shards[i].Sources {
			s := &ix.Shards[i].Sources[j]
			if s.Documents == nil {
				s.Edition = 0
				continue
			}
			n := slices.IndexFunc(ix.DocumentSets, func(d map[string]string) bool { return maps.Equal(d, s.Documents) })
			if n < 0 {
				ix.DocumentSets = append(ix.DocumentSets, s.Documents)
				n = len(ix.DocumentSets) - 1
			}
			s.Edition = n + 1
		}
	}
}

// write replaces the index in dir by ix, durably.
func (ix *index) write(dir string) error {
	ix.number()
	b, err := json.MarshalIndent(ix, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(dir, tempName), indexName+"-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(append(b, '\n')))
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, indexName))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}

// syncDir makes renames in dir durable. Systems that cannot sync directories
// (Windows) do not need it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && filepath.Separator == '/' {
		return err
	}
	return nil
}
