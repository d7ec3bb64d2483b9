package main

import (
	"context"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newDiff(g *global) *cobra.Command {
	o := newSubject(g)
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two targets: packages and findings introduced or fixed",
		Long: `Compare two targets or saved reports (-f json, or Trivy's), and show which
packages and findings were introduced, which are fixed and why, and which are
unchanged. With --input NEW, only OLD is an argument.

A target is an image, a directory, a repository, an SBOM or a disk image. A
prefix chooses one kind: dir: rootfs: repo: sbom: vm: or one of assay image.

Two reports are compared as they are; with reports of one image from two days,
the difference is that of the advisories.

The exit code is 1, or that of --exit-code, when findings were introduced; with
--fail-on, when one of them matches it.`,
		Example: `  assay diff app:1.4 app:1.5
  assay diff ./main ./feature
  assay diff app:1.4 --input app-1.5.tar --fail-on high
  assay diff monday.json tuesday.json -o json
  assay diff app:1.4 app:1.5 --severity HIGH,CRITICAL --exit-code 0`,
		Args: func(_ *cobra.Command, args []string) error {
			want := 2
			if o.source.Input != "" {
				want = 1
			}
			if len(args) != want {
				return fmt.Errorf("expected OLD and NEW, or OLD and --input, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.diff(cmd.Context(), args) },
	}
	o.flags(cmd)
	o.report.gate.flags(cmd.Flags())
	cmd.Flags().Lookup("exit-code").DefValue = "1"
	o.report.gate.exitCode = exitFindings
	return cmd
}

func (o *subjectOptions) diff(ctx context.Context, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := o.report.gate.check(); err != nil {
		return err
	}
	refs := append(args, o.source.Input)
	input := o.source.Input
	var sides [2]*assay.Report
	for i := range sides {
		if o.source.Input = ""; i == 1 && input != "" {
			o.source.Input = input
			var err error
			if refs[1], err = o.subject(nil); err != nil {
				return err
			}
		}
		err := o.judged(ctx, refs[i], func(_ context.Context, r *assay.Report, _ scan.Request) error {
			sides[i] = r
			return nil
		})
		if err != nil {
			return err
		}
	}
	d := scan.Diff(sides[0], sides[1])
	if err := o.put(d.Text, func(w io.Writer) error { return asJSON(w, d) }); err != nil {
		return err
	}
	return o.report.gate.verdict(o.global, d.Added(sides[1]))
}
