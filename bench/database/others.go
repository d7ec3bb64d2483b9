//go:build unix

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	bolt "go.etcd.io/bbolt"
	_ "modernc.org/sqlite"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
)

// others is the same database in two other forms: a bbolt file of buckets by
// stream and package with JSON values, as Trivy's is, and SQLite with a row an
// advisory and an index.
type others struct {
	boltFile, sqliteFile string
}

// sizes writes the others and prints how large all are.
func sizes(w *tabwriter.Writer, dir, work string) (*others, error) {
	ctx := context.Background()
	d, err := db.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	o := &others{filepath.Join(work, "bolt.db"), filepath.Join(work, "sqlite.db")}
	b, err := bolt.Open(o.boltFile, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	q, err := sql.Open("sqlite", o.sqliteFile)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	if _, err := q.Exec(`PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE advisory(stream TEXT, name TEXT, id TEXT, value TEXT)`); err != nil {
		return nil, err
	}
	ours, records := int64(0), 0
	for _, s := range d.Shards() {
		ours += s.Size
		records += s.Records
		if err := copyShard(ctx, d, s.Stream, b, q); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Stream, err)
		}
	}
	if _, err := q.Exec(`CREATE INDEX by_name ON advisory(stream, name); VACUUM`); err != nil {
		return nil, err
	}
	var compact int64
	if compact, err = compacted(b, filepath.Join(work, "compact.db")); err != nil {
		return nil, err
	}
	st, err := os.Stat(o.sqliteFile)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "size of %d records\t%.1f MB\tbbolt with JSON %.1f MB, SQLite %.1f MB\t\n", records, float64(ours)/1e6, float64(compact)/1e6, float64(st.Size())/1e6)
	return o, nil
}

// compacted is the size of the file without free pages.
func compacted(b *bolt.DB, path string) (int64, error) {
	dst, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return 0, err
	}
	if err := bolt.Compact(dst, b, 16<<20); err != nil {
		dst.Close()
		return 0, err
	}
	if err := dst.Close(); err != nil {
		return 0, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// copyShard writes a shard's records to both.
func copyShard(ctx context.Context, d *db.DB, s assay.Stream, b *bolt.DB, q *sql.DB) error {
	tx, err := q.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.Prepare(`INSERT INTO advisory VALUES(?,?,?,?)`)
	if err != nil {
		return err
	}
	details := s.Family() == assay.StreamDetails || s == assay.StreamKEV || s == assay.StreamEPSS
	err = b.Update(func(btx *bolt.Tx) error {
		top, err := btx.CreateBucketIfNotExists([]byte(s))
		if err != nil {
			return err
		}
		for name, err := range d.Names(ctx, s) {
			if err != nil {
				return err
			}
			if details {
				v, err := d.Detail(ctx, name)
				if err != nil {
					return err
				}
				if err := put(top, insert, s, name, name, v); err != nil {
					return err
				}
				continue
			}
			sub, err := top.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			for a, err := range d.Lookup(ctx, s, name) {
				if err != nil {
					return err
				}
				for i := range a.Affected { // the keys tell these
					a.Affected[i].Stream, a.Affected[i].Name = "", ""
				}
				if err := put(sub, insert, s, name, a.ID+" "+a.Feed, a); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func put(b *bolt.Bucket, insert *sql.Stmt, s assay.Stream, name, id string, v any) error {
	value, err := json.Marshal(slim(v))
	if err != nil {
		return err
	}
	if err := b.Put([]byte(id), value); err != nil {
		return err
	}
	_, err = insert.Exec(string(s), name, id, string(value))
	return err
}

// slim is a value without its empty fields, as a peer would write it.
func slim(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var m any
	if json.Unmarshal(raw, &m) != nil {
		return v
	}
	return prune(m)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil || e == "" || e == "0001-01-01T00:00:00Z" || e == "UNKNOWN" || e == 0.0 {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}

// bolt opens the bbolt form and asks it; milliseconds.
func (o *others) bolt(names []string, s assay.Stream) (float64, error) {
	start := time.Now()
	b, err := bolt.Open(o.boltFile, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer b.Close()
	err = b.View(func(tx *bolt.Tx) error {
		for _, n := range names {
			err := tx.Bucket([]byte(s)).Bucket([]byte(n)).ForEach(func(_, v []byte) error {
				var a assay.Advisory
				return json.Unmarshal(v, &a)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(start).Seconds() * 1e3, err
}

// sqlite opens the SQLite form and asks it; milliseconds.
func (o *others) sqlite(names []string, s assay.Stream) (float64, error) {
	start := time.Now()
	q, err := sql.Open("sqlite", o.sqliteFile+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer q.Close()
	get, err := q.Prepare(`SELECT value FROM advisory WHERE stream=? AND name=?`)
	if err != nil {
		return 0, err
	}
	for _, n := range names {
		if err := one(get, s, n); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds() * 1e3, nil
}

func one(get *sql.Stmt, s assay.Stream, name string) error {
	rows, err := get.Query(string(s), name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v []byte
		var a assay.Advisory
		if err := rows.Scan(&v); err != nil {
			return err
		}
		if err := json.Unmarshal(v, &a); err != nil {
			return err
		}
	}
	return rows.Err()
}
