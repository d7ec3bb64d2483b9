package main

import (
	"context"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

// subjectOptions are the flags of fix, diff and explain: those of assay image and assay
// repository, without the format of the report.
type subjectOptions struct {
	imageOptions
	commit scan.RepositoryOptions
	format string // table or json
	all    bool   // do not apply filters such as --severity
}

// The formats of these commands.
const (
	textForm = "table"
	jsonForm = "json"
)

const whichSubject = "no target given: name an image, a directory, a repository, an SBOM, a disk image or a report, or a file with --input"

func newSubject(g *global) *subjectOptions {
	return &subjectOptions{imageOptions: imageOptions{scanOptions: scanOptions{global: g}}}
}

func (o *subjectOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.format, "format", "f", textForm, "table or json")
	f.StringVarP(&o.report.output, "output", "o", "", "write to this `FILE`; -o table and -o json choose the format")
	o.sourceFlags(f)
	o.report.filter.flags(f)
	o.scanOptions.targetFlags(f)
	o.imageOptions.imageFlags(f)
}

// check returns an error for flags that are invalid or contradict each other.
func (o *subjectOptions) check() error {
	if out := o.report.output; out == textForm || out == jsonForm {
		o.format, o.report.output = out, ""
	}
	if o.format != textForm && o.format != jsonForm {
		return usagef("--format %q: want table or json", o.format)
	}
	if err := o.imageOptions.check(); err != nil {
		return err
	}
	if err := o.commit.Check(); err != nil {
		return err
	}
	return o.report.place()
}

// put writes the result to standard output or to the file of --output.
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

// judged calls visit with the report on ref, which is a target or a file with a report,
// and with the request that the report was made or judged by.
func (o *subjectOptions) judged(ctx context.Context, ref string, visit func(context.Context, *assay.Report, scan.Request) error) error {
	subject, err := scan.Recognize(ref, o.in)
	if err != nil {
		return err
	}
	t := o.subjectTarget(subject)
	request, err := o.request(t)
	if err != nil {
		return err
	}
	if f := &request.Filter; o.all {
		*f = scan.Filter{SeveritySources: f.SeveritySources, AsOf: f.AsOf}
	}
	var judged *assay.Report
	judge := visit
	visit = func(ctx context.Context, r *assay.Report, request scan.Request) error {
		judged = r
		return judge(ctx, r, request)
	}
	err = o.work(ctx, func(ctx context.Context, bars *progress) error {
		if subject.Report == nil {
			return o.scan(ctx, t, request, bars, visit)
		}
		if err := o.prepare(ctx, t, &request, bars); err != nil {
			return err
		}
		r, err := scan.Rejudge(ctx, subject.Report, request)
		if err != nil {
			return err
		}
		return visit(ctx, r, request)
	})
	if err == nil && judged != nil {
		o.report.filter.rules.report(o.global, judged)
	}
	return err
}

// subjectTarget is a subject as a target.
func (o *subjectOptions) subjectTarget(s scan.Subject) target {
	switch s.Kind {
	case assay.KindFilesystem:
		return directoryTarget(s.Ref, s.Scopes)
	case assay.KindRepository:
		return o.repositoryTarget(s.Ref, o.commit)
	case assay.KindVM:
		return diskTarget(s.Ref)
	case assay.KindSBOM:
		return sbomTarget(s.Ref, s.Pipe)
	}
	t := o.target(s.Ref)
	if s.Report != nil {
		t.kind = s.Report.Kind
	}
	return t
}

// subject is the image or file that args or --input name; --input may also name a
// saved report.
func (o *subjectOptions) subject(args []string) (string, error) {
	input := o.source.Input
	if input == "" {
		return strings.Join(args, ""), nil
	}
	if input != "-" {
		s, err := scan.Recognize(input, nil)
		if err != nil {
			return "", err
		}
		if s.Report == nil && s.Kind == assay.KindImage {
			return "", nil
		}
	}
	o.source.Input = ""
	return input, nil
}
