package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/db"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/fetch"
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
	feeds := feed.ForScans()
	if info, err := os.Stat(o.mirror); err == nil && info.IsDir() {
		feeds = feed.All() // nothing is too large to get from a folder
	}
	d := &scan.Database{Dir: dbDir(cacheDir), Feeds: feeds, MaxAge: o.maxAge, Log: slog.Default()}
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
