package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/encoding/wholefile"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// reportOptions are the flags of the report: format, content, place.
type reportOptions struct {
	format      string
	version     string // of the format
	output      string
	listAllPkgs bool
	showLayers  bool
	suppressed  bool
	tree        bool
	template    string // as on the command line
	text        string // of the template
	maxChars    int
	filter      filterOptions
	gate        gateOptions

	given func(flag string) bool // whether the user set the flag
}

func (o *reportOptions) flags(f *pflag.FlagSet) {
	o.given = f.Changed
	names := scan.Formats()
	f.StringVarP(&o.format, "format", "f", names[0], "format: "+strings.Join(names, ", ")+"; @ chooses a version: cyclonedx@1.7")
	f.StringVarP(&o.output, "output", "o", "", "write the report to this `FILE`; the name of a format chooses the format")
	f.BoolVar(&o.listAllPkgs, "list-all-pkgs", false, "also list packages without findings (JSON always does)")
	f.BoolVar(&o.tree, "dependency-tree", false, "table: show the dependency paths to packages with findings")
	f.BoolVar(&o.showLayers, "show-layers", false, "table: show the layer and instruction of each package")
	f.BoolVar(&o.suppressed, "show-suppressed", false, "also show suppressed findings and why they are suppressed (JSON always does)")
	f.StringVarP(&o.template, "template", "t", "", "with -f template: `TEXT` of the template, or @FILE")
	f.IntVar(&o.maxChars, "max-chars", 0, "with -f markdown: leave out rows beyond this length; GitHub comments take 65536 (default no limit)")
	o.filter.flags(f)
	o.gate.flags(f)
}

// check returns an error for invalid flags before anything is read.
func (o *reportOptions) check() (assay.Format, error) {
	if err := o.gate.check(); err != nil {
		return assay.Format{}, err
	}
	if err := o.readOutput(); err != nil {
		return assay.Format{}, err
	}
	name, version, _ := strings.Cut(o.format, "@")
	for _, f := range report.All() {
		if f.Name != name {
			continue
		}
		if version != "" && !slices.Contains(f.Versions, version) {
			if len(f.Versions) == 0 {
				return assay.Format{}, usagef("--format %s has no versions", name)
			}
			return assay.Format{}, usagef("--format %s has versions %s, not %s", name, strings.Join(f.Versions, ", "), version)
		}
		if o.version = version; f.SBOM && (o.gate.set() || o.filter.set()) {
			slog.Warn(fmt.Sprintf("-f %s lists packages without findings: filters, --exit-code, --exit-on-eol and --fail-on have no effect", f.Name))
		}
		return f, o.options(f)
	}
	return assay.Format{}, usagef("--format %q: want one of %s", o.format, strings.Join(scan.Formats(), ", "))
}

// options returns an error for an option that the format f does not take.
func (o *reportOptions) options(f assay.Format) (err error) {
	switch takes := f.Takes(assay.OptionTemplate); {
	case takes && o.template == "":
		return usagef("-f %s requires --template: give the text, or @FILE", f.Name)
	case !takes && o.template != "":
		return usagef("--template requires -f %s, got -f %s", formatsWith(assay.OptionTemplate), f.Name)
	case o.maxChars != 0 && !f.Takes(assay.OptionMaxChars):
		return usagef("--max-chars requires -f %s, got -f %s", formatsWith(assay.OptionMaxChars), f.Name)
	}
	name := "--template"
	if file, ok := strings.CutPrefix(o.template, "@"); ok {
		if name += " " + file; file == "" {
			return usagef("--template @: no file given: write @FILE")
		}
		b, err := limit.ReadFile(file, report.MaxTemplate)
		if err != nil {
			return usagef("--template: %w", err)
		}
		o.text = string(b)
	} else {
		o.text = o.template
	}
	if f.Check == nil {
		return nil
	}
	if err := f.Check(o.how(f)); err != nil && o.template != "" {
		return usagef("%s: %w", name, err)
	} else if err != nil {
		return usagef("-f %s: %w", f.Name, err)
	}
	return nil
}

// how gives the options that the format f takes.
func (o *reportOptions) how(f assay.Format) assay.FormatOptions {
	return f.Keep(assay.FormatOptions{Version: o.version, ShowLayers: o.showLayers, Tree: o.tree, AllPkgs: o.listAllPkgs, Suppressed: o.suppressed,
		Template: o.text, MaxChars: o.maxChars})
}

// formatsWith names the formats that take an option, joined with "or".
func formatsWith(option assay.FormatOption) string {
	var names []string
	for _, f := range report.All() {
		if f.Takes(option) {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, " or ")
}

// write writes the report to standard output or to the file of --output. A file
// appears whole or not at all.
func (o *reportOptions) write(g *global, format assay.Format, r *assay.Report) error {
	if n := len(r.Gaps); n > 0 && format.NoGaps {
		slog.Warn(fmt.Sprintf("-f %s cannot show what could not be read or judged: %s left out; use -f json", format.Name, printable.Count(n, "gap is", "gaps are")))
	}
	for _, title := range format.Unwritten(r) {
		slog.Warn(fmt.Sprintf("-f %s leaves out the section %s; use -f json", format.Name, title))
	}
	if format.Name != "table" && format.Name != "markdown" { // whose summaries name them
		o.filter.rules.report(g, r)
	}
	opts := o.how(format)
	write := func(w io.Writer) error { return format.Write(w, r, opts) }
	if o.output == "" || o.output == "-" || o.output == "/dev/stdout" {
		opts.Width, _ = isTerminal(g.out)
		opts.Color = g.color(g.out)
		opts = format.Keep(opts)
		return write(g.out)
	}
	return writeReport(o.output, write)
}

// theirFormats are Grype's and Syft's names of formats: ours, or "" for none.
var theirFormats = map[string]string{"cyclonedx-json": "cyclonedx", "spdx-tag-value": "spdx", "text": "table", "syft-table": "table", "syft-text": "table",
	"syft-json": "", "github-json": "", "purls": "", "embedded-cyclonedx-vex-json": "", "embedded-cyclonedx-vex-xml": ""}

// readOutput reads --output as Grype and Syft do when it is a format, or FORMAT=FILE, and
// --format is not given. It warns, because a file may be meant.
func (o *reportOptions) readOutput() error {
	name, file, _ := strings.Cut(o.output, "=")
	base, version, hasVersion := strings.Cut(name, "@")
	ours, theirs := theirFormats[base]
	switch {
	case slices.Contains(scan.Formats(), base):
		ours = base
	case !theirs:
		return nil
	case ours == "":
		return usagef("-o %s: %s is a format of Grype or Syft: want one of %s, with -f; for a file of that name write -o ./%s", o.output, base, strings.Join(scan.Formats(), ", "), o.output)
	}
	if o.given("format") {
		slog.Warn(fmt.Sprintf("-o %s writes %s to a file of that name: -f chooses the format, and -o the file", o.output, o.format))
		return nil
	}
	if hasVersion {
		ours += "@" + version
	}
	slog.Warn(fmt.Sprintf("-o %s is read as -f %s, as Grype and Syft do; for a file of that name write -o ./%s", o.output, ours, o.output))
	o.format, o.output = ours, file
	return nil
}

// place returns an error, before the scan, when --output cannot be written.
func (o *reportOptions) place() error {
	if o.output == "" || o.output == "-" {
		return nil
	}
	if info, err := os.Stat(o.output); err == nil && info.IsDir() {
		return fmt.Errorf("report %s: is a directory: name a file", o.output)
	}
	if dir := filepath.Dir(o.output); !exists(dir) {
		return fmt.Errorf("report %s: directory %s does not exist", o.output, dir)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// writeReport writes a file as a whole, or not at all.
func writeReport(name string, write func(io.Writer) error) error {
	if err := wholefile.Write(name, write); err != nil {
		return fmt.Errorf("report %w", err)
	}
	return nil
}
