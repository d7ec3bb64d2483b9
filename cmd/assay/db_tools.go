package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newDBVerify(g *global) *cobra.Command {
	return &cobra.Command{
		Use:     "verify",
		Short:   "Check the digest of every shard, and read every record",
		Example: "  assay db verify\n  assay db verify --cache-dir /srv/assay",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
				d, err := db.Open(dir)
				if err != nil {
					return err
				}
				defer d.Close()
				if err := d.Verify(ctx); err != nil {
					return err
				}
				n := 0
				for _, s := range d.Shards() {
					n += s.Records
				}
				bars.end()
				fmt.Fprintf(g.out, "%d streams with %d records are valid, in %s\n", len(d.Shards()), n, dir)
				return nil
			})
		},
	}
}

func newDBDelete(g *global) *cobra.Command {
	var names []string
	everything := false
	cmd := &cobra.Command{
		Use:     "delete",
		Short:   "Delete streams from the database, or the whole database",
		Example: "  assay db delete --streams 'alpine:*'\n  assay db delete --all",
	}
	streamsFlag(cmd.Flags(), &names)
	cmd.Flags().BoolVar(&everything, "all", false, "delete the database and the documents that it was built from")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if everything == (len(names) > 0) {
			return usagef("nothing to delete: give either --streams or --all")
		}
		return g.withCache(cmd.Context(), func(ctx context.Context, dir string, bars *progress) (err error) {
			n := 0
			if everything {
				n, err = scan.DeleteDatabase(ctx, dir)
			} else {
				n, err = scan.DeleteStreams(ctx, dir, asStreams(names))
			}
			if err != nil {
				return err
			}
			bars.end()
			what := "the database, which could not be read,"
			if n >= 0 {
				what = printable.Count(n, "stream", "streams")
			}
			fmt.Fprintf(g.out, "%s deleted, in %s\n", what, dbDir(dir))
			return nil
		})
	}
	return cmd
}

func newDBProviders(g *global) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "providers",
		Short:   "List the feeds of advisories and their streams",
		Example: "  assay db providers\n  assay db providers -f json",
		RunE: func(*cobra.Command, []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			type provider struct {
				Feed    string         `json:"feed"`
				Streams []assay.Stream `json:"streams"`
			}
			var list []provider
			for _, f := range feed.All() {
				list = append(list, provider{f.Name(), f.Streams()})
			}
			if format == "json" {
				return asJSON(g.out, list)
			}
			t := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "FEED\tSTREAMS")
			for _, p := range list {
				var names []string
				for _, s := range p.Streams {
					names = append(names, string(s))
				}
				fmt.Fprintf(t, "%s\t%s\n", p.Feed, strings.Join(names, " "))
			}
			return t.Flush()
		},
	}
	formatFlag(cmd.Flags(), &format)
	return cmd
}

func newDBDiff(g *global) *cobra.Command {
	var o publishedOptions
	var format string
	var names []string
	cmd := &cobra.Command{
		Use:   "diff OLD [NEW]",
		Short: "Show the records in which two databases differ",
		Long: `Show which records were added, removed or changed between two databases. OLD and
NEW are directories (of a database or a cache), exported files or references in
a registry. Without NEW, OLD is compared with the local database.`,
		Example: "  assay db diff yesterday.tar\n  assay db diff registry.example.com/db:1 registry.example.com/db:2 -f json",
		Args:    cobra.RangeArgs(1, 2),
	}
	formatFlag(cmd.Flags(), &format)
	o.keyFlag(cmd.Flags())
	o.registryFlags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkFormat(format); err != nil {
			return err
		}
		return g.withDB(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			if len(args) == 1 {
				args = append(args, dir)
			}
			o.Registry = g.trust(o.Registry)
			o.Registry.Progress = bars.update()
			changes, err := o.Diff(ctx, args[0], args[1], asStreams(names), slog.Default())
			if err != nil {
				return err
			}
			bars.end()
			if format == "json" {
				return asJSON(g.out, changes)
			}
			return showChanges(g.out, changes)
		})
	}
	return cmd
}

func showChanges(w io.Writer, changes []scan.RecordChange) error {
	counts := map[string]int{}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(changes) > 0 {
		fmt.Fprintln(t, "CHANGE\tSTREAM\tPACKAGE\tVULNERABILITY\tFEED")
	}
	for _, c := range changes {
		counts[c.What]++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", c.What, c.Stream, printable.Text(c.Name), printable.Text(c.ID), c.Feed)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d added, %d removed, %d changed\n", counts[db.Added], counts[db.Removed], counts[db.Changed])
	return err
}
