package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func asJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func formatFlag(f *pflag.FlagSet, format *string) {
	f.StringVarP(format, "format", "f", "table", "table or json")
	f.StringVarP(format, "output", "o", "table", "the same as --format")
	f.Lookup("output").Hidden = true
}

func checkFormat(format string) error {
	if format != "table" && format != "json" {
		return usagef("--format %q: want table or json", format)
	}
	return nil
}

func newDBStatus(g *global) *cobra.Command {
	return statusCommand(g, "status", "Show the records, skipped records and age of each feed",
		func(s *scan.DatabaseStatus) any { return s },
		func(w io.Writer, s *scan.DatabaseStatus) error {
			s.Summary(w)
			return s.FeedsText(w)
		})
}

// statusCommand is a command that shows a part of the database's status, as JSON or
// as a table.
func statusCommand(g *global, use, short string, json func(*scan.DatabaseStatus) any, table func(io.Writer, *scan.DatabaseStatus) error) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: fmt.Sprintf("  assay db %s\n  assay db %s -f json", use, use),
		RunE: func(*cobra.Command, []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			dir, err := g.cache()
			if err != nil {
				return err
			}
			s, err := scan.Status(dir)
			if err != nil {
				return err
			}
			if format == "json" {
				return asJSON(g.out, json(s))
			}
			return table(g.out, s)
		},
	}
	formatFlag(cmd.Flags(), &format)
	return cmd
}

func newDBList(g *global) *cobra.Command {
	return statusCommand(g, "list", "List the streams in the database",
		func(s *scan.DatabaseStatus) any { return s.Shards },
		func(w io.Writer, s *scan.DatabaseStatus) error {
			if len(s.Shards) == 0 {
				s.Summary(w)
				return nil
			}
			return s.StreamsText(w)
		})
}
