package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/feed"
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

// getter makes what fetches the publishers' documents.
func (o *getterOptions) getter(cacheDir string, bars *progress) (assay.Keeper, error) {
	return o.fetch(bars).Getter(cacheDir)
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
	names, changelogs []string
	mavenIndex        bool
}

// newDBUpdate is `db update`, or `db build`, which reads everything anew.
func newDBUpdate(g *global, build bool) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Bring the database up to date",
		Long:    "Bring streams up to date: those that are named, or all that the database has,\nor, when it has none, all that there are. What did not change is not built again.",
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
	f.BoolVar(&o.mavenIndex, "maven-index", false, "read Maven Central's index, too (several gigabytes): it tells which artifact a Java archive is")
	f.StringSliceVar(&o.changelogs, "debian-changelogs", nil, "derive Debian's fixes from the changelogs of these source `PACKAGES` (or all), for where only a mirror of packages can be reached")
	return cmd
}

// feeds are all, and those that are asked for.
func (o *updateOptions) feeds() []assay.Feed {
	feeds := feed.All()
	if o.mavenIndex {
		feeds = append(feeds, feed.MavenIndex())
	}
	switch {
	case slices.Equal(o.changelogs, []string{"all"}):
		feeds = append(feeds, feed.DebianChangelogs(nil))
	case len(o.changelogs) > 0:
		feeds = append(feeds, feed.DebianChangelogs(o.changelogs))
	}
	return feeds
}

func (o *updateOptions) update(ctx context.Context, g *global, build bool) error {
	feeds := o.feeds()
	all, _, err := o.fetch(nil).Split()
	if err != nil {
		return err
	}
	var res db.Result
	var dir string
	err = g.withDB(ctx, func(ctx context.Context, at string, bars *progress) error {
		dir = at
		wanted, err := streamsOf(dir, feeds, o.names, build)
		if err != nil {
			return err
		}
		getter, err := o.getter(filepath.Dir(dir), bars)
		if err != nil {
			return err
		}
		b := db.Builder{Force: build, Log: slog.Default(), Partial: all != ""}
		res, err = b.Update(ctx, dir, feeds, getter, wanted)
		return err
	})
	if len(res.Absent) > 0 {
		g.tell("the mirror has nothing for %s", strings.Join(res.Absent, ", "))
	}
	if err == nil && len(res.Built)+len(res.Unchanged) == 0 {
		err = errNothing(all)
	}
	return g.changed(scan.Changes{Built: res.Built, Unchanged: res.Unchanged, Missing: res.Missing}, dir, "built", "its publisher has nothing about it", err)
}

// errNothing is why an update that did not fail gave nothing.
func errNothing(mirror string) error {
	if mirror == "" {
		return errors.New("nothing was built: no publisher has anything about what is wanted")
	}
	return fmt.Errorf("nothing was built: %s has no documents that a feed knows", mirror)
}

func streamsFlag(f *pflag.FlagSet, names *[]string) {
	f.StringSliceVar(names, "streams", nil, "streams, such as debian:12, 'alpine:*', 'details:*', kev, epss")
}

// changed says what was done to the database; err is what did not succeed.
func (g *global) changed(res scan.Changes, dir, done, missing string, err error) error {
	if n := len(res.Built); !g.quiet && (err == nil || n+len(res.Unchanged) > 0) {
		fmt.Fprintf(g.out, "streams: %d %s, %d unchanged, in %s\n", n, done, len(res.Unchanged), dir)
	}
	for _, s := range res.Missing {
		err = errors.Join(err, fmt.Errorf("stream %s: %s", s, missing))
	}
	return err
}

// streamsOf is what to update: nil for everything.
func streamsOf(dir string, feeds []assay.Feed, names []string, build bool) ([]assay.Stream, error) {
	var wanted []assay.Stream
	for _, n := range names {
		s := assay.Stream(n)
		if !slices.ContainsFunc(feeds, func(f assay.Feed) bool {
			return slices.ContainsFunc(f.Streams(), func(p assay.Stream) bool { return p.Covers(s) || s.Covers(p) })
		}) {
			return nil, usagef("--streams: no feed has %q; there are %s", n, strings.Join(known(feeds), ", "))
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

func known(feeds []assay.Feed) []string {
	var names []string
	for _, f := range feeds {
		for _, s := range f.Streams() {
			names = append(names, string(s))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
