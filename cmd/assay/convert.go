package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/cobra"
)

// maxReport bounds a report: that of an image with 10,000 findings has 100 MB.
const maxReport = 1 << 30

func newConvert(g *global) *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "convert REPORT",
		Short: "Write a report in another form, or with other filters",
		Long: `Write a report that was saved with -f json, or in Trivy's form, in another form;
--severity, --ignore-unfixed, --vex, --exit-code and --exit-on-eol count anew.
Nothing is scanned or matched again. REPORT is - for what comes by a pipe.`,
		Example: `  assay image app:1.4 -f json -o report.json && assay convert report.json
  assay convert report.json -f cyclonedx -o app.cdx.json
  assay convert report.json --severity CRITICAL --exit-code 1`,
		Args: onePath("report"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.convert(cmd.Context(), g, args[0]) },
	}
	o.flags(cmd.Flags())
	o.filter.vex.from.flags(cmd.Flags())
	return cmd
}

func (o *reportOptions) convert(ctx context.Context, g *global, name string) error {
	format, keep, err := o.check()
	if err != nil {
		return err
	}
	if err := o.place(); err != nil {
		return err
	}
	ctx, cancel := g.limited(ctx)
	defer cancel()
	r, err := readReport(name, g.in)
	if err != nil {
		return err
	}
	if err := o.filter.vex.convert(ctx, g); err != nil {
		return err
	}
	if err := triage.Apply(ctx, r, keep); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	if err := o.filter.vex.done(ctx, r); err != nil {
		return err
	}
	if err := o.write(g, format, r); err != nil {
		return err
	}
	return o.gate.verdict(r)
}

// readReport reads a report that was saved, of assay's or Trivy's; - is what
// comes by a pipe.
func readReport(name string, pipe io.Reader) (*assay.Report, error) {
	in := io.NopCloser(pipe)
	if name != "-" {
		var err error
		if in, err = os.Open(name); err != nil {
			return nil, err
		}
		defer in.Close()
	}
	b, err := limit.ReadAll(in, maxReport)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, err := report.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
