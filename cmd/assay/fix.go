package main

import (
	"context"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newFix(g *global) *cobra.Command {
	o := newSubject(g)
	cmd := &cobra.Command{
		Use:   "fix TARGET|REPORT",
		Short: "Plan the upgrades that remove the most risk, with commands",
		Long: `Plan which packages to upgrade to which version, with the findings that each
upgrade removes. The plan has commands of the image's package managers, the same
as lines of a Dockerfile, and the findings that remain with the reason. assay
matches the planned versions again, so that it does not recommend a version that
has vulnerabilities of its own.

TARGET is an image, a directory, a repository, an SBOM or a disk image. A prefix
chooses one kind: dir: rootfs: repo: sbom: vm: or one of assay image.

The plan leaves out findings that filters or ignore rules leave out.`,
		Example: `  assay fix app:1.4
  assay fix .
  assay fix --input app.tar --severity HIGH,CRITICAL
  assay fix report.json -o json | jq -r '.dockerfile[]' > Dockerfile`,
		Args: o.one(whichSubject),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			ref, err := o.subject(args)
			if err != nil {
				return err
			}
			var p *scan.Plan
			err = o.judged(cmd.Context(), ref, func(ctx context.Context, r *assay.Report, request scan.Request) (err error) {
				p, err = scan.Fix(ctx, r, request)
				return err
			})
			if err != nil {
				return err
			}
			return o.put(p.Text, func(w io.Writer) error { return asJSON(w, p) })
		},
	}
	o.flags(cmd)
	repositoryFlags(cmd.Flags(), &o.commit)
	return cmd
}
