package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// dbOptions are the flags of the advisory database that a scan uses.
type dbOptions struct {
	getterOptions
	publishedOptions
	skipUpdate bool
	offline    bool
	maxAge     time.Duration
	failOld    bool
}

func (o *dbOptions) flags(f *pflag.FlagSet) {
	o.getterOptions.flags(f)
	o.publishedOptions.flags(f)
	f.BoolVar(&o.skipUpdate, "skip-db-update", false, "fetch no advisories, but report those older than --db-max-age as a gap")
	f.BoolVar(&o.offline, "offline", false, "fetch nothing, neither advisories, even if the database is old, nor Maven projects")
	f.BoolVar(&o.offline, "offline-scan", false, "the same as --offline")
	f.Lookup("offline-scan").Hidden = true
	f.DurationVar(&o.maxAge, "db-max-age", scan.DefaultMaxAge, "fetch advisories again when they are older than this")
	f.BoolVar(&o.failOld, "fail-on-old-db", false, "fail when advisories are older than --db-max-age and cannot be fetched")
}

func (o *dbOptions) check() error {
	if o.maxAge <= 0 {
		return usagef("--db-max-age %v: must be above zero", o.maxAge)
	}
	if o.offline && o.failOld {
		return usagef("--offline contradicts --fail-on-old-db: use --skip-db-update with --fail-on-old-db")
	}
	if o.Key != "" && len(o.Repositories) == 0 {
		return usagef("--db-key requires --db-repository")
	}
	return nil
}

// open opens the database for a scan.
func (o *dbOptions) open(g *global, bars *progress) (*scan.Database, error) {
	published := o.PublishedOptions
	published.Registry = g.trust(published.Registry)
	published.Registry.Progress = bars.update()
	return scan.OpenDatabase(scan.DatabaseOptions{CacheDir: g.cacheDir, Offline: o.offline, SkipUpdate: o.skipUpdate, MaxAge: o.maxAge, FailOnOld: o.failOld,
		Fetch: o.fetch(g, bars), Published: published, Log: slog.Default()})
}

// getterOptions are the flags for fetching publishers' documents.
type getterOptions struct{ mirrors []string }

func (o *getterOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.mirrors, "mirror", nil, "`DIRECTORY|URL` of a mirror, with https://HOST/PATH at HOST/PATH; HOST=DIRECTORY|URL for one host")
}

// fetch is how documents are fetched.
func (o *getterOptions) fetch(g *global, bars *progress) scan.FetchOptions {
	return scan.FetchOptions{Mirrors: o.mirrors, CACert: g.caCert, Insecure: g.insecure, UserAgent: "assay/" + programVersion(), Progress: bars.update()}
}

func dbDir(cacheDir string) string { return scan.DatabaseDir(cacheDir) }

func newDB(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Build, update, publish and search the advisory database",
		Long: `The advisory database has one shard for each stream of advisories, such as
debian:12 or alpine:3.20, and shards with details of vulnerabilities. A scan
fetches the streams that it needs. Use these commands to fetch streams ahead of
time, to publish them for others, or to copy them to a machine without a
network.`,
		Example: `  assay db update --streams debian:12,details:2024
  assay db build --mirror /srv/mirror
  assay db pull registry.example.com/security/assay-db:1
  assay db import trivy.db
  assay db status
  assay db search CVE-2022-0778`,
	}
	cmd.AddCommand(newDBUpdate(g, false), newDBUpdate(g, true), newDBFetch(g), newDBPush(g), newDBPull(g), newDBExport(g), newDBImport(g),
		newDBVerify(g), newDBStatus(g), newDBList(g), newDBSearch(g), newDBDiff(g), newDBDelete(g), newDBProviders(g))
	return cmd
}

// updateOptions are the flags of `db update` and `db build`.
type updateOptions struct {
	getterOptions
	scan.UpdateOptions
	names []string
}

// newDBUpdate is `db update`, or `db build`, which reads all documents again.
func newDBUpdate(g *global, build bool) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Update the database",
		Long:    "Update the streams of --streams, or all streams in the database. If the database\nis empty, fetch all streams. assay builds only streams that changed.",
		Example: "  assay db update\n  assay db update --streams debian:12,'alpine:*','details:*'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.update(cmd.Context(), g, build) },
	}
	if build {
		cmd.Use, cmd.Short = "build", "Build the database from publishers' documents"
		cmd.Long = "Fetch publishers' documents for all streams, or for those of --streams, and\nbuild the database from them, even if nothing changed."
		cmd.Example = "  assay db build --mirror /srv/mirror\n  assay db build --streams 'debian:*'"
	}
	f := cmd.Flags()
	o.flags(f)
	streamsFlag(f, &o.names)
	f.BoolVar(&o.MavenIndex, "maven-index", false, "also read Maven Central's index (several gigabytes) to identify Java archives by digest")
	f.StringSliceVar(&o.DebianChangelogs, "debian-changelogs", nil, "derive Debian's fixes from the changelogs of these source `PACKAGES` (or all), when only a package mirror can be reached")
	return cmd
}

func (o *updateOptions) update(ctx context.Context, g *global, build bool) error {
	u := o.UpdateOptions
	u.CacheDir, u.Streams, u.All, u.Force, u.Log = g.cacheDir, asStreams(o.names), build, build, slog.Default()
	var done scan.Changes
	err := g.work(ctx, func(ctx context.Context, bars *progress) (err error) {
		u.Fetch = o.fetch(g, bars)
		done, err = scan.Update(ctx, u)
		return err
	})
	if len(done.Absent) > 0 {
		g.notify("the mirror has no documents for %s", strings.Join(done.Absent, ", "))
	}
	if len(done.Incomplete) > 0 && len(u.Streams) > 0 {
		g.notify("these streams lack their main feed, and scans report them as gaps: %s", strings.Join(done.Incomplete, ", "))
	}
	return g.changed(done, "built", "its publisher has no documents for it", err)
}

func streamsFlag(f *pflag.FlagSet, names *[]string) {
	f.StringSliceVar(names, "streams", nil, "streams, such as debian:12, 'alpine:*', 'details:*', kev, epss")
}

// changed writes how many streams were changed; err joins what failed.
func (g *global) changed(res scan.Changes, done, missing string, err error) error {
	dir, _ := g.cache() // it existed a moment ago
	if n := len(res.Built); !g.quiet && (err == nil || n+len(res.Unchanged) > 0) {
		fmt.Fprintf(g.out, "streams: %d %s, %d unchanged, in %s\n", n, done, len(res.Unchanged), dbDir(dir))
	}
	for _, s := range res.Missing {
		err = errors.Join(err, fmt.Errorf("stream %s: %s", s, missing))
	}
	return err
}
