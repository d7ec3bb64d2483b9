package main

import (
	"context"
	"fmt"

	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newDBFetch(g *global) *cobra.Command {
	var o getterOptions
	var names []string
	cmd := &cobra.Command{
		Use:   "fetch DIRECTORY",
		Short: "Copy publishers' documents to a directory, a mirror for machines without a network",
		Long: `Copy what publishers have on all streams, or on those that are named, to a
directory: https://HOST/PATH is DIRECTORY/HOST/PATH. The directory, or a web server
on it, is a mirror, from which "assay db build --mirror" builds the database.`,
		Example: "  assay db fetch /srv/mirror\n  assay db fetch --streams 'debian:*,details:*,kev,epss' ./mirror && assay db build --mirror ./mirror",
		Args:    cobra.ExactArgs(1),
	}
	o.flags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withCache(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			n, size, err := scan.CopyDocuments(ctx, o.fetch(bars), dir, args[0], asStreams(names))
			bars.end()
			if !g.quiet && (err == nil || n > 0) {
				fmt.Fprintf(g.out, "%d documents, %s, in %s\n", n, printable.Size(size), args[0])
			}
			return err
		})
	}
	return cmd
}
