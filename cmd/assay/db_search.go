package main

import (
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newDBSearch(g *global) *cobra.Command {
	var format, stream string
	cmd := &cobra.Command{
		Use:   "search ID|PACKAGE|PURL|CPE",
		Short: "Show the advisories on a vulnerability or a package",
		Long: `Show the advisories in the local database on a vulnerability (by any of its
IDs), a package name, a purl or a CPE name. For a vulnerability, also show its
details.`,
		Example: `  assay db search CVE-2022-0778
  assay db search GHSA-jfh8-c2jp-5v3q -o json
  assay db search openssl --stream 'debian:*'
  assay db search pkg:npm/lodash
  assay db search cpe:2.3:a:apache:http_server`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if args[0] = strings.TrimSpace(args[0]); args[0] == "" {
				return usagef("nothing to search for: name a vulnerability or a package, such as CVE-2022-0778 or openssl")
			}
			dir, err := g.cache()
			if err != nil {
				return err
			}
			q, err := scan.ParseQuery(args[0])
			if err != nil {
				return err
			}
			if stream != "" {
				q.Stream = assay.Stream(stream)
			}
			r, err := scan.Search(cmd.Context(), dir, q)
			if err != nil {
				return err
			}
			if format == "json" {
				return asJSON(g.out, r)
			}
			return r.Text(g.out, args[0])
		},
	}
	formatFlag(cmd.Flags(), &format)
	cmd.Flags().StringVar(&stream, "stream", "", "search only this stream, such as debian:12 or 'alpine:*'")
	return cmd
}
