package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
)

// backdate makes a report as of an earlier time: vulnerabilities, fixes and
// catalogue entries that were published later are removed. Data without a date
// stay. Severities and ranges are today's, because publishers do not keep former
// ones.
func backdate(r *assay.Report, at time.Time) {
	if at.After(r.Created) {
		return
	}
	r.AsOf = at
	undated := map[string]bool{}
	learnt := func(f *assay.Finding) bool { // later
		switch when := published(f); {
		case when.After(at):
			return true
		case f.Detail.Published.IsZero():
			undated[f.ID] = true
		}
		return false
	}
	all := len(r.Findings)
	r.Findings = slices.DeleteFunc(r.Findings, func(f assay.Finding) bool { return learnt(&f) })
	r.LeftOut += all - len(r.Findings)
	r.Suppressed = slices.DeleteFunc(r.Suppressed, func(s assay.Suppressed) bool { return learnt(&s.Finding) })
	for i := range r.Findings {
		removeLater(&r.Findings[i], at)
	}
	for i := range r.Suppressed {
		removeLater(&r.Suppressed[i].Finding, at)
	}
	what := "severities, ranges, and fixes without a date are as of today"
	if len(undated) > 0 {
		what = fmt.Sprintf("%d vulnerabilities without a date are kept; %s", len(undated), what)
	}
	r.Gaps = append(r.Gaps, assay.Gap{Where: "as of " + at.Format(time.DateOnly), What: what})
}

// published is when a vulnerability was published. If no source has a date, it
// is the year in its CVE at the earliest; zero if nothing is known.
func published(f *assay.Finding) time.Time {
	if !f.Detail.Published.IsZero() {
		return f.Detail.Published
	}
	if y, _, ok := strings.Cut(strings.TrimPrefix(f.ID, "CVE-"), "-"); ok && strings.HasPrefix(f.ID, "CVE-") {
		if n, err := strconv.Atoi(y); err == nil && n > 1999 && n < 10000 {
			return time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
	return time.Time{}
}

// removeLater removes later data from a finding.
func removeLater(f *assay.Finding, at time.Time) {
	if f.FixDate.After(at) {
		f.FixedIn, f.Fixes, f.FixDate, f.Status = "", nil, time.Time{}, assay.StatusAffected
	}
	if k := f.Detail.KEV; k != nil && k.Added > at.Format(time.DateOnly) {
		f.Detail.KEV = nil
	}
	if e := f.Detail.EPSS; e != nil && (e.Date == "" || e.Date > at.Format(time.DateOnly)) {
		f.Detail.EPSS = nil
	}
}
