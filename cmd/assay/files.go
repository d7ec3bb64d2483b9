package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

// filesOptions are the flags of `assay files`.
type filesOptions struct {
	imageOptions
	format string
	output string
	layer  int // -1 for all
	paths  []string
}

func newFiles(g *global) *cobra.Command {
	o := &filesOptions{imageOptions: imageOptions{scanOptions: scanOptions{global: g}}}
	cmd := &cobra.Command{
		Use:   "files IMAGE|DIRECTORY",
		Short: "List the files that each layer adds, changes or deletes",
		Long: `List the files in each layer of an image, with path, size, mode and owner, and
whether the layer added, changed or deleted the file. The list includes files
that a higher layer hides: they still take space, and anybody can read them.

Layers are numbered from 0, the lowest. An "opaque" directory hides everything
that lower layers have in it. As in docker diff, a directory that a lower layer
also has is changed. A directory that is not an OCI layout is listed as one
layer.

The list of a layer takes at most 256 MiB of memory, about three million files.
When a layer has more, assay warns and leaves the rest out.`,
		Example: `  assay files app:1.4
  assay files app:1.4 --layer 3
  assay files app:1.4 --path 'etc/**' --path '**/*.pem'
  assay files --input app.tar -f json -o files.json
  assay files ./rootfs --path usr/local`,
		Args: o.one("no image given: name an image or a directory, or a file with --input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), strings.Join(args, ""))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", textForm, "table or json")
	f.StringVarP(&o.output, "output", "o", "", "write to this `FILE`")
	f.IntVar(&o.layer, "layer", -1, "list only layer `N`; layers are numbered from 0")
	f.StringSliceVar(&o.paths, "path", nil, "list only these paths and what is below them, with * and **; may be repeated")
	o.sourceFlags(f)
	f.BoolVar(&o.noCache, "no-cache", false, "read all layers again, and cache nothing")
	f.Lookup("layer").DefValue = "all"
	return cmd
}

func (o *filesOptions) check() error {
	if o.format != textForm && o.format != jsonForm {
		return usagef("--format %q: want table or json", o.format)
	}
	if o.layer < -1 {
		return usagef("--layer %d: layers are numbered from 0", o.layer)
	}
	if err := scan.CheckPaths(o.paths); err != nil {
		return err
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
	var l *scan.FileListing
	err := o.work(ctx, func(ctx context.Context, bars *progress) (err error) {
		l, err = o.list(ctx, ref, bars)
		return err
	})
	if err != nil {
		return err
	}
	write := func(w io.Writer, width int) error {
		b, put := bufio.NewWriterSize(w, 64<<10), l.JSON
		if o.format != jsonForm {
			put = func(w io.Writer) error { return l.Text(w, width) }
		}
		return cmp.Or(put(b), b.Flush())
	}
	if o.output == "" || o.output == "-" {
		width, _ := isTerminal(o.out)
		return write(o.out, width)
	}
	return writeReport(o.output, func(w io.Writer) error { return write(w, 0) })
}

// list opens an image or a directory and lists its layers.
func (o *filesOptions) list(ctx context.Context, ref string, bars *progress) (*scan.FileListing, error) {
	img, err := o.open(ctx, cmp.Or(o.source.Input, ref), ref, bars)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	request := scan.FilesRequest{Image: img, Paths: o.paths, Verify: o.source.Verify, Progress: bars.update()}
	if o.layer >= 0 {
		request.Layer = &o.layer
	}
	if !o.noCache {
		dir, err := o.cache()
		if err != nil {
			return nil, err
		}
		request.Cache = scan.LayerCache(dir)
	}
	return scan.ListFiles(ctx, request)
}

// open opens an image, or a directory that is not an OCI layout.
func (o *filesOptions) open(ctx context.Context, path, ref string, bars *progress) (*assay.Image, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() && !exists(filepath.Join(path, "index.json")) {
		return scan.OpenDirectory(path)
	}
	o.source.Progress = bars.update()
	return scan.OpenImage(ctx, ref, o.source)
}
