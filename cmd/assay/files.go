package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/section"
	"github.com/assaysec/assay/internal/source"
	"github.com/spf13/cobra"
)

// filesOptions are the flags of `assay files`.
type filesOptions struct {
	imageOptions
	format string
	output string
	layer  int // -1 for all
	paths  []string

	match inventory.Patterns
}

func newFiles(g *global) *cobra.Command {
	o := &filesOptions{imageOptions: imageOptions{scanOptions: scanOptions{global: g}}}
	cmd := &cobra.Command{
		Use:   "files IMAGE|DIRECTORY",
		Short: "List the files of each layer, and what the layer did to them",
		Long: `List what each layer of an image holds: path, size, mode and owner, and whether
the layer added the path, changed what a lower layer has there, or deleted it. What
a higher layer hides is listed, too: that is where space and secrets are lost.

Layers are counted from 0, the lowest. "opaque" is a directory of which a layer
hides all that lower layers have in it. As in docker diff, a directory that a lower
layer has, too, is changed. With IMAGE a directory that is no OCI layout, its files
are listed as one layer.

The listing of a layer takes up at most 256 MiB of memory, which is about three
million files; a layer with more is told about, and the rest of it left out.`,
		Example: `  assay files app:1.4
  assay files app:1.4 --layer 3
  assay files app:1.4 --path 'etc/**' --path '**/*.pem'
  assay files --input app.tar -f json -o files.json
  assay files ./rootfs --path usr/local`,
		Args: o.one("which image? Name one, or a file or directory with --input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), strings.Join(args, ""))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", textForm, "table or json")
	f.StringVarP(&o.output, "output", "o", "", "write to this `FILE`")
	f.IntVar(&o.layer, "layer", -1, "list only layer `N`, counted from 0")
	f.StringSliceVar(&o.paths, "path", nil, "list these paths only, with what is in them: paths inside the image, with * and **; may be repeated")
	o.sourceFlags(f)
	f.BoolVar(&o.noCache, "no-cache", false, "read every layer anew, and remember nothing")
	f.Lookup("layer").DefValue = "all"
	return cmd
}

func (o *filesOptions) check() (err error) {
	if o.format != textForm && o.format != jsonForm {
		return usagef("--format %q is neither table nor json", o.format)
	}
	if o.layer < -1 {
		return usagef("--layer %d: layers are counted from 0", o.layer)
	}
	if o.match, err = inventory.ParsePatterns(o.paths); err != nil {
		return usagef("--path: %w", err)
	}
	o.report.output = o.output
	if err := o.report.place(); err != nil {
		return err
	}
	return o.imageOptions.check()
}

func (o *filesOptions) run(ctx context.Context, ref string) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	bars := o.progress(ctx)
	defer bars.end()
	l, err := o.list(ctx, ref, bars)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	bars.end()
	write := func(w io.Writer, width int) error {
		b := bufio.NewWriterSize(w, 64<<10)
		if o.format == jsonForm {
			err = l.json(b)
		} else {
			err = l.table(b, width)
		}
		return cmp.Or(err, b.Flush())
	}
	if o.output == "" || o.output == "-" {
		width, _ := isTerminal(o.out)
		return write(o.out, width)
	}
	return writeReport(o.output, func(w io.Writer) error { return write(w, 0) })
}

// list reads the layers.
func (o *filesOptions) list(ctx context.Context, ref string, bars *progress) (*listing, error) {
	img, err := o.open(ctx, cmp.Or(o.source.Input, ref), ref, bars)
	if err != nil {
		return nil, err
	}
	if img.Close != nil {
		defer img.Close()
	}
	if o.layer >= len(img.Layers) {
		return nil, usagef("--layer %d: the image has %d layers, 0 to %d", o.layer, len(img.Layers), len(img.Layers)-1)
	}
	only := *img // what higher layers do makes no difference
	if o.layer >= 0 {
		only.Layers = img.Layers[:o.layer+1]
	}
	in := inventory.Options{Kinds: []*assay.SectionKind{section.Files}, Build: build(), Verify: o.source.Verify, Progress: bars.update()}
	if !o.noCache {
		dir, err := o.cache()
		if err != nil {
			return nil, err
		}
		in.Cache = &cache.Dir{Path: filepath.Join(dir, "layers")}
	}
	inv, err := inventory.Build(ctx, &only, in)
	if err != nil {
		return nil, err
	}
	l := &listing{img: img, gaps: inv.Gaps}
	filter := assay.SectionFilter{}
	if len(o.match) > 0 {
		filter.Path = o.match.Match
	}
	if o.layer >= 0 {
		filter.Layer = func(n int) bool { return n == o.layer }
	}
	l.files = inv.Sections[section.Files.Name].Filter(filter)
	l.count(o.layer)
	return l, nil
}

// open opens an image, or a directory that is none.
func (o *filesOptions) open(ctx context.Context, path, ref string, bars *progress) (*assay.Image, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() && !exists(filepath.Join(path, "index.json")) {
		return source.Folder(path, assay.KindFilesystem)
	}
	o.source.Progress = bars.update()
	return source.Open(ctx, source.All(), ref, o.source)
}

// A listing is what is listed, with what is known of it beforehand.
type listing struct {
	img    *assay.Image
	files  *assay.Section
	gaps   []assay.Gap
	totals []layerTotal

	owner, size int // columns
}

// layerTotal is what a layer did, in numbers.
type layerTotal struct {
	Layer     int    `json:"layer"`
	DiffID    string `json:"diffID,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"`
	Added     int    `json:"added"`
	Changed   int    `json:"changed"`
	Deleted   int    `json:"deleted"`
	Opaque    int    `json:"opaque"`
	Size      int64  `json:"size"` // bytes of its files
}

// count goes through the listing once, for the totals and the widths of columns.
func (l *listing) count(only int) {
	first := 0
	for i, layer := range l.img.Layers {
		if only < 0 || i == only {
			l.totals = append(l.totals, layerTotal{Layer: i, DiffID: layer.DiffID, CreatedBy: layer.CreatedBy})
		}
	}
	if only > 0 {
		first = only
	}
	l.owner, l.size = len("OWNER"), len("SIZE")
	for i := range l.files.Items() {
		f, t := i.Value.(*section.File), &l.totals[i.Layer-first]
		switch f.Change {
		case section.Added:
			t.Added++
		case section.Changed:
			t.Changed++
		case section.Deleted:
			t.Deleted++
		case section.Opaque:
			t.Opaque++
		}
		t.Size += f.Size
		l.owner, l.size = max(l.owner, len(f.Owner())), max(l.size, len(shownSize(f)))
	}
}

// shownSize is the size of a file; "" of what has none.
func shownSize(f *section.File) string {
	if f.Type != "file" {
		return ""
	}
	return printable.Size(f.Size)
}

// minPath is how many columns paths have at least: narrower terminals break lines
// themselves.
const minPath = 20

// table writes the listing for people, a path a line. On a terminal, long paths go
// on below themselves.
func (l *listing) table(w io.Writer, width int) error {
	line := fmt.Sprintf("%%5s  %%-7s  %%-10s  %%-%ds  %%%ds  ", l.owner, l.size)
	indent := 5 + 2 + 7 + 2 + 10 + 2 + l.owner + 2 + l.size + 2
	if _, err := fmt.Fprintf(w, line+"PATH\n", "LAYER", "CHANGE", "MODE", "OWNER", "SIZE"); err != nil {
		return err
	}
	for i := range l.files.Items() {
		f := i.Value.(*section.File)
		path := printable.Text(i.Path)
		switch {
		case f.Type == "directory" || f.Change == section.Opaque:
			path += "/"
		case f.Link != "" && f.Type == "hardlink":
			path += " = " + printable.Text(f.Link)
		case f.Link != "":
			path += " -> " + printable.Text(f.Link)
		}
		if width > 0 {
			path = wrapPath(path, max(minPath, width-indent), indent)
		}
		if _, err := fmt.Fprintf(w, line+"%s\n", fmt.Sprint(i.Layer), f.Change, f.ModeString(), f.Owner(), shownSize(f), path); err != nil {
			return err
		}
	}
	return l.tableTotals(w, width)
}

// wrapPath breaks a path after slashes where it can into lines of n columns.
func wrapPath(path string, n, indent int) string {
	var lines []string
	for utf8.RuneCountInString(path) > n {
		head := string([]rune(path)[:n])
		if i := max(strings.LastIndexByte(head, '/'), strings.LastIndexByte(head, ' ')); i > 0 {
			head = head[:i+1]
		}
		lines, path = append(lines, head), path[len(head):]
	}
	return strings.Join(append(lines, path), "\n"+strings.Repeat(" ", indent))
}

// tableTotals writes what each layer did, and which instruction made it.
func (l *listing) tableTotals(w io.Writer, width int) error {
	var all layerTotal
	line := "%5s  %7s  %7s  %7s  %6s  %9s  %s\n"
	const indent = 5 + 3*9 + 8 + 11 + 2
	if _, err := fmt.Fprintf(w, "\n"+line, "LAYER", "ADDED", "CHANGED", "DELETED", "OPAQUE", "SIZE", "MADE BY"); err != nil {
		return err
	}
	for _, t := range l.totals {
		by := instruction(t.CreatedBy)
		if width > 0 {
			by = printable.Cut(by, max(minPath, width-indent))
		}
		if _, err := fmt.Fprintf(w, line, fmt.Sprint(t.Layer), fmt.Sprint(t.Added), fmt.Sprint(t.Changed), fmt.Sprint(t.Deleted), fmt.Sprint(t.Opaque), printable.Size(t.Size), by); err != nil {
			return err
		}
		all.Added, all.Changed, all.Deleted, all.Opaque, all.Size = all.Added+t.Added, all.Changed+t.Changed, all.Deleted+t.Deleted, all.Opaque+t.Opaque, all.Size+t.Size
	}
	if len(l.totals) > 1 {
		if _, err := fmt.Fprintf(w, line, "all", fmt.Sprint(all.Added), fmt.Sprint(all.Changed), fmt.Sprint(all.Deleted), fmt.Sprint(all.Opaque), printable.Size(all.Size), ""); err != nil {
			return err
		}
	}
	for i, g := range l.gaps {
		if i == 0 {
			fmt.Fprintln(w, "\nNot listed:")
		}
		if _, err := fmt.Fprintf(w, "  %s\n", printable.Text(g.String())); err != nil {
			return err
		}
	}
	return nil
}

// instruction is a history entry without the shell that builders write before it.
func instruction(s string) string {
	s = strings.TrimPrefix(s, "/bin/sh -c ")
	s = strings.TrimPrefix(s, "#(nop) ")
	return cmp.Or(strings.TrimSpace(printable.Text(s)), "-")
}

// json writes the listing for programs, an item a line.
func (l *listing) json(w io.Writer) error {
	head, err := json.Marshal(struct {
		Name     string          `json:"name"`
		ID       string          `json:"id,omitempty"`
		Digest   string          `json:"digest,omitempty"`
		Platform *assay.Platform `json:"platform,omitempty"`
		Layers   []layerTotal    `json:"layers"`
		Gaps     []assay.Gap     `json:"gaps,omitempty"`
	}{l.img.Name, l.img.ID, l.img.Digest, platformOf(l.img), l.totals, l.gaps})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\n\"files\":[", head[:len(head)-1]); err != nil {
		return err
	}
	comma := "\n"
	for i := range l.files.Items() {
		b, err := json.Marshal(i)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", comma, b); err != nil {
			return err
		}
		comma = ",\n"
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

func platformOf(img *assay.Image) *assay.Platform {
	if img.Platform == (assay.Platform{}) {
		return nil
	}
	return &img.Platform
}
