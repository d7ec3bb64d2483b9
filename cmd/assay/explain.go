package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/plan"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
)

func newExplain(g *global) *cobra.Command {
	o := newSubject(g)
	o.all = true
	cmd := &cobra.Command{
		Use:   "explain ID [IMAGE|REPORT|SBOM]",
		Short: "Explain a vulnerability, and why an image is affected or not",
		Long: `Shows what is known of a vulnerability, by any of its names: severities by
source, exploitation, and what each advisory says of which packages. With an image,
a report or an SBOM: the findings, where the package is and what depends on it, which
advisory and which versions decided, and what suppressed it; or why there is no
finding. Filters such as --severity do not count here, ignore rules do.`,
		Example: `  assay explain CVE-2021-44228
  assay explain CVE-2023-45288 app:1.4
  assay explain GHSA-jf85-cpcp-j695 report.json -o json
  assay explain CVE-2022-0778 --input app.tar`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || strings.TrimSpace(args[0]) == "" {
				return fmt.Errorf("no vulnerability named: give its ID, such as CVE-2021-44228")
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
			return o.put(func(w io.Writer, width int) error { return writeExplanation(w, width, e) }, func(w io.Writer) error { return plan.JSON(w, e) })
		},
	}
	o.flags(cmd)
	return cmd
}

func (o *subjectOptions) explain(ctx context.Context, id string, subject []string) (e *scan.Explanation, err error) {
	tell := func(ctx context.Context, s *scan.Scanner, r *assay.Report) error {
		e, err = s.Explain(ctx, id, r)
		return err
	}
	if len(subject) > 0 || o.source.Input != "" {
		err = o.judged(ctx, o.subject(subject), true, tell)
		return e, err
	}
	dir, err := o.cache()
	if err != nil {
		return nil, err
	}
	if err := o.db.check(); err != nil {
		return nil, err
	}
	keep, err := o.report.filter.options()
	if err != nil {
		return nil, err
	}
	bars := o.progress(ctx)
	defer bars.end()
	database, err := o.db.open(o.global, dir, bars)
	if err != nil {
		return nil, err
	}
	defer database.Close()
	err = tell(ctx, &scan.Scanner{Advisories: database, Triage: keep}, nil)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("%w (or name an image: what it needs is fetched)", err)
	}
	return e, err
}

// writeExplanation writes an explanation for a person.
func writeExplanation(w io.Writer, width int, e *scan.Explanation) error {
	p := printable.NewPage(w, width)
	title := e.ID
	if e.Detail != nil && e.Detail.Title != "" {
		title += ": " + e.Detail.Title
	}
	p.Line("")
	p.Wrapped("", title)
	if len(e.Names) > 0 {
		p.Wrapped("", "also "+printable.Some(e.Names, 8))
	}
	if e.Detail == nil {
		p.Wrapped("", "The database has no advisory about it and no details of it (`assay db status` lists what the database has).")
	} else {
		writeDetail(p, e)
	}
	if e.Target != "" {
		writeVerdict(p, e)
	}
	writeRecords(p, e)
	if len(e.Gaps) > 0 {
		p.Heading("Not read or not judged (%d)", len(e.Gaps))
		for _, g := range e.Gaps[:min(len(e.Gaps), maxRecords)] {
			p.Wrapped("  - ", g.String())
		}
	}
	return p.Flush()
}

func writeDetail(p *printable.Page, e *scan.Explanation) {
	d := e.Detail
	p.Line("")
	if e.Source != "" {
		p.Wrapped("  severity  ", e.Severity+" ("+e.Source+")")
	}
	for _, r := range d.Ratings {
		if r.Severity != assay.SeverityUnknown && r.Source != e.Source {
			p.Wrapped("            ", r.Severity.String()+" ("+r.Source+")")
		}
	}
	for _, c := range d.CVSS {
		p.Wrapped("  CVSS "+c.Version+"  ", fmt.Sprintf("%.1f %s %s (%s)", c.Score, c.Severity(), c.Vector, c.Source))
	}
	if x := d.EPSS; x != nil {
		p.Wrapped("  EPSS      ", fmt.Sprintf("%.2f %% likely to be exploited within 30 days, more than %.0f %% of all (%s)", x.Score*100, x.Percentile*100, cmp.Or(x.Date, "undated")))
	}
	if k := d.KEV; k != nil {
		s := "known to be exploited, listed by CISA since " + k.Added
		if k.Ransomware {
			s += ", used by ransomware"
		}
		if k.Due != "" {
			s += "; fix due " + k.Due
		}
		p.Wrapped("  KEV       ", s)
		if k.Action != "" {
			p.Wrapped("            ", k.Action)
		}
	}
	if len(d.CWEs) > 0 {
		p.Wrapped("  CWE       ", printable.Some(d.CWEs, 8))
	}
	var dates []string
	if !d.Published.IsZero() {
		dates = append(dates, "published "+d.Published.Format(time.DateOnly))
	}
	if !d.Modified.IsZero() {
		dates = append(dates, "changed "+d.Modified.Format(time.DateOnly))
	}
	if len(dates) > 0 {
		p.Wrapped("  dates     ", strings.Join(dates, ", "))
	}
	if d.Rejected {
		p.Wrapped("  rejected  ", "the CVE was rejected")
	}
	if d.Text != "" {
		p.Line("")
		p.Wrapped("  ", printable.Cut(printable.Text(d.Text), maxText))
	}
	for i, ref := range d.References[:min(len(d.References), maxReferences)] {
		if i == 0 {
			p.Line("")
		}
		p.Wrapped("  ", ref)
	}
}

// Bounds of the text for a person; JSON has all.
const (
	maxText       = 1500
	maxReferences = 5
	maxRecords    = 20
)

func writeVerdict(p *printable.Page, e *scan.Explanation) {
	p.Heading("%s", e.Target)
	p.Wrapped("", e.Verdict)
	for i := range e.Found {
		f := &e.Found[i]
		p.Line("")
		p.Wrapped("  ", fmt.Sprintf("%s %s %s: %s, risk %.1f", f.Of.Type, f.Of.Name, f.Of.Version, f.Severity, f.Risk))
		if f.Suppression != nil {
			p.Wrapped("    ", fmt.Sprintf("suppressed as %s by %s: %s", f.Suppression.As, f.Suppression.By, cmp.Or(f.Suppression.Reason, "no reason given")))
		}
		if f.Because != "" {
			p.Wrapped("    because ", f.Because+" ("+f.Feed+")")
		}
		fix := "no fix: " + string(f.Status)
		if f.FixedIn != "" {
			fix = "fixed in " + f.FixedIn
		}
		p.Wrapped("    ", fix)
		if f.Of.Path != "" {
			p.Wrapped("    in ", f.Of.Path)
		}
		if f.Of.Owner != "" {
			p.Wrapped("    owned by ", f.Of.Owner)
		}
		if l := f.Of.Layer; l.CreatedBy != "" {
			from := ""
			if f.Base {
				from = ", from the base image"
			}
			p.Wrapped("    ", fmt.Sprintf("layer %d%s: %s", l.Index, from, l.CreatedBy))
		}
		for _, path := range f.Paths {
			p.Wrapped("    dependency path ", strings.Join(path, " → "))
		}
	}
	if len(e.Found) > 0 {
		return
	}
	for _, j := range e.Judged[:min(len(e.Judged), maxRecords)] {
		p.Wrapped("  - ", fmt.Sprintf("%s %s: %s (%s, %s of %s)", j.Name, j.Version, j.Why, j.Stream, j.Advisory, j.Feed))
	}
	if n := len(e.Judged) - maxRecords; n > 0 {
		p.Line("  … and %d more: see -f json", n)
	}
}

// writeRecords lists what advisories say, those on the target's streams first.
func writeRecords(p *printable.Page, e *scan.Explanation) {
	if len(e.Records) == 0 {
		return
	}
	of := map[assay.Stream]bool{}
	for _, j := range e.Judged {
		of[j.Stream] = true
	}
	rows := slices.Clone(e.Records)
	slices.SortStableFunc(rows, func(a, b scan.Record) int {
		switch {
		case of[a.Stream] && !of[b.Stream]:
			return -1
		case of[b.Stream] && !of[a.Stream]:
			return 1
		}
		return 0
	})
	p.Heading("Advisories (%d)", len(rows))
	for _, r := range rows[:min(len(rows), maxRecords)] {
		r.Versions = r.Versions[:min(len(r.Versions), 8)]
		s := fmt.Sprintf("%s %s: %s", r.Stream, r.Package, r.Status)
		if v := ranges(r); v != "" {
			s += " " + v
		}
		if r.Severity != assay.SeverityUnknown {
			s += ", " + r.Severity.String()
		}
		p.Wrapped("  - ", s+" ("+r.ID+", "+r.Feed+")")
	}
	if n := len(rows) - maxRecords; n > 0 {
		p.Line("  … and %d more: see -f json", n)
	}
}
