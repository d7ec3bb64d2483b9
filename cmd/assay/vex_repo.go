package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/encoding/wholefile"
	"github.com/assaysec/assay/internal/suppress/vexhub"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newVEX(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vex",
		Short: "Write VEX documents and manage VEX repositories",
		Long: `A VEX document states whether a product is affected by a vulnerability of one of
its components. A scan applies VEX documents with --vex. These commands write
them, and manage the copies of the repositories that --vex repo uses.`,
		Example: `  assay image app:1.4 -f json -o report.json
  assay vex generate report.json -o app.openvex.json
  assay vex add app.openvex.json --id CVE-2022-0778 --product app:1.4 \
    --status not_affected --justification vulnerable_code_not_in_execute_path
  assay image app:1.4 --vex app.openvex.json
  assay vex repo download`,
	}
	cmd.AddCommand(newVEXGenerate(g), newVEXAdd(g), newVEXRepo(g))
	return cmd
}

func newVEXRepo(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repo",
		Short: "Manage the copies of VEX repositories",
		Long: `A VEX repository has VEX documents on many products. A scan with --vex repo uses
the configured repositories, or Aqua's VEX Hub if none is configured. It updates
a copy when the update interval of the repository has passed.
https://github.com/aquasecurity/vex-repo-spec`,
		Example: "  assay vex repo init\n  assay vex repo list\n  assay vex repo download",
	}
	cmd.AddCommand(newVEXRepoInit(g), newVEXRepoList(g), newVEXRepoDownload(g))
	return cmd
}

func newVEXRepoInit(g *global) *cobra.Command {
	var o vexOptions
	cmd := &cobra.Command{
		Use:     "init",
		Short:   "Write a first configuration of VEX repositories",
		Long:    "Write a configuration with Aqua's VEX Hub, to edit. assay does not change a file\nthat exists.",
		Example: "  assay vex repo init\n  assay vex repo init --vex-config ./repository.yaml",
		RunE: func(*cobra.Command, []string) error {
			file, err := scan.VEXConfig(o.config)
			if err != nil {
				return err
			}
			if exists(file) {
				fmt.Fprintf(g.out, "%s: exists already, unchanged\n", file)
				return nil
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := wholefile.Write(file, func(w io.Writer) error { _, err := io.WriteString(w, vexhub.DefaultConfig); return err }); err != nil {
				return err
			}
			fmt.Fprintf(g.out, "%s: written\n", file)
			return nil
		},
	}
	o.configFlag(cmd.Flags())
	return cmd
}

func newVEXRepoList(g *global) *cobra.Command {
	var o vexOptions
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the repositories and the age of their copies",
		Example: "  assay vex repo list",
		RunE: func(*cobra.Command, []string) error {
			all, err := scan.ListVEXRepositories(scan.VEXOptions{Config: o.config, CacheDir: g.cacheDir, SkipUpdate: true})
			if err != nil {
				return err
			}
			file, err := scan.VEXConfig(o.config)
			if err != nil {
				return err
			}
			if !exists(file) {
				file += " (does not exist: using the default)"
			}
			fmt.Fprintf(g.out, "configuration: %s\n\n", file)
			w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tENABLED\tADDRESS\tCOPY OF")
			for _, r := range all {
				age := "none yet"
				if r.Err != nil {
					age = r.Err.Error()
				} else if !r.Checked.IsZero() {
					age = r.Checked.Format(time.DateTime)
				}
				fmt.Fprintf(w, "%s\t%t\t%s\t%s\n", r.Name, r.Enabled, printable.NoCredentials(r.URL), printable.NoCredentials(age))
			}
			return w.Flush()
		},
	}
	o.configFlag(cmd.Flags())
	return cmd
}

func newVEXRepoDownload(g *global) *cobra.Command {
	var o vexOptions
	var from getterOptions
	cmd := &cobra.Command{
		Use:     "download [NAME]...",
		Short:   "Update the copies of VEX repositories now",
		Long:    "Update the copies of the named repositories, or of all that are enabled, even if\ntheir update interval has not passed.",
		Example: "  assay vex repo download\n  assay vex repo download default --mirror /srv/mirror",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.work(cmd.Context(), func(ctx context.Context, bars *progress) error {
				all, err := scan.UpdateVEX(ctx, scan.VEXOptions{Config: o.config, CacheDir: g.cacheDir, Fetch: from.fetch(g, bars)}, args)
				bars.end()
				errs := []error{err}
				for _, r := range all {
					if errs = append(errs, r.Err); r.Err == nil && !g.quiet {
						fmt.Fprintf(g.out, "%s: %s\n", r.Name, printable.NoCredentials(r.Archive))
					}
				}
				return errors.Join(errs...)
			})
		},
	}
	o.configFlag(cmd.Flags())
	from.flags(cmd.Flags())
	return cmd
}
