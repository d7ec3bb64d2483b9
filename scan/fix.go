package scan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/distro/lifecycle"
	"github.com/assaysec/assay/internal/plan"
	"github.com/assaysec/assay/internal/triage"
	"github.com/assaysec/assay/internal/version"
)

// A Plan lists the upgrades that remove the most risk, the commands to run, and
// the remaining findings.
type Plan = plan.Plan

// Fix plans upgrades for the findings of a report, of a scan by the same request
// or a saved one. The planned versions are matched with the same advisories and
// filtered like the report, so that no planned upgrade introduces as much risk
// as it removes.
func Fix(ctx context.Context, r *assay.Report, request Request) (_ *Plan, err error) {
	defer catch(&err, "fixes for %s", r.Image.Name)
	request.Warn = nil // the scan has warned
	s := begin(&request)
	defer s.end()
	if s.session == nil {
		return nil, fmt.Errorf("`assay fix` needs a database: %w", assay.ErrUnsupported)
	}
	suppressors, _, err := s.suppressors(ctx, request.imageOf(r))
	if err != nil {
		return nil, err
	}
	options := request.options(suppressors)
	if options.AsOf.IsZero() {
		options.AsOf = r.AsOf
	}
	p, err := plan.Make(ctx, r, func(ctx context.Context, packages []assay.Package) (*assay.Report, error) {
		return s.judge(ctx, r, packages, options)
	})
	if err != nil {
		return nil, err
	}
	p.Advice, err = s.advice(ctx, r)
	return p, err
}

// A Difference is the difference between two reports.
type Difference = plan.Difference

// Diff compares a report with an older one: which packages and findings were
// introduced, which are gone and why, and which are unchanged.
func Diff(old, next *assay.Report) *Difference { return plan.Diff(old, next) }

// judge matches other packages in place of those of a report.
func (s *scanner) judge(ctx context.Context, r *assay.Report, packages []assay.Package, o triage.Options) (*assay.Report, error) {
	again := *r
	again.Packages, again.Findings, again.Suppressed, again.Gaps, again.LeftOut = packages, []assay.Finding{}, nil, nil, 0
	if err := s.match(ctx, &assay.Inventory{Release: r.Release, Packages: packages}, &again); err != nil {
		return nil, err
	}
	known := map[string]bool{} // a saved report may lack findings that were suppressed
	for i := range r.Suppressed {
		known[plan.Key(&r.Suppressed[i].Finding)] = true
	}
	again.Findings = slices.DeleteFunc(again.Findings, func(f assay.Finding) bool { return known[plan.Key(&f)] })
	return &again, triage.Apply(ctx, &again, o)
}

// advice lists other measures than upgrades: supported releases, and a newer
// base image.
func (s *scanner) advice(ctx context.Context, r *assay.Report) ([]string, error) {
	out := []string{}
	add := func(what, eol, product string) error {
		to, err := s.supported(ctx, product, r.At())
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s is at its end of life (%s)", what, eol)
		if to != "" {
			text += ": move to " + to
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
		return nil
	}
	if product, _, ok := distro.EndOfLife(r.Release); ok && r.Release.EndOfLife(r.At()) {
		if err := add(r.Release.ID+" "+r.Release.Version, r.Release.EOL, product); err != nil {
			return nil, err
		}
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		product, _, ok := lifecycle.Of(p)
		if !ok || !p.EndOfLife(r.At()) {
			continue
		}
		if err := add(p.Name+" "+p.Version, p.EOL, product); err != nil {
			return nil, err
		}
	}
	if b := r.Image.Base; b != nil {
		n := 0
		for i := range r.Findings {
			if r.FromBase(&r.Packages[r.Findings[i].Package]) {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d of %d findings come from the base image %s: rebuild on its newest build first (docker build --pull)", n, len(r.Findings), b.Name))
		}
	}
	return out, nil
}

// supported names the newest supported releases of a product, with their ends of
// life; "" if none is known.
func (s *scanner) supported(ctx context.Context, product string, now time.Time) (string, error) {
	const most = 2
	type cycle struct{ name, end string }
	var all []cycle
	for a, err := range s.session.Lookup(ctx, assay.StreamEOL, product) {
		if err != nil {
			return "", err
		}
		for _, f := range a.Affected {
			for _, name := range f.Versions {
				switch {
				case f.Status != assay.StatusEndOfLife:
					all = append(all, cycle{name, ""})
				case a.Published.After(now):
					all = append(all, cycle{name, a.Published.Format(time.DateOnly)})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b cycle) int {
		c, err := version.Compare(version.Generic, b.name, a.name)
		if err != nil {
			return strings.Compare(b.name, a.name)
		}
		return c
	})
	var names []string
	for _, c := range all[:min(most, len(all))] {
		if c.end != "" {
			c.name += " (supported until " + c.end + ")"
		}
		names = append(names, c.name)
	}
	return strings.Join(names, " or "), nil
}
