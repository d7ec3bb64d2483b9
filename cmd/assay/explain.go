package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newExplain(g *global) *cobra.Command {
	o := newSubject(g)
	o.all = true
	cmd := &cobra.Command{
		Use:   "explain ID [TARGET|REPORT]",
		Short: "Explain a vulnerability, and why a target is affected or not",
		Long: `Explain a vulnerability by its ID (CVE, GHSA, DSA, RHSA, ...): severities by
source, exploitation, and the advisories of each publisher.

With a target or a report, also explain the findings: where the package is, the
dependency path to it, the advisory and versions that decided, and what
suppresses the finding; or why there is no finding. Ignore rules apply; filters
such as --severity do not.

TARGET is an image, a directory, a repository, an SBOM or a disk image. A prefix
chooses one kind: dir: rootfs: repo: sbom: vm: or one of assay image.`,
		Example: `  assay explain CVE-2021-44228
  assay explain CVE-2023-45288 app:1.4
  assay explain CVE-2023-45288 ./src
  assay explain GHSA-jf85-cpcp-j695 report.json -o json
  assay explain CVE-2022-0778 --input app.tar`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || strings.TrimSpace(args[0]) == "" {
				return fmt.Errorf("no vulnerability given: name its ID, such as CVE-2021-44228")
			}
			if len(args) == 1 && o.source.Input == "" {
				return nil
			}
			return o.one(whichSubject)(cmd, args[1:])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			e, err := o.explain(cmd.Context(), strings.TrimSpace(args[0]), args[1:])
			if err != nil {
				return err
			}
			return o.put(e.Text, func(w io.Writer) error { return asJSON(w, e) })
		},
	}
	o.flags(cmd)
	repositoryFlags(cmd.Flags(), &o.commit)
	return cmd
}

func (o *subjectOptions) explain(ctx context.Context, id string, args []string) (e *scan.Explanation, err error) {
	if len(args) > 0 || o.source.Input != "" {
		ref, err := o.subject(args)
		if err != nil {
			return nil, err
		}
		err = o.judged(ctx, ref, func(ctx context.Context, r *assay.Report, request scan.Request) error {
			e, err = scan.Explain(ctx, id, r, request)
			return err
		})
		return e, err
	}
	request, err := o.request(o.target(""))
	if err != nil {
		return nil, err
	}
	err = o.work(ctx, func(ctx context.Context, bars *progress) error {
		if request.Database, err = o.db.open(o.global, bars); err != nil {
			return err
		}
		e, err = scan.Explain(ctx, id, nil, request)
		return err
	})
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("%w (or name a target: assay then fetches what it needs)", err)
	}
	return e, err
}
