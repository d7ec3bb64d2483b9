package main

import (
	"encoding/json"
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
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// statusReply is the JSON of assay db status and assay version.
type statusReply struct {
	Dir    string        `json:"folder"`
	Shards []assay.Shard `json:"shards"`
}

// readStatus reads the shards of the database; none if there is no database.
func readStatus(cacheDir string) (*statusReply, error) {
	s := &statusReply{Dir: dbDir(cacheDir), Shards: []assay.Shard{}}
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

// summary writes one line on the database.
func (s *statusReply) summary(w io.Writer) {
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

func asJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func formatFlag(f *pflag.FlagSet, format *string) {
	f.StringVarP(format, "format", "f", "table", "table or json")
	f.StringVarP(format, "output", "o", "table", "the same as --format")
	f.Lookup("output").Hidden = true
}

func checkFormat(format string) error {
	if format != "table" && format != "json" {
		return usagef("--format %q: want table or json", format)
	}
	return nil
}

func newDBStatus(g *global) *cobra.Command {
	return statusCommand(g, "status", "Show the records, skipped records and age of each feed",
		func(s *statusReply) any { return s },
		func(w io.Writer, s *statusReply) error {
			s.summary(w)
			return s.feeds(w)
		})
}

// statusCommand is a command that shows a part of the database's status, as JSON or
// as a table.
func statusCommand(g *global, use, short string, json func(*statusReply) any, table func(io.Writer, *statusReply) error) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: fmt.Sprintf("  assay db %s\n  assay db %s -f json", use, use),
		RunE: func(*cobra.Command, []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			dir, err := g.cache()
			if err != nil {
				return err
			}
			s, err := readStatus(dir)
			if err != nil {
				return err
			}
			if format == "json" {
				return asJSON(g.out, json(s))
			}
			return table(g.out, s)
		},
	}
	formatFlag(cmd.Flags(), &format)
	return cmd
}

// feeds writes a row for each feed, with the counts of its last run.
func (s *statusReply) feeds(w io.Writer) error {
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

func newDBList(g *global) *cobra.Command {
	return statusCommand(g, "list", "List the streams in the database",
		func(s *statusReply) any { return s.Shards },
		func(w io.Writer, s *statusReply) error {
			if len(s.Shards) == 0 {
				s.summary(w)
				return nil
			}
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "STREAM\tRECORDS\tSIZE\tBUILT\tDIGEST")
			for _, sh := range s.Shards {
				fmt.Fprintf(t, "%s\t%d\t%s\t%s ago\t%.19s\n", sh.Stream, sh.Records, printable.Size(sh.Size), ago(sh.Built), sh.Digest)
			}
			return t.Flush()
		})
}
