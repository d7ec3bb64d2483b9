package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/db"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/fetch"
	"github.com/assaysec/assay/internal/printable"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// dbOptions are the flags about where advisories come from.
type dbOptions struct {
	mirror     string
	skipUpdate bool
	offline    bool
	maxAge     time.Duration
}

func (o *dbOptions) flags(f *pflag.FlagSet) {
	o.mirrorFlag(f)
	f.BoolVar(&o.skipUpdate, "skip-db-update", false, "fetch nothing; say when the database is older than --db-max-age")
	f.BoolVar(&o.offline, "offline", false, "fetch nothing, however old the database is")
	f.BoolVar(&o.offline, "offline-scan", false, "the same as --offline")
	f.Lookup("offline-scan").Hidden = true
	f.DurationVar(&o.maxAge, "db-max-age", db.DefaultMaxAge, "fetch advisories again that are older than this")
}

func (o *dbOptions) mirrorFlag(f *pflag.FlagSet) {
	f.StringVar(&o.mirror, "mirror", "", "`FOLDER|URL` that holds https://HOST/PATH as HOST/PATH; fetch advisories from there")
}

func (o *dbOptions) check() error {
	if o.maxAge <= 0 {
		return usagef("--db-max-age %v is not above zero", o.maxAge)
	}
	return nil
}

// getter makes what fetches the publishers' documents.
func (o *dbOptions) getter(cacheDir string, bars *progress) (assay.Getter, error) {
	return fetch.New(fetch.Options{Dir: filepath.Join(cacheDir, "documents"), Mirror: o.mirror, UserAgent: "assay/" + programVersion(), Progress: bars.update()})
}

// open is the database that a scan asks.
func (o *dbOptions) open(_ *global, cacheDir string, bars *progress) (*scan.Database, error) {
	d := &scan.Database{Dir: dbDir(cacheDir), Feeds: feed.ForScans(), MaxAge: o.maxAge, Log: slog.Default()}
	if o.offline {
		d.MaxAge = -1
	}
	if !o.offline && !o.skipUpdate {
		d.Getter = func() (assay.Getter, error) { return o.getter(cacheDir, bars) }
	}
	return d, nil
}

func dbDir(cacheDir string) string { return filepath.Join(cacheDir, "db") }

func newDB(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Build, update, and look into the advisory database",
		Long: `The advisory database holds one shard for each stream of advisories, such as
debian:12 or alpine:3.20, and shards with details of vulnerabilities. A scan
fetches the streams that its image needs by itself; these commands do the same
for any, ahead of time or for machines without a network.`,
		Example: `  assay db update --streams debian:12,details:2024
  assay db build --mirror /srv/mirror
  assay db status
  assay db search CVE-2022-0778`,
	}
	cmd.AddCommand(newDBUpdate(g, false), newDBUpdate(g, true), newDBStatus(g), newDBList(g), newDBSearch(g))
	return cmd
}

// newDBUpdate is `db update`, or `db build`, which reads everything anew.
func newDBUpdate(g *global, build bool) *cobra.Command {
	var o dbOptions
	var names []string
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Bring the database up to date",
		Long:    "Bring streams up to date: those that are named, or all that the database has,\nor, when it has none, all that there are. What did not change is not built again.",
		Example: "  assay db update\n  assay db update --streams debian:12,'alpine:*','details:*'",
	}
	if build {
		cmd.Use, cmd.Short = "build", "Build the database from its publishers' documents"
		cmd.Long = "Fetch what publishers have on all streams, or on those that are named, and build\nthe database of it, also where nothing changed."
		cmd.Example = "  assay db build --mirror /srv/mirror\n  assay db build --streams 'debian:*'"
	}
	o.mirrorFlag(cmd.Flags())
	cmd.Flags().StringSliceVar(&names, "streams", nil, "streams, such as debian:12, 'alpine:*', 'details:*', kev, epss")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := g.cache()
		if err != nil {
			return err
		}
		wanted, err := streamsOf(dbDir(dir), names, build)
		if err != nil {
			return err
		}
		ctx, cancel := g.limited(cmd.Context())
		defer cancel()
		bars := g.progress(ctx)
		defer bars.end()
		getter, err := o.getter(dir, bars)
		if err != nil {
			return usageError{err}
		}
		b := db.Builder{Force: build, Log: slog.Default()}
		res, err := b.Update(ctx, dbDir(dir), feed.All(), getter, wanted)
		bars.end()
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause
		}
		if n := len(res.Built); !g.quiet && (err == nil || n+len(res.Unchanged) > 0) {
			fmt.Fprintf(g.out, "streams: %d built, %d unchanged, in %s\n", n, len(res.Unchanged), dbDir(dir))
		}
		for _, s := range res.Missing {
			err = errors.Join(err, fmt.Errorf("stream %s: its publisher has nothing about it", s))
		}
		return err
	}
	return cmd
}

// streamsOf is what to update: nil for everything.
func streamsOf(dir string, names []string, build bool) ([]assay.Stream, error) {
	var wanted []assay.Stream
	for _, n := range names {
		s := assay.Stream(n)
		if !slices.ContainsFunc(feed.All(), func(f assay.Feed) bool {
			return slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) || s.Covers(p) })
		}) {
			return nil, usagef("--streams: no feed has %q; there are %s", n, strings.Join(known(), ", "))
		}
		wanted = append(wanted, s)
	}
	if len(wanted) > 0 || build {
		return wanted, nil
	}
	d, err := db.Open(dir)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for _, s := range d.Shards() {
		wanted = append(wanted, s.Stream)
	}
	return wanted, nil
}

func known() []string {
	var names []string
	for _, f := range feed.All() {
		for _, s := range f.Streams() {
			names = append(names, string(s))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// statusReply is what `db status -f json` and `version -f json` tell.
type statusReply struct {
	Folder string        `json:"folder"`
	Shards []assay.Shard `json:"shards"`
}

// readStatus opens the database; no database is a reply without shards.
func readStatus(cacheDir string) (*statusReply, error) {
	s := &statusReply{Folder: dbDir(cacheDir), Shards: []assay.Shard{}}
	d, err := db.Open(s.Folder)
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

// summary is the database in a line.
func (s *statusReply) summary(w io.Writer) {
	if len(s.Shards) == 0 {
		fmt.Fprintf(w, "database: none yet in %s; a scan fetches what it needs, or run `assay db update`\n", s.Folder)
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
		len(s.Shards), records, printable.Size(size), s.Folder, fetched)
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
}

func checkFormat(format string) error {
	if format != "table" && format != "json" {
		return usagef("--format %q is none of table, json", format)
	}
	return nil
}

func newDBStatus(g *global) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what each feed gave, what was left out and why, and how old it is",
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
				return asJSON(g.out, s)
			}
			s.summary(g.out)
			return s.feeds(g.out)
		},
	}
	formatFlag(cmd.Flags(), &format)
	return cmd
}

// feeds writes a row for each feed, with what its last run gave.
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
			fmt.Fprintf(w, "  %s failed last time, its older records stay: %s\n", name, printable.Text(r.Error))
		}
	}
	return nil
}

func newDBList(g *global) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the streams in the database",
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
				return asJSON(g.out, s.Shards)
			}
			if len(s.Shards) == 0 {
				s.summary(g.out)
				return nil
			}
			t := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "STREAM\tRECORDS\tSIZE\tBUILT\tDIGEST")
			for _, sh := range s.Shards {
				fmt.Fprintf(t, "%s\t%d\t%s\t%s ago\t%.19s\n", sh.Stream, sh.Records, printable.Size(sh.Size), ago(sh.Built), sh.Digest)
			}
			return t.Flush()
		},
	}
	formatFlag(cmd.Flags(), &format)
	return cmd
}

func newDBSearch(g *global) *cobra.Command {
	var format, stream string
	cmd := &cobra.Command{
		Use:   "search ID|PACKAGE",
		Short: "Show what the database has on a vulnerability or a package",
		Example: `  assay db search CVE-2022-0778
  assay db search openssl --stream 'debian:*'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if args[0] = strings.TrimSpace(args[0]); args[0] == "" {
				return usagef("which vulnerability or package? Name one, such as CVE-2022-0778 or openssl")
			}
			dir, err := g.cache()
			if err != nil {
				return err
			}
			d, err := db.Open(dbDir(dir))
			if errors.Is(err, assay.ErrNotFound) {
				return fmt.Errorf("no database in %s: run `assay db update` first", dbDir(dir))
			}
			if err != nil {
				return err
			}
			defer d.Close()
			q := db.Query{Stream: assay.Stream(stream)}
			if isID(args[0]) {
				q.ID = args[0]
			} else {
				q.Package = args[0]
			}
			return search(cmd.Context(), g.out, d, q, format, args[0])
		},
	}
	formatFlag(cmd.Flags(), &format)
	cmd.Flags().StringVar(&stream, "stream", "", "only in this stream, such as debian:12 or 'alpine:*'")
	return cmd
}

// isID tells the name of a vulnerability or notice from a package's: capitals,
// then a hyphen and a digit somewhere.
func isID(s string) bool {
	prefix, rest, ok := strings.Cut(strings.ToUpper(s), "-")
	if !ok || len(prefix) < 3 || rest == "" {
		return false
	}
	switch prefix {
	case "CVE", "GHSA", "TEMP", "DSA", "DLA", "ALSA", "ALBA", "ALEA", "RHSA", "USN", "XSA", "RUSTSEC", "PYSEC", "GO", "ELSA", "RLSA":
		return true
	}
	return false
}

// found is a row of `db search`.
type found struct {
	ID        string         `json:"id"`
	Aliases   []string       `json:"aliases,omitempty"`
	VendorIDs []string       `json:"vendorIDs,omitempty"`
	Feed      string         `json:"feed"`
	Stream    assay.Stream   `json:"stream"`
	Package   string         `json:"package"`
	Status    assay.Status   `json:"status"`
	Severity  assay.Severity `json:"severity"`
	Reason    string         `json:"reason,omitempty"`
	Ranges    []assay.Range  `json:"ranges,omitempty"`
	Versions  []string       `json:"versions,omitempty"`
}

func search(ctx context.Context, w io.Writer, d *db.DB, q db.Query, format, asked string) error {
	rows := []found{}
	for a, err := range d.Search(ctx, q) {
		if err != nil {
			return err
		}
		for _, aff := range a.Affected {
			severity := aff.Severity
			if severity == assay.SeverityUnknown {
				severity = a.Severity
			}
			rows = append(rows, found{a.ID, a.Aliases, a.VendorIDs, a.Feed, aff.Stream, aff.Name, aff.Status, severity, aff.Reason, aff.Ranges, aff.Versions})
		}
	}
	var detail *assay.Detail
	if q.ID != "" {
		if v, err := d.Detail(ctx, strings.ToUpper(q.ID)); err == nil {
			detail = &v
		} else if !errors.Is(err, assay.ErrNotFound) {
			return err
		}
	}
	if format == "json" {
		return asJSON(w, struct {
			Advisories []found       `json:"advisories"`
			Detail     *assay.Detail `json:"detail,omitempty"`
		}{rows, detail})
	}
	if len(rows) == 0 && detail == nil {
		fmt.Fprintf(w, "nothing in the database on %s (see `assay db list` for the streams that it has)\n", printable.Text(asked))
		return nil
	}
	if detail != nil {
		showDetail(w, detail)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(rows) > 0 {
		fmt.Fprintln(t, "VULNERABILITY\tSTREAM\tPACKAGE\tSTATUS\tSEVERITY\tAFFECTED")
	}
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Text(r.ID), r.Stream, printable.Text(r.Package), r.Status, r.Severity, printable.Text(ranges(r)))
	}
	return t.Flush()
}

func showDetail(w io.Writer, d *assay.Detail) {
	fmt.Fprintf(w, "%s %s\n", d.ID, printable.Text(d.Title))
	for _, c := range d.CVSS {
		fmt.Fprintf(w, "  CVSS %s %.1f %s (%s)\n", c.Version, c.Score, printable.Text(c.Vector), printable.Text(c.Source))
	}
	if d.KEV != nil {
		fmt.Fprintf(w, "  known to be exploited, added %s\n", printable.Text(d.KEV.Added))
	}
	if d.EPSS != nil {
		fmt.Fprintf(w, "  EPSS %.3f%% (%s)\n", d.EPSS.Score*100, printable.Text(d.EPSS.Date))
	}
	if d.Text != "" {
		fmt.Fprintf(w, "  %s\n", printable.Cut(printable.Text(d.Text), 300))
	}
	fmt.Fprintln(w)
}

// ranges writes the affected versions as comparisons.
func ranges(r found) string {
	var parts []string
	for _, x := range r.Ranges {
		var p []string
		if x.Introduced != "" {
			p = append(p, ">= "+x.Introduced)
		}
		if x.Fixed != "" {
			p = append(p, "< "+x.Fixed)
		}
		if x.LastAffected != "" {
			p = append(p, "<= "+x.LastAffected)
		}
		if len(p) == 0 {
			p = append(p, "all")
		}
		parts = append(parts, strings.Join(p, ", "))
	}
	parts = append(parts, r.Versions...)
	s := strings.Join(parts, " || ")
	if r.Reason != "" {
		s += " (" + r.Reason + ")"
	}
	return s
}
