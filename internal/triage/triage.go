// Package triage makes findings ready to act on: how bad each is and who says
// so, which of them the user asked to see, and in which order.
package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Options says which findings stay. The zero value keeps all.
type Options struct {
	Severities    []assay.Severity // empty means all
	IgnoreUnfixed bool             // drop those without a fix
}

// scoreOrder lists whose CVSS score counts, best first, where the publisher of
// the advisory has no severity of its own.
var scoreOrder = []string{"nvd", "cna", "cisa-adp"}

// Rate gives a finding a severity where its advisory has none: what its
// publisher says elsewhere, else by CVSS, of the newest version that the first
// known source has, else by the first word that somebody has for it. The
// publisher's own word stays, for it knows how the package is built and used.
func Rate(f *assay.Finding) {
	if f.Severity != assay.SeverityUnknown {
		return
	}
	for _, r := range f.Detail.Ratings {
		if r.Source == f.Publisher && r.Severity != assay.SeverityUnknown {
			f.Severity, f.SeveritySource = r.Severity, r.Source
			return
		}
	}
	var best *assay.CVSS
	for i := range f.Detail.CVSS {
		c := &f.Detail.CVSS[i]
		if c.Severity() == assay.SeverityUnknown {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(rank(c.Source), rank(best.Source)), -strings.Compare(c.Version, best.Version)) < 0 {
			best = c
		}
	}
	if best != nil {
		f.Severity, f.SeveritySource = best.Severity(), best.Source
		return
	}
	for _, r := range f.Detail.Ratings {
		if r.Severity != assay.SeverityUnknown && (f.Severity == assay.SeverityUnknown || rank(r.Source) < rank(f.SeveritySource)) {
			f.Severity, f.SeveritySource = r.Severity, r.Source
		}
	}
}

func rank(source string) int {
	if i := slices.Index(scoreOrder, source); i >= 0 {
		return i
	}
	return len(scoreOrder)
}

// Apply rates the report's findings, drops those that were not asked for, and
// orders them: worst first, then by package and vulnerability. That a finding
// goes because nobody has said how bad it is, is a gap: it may be as bad as
// those that were asked for.
func Apply(r *assay.Report, o Options) {
	all, unrated := len(r.Findings), 0
	for i := range r.Findings {
		Rate(&r.Findings[i])
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f assay.Finding) bool {
		if o.IgnoreUnfixed && f.FixedIn == "" {
			return true
		}
		if len(o.Severities) == 0 || slices.Contains(o.Severities, f.Severity) {
			return false
		}
		if f.Severity == assay.SeverityUnknown {
			unrated++
		}
		return true
	})
	r.LeftOut += all - len(r.Findings)
	if unrated > 0 {
		r.Gaps = append(r.Gaps, assay.Gap{Where: "severity", What: fmt.Sprintf(
			"not known for %d of %d findings, which --severity left out; add UNKNOWN to see them", unrated, all)})
	}
	slices.SortStableFunc(r.Findings, func(a, b assay.Finding) int {
		p, q := &r.Packages[a.Package], &r.Packages[b.Package]
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), strings.Compare(p.Name, q.Name), strings.Compare(a.ID, b.ID), cmp.Compare(a.Package, b.Package))
	})
}
