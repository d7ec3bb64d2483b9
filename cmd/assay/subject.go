package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/triage"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

// subjectOptions are the flags of commands that tell more of what was scanned:
// those of `assay image`, but for the form of the report.
type subjectOptions struct {
	imageOptions
	format string // table or json
	all    bool   // findings that filters leave out count, too
}

// The forms of what these commands tell.
const (
	textForm = "table"
	jsonForm = "json"
)

const whichSubject = "which image? Name one, or a report, or a file with --input"

func newSubject(g *global) *subjectOptions {
	return &subjectOptions{imageOptions: imageOptions{scanOptions: scanOptions{global: g}}}
}

func (o *subjectOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", textForm, "table or json")
	f.StringVarP(&o.report.output, "output", "o", "", "write to this `FILE`; table and json are taken for forms")
	o.sourceFlags(f)
	o.report.filter.flags(f)
	o.scanOptions.targetFlags(f)
	o.imageOptions.imageFlags(f)
}

// check refuses what cannot be meant.
func (o *subjectOptions) check() error {
	if out := o.report.output; out == textForm || out == jsonForm {
		o.format, o.report.output = out, ""
	}
	if o.format != textForm && o.format != jsonForm {
		return usagef("--format %q is neither table nor json", o.format)
	}
	if err := o.imageOptions.check(); err != nil {
		return err
	}
	return o.report.place()
}

// put writes what there is to tell where it was asked for.
func (o *subjectOptions) put(text func(w io.Writer, width int) error, json func(io.Writer) error) error {
	write := func(w io.Writer, width int) error {
		if o.format == jsonForm {
			return json(w)
		}
		return text(w, width)
	}
	if o.report.output == "" || o.report.output == "-" {
		width, _ := isTerminal(o.out)
		return write(o.out, width)
	}
	return writeReport(o.report.output, func(w io.Writer) error { return write(w, 0) })
}

// judged gives the report on what ref names: an image, or a file with a report
// or a bill of materials. With the report comes the scanner that made it, or that
// would, while the database is open; a saved report needs that only if it is to be
// asked more.
func (o *subjectOptions) judged(ctx context.Context, ref string, ask bool, visit func(context.Context, *scan.Scanner, *assay.Report) error) error {
	keep, err := o.report.filter.options()
	if err != nil {
		return err
	}
	if o.all {
		keep = triage.Options{SeveritySources: keep.SeveritySources, Suppressors: keep.Suppressors, AsOf: keep.AsOf}
	}
	saved, bill, err := o.saved(ref)
	if err != nil {
		return err
	}
	if saved != nil && keep.AsOf.IsZero() {
		keep.AsOf = saved.AsOf
	}
	t := o.target(ref)
	if bill {
		t = sbomTarget(ref, o.in)
	}
	s, err := o.scanner(t.scopes)
	if err != nil {
		return err
	}
	s.Triage, s.Verify, s.NoMatch = keep, t.verify, saved != nil && !ask
	t.saved, t.visit = saved, func(ctx context.Context, s *scan.Scanner, r *assay.Report) error {
		o.report.filter.rules.warn(assay.Format{}, r)
		return visit(ctx, s, r)
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	bars := o.progress(ctx)
	defer bars.end()
	if _, err := o.scan(ctx, s, t, bars); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	bars.end()
	return nil
}

// maxSniff is how much of a file tells what it is.
const maxSniff = 512

// saved reads the report that a file holds; bill says that it holds a bill of
// materials instead. Neither is said of what is no such file: an image.
func (o *subjectOptions) saved(name string) (r *assay.Report, bill bool, err error) {
	if name == "-" {
		return o.piped()
	}
	info, err := os.Stat(name)
	if name == "" || err != nil || !info.Mode().IsRegular() {
		return nil, false, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	head := make([]byte, maxSniff)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("%s: %w", name, err)
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("<")), bytes.HasPrefix(head, []byte("SPDXVersion:")), bytes.HasPrefix(head, []byte("pkg:")), bytes.HasPrefix(head, []byte("cpe:")):
		return nil, true, nil
	case !bytes.HasPrefix(head, []byte("{")):
		return nil, false, nil
	}
	r, err = readReport(name, o.in)
	if errors.Is(err, assay.ErrUnsupported) {
		return nil, true, nil
	}
	return r, false, err
}

// piped reads what comes by the pipe: a report, else a bill, which is left to be
// read again.
func (o *subjectOptions) piped() (r *assay.Report, bill bool, err error) {
	b, err := limit.ReadAll(o.in, maxReport)
	if err != nil {
		return nil, false, fmt.Errorf("-: %w", err)
	}
	if r, err = report.Read(b); err == nil {
		return r, false, nil
	}
	if errors.Is(err, assay.ErrUnsupported) || !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		o.in = bytes.NewReader(b)
		return nil, true, nil
	}
	return nil, false, fmt.Errorf("-: %w", err)
}

// subject is what the arguments name; --input may name a saved report, too.
func (o *subjectOptions) subject(args []string) string {
	if o.source.Input == "" {
		return strings.Join(args, "")
	}
	if o.source.Input == "-" {
		o.source.Input = ""
		return "-"
	}
	if r, bill, err := o.saved(o.source.Input); r != nil || bill || err != nil {
		name := o.source.Input
		o.source.Input = ""
		return name
	}
	return ""
}
