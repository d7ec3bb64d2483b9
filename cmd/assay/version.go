package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

// version is set by the linker for releases.
var version = ""

// tool is how reports name this program.
func tool() assay.Tool { return assay.Tool{Name: "assay", Version: programVersion()} }

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func newVersion(g *global) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version of assay and the age of its database",
		Example: "  assay version\n  assay version -f json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := g.cache()
			if err != nil {
				return err
			}
			status, err := scan.Status(dir)
			if err != nil {
				return err
			}
			v := struct {
				Version  string               `json:"version"`
				Go       string               `json:"go"`
				Platform string               `json:"platform"`
				Database *scan.DatabaseStatus `json:"database,omitempty"`
			}{programVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, status}
			switch format {
			case "json":
				e := json.NewEncoder(g.out)
				e.SetIndent("", "  ")
				return e.Encode(v)
			case "table":
			default:
				return usagef("--format %q: want table or json", format)
			}
			fmt.Fprintf(g.out, "assay %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			status.Summary(g.out)
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "table", "table or json")
	return cmd
}

func newReaders(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "readers",
		Short: "List the files that assay reads, and in which targets",
		Long: `List the readers, the targets in which each reads files, and the files. The
target image stands for images, root file systems and disks. "**/" matches any
directory; a path without it is read at that place of the system only.
--file-patterns takes the names of readers.`,
		Example: "  assay readers\n  assay readers | grep python",
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
			for _, r := range reader.All() {
				for i, p := range r.Wants() {
					name := r.Name()
					if i > 0 {
						name = strings.Repeat(" ", len(name))
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", name, targetsOf(p.Scope), describe(&p))
				}
			}
			return w.Flush()
		},
	}
}

// targetsOf names the targets in which files of a scope are read.
func targetsOf(s assay.Scope) string {
	if s == 0 {
		s = assay.ScopeSystem
	}
	var out []string
	for _, t := range []struct {
		name   string
		scopes assay.Scope
	}{{"image", scan.Scopes(assay.KindImage)}, {"fs", scan.Scopes(assay.KindFilesystem)}, {"repo", scan.Scopes(assay.KindRepository)}, {"sbom", scan.Scopes(assay.KindSBOM)}} {
		if s&t.scopes != 0 {
			out = append(out, t.name)
		}
	}
	return strings.Join(out, ",")
}

// describe writes a pattern with its conditions.
func describe(p *assay.Pattern) string {
	s := p.Glob
	if p.Executable {
		s += " (executables)"
	}
	if p.RequiresSibling != "" {
		s += " (beside " + p.RequiresSibling + ")"
	}
	if p.UnlessSibling != "" {
		s += " (without " + p.UnlessSibling + ")"
	}
	return s
}
