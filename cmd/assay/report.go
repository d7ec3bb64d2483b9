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
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/pflag"
)

// reportOptions are the flags about what is reported, and how.
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
}

func (o *reportOptions) flags(f *pflag.FlagSet) {
	names := formatNames()
	f.StringVarP(&o.format, "format", "f", names[0], "form of the report: "+strings.Join(names, ", ")+"; cyclonedx@1.7 asks for a version of its specification")
	f.StringVarP(&o.output, "output", "o", "", "write the report to this `FILE`")
	f.BoolVar(&o.listAllPkgs, "list-all-pkgs", false, "list the packages without findings, too (JSON has them unasked)")
	f.BoolVar(&o.tree, "dependency-tree", false, "show what needs the packages with findings, in the table")
	f.BoolVar(&o.showLayers, "show-layers", false, "show which layer and instruction brought a package")
	f.BoolVar(&o.suppressed, "show-suppressed", false, "show what was ruled out, by whom and why, too (JSON has it unasked)")
	f.StringVarP(&o.template, "template", "t", "", "with -f template: the template's `TEXT`, or @FILE")
	f.IntVar(&o.maxChars, "max-chars", 0, "with -f markdown: leave out rows so that the report has at most so many characters; comments on GitHub hold 65536 (default no limit)")
	o.filter.flags(f)
	o.gate.flags(f)
}

// check refuses what cannot be meant, before anything is read.
func (o *reportOptions) check() (assay.Format, triage.Options, error) {
	t, err := o.filter.options()
	if err != nil {
		return assay.Format{}, t, err
	}
	if err := o.gate.check(); err != nil {
		return assay.Format{}, t, err
	}
	name, version, _ := strings.Cut(o.format, "@")
	for _, f := range report.All() {
		if f.Name != name {
			continue
		}
		if version != "" && !slices.Contains(f.Versions, version) {
			if len(f.Versions) == 0 {
				return assay.Format{}, t, usagef("--format %s has no versions", name)
			}
			return assay.Format{}, t, usagef("--format %s has versions %s, not %s", name, strings.Join(f.Versions, ", "), version)
		}
		if o.version = version; f.SBOM && (o.gate.set() || o.filter.set()) {
			slog.Warn("a bill of materials lists packages and matches nothing: filters of findings, --exit-code, --exit-on-eol and --fail-on have no effect", "format", f.Name)
		}
		return f, t, o.options(f)
	}
	return assay.Format{}, t, usagef("--format %q is none of %s", o.format, strings.Join(formatNames(), ", "))
}

// options refuses what the format cannot be written with.
func (o *reportOptions) options(f assay.Format) (err error) {
	switch takes := f.Name == "template"; {
	case takes && o.template == "":
		return usagef("-f template: which template? Give its text, or @FILE, with --template")
	case !takes && o.template != "":
		return usagef("--template goes with -f template, not with -f %s", f.Name)
	case o.maxChars != 0 && f.Name != "markdown":
		return usagef("--max-chars goes with -f markdown, not with -f %s", f.Name)
	}
	name := "--template"
	if file, ok := strings.CutPrefix(o.template, "@"); ok {
		if name += " " + file; file == "" {
			return usagef("--template @: which file?")
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

// how is what was chosen about the look of a report.
func (o *reportOptions) how(f assay.Format) assay.FormatOptions {
	return assay.FormatOptions{Version: o.version, ShowLayers: o.showLayers, Tree: o.tree, AllPkgs: o.listAllPkgs || f.Name != "table", Suppressed: o.suppressed,
		Template: o.text, MaxChars: o.maxChars}
}

func formatNames() (names []string) {
	for _, f := range report.All() {
		names = append(names, f.Name)
	}
	return names
}

// write puts the report where it was asked for: a file appears whole or not at
// all.
func (o *reportOptions) write(g *global, format assay.Format, r *assay.Report) error {
	o.filter.rules.warn(format, r)
	for _, title := range format.Unwritten(r) {
		slog.Warn(fmt.Sprintf("-f %s does not write the section %s; -f json does", format.Name, title))
	}
	opts := o.how(format)
	write := func(w io.Writer) error { return format.Write(w, r, opts) }
	if o.output == "" || o.output == "-" || o.output == "/dev/stdout" {
		opts.Width, _ = isTerminal(g.out)
		opts.Color = g.color(g.out)
		return write(g.out)
	}
	return writeReport(o.output, write)
}

// place says, before the work begins, when the report could not be put where
// it was asked for.
func (o *reportOptions) place() error {
	if o.output == "" || o.output == "-" {
		return nil
	}
	if info, err := os.Stat(o.output); err == nil && info.IsDir() {
		return fmt.Errorf("report %s: is a folder; name a file", o.output)
	}
	if dir := filepath.Dir(o.output); !exists(dir) {
		return fmt.Errorf("report %s: there is no folder %s", o.output, dir)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// writeReport is writeFile for a report.
func writeReport(name string, write func(io.Writer) error) error {
	if err := writeFile(name, write); err != nil {
		return fmt.Errorf("report %w", err)
	}
	return nil
}

// writeFile writes a file beside its place and moves it there when it is whole.
// A device or a pipe is written to as it is; a link stays, and what it points
// to is replaced; permissions stay.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o644)
	info, err := os.Stat(name)
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		mode = info.Mode().Perm()
	default:
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return write(f)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".assay-*")
	if err != nil {
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = p.Err // the name of the temporary file says nothing
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
