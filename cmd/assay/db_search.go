package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/encoding/printable"
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
			d, err := db.Open(dbDir(dir))
			if errors.Is(err, assay.ErrNotFound) {
				return fmt.Errorf("no database in %s: run `assay db update` first", dbDir(dir))
			}
			if err != nil {
				return err
			}
			defer d.Close()
			q, err := scan.ParseQuery(args[0])
			if err != nil {
				return err
			}
			if stream != "" {
				q.Stream = assay.Stream(stream)
			}
			return search(cmd.Context(), g.out, d, db.Query(q), format, args[0])
		},
	}
	formatFlag(cmd.Flags(), &format)
	cmd.Flags().StringVar(&stream, "stream", "", "search only this stream, such as debian:12 or 'alpine:*'")
	return cmd
}

func search(ctx context.Context, w io.Writer, d *db.DB, q db.Query, format, asked string) error {
	rows := []scan.Record{}
	for a, err := range d.Search(ctx, q) {
		if err != nil {
			return err
		}
		rows = append(rows, scan.Records(&a)...)
	}
	var detail *assay.Detail
	if q.ID != "" {
		if v, err := d.Detail(ctx, strings.ToUpper(q.ID)); err == nil {
			detail = &v
		} else if !errors.Is(err, assay.ErrNotFound) {
			return err
		}
	}
	if format == "json" {
		return asJSON(w, struct {
			Advisories []scan.Record `json:"advisories"`
			Detail     *assay.Detail `json:"detail,omitempty"`
		}{rows, detail})
	}
	if len(rows) == 0 && detail == nil {
		fmt.Fprintf(w, "the database has nothing on %s (see `assay db list` for its streams)\n", printable.Text(asked))
		return nil
	}
	if detail != nil {
		showDetail(w, detail)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(rows) > 0 {
		fmt.Fprintln(t, "VULNERABILITY\tSTREAM\tPACKAGE\tSTATUS\tSEVERITY\tAFFECTED")
	}
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Text(r.ID), r.Stream, printable.Text(r.Package), r.Status, r.Severity, printable.Text(r.Affected()))
	}
	return t.Flush()
}

func showDetail(w io.Writer, d *assay.Detail) {
	fmt.Fprintf(w, "%s %s\n", d.ID, printable.Text(d.Title))
	for _, c := range d.CVSS {
		fmt.Fprintf(w, "  CVSS %s %.1f %s (%s)\n", c.Version, c.Score, printable.Text(c.Vector), printable.Text(c.Source))
	}
	if d.KEV != nil {
		fmt.Fprintf(w, "  known to be exploited, added %s\n", printable.Text(d.KEV.Added))
	}
	if d.EPSS != nil {
		fmt.Fprintf(w, "  EPSS %.3f%% (%s)\n", d.EPSS.Score*100, printable.Text(d.EPSS.Date))
	}
	if d.Text != "" {
		fmt.Fprintf(w, "  %s\n", printable.Cut(printable.Text(d.Text), 300))
	}
	fmt.Fprintln(w)
}
