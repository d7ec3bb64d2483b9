package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/publish"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/encoding/wholefile"
	"github.com/assaysec/assay/internal/importer"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// publishedOptions are the flags of published databases.
type publishedOptions struct{ scan.PublishedOptions }

func (o *publishedOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.Repositories, "db-repository", nil, "`REFERENCE` or directory of a published database to use instead of publishers; the first that works is used")
	o.keyFlag(f)
}

func (o *publishedOptions) keyFlag(f *pflag.FlagSet) {
	f.StringVar(&o.Key, "db-key", "", "`FILE` with the cosign public key that the database must be signed with")
}

// registryFlags adds the flags for a registry to commands without those of images.
func (o *publishedOptions) registryFlags(f *pflag.FlagSet) {
	r := &o.Registry
	f.StringVar(&r.Username, "username", "", "user name for the registry (default: Docker's configuration and credential helpers)")
	f.StringVar(&r.Password, "password", "", "password for the registry; prefer ASSAY_PASSWORD")
	f.StringVar(&r.RegistryToken, "registry-token", "", "bearer token for the registry")
}

func newDBPull(g *global) *cobra.Command {
	var o publishedOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "pull [REFERENCE|DIRECTORY]...",
		Short: "Download streams from a published database",
		Long: `Download streams from a database that "assay db push" published in a registry,
or from a directory: those of --streams, or all. assay downloads only shards
that changed. They replace local streams that are not newer.

With several places, assay uses the first that works, and the next ones for
streams that the first does not have. With --db-key, the database must be signed
with that cosign key.`,
		Example: "  assay db pull registry.example.com/security/assay-db:1\n  assay db pull registry.example.com/security/assay-db:1 --streams debian:12",
		Args:    cobra.ArbitraryArgs,
	}
	o.flags(cmd.Flags())
	o.registryFlags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.Repositories = args
		}
		if len(o.Repositories) == 0 {
			return usagef("no database given: name a reference, or set --db-repository")
		}
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			o.Registry = g.trust(o.Registry)
			o.Registry.Progress = bars.update()
			res, err := o.Pull(ctx, dir, asStreams(names), slog.Default())
			bars.end()
			return g.changed(res, "pulled", "the published database does not have it", err)
		})
	}
	return cmd
}

func asStreams(names []string) []assay.Stream {
	var list []assay.Stream
	for _, n := range names {
		list = append(list, assay.Stream(n))
	}
	return list
}

// withDB is withCache with the directory of the database.
func (g *global) withDB(ctx context.Context, f func(ctx context.Context, dir string, bars *progress) error) error {
	return g.withCache(ctx, func(ctx context.Context, dir string, bars *progress) error { return f(ctx, dbDir(dir), bars) })
}

// withCache is work with the cache directory.
func (g *global) withCache(ctx context.Context, f func(ctx context.Context, dir string, bars *progress) error) error {
	dir, err := g.cache()
	if err != nil {
		return err
	}
	return g.work(ctx, func(ctx context.Context, bars *progress) error { return f(ctx, dir, bars) })
}

// snapshot is a snapshot of the database to publish.
func snapshot(ctx context.Context, dir string, names []string) (publish.Snapshot, *db.Snapshot, error) {
	s, err := db.TakeSnapshot(ctx, dir, asStreams(names))
	if err != nil {
		return publish.Snapshot{}, nil, err
	}
	return publish.Snapshot{Index: s.Index, Shards: s.Shards, Open: s.Open}, s, nil
}

func newDBPush(g *global) *cobra.Command {
	var o publishedOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "push REFERENCE",
		Short: "Publish the database in a registry",
		Long: `Publish the database, or the streams of --streams, in a registry as an OCI
artifact with one layer a shard. assay sends only shards that the registry does
not have, and prints the digest; sign it with "cosign sign --key".`,
		Example: "  assay db push registry.example.com/security/assay-db:1",
		Args:    cobra.ExactArgs(1),
	}
	o.registryFlags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			e, s, err := snapshot(ctx, dir, names)
			if err != nil {
				return err
			}
			defer s.Close()
			p, err := publish.Push(ctx, args[0], e, registryclient.Options{SourceOptions: g.trust(o.Registry)})
			if err != nil {
				return err
			}
			bars.end()
			if !g.quiet {
				fmt.Fprintf(g.out, "%s: %s; shards: %d sent (%s), %d unchanged\n", args[0], p.Digest, p.Sent, printable.Size(p.Bytes), p.Reused)
			}
			return nil
		})
	}
	return cmd
}

func newDBExport(g *global) *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the database to one file, for a machine without a network",
		Long: `Write the database, or the streams of --streams, to one file for
"assay db import". Sign the file with "cosign sign-blob --key".`,
		Example: "  assay db export assay-db.tar\n  assay db export --streams 'debian:*,details:*,kev,epss' debian.tar",
		Args:    cobra.ExactArgs(1),
	}
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			e, s, err := snapshot(ctx, dir, names)
			if err != nil {
				return err
			}
			defer s.Close()
			if args[0] == "-" {
				return publish.WriteArchive(ctx, g.out, e)
			}
			if err := wholefile.Write(args[0], func(w io.Writer) error { return publish.WriteArchive(ctx, w, e) }); err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err == nil && !g.quiet {
				bars.end()
				fmt.Fprintf(g.out, "%s: %d streams, %s\n", args[0], len(e.Shards), printable.Size(info.Size()))
			}
			return nil
		})
	}
	return cmd
}

func newDBImport(g *global) *cobra.Command {
	var o publishedOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "import PATH",
		Short: "Import an exported database, or the database of another scanner",
		Long: `Import advisories from a file or directory, recognized by its content:
  - a file that "assay db export" wrote, or the directory of a database
  - a published database in an OCI image layout: a directory or a tar file,
    PATH:TAG if it has several
` + foreign() + `
An exported database replaces local streams that are not newer. The database of
another scanner is added to the records of other feeds.

With --db-key, there must be a cosign signature in the layout, or beside the
file (FILE.sig, FILE.sigstore.json or FILE.bundle); assay then reads no other
file beside it.`,
		Example: "  assay db import assay-db.tar\n  assay db import ~/.cache/trivy/db/trivy.db\n  assay db import vulnerability-db_v6.tar.zst",
		Args:    cobra.ExactArgs(1),
	}
	o.keyFlag(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			res, err := o.Import(ctx, args[0], dir, asStreams(names), slog.Default())
			bars.end()
			return g.changed(res, "imported", "the file does not have it", err)
		})
	}
	return cmd
}

// foreign lists the databases of other scanners that can be imported, one a line.
func foreign() string {
	var b strings.Builder
	for _, k := range importer.All() {
		fmt.Fprintf(&b, "  - %s\n", k.About)
	}
	return b.String()
}
