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

// publishedOptions are the flags about published databases.
type publishedOptions struct{ scan.PublishedOptions }

func (o *publishedOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.Repositories, "db-repository", nil, "`REFERENCE` or directory of a published database to use instead of the publishers; several are tried in order")
	o.keyFlag(f)
}

func (o *publishedOptions) keyFlag(f *pflag.FlagSet) {
	f.StringVar(&o.Key, "db-key", "", "`FILE` with the public key (cosign's) that must have signed the database")
}

// registryFlags are for the commands that speak with a registry about nothing
// else.
func (o *publishedOptions) registryFlags(f *pflag.FlagSet) {
	r := &o.Registry
	f.StringVar(&r.Username, "username", "", "for the registry (default: Docker's configuration and credential helpers)")
	f.StringVar(&r.Password, "password", "", "for the registry; better given as ASSAY_PASSWORD")
	f.StringVar(&r.RegistryToken, "registry-token", "", "bearer token for the registry")
	f.StringVar(&r.CACert, "cacert", "", "`FILE` of certificates to trust besides the system's")
	f.BoolVar(&r.Insecure, "insecure", false, "allow plain HTTP and unverified TLS")
}

func newDBPull(g *global) *cobra.Command {
	var o publishedOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "pull [REFERENCE|DIRECTORY]...",
		Short: "Take streams from a published database",
		Long: `Take streams from a database that "assay db push" put in a registry, or from a
directory: those that are named, or all that it has. Only shards that changed are
downloaded; they replace the streams here, unless those are newer. Of several
places the first that works is used, and the next ones for streams that it does not
have. With --db-key, the database must be signed with that key (cosign).`,
		Example: "  assay db pull registry.example.com/security/assay-db:1\n  assay db pull --db-repository registry.example.com/security/assay-db:1 --streams debian:12",
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
			return usagef("pull from where? Name a reference, or set --db-repository")
		}
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			o.Registry.Progress = bars.update()
			res, err := o.Pull(ctx, dir, asStreams(names), slog.Default())
			bars.end()
			return g.changed(res, "taken", "the published database does not have it", err)
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

// withDB is withCache on the database's folder.
func (g *global) withDB(ctx context.Context, f func(ctx context.Context, dir string, bars *progress) error) error {
	return g.withCache(ctx, func(ctx context.Context, dir string, bars *progress) error { return f(ctx, dbDir(dir), bars) })
}

// withCache is work on the cache's directory.
func (g *global) withCache(ctx context.Context, f func(ctx context.Context, dir string, bars *progress) error) error {
	dir, err := g.cache()
	if err != nil {
		return err
	}
	return g.work(ctx, func(ctx context.Context, bars *progress) error { return f(ctx, dir, bars) })
}

// edition is the database as it is to be published.
func edition(ctx context.Context, dir string, names []string) (publish.Snapshot, *db.Snapshot, error) {
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
		Short: "Put the database in a registry, where others take it from",
		Long: `Put the database, or the streams that are named, in a registry as an OCI
artifact of one layer a shard. Shards that are there already are not sent again.
Sign it with "cosign sign --key", by the digest that is printed.`,
		Example: "  assay db push registry.example.com/security/assay-db:1",
		Args:    cobra.ExactArgs(1),
	}
	o.registryFlags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			e, s, err := edition(ctx, dir, names)
			if err != nil {
				return err
			}
			defer s.Close()
			p, err := publish.Push(ctx, args[0], e, registryclient.Options{SourceOptions: o.Registry})
			if err != nil {
				return err
			}
			bars.end()
			if !g.quiet {
				fmt.Fprintf(g.out, "%s: %s; %d shards sent (%s), %d there already\n", args[0], p.Digest, p.Sent, printable.Size(p.Bytes), p.Reused)
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
		Short: "Write the database to one file, for machines without a network",
		Long: `Write the database, or the streams that are named, to one file, which
"assay db import" reads. "cosign sign-blob --key" signs it.`,
		Example: "  assay db export assay-db.tar\n  assay db export --streams 'debian:*,details:*,kev,epss' debian.tar",
		Args:    cobra.ExactArgs(1),
	}
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			e, s, err := edition(ctx, dir, names)
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
		Short: "Take advisories from a file: an exported database, or another scanner's",
		Long: `Take advisories from a file or directory, recognized by its content:
  - what "assay db export" wrote, or a database's directory
` + foreign() + `Of a foreign database, what there is by other feeds stays; an exported one replaces
its streams, unless those here are newer. With --db-key, a signature made with
cosign must lie beside the file (FILE.sig or FILE.sigstore.json); other files
beside it are then not read.`,
		Example: "  assay db import assay-db.tar\n  assay db import ~/.cache/trivy/db/trivy.db\n  assay db import vulnerability-db_v6.tar.zst",
		Args:    cobra.ExactArgs(1),
	}
	o.keyFlag(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			res, err := o.Import(ctx, args[0], dir, asStreams(names), slog.Default())
			bars.end()
			return g.changed(res, "taken", "the file does not have it", err)
		})
	}
	return cmd
}

// foreign lists the kinds of other databases, one a line.
func foreign() string {
	var b strings.Builder
	for _, k := range importer.All() {
		fmt.Fprintf(&b, "  - %s\n", k.About)
	}
	return b.String()
}
