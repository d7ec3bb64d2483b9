package main

import (
	"context"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/plan"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newFix(g *global) *cobra.Command {
	o := newSubject(g)
	cmd := &cobra.Command{
		Use:   "fix IMAGE|REPORT|BILL",
		Short: "Tell which upgrades take away the most risk, and how to carry them out",
		Long: `Tell which packages to upgrade, to which version, and which findings each upgrade
takes away; as commands of the image's package managers and as lines of a
Dockerfile; what remains, and why. The planned versions are matched again, so
that one that has vulnerabilities of its own is not recommended.

Findings that filters or rules leave out are not planned for.`,
		Example: `  assay fix app:1.4
  assay fix --input app.tar --severity HIGH,CRITICAL
  assay fix report.json -o json | jq -r '.dockerfile[]' > Dockerfile`,
		Args: o.one(whichSubject),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			var p *plan.Plan
			err := o.judged(cmd.Context(), o.subject(args), true, func(ctx context.Context, s *scan.Scanner, r *assay.Report) (err error) {
				p, err = s.Plan(ctx, r)
				return err
			})
			if err != nil {
				return err
			}
			return o.put(p.Text, func(w io.Writer) error { return plan.JSON(w, p) })
		},
	}
	o.flags(cmd)
	return cmd
}
