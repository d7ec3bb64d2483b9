package scan

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// A DatabaseStatus says what a database holds, what each feed gave and how old that
// is.
type DatabaseStatus struct {
	Dir    string        `json:"folder"`
	Shards []assay.Shard `json:"shards"`
}

// Status reads what the database of a cache directory holds: no shards where there
// is no database.
func Status(cacheDir string) (*DatabaseStatus, error) {
	s := &DatabaseStatus{Dir: DatabaseDir(cacheDir), Shards: []assay.Shard{}}
	d, err := db.Open(s.Dir)
	if errors.Is(err, assay.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s.Shards = d.Shards()
	return s, nil
}

// Summary writes one line on the database.
func (s *DatabaseStatus) Summary(w io.Writer) {
	if len(s.Shards) == 0 {
		fmt.Fprintf(w, "database: none yet in %s; a scan fetches what it needs, or run `assay db update`\n", s.Dir)
		return
	}
	var size int64
	records := 0
	var oldest, newest time.Time
	for _, sh := range s.Shards {
		size += sh.Size
		records += sh.Records
		for _, f := range sh.Feeds {
			if oldest.IsZero() || f.Fetched.Before(oldest) {
				oldest = f.Fetched
			}
			if f.Fetched.After(newest) {
				newest = f.Fetched
			}
		}
	}
	fetched := ago(oldest)
	if n := ago(newest); n != fetched {
		fetched = "between " + n + " and " + fetched
	}
	fmt.Fprintf(w, "database: %d streams, %d records, %s in %s; fetched %s ago\n",
		len(s.Shards), records, printable.Size(size), s.Dir, fetched)
}

func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case t.IsZero():
		return "unknown"
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// FeedsText writes a row for each feed, with the counts of its last run.
func (s *DatabaseStatus) FeedsText(w io.Writer) error {
	type row struct {
		assay.FeedStatus
		streams int
	}
	rows := map[string]*row{}
	for _, sh := range s.Shards {
		for _, f := range sh.Feeds {
			r := rows[f.Feed]
			if r == nil {
				r = &row{FeedStatus: f}
				rows[f.Feed] = r
			}
			r.streams++
			if f.Fetched.After(r.Fetched) { // a feed's counts are those of the whole run
				r.FeedStatus = f
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nFEED\tSTREAMS\tREAD\tKEPT\tSKIPPED\tFETCHED")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		n := 0
		for _, m := range r.Skipped {
			n += m
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s ago\n", name, r.streams, r.Read, r.Kept, n, ago(r.Fetched))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		for _, why := range slices.Sorted(maps.Keys(r.Skipped)) {
			fmt.Fprintf(w, "  %s skipped %d: %s\n", name, r.Skipped[why], printable.Text(why))
		}
		if r.Error != "" {
			fmt.Fprintf(w, "  %s failed the last time, its older records are still used: %s\n", name, printable.Text(r.Error))
		}
	}
	return nil
}

// StreamsText writes a row for each stream.
func (s *DatabaseStatus) StreamsText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STREAM\tRECORDS\tSIZE\tBUILT\tDIGEST")
	for _, sh := range s.Shards {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s ago\t%.19s\n", sh.Stream, sh.Records, printable.Size(sh.Size), ago(sh.Built), sh.Digest)
	}
	return t.Flush()
}
