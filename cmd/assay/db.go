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

// dbOptions are the flags about where advisories come from.
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
	f.BoolVar(&o.skipUpdate, "skip-db-update", false, "fetch nothing; report advisories older than --db-max-age as a gap")
	f.BoolVar(&o.offline, "offline", false, "fetch nothing, however old the database is")
	f.BoolVar(&o.offline, "offline-scan", false, "the same as --offline")
	f.Lookup("offline-scan").Hidden = true
	f.DurationVar(&o.maxAge, "db-max-age", scan.DefaultMaxAge, "fetch advisories again that are older than this")
	f.BoolVar(&o.failOld, "fail-on-old-db", false, "fail when advisories are older than --db-max-age and cannot be fetched")
}

func (o *dbOptions) check() error {
	if o.maxAge <= 0 {
		return usagef("--db-max-age %v is not above zero", o.maxAge)
	}
	if o.offline && o.failOld {
		return usagef("--offline and --fail-on-old-db contradict each other: use --skip-db-update with the latter")
	}
	if o.Key != "" && len(o.Repositories) == 0 {
		return usagef("--db-key requires --db-repository")
	}
	return nil
}

// open is the database that a scan asks.
func (o *dbOptions) open(g *global, bars *progress) (*scan.Database, error) {
	published := o.PublishedOptions
	published.Registry.Progress = bars.update()
	return scan.OpenDatabase(scan.DatabaseOptions{CacheDir: g.cacheDir, Offline: o.offline, SkipUpdate: o.skipUpdate, MaxAge: o.maxAge, FailOnOld: o.failOld,
		Fetch: o.fetch(bars), Published: published, Log: slog.Default()})
}

// getterOptions are the flags about publishers' documents.
type getterOptions struct{ mirrors []string }

func (o *getterOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.mirrors, "mirror", nil, "`DIRECTORY|URL` that holds https://HOST/PATH as HOST/PATH; or HOST=DIRECTORY|URL for what one publisher has")
}

// fetch is how documents are fetched.
func (o *getterOptions) fetch(bars *progress) scan.FetchOptions {
	return scan.FetchOptions{Mirrors: o.mirrors, UserAgent: "assay/" + programVersion(), Progress: bars.update()}
}

func dbDir(cacheDir string) string { return scan.DatabaseDir(cacheDir) }

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

// newDBUpdate is `db update`, or `db build`, which reads everything anew.
func newDBUpdate(g *global, build bool) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Update the database",
		Long:    "Update streams: those that are named, or all that the database has, or, when it\nhas none, all that there are. What did not change is not built again.",
		Example: "  assay db update\n  assay db update --streams debian:12,'alpine:*','details:*'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.update(cmd.Context(), g, build) },
	}
	if build {
		cmd.Use, cmd.Short = "build", "Build the database from its publishers' documents"
		cmd.Long = "Fetch what publishers have on all streams, or on those that are named, and build\nthe database of it, also where nothing changed."
		cmd.Example = "  assay db build --mirror /srv/mirror\n  assay db build --streams 'debian:*'"
	}
	f := cmd.Flags()
	o.flags(f)
	streamsFlag(f, &o.names)
	f.BoolVar(&o.MavenIndex, "maven-index", false, "also read Maven Central's index (several gigabytes), which identifies Java archives")
	f.StringSliceVar(&o.DebianChangelogs, "debian-changelogs", nil, "derive Debian's fixes from the changelogs of these source `PACKAGES` (or all), for where only a mirror of packages can be reached")
	return cmd
}

func (o *updateOptions) update(ctx context.Context, g *global, build bool) error {
	u := o.UpdateOptions
	u.CacheDir, u.Streams, u.All, u.Force, u.Log = g.cacheDir, asStreams(o.names), build, build, slog.Default()
	var done scan.Changes
	err := g.work(ctx, func(ctx context.Context, bars *progress) (err error) {
		u.Fetch = o.fetch(bars)
		done, err = scan.Update(ctx, u)
		return err
	})
	if len(done.Absent) > 0 {
		g.tell("the mirror has nothing for %s", strings.Join(done.Absent, ", "))
	}
	return g.changed(done, "built", "its publisher has nothing about it", err)
}

func streamsFlag(f *pflag.FlagSet, names *[]string) {
	f.StringSliceVar(names, "streams", nil, "streams, such as debian:12, 'alpine:*', 'details:*', kev, epss")
}

// changed says what was done to the database; err is what did not succeed.
func (g *global) changed(res scan.Changes, done, missing string, err error) error {
	dir, _ := g.cache() // which was there a moment ago
	if n := len(res.Built); !g.quiet && (err == nil || n+len(res.Unchanged) > 0) {
		fmt.Fprintf(g.out, "streams: %d %s, %d unchanged, in %s\n", n, done, len(res.Unchanged), dbDir(dir))
	}
	for _, s := range res.Missing {
		err = errors.Join(err, fmt.Errorf("stream %s: %s", s, missing))
	}
	return err
}
