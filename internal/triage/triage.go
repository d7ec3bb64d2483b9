// Package triage prepares findings for action: it rates each finding, suppresses
// findings by rules and documents, filters them, and sorts them.
package triage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
)

// Options select the findings of a report and their order. The zero value keeps
// all.
type Options struct {
	SeveritySources []string           // sources of severities, best first; empty means Auto
	Suppressors     []assay.Suppressor // asked in order; the first that suppresses a finding counts
	Severities      []assay.Severity   // severities to keep; empty means all
	IgnoreUnfixed   bool               // drop those without a fix
	IgnoreFixed     bool               // drop those with a fix
	IgnoreStatuses  []assay.Status     // drop those with one of these statuses
	IgnoreBase      bool               // drop findings from the base image
	AsOf            time.Time          // judge by the data published at this time; zero means now
	Order           Order              // "" means ByRisk
	Warn            func(string)       // receives warnings about rules and documents, one sentence each; may be nil
}

// An Order is an order of findings, the worst first.
type Order string

// The orders; each continues with severity, then package and vulnerability.
const (
	ByRisk          Order = "risk"
	BySeverity      Order = "severity"
	ByEPSS          Order = "epss"
	ByKEV           Order = "kev" // known exploited first
	ByPackage       Order = "package"
	ByVulnerability Order = "vulnerability"
)

// Orders lists the orders, the default first.
var Orders = []Order{ByRisk, BySeverity, ByEPSS, ByKEV, ByPackage, ByVulnerability}

// Apply rates the report's findings, moves suppressed ones to Suppressed,
// filters and sorts the rest. Findings that the severity filter removes because
// their severity is unknown are a gap: they may be as severe as the others.
func Apply(ctx context.Context, r *assay.Report, o Options) error {
	if !o.AsOf.IsZero() {
		backdate(r, o.AsOf)
	}
	for i := range r.Findings {
		rate(&r.Findings[i], o.SeveritySources)
	}
	for i := range r.Suppressed {
		rate(&r.Suppressed[i].Finding, o.SeveritySources)
	}
	suppressors, err := begin(ctx, r, o.Suppressors)
	if err != nil {
		return err
	}
	asked := len(r.Findings)
	if err := suppress(ctx, r, suppressors); err != nil {
		return err
	}
	if o.Warn != nil && asked > 0 && len(r.Findings) == 0 && len(suppressors) > 0 {
		defer func() { o.Warn(nothingLeft(asked, r)) }()
	}
	filter(r, &o)
	slices.SortStableFunc(r.Findings, func(a, b assay.Finding) int { return compare(r, o.Order, &a, &b) })
	slices.SortStableFunc(r.Suppressed, func(a, b assay.Suppressed) int { return compare(r, o.Order, &a.Finding, &b.Finding) })
	return warn(ctx, suppressors, o.Warn)
}

// GapUnrated is where the gap is that counts the findings without a severity that a
// filter by severity left out.
const GapUnrated = "severity"

// filter removes findings that the options do not select, and counts them.
func filter(r *assay.Report, o *Options) {
	if gap := noBase; o.IgnoreBase && r.Image.Base == nil && r.Kind.IsImage() && !slices.Contains(r.Gaps, gap) {
		r.Gaps = append(r.Gaps, gap)
	}
	all, unrated := len(r.Findings), 0
	r.Findings = slices.DeleteFunc(r.Findings, func(f assay.Finding) bool {
		switch {
		case o.IgnoreUnfixed && f.FixedIn == "", o.IgnoreFixed && f.FixedIn != "", slices.Contains(o.IgnoreStatuses, f.Status),
			o.IgnoreBase && r.FromBase(&r.Packages[f.Package]):
			return true
		case len(o.Severities) == 0 || slices.Contains(o.Severities, f.Severity):
			return false
		}
		if f.Severity == assay.SeverityUnknown {
			unrated++
		}
		return true
	})
	r.LeftOut += all - len(r.Findings)
	if len(o.Severities) > 0 {
		filterSections(r, o.Severities)
	}
	if unrated > 0 {
		r.Gaps = append(r.Gaps, assay.Gap{Where: GapUnrated, What: fmt.Sprintf(
			"unknown for %d of %d findings, which --severity left out; add UNKNOWN to see them", unrated, all)})
	}
}

// filterSections keeps the items of further kinds of results that have one of the
// severities, or whose kind has none.
func filterSections(r *assay.Report, severities []assay.Severity) {
	r.Sections = maps.Clone(r.Sections) // which the report before may share
	for name, s := range r.Sections {
		if s.Kind != nil {
			r.Sections[name] = s.Filter(assay.SectionFilter{Severities: severities})
		}
	}
}

// noBase reports that Options.IgnoreBase had no effect.
var noBase = assay.Gap{Where: "base image", What: "unknown, so --ignore-base left nothing out: name the base image with --base-image, or scan it once"}

func rate(f *assay.Finding, sources []string) {
	Rate(f, sources)
	f.Risk = Risk(f)
}

// begin prepares the suppressors to judge a report.
func begin(ctx context.Context, r *assay.Report, all []assay.Suppressor) ([]assay.ReportSuppressor, error) {
	var out []assay.ReportSuppressor
	for _, s := range all {
		of, err := s.ForReport(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, of)
	}
	return out, nil
}

// suppress asks the suppressors about each finding.
func suppress(ctx context.Context, r *assay.Report, suppressors []assay.ReportSuppressor) error {
	if len(suppressors) == 0 {
		return nil
	}
	kept := []assay.Finding{} // r must not change while suppressors use it
	var suppressed []assay.Suppressed
	for i := range r.Findings {
		f := &r.Findings[i]
		by, out, err := ask(ctx, f, suppressors)
		switch {
		case err != nil:
			return fmt.Errorf("%s in %s: %w", f.ID, r.Packages[f.Package].Name, err)
		case out:
			suppressed = append(suppressed, assay.Suppressed{Finding: *f, Suppression: by})
		default:
			kept = append(kept, *f)
		}
	}
	r.Findings, r.Suppressed = kept, append(r.Suppressed, suppressed...)
	for _, s := range suppressors {
		r.Gaps = append(r.Gaps, s.Gaps()...)
	}
	return nil
}

func ask(ctx context.Context, f *assay.Finding, suppressors []assay.ReportSuppressor) (assay.Suppression, bool, error) {
	for _, s := range suppressors {
		if by, out, err := s.Suppress(ctx, f); err != nil || out {
			return by, out, err
		}
	}
	return assay.Suppression{}, false, ctx.Err()
}

// warn passes on the suppressors' warnings without duplicates.
func warn(ctx context.Context, suppressors []assay.ReportSuppressor, to func(string)) error {
	if to == nil {
		return nil
	}
	for _, s := range suppressors {
		all, err := s.Warnings(ctx)
		if err != nil {
			return err
		}
		for _, w := range all {
			to(w)
		}
	}
	return nil
}

// nothingLeft warns that every finding of a report is suppressed.
func nothingLeft(n int, r *assay.Report) string {
	what := fmt.Sprintf("all %d findings are", n)
	if n == 1 {
		what = "the one finding is"
	}
	return fmt.Sprintf("%s suppressed (by %s): nothing is left to report", what, strings.Join(suppressorsOf(r), ", "))
}

// maxSuppressors is how many files and documents a warning names.
const maxSuppressors = 8

// inFile matches the end of a suppression's name: a line, or a statement.
var inFile = regexp.MustCompile(`(:\d+| \(statement \d+\))$`)

// suppressorsOf lists the files and documents that suppress findings of a report.
func suppressorsOf(r *assay.Report) (names []string) {
	for i := range r.Suppressed {
		if by := r.Suppressed[i].By; by != assay.SuppressedByMatch {
			names = append(names, inFile.ReplaceAllString(by, ""))
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > maxSuppressors {
		names = append(names[:maxSuppressors], fmt.Sprintf("and %d more", len(names)-maxSuppressors))
	}
	return names
}

func compare(r *assay.Report, o Order, a, b *assay.Finding) int {
	p, q := &r.Packages[a.Package], &r.Packages[b.Package]
	severity := -cmp.Compare(a.Severity, b.Severity)
	risk := -cmp.Compare(a.Risk, b.Risk)
	rest := cmp.Or(strings.Compare(p.Name, q.Name), strings.Compare(a.ID, b.ID), cmp.Compare(a.Package, b.Package))
	switch o {
	case BySeverity:
		return cmp.Or(severity, risk, rest)
	case ByEPSS:
		return cmp.Or(-cmp.Compare(score(a), score(b)), severity, rest)
	case ByKEV:
		return cmp.Or(-cmp.Compare(listed(a), listed(b)), risk, severity, rest)
	case ByPackage:
		return cmp.Or(strings.Compare(p.Name, q.Name), severity, risk, rest)
	case ByVulnerability:
		return cmp.Or(strings.Compare(a.ID, b.ID), rest)
	}
	return cmp.Or(risk, severity, rest)
}

// score is the EPSS score; findings without one come last.
func score(f *assay.Finding) float64 {
	if f.Detail.EPSS == nil {
		return -1
	}
	return f.Detail.EPSS.Score
}

// listed is 1 for known exploited vulnerabilities, 2 with use in ransomware.
func listed(f *assay.Finding) int {
	switch k := f.Detail.KEV; {
	case k == nil:
		return 0
	case k.Ransomware:
		return 2
	}
	return 1
}
