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
		Short: "Copy publishers' documents to a directory, as a mirror",
		Long: `Copy publishers' documents for all streams, or for those of --streams, to a
directory: https://HOST/PATH becomes DIRECTORY/HOST/PATH. "assay db build
--mirror" builds the database from the directory, or from a web server that
serves it.`,
		Example: `  assay db fetch /srv/mirror
  assay db fetch --streams 'debian:*,details:*,kev,epss' ./mirror
  assay db build --mirror ./mirror`,
		Args: cobra.ExactArgs(1),
	}
	o.flags(cmd.Flags())
	streamsFlag(cmd.Flags(), &names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return g.withCache(cmd.Context(), func(ctx context.Context, dir string, bars *progress) error {
			n, size, err := scan.CopyDocuments(ctx, o.fetch(g, bars), dir, args[0], asStreams(names))
			bars.end()
			if !g.quiet && (err == nil || n > 0) {
				fmt.Fprintf(g.out, "%d documents, %s, in %s\n", n, printable.Size(size), args[0])
			}
			return err
		})
	}
	return cmd
}
