package main

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newConvert(g *global) *cobra.Command {
	var o reportOptions
	var from getterOptions
	cmd := &cobra.Command{
		Use:   "convert REPORT",
		Short: "Write a saved report in another format or with other filters",
		Long: `Write a report that assay (-f json) or Trivy saved in another format, or with
other filters, ignore rules, VEX documents and gates. assay scans and matches
nothing again. REPORT is a file, or - for standard input.`,
		Example: `  assay image app:1.4 -f json -o report.json && assay convert report.json
  assay convert report.json -f cyclonedx -o app.cdx.json
  assay convert report.json --severity CRITICAL --exit-code 1`,
		Args: onePath("report"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.convert(cmd.Context(), g, from, args[0]) },
	}
	o.flags(cmd.Flags())
	from.flags(cmd.Flags())
	return cmd
}

func (o *reportOptions) convert(ctx context.Context, g *global, from getterOptions, name string) error {
	format, err := o.check()
	if err != nil {
		return err
	}
	request := scan.Request{Warn: g.warn}
	if format.SBOM {
		request.Warn = nil
	}
	if request.Filter, request.Suppressors, err = o.filter.load(); err != nil {
		return err
	}
	for _, s := range o.filter.vex.sources {
		if s == scan.VEXAttached || s == scan.VEXReferenced {
			return usagef("--vex %s requires a scan: for a saved report, name files or use repo", s)
		}
	}
	if err := o.place(); err != nil {
		return err
	}
	var r *assay.Report
	err = g.work(ctx, func(ctx context.Context, bars *progress) error {
		saved, err := scan.ReadReport(name, g.in)
		if err != nil {
			return err
		}
		if request.VEX, err = o.filter.vex.open(ctx, g, target{kind: saved.Kind}, from.fetch(g, bars), false); err != nil {
			return err
		}
		r, err = scan.Rejudge(ctx, saved, request)
		return err
	})
	if err != nil {
		return err
	}
	if err := o.write(g, format, r); err != nil {
		return err
	}
	return o.gate.verdict(g, r)
}
