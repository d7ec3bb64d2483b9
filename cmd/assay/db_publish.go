package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/publish"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/importer"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// publishedOptions are the flags about published databases.
type publishedOptions struct {
	repositories []string
	key          string
	registry     assay.SourceOptions
}

func (o *publishedOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.repositories, "db-repository", nil, "`REFERENCE` or folder of a published database to take advisories from, instead of from their publishers; several are tried in order")
	o.keyFlag(f)
}

func (o *publishedOptions) keyFlag(f *pflag.FlagSet) {
	f.StringVar(&o.key, "db-key", "", "`FILE` with the public key (cosign's) that must have signed the database")
}

// registryFlags are for the commands that speak with a registry about nothing
// else.
func (o *publishedOptions) registryFlags(f *pflag.FlagSet) {
	r := &o.registry
	f.StringVar(&r.Username, "username", "", "for the registry (default: Docker's configuration and credential helpers)")
	f.StringVar(&r.Password, "password", "", "for the registry; better given as ASSAY_PASSWORD")
	f.StringVar(&r.RegistryToken, "registry-token", "", "bearer token for the registry")
	f.StringVar(&r.CACert, "cacert", "", "`FILE` of certificates to trust besides the system's")
	f.BoolVar(&r.Insecure, "insecure", false, "allow plain HTTP and unverified TLS")
}

// wantedKey reads the key; nil when none is wanted.
func (o *publishedOptions) wantedKey() (*signature.Key, error) {
	if o.key == "" {
		return nil, nil
	}
	k, err := signature.LoadKey(o.key)
	if err != nil {
		return nil, usagef("--db-key: %w", err)
	}
	return k, nil
}

// place is where a published database is.
type place interface {
	db.Place
	io.Closer
}

type folderPlace struct{ publish.Folder }

func (folderPlace) Close() error { return nil }

// placeAt opens the database that a person names: a folder or a reference.
func (o *publishedOptions) placeAt(ctx context.Context, name string, bars *progress) (place, error) {
	key, err := o.wantedKey()
	if err != nil {
		return nil, err
	}
	if dir, ok := databaseFolder(name); ok {
		if key != nil {
			return nil, noSignature(name)
		}
		return folderPlace{publish.Folder(dir)}, nil
	}
	s := o.registry
	s.Progress = bars.update()
	return publish.OpenRepository(ctx, name, key, registryclient.Options{SourceOptions: s})
}

func noSignature(folder string) error {
	return usagef("%s is a folder, which has no signature to hold against --db-key", folder)
}

// databaseFolder is where the index is in a folder: there, or, of a cache
// folder, below.
func databaseFolder(name string) (string, bool) {
	for _, dir := range []string{name, dbDir(name)} {
		if _, err := os.Stat(filepath.Join(dir, "index.json")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// pull takes streams from the first of the repositories that works, and those
// that it does not have from the next ones.
func (o *publishedOptions) pull(ctx context.Context, dir string, wanted []assay.Stream, bars *progress) (sum db.Result, err error) {
	var used []string
	var errs []error
	for _, name := range o.repositories {
		res, err := o.pullFrom(ctx, name, dir, wanted, bars)
		var usage usageError
		if errors.As(err, &usage) || err != nil && ctx.Err() != nil {
			return sum, err
		}
		merge(&sum, res)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		used, sum.Missing = append(used, name), res.Missing
		if wanted = without(wanted, res); len(wanted) == 0 {
			break
		}
	}
	if len(used) == 0 {
		return sum, errors.Join(errs...)
	}
	if len(errs) > 0 {
		slog.Warn("another repository was used", "used", strings.Join(used, ", "), "because", errors.Join(errs...))
	}
	sum.Missing = without(sum.Missing, sum)
	return sum, nil
}

// merge adds what a further place gave.
func merge(sum *db.Result, res db.Result) {
	for _, s := range res.Built {
		sum.Unchanged = slices.DeleteFunc(sum.Unchanged, func(u assay.Stream) bool { return u == s })
		if !slices.Contains(sum.Built, s) {
			sum.Built = append(sum.Built, s)
		}
	}
	for _, s := range res.Unchanged {
		if !slices.Contains(sum.Built, s) && !slices.Contains(sum.Unchanged, s) {
			sum.Unchanged = append(sum.Unchanged, s)
		}
	}
}

// without is what is wanted of which the result has nothing.
func without(wanted []assay.Stream, res db.Result) []assay.Stream {
	return slices.DeleteFunc(slices.Clone(wanted), func(w assay.Stream) bool {
		return slices.ContainsFunc(res.Built, w.Covers) || slices.ContainsFunc(res.Unchanged, w.Covers)
	})
}

func (o *publishedOptions) pullFrom(ctx context.Context, name, dir string, wanted []assay.Stream, bars *progress) (db.Result, error) {
	p, err := o.placeAt(ctx, name, bars)
	if err != nil {
		return db.Result{}, err
	}
	defer p.Close()
	b := db.Builder{Log: slog.Default()}
	res, err := b.Adopt(ctx, dir, p, wanted)
	if r, ok := p.(*publish.Repository); ok {
		slog.Debug("pulled", "from", name, "digest", r.Digest, "bytes", r.Moved())
	}
	return res, err
}

func newDBPull(g *global) *cobra.Command {
	var o publishedOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "pull [REFERENCE|FOLDER]...",
		Short: "Take streams from a published database",
		Long: `Take streams from a database that "assay db push" put in a registry, or from a
folder: those that are named, or all that it has. Only shards that changed are
moved; they replace the streams that are here, unless those are newer. Of several places the first that works is
used, and the next ones for streams that it does not have. With --db-key, a signature made with cosign must be there.`,
		Example: "  assay db pull registry.example.com/security/assay-db:1\n  assay db pull --db-repository registry.example.com/security/assay-db:1 --streams debian:12",
		Args:    cobra.ArbitraryArgs,
	}
	o.flags(cmd.Flags())
	o.registryFlags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.repositories = args
		}
		if len(o.repositories) == 0 {
			return usagef("pull from where? Name a reference, or set --db-repository")
		}
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			res, err := o.pull(ctx, dir, asStreams(names), bars)
			bars.end()
			return g.changed(res, dir, "taken", "the published database does not have it", err)
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

// withCache runs f on the cache's folder, with --timeout and progress.
func (g *global) withCache(ctx context.Context, f func(ctx context.Context, dir string, bars *progress) error) error {
	dir, err := g.cache()
	if err != nil {
		return err
	}
	ctx, cancel := g.limited(ctx)
	defer cancel()
	bars := g.progress(ctx)
	defer bars.end()
	err = f(ctx, dir, bars)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// edition is the database as it is to be published.
func edition(ctx context.Context, dir string, names []string) (publish.Edition, *db.Snapshot, error) {
	s, err := db.TakeSnapshot(ctx, dir, asStreams(names))
	if err != nil {
		return publish.Edition{}, nil, err
	}
	return publish.Edition{Index: s.Index, Shards: s.Shards, Open: s.Open}, s, nil
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
			p, err := publish.Push(ctx, args[0], e, registryclient.Options{SourceOptions: o.registry})
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
			if err := writeFile(args[0], func(w io.Writer) error { return publish.WriteArchive(ctx, w, e) }); err != nil {
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
		Long: `Take advisories from a file or folder, told by its content:
  - what "assay db export" wrote, or a database's folder
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
			res, err := o.importFrom(ctx, args[0], dir, asStreams(names), bars)
			bars.end()
			return g.changed(res, dir, "taken", "the file does not have it", err)
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

// importFrom takes what a file or folder holds.
func (o *publishedOptions) importFrom(ctx context.Context, path, dir string, wanted []assay.Stream, bars *progress) (res db.Result, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return res, err
	}
	b := db.Builder{Log: slog.Default()}
	if _, ok := databaseFolder(path); ok && info.IsDir() {
		p, err := o.placeAt(ctx, path, bars)
		if err != nil {
			return res, err
		}
		defer p.Close()
		return b.Adopt(ctx, dir, p, wanted)
	}
	key, err := o.wantedKey()
	if err != nil {
		return res, err
	}
	if key != nil && info.IsDir() {
		return res, noSignature(path)
	}
	a, err := publish.OpenArchive(path, key)
	if err == nil {
		defer a.Close()
		return b.Adopt(ctx, dir, a, wanted)
	}
	if !errors.Is(err, assay.ErrUnsupported) {
		return res, err
	}
	if key != nil {
		copied, done, err := verified(ctx, path, key)
		if err != nil {
			return res, err
		}
		defer done()
		path = copied
	}
	f, err := importer.Open(ctx, path)
	if err != nil {
		return res, err
	}
	defer f.Close()
	return b.Update(ctx, dir, []assay.Feed{f}, nil, wanted)
}

// verified is a copy of the file that the key signed, in a folder of its own:
// others cannot change it before it is read, and what lies beside the file,
// which is not signed, is not taken for a part of it.
func verified(ctx context.Context, path string, key *signature.Key) (_ string, done func(), err error) {
	temp, err := os.MkdirTemp("", "assay-verified-*")
	if err != nil {
		return "", nil, err
	}
	to := filepath.Join(temp, filepath.Base(path))
	if err := publish.CopyFile(ctx, key, to, path); err != nil {
		os.RemoveAll(temp)
		return "", nil, err
	}
	return to, func() { os.RemoveAll(temp) }, nil
}
