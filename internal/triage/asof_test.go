package triage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/triage"
)

// TestAsOf: what was not known then does not count, what has no date does.
func TestAsOf(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	report := func() *assay.Report {
		return &assay.Report{Created: day("2026-11-01"), Release: assay.Release{EOL: "2025-06-30"}, Packages: []assay.Package{{Name: "p"}}, Findings: []assay.Finding{
			{ID: "CVE-2024-1", FixedIn: "2", Fixes: []string{"2"}, FixDate: day("2025-02-01"), Status: assay.StatusFixed, Detail: assay.Detail{Published: day("2024-05-05"),
				KEV: &assay.KEV{Added: "2025-03-01"}, EPSS: &assay.EPSS{Score: 0.9, Date: "2026-10-31"}}},
			{ID: "CVE-2024-2", FixedIn: "2", FixDate: day("2024-12-01"), Status: assay.StatusFixed, Detail: assay.Detail{Published: day("2024-05-05"), KEV: &assay.KEV{Added: "2024-06-01"}}},
			{ID: "CVE-2024-3", FixedIn: "2", Status: assay.StatusFixed},
			{ID: "CVE-2025-4"},
			{ID: "CVE-2024-5", Detail: assay.Detail{Published: day("2025-01-02")}},
			{ID: "GHSA-6"},
		}, Suppressed: []assay.Suppressed{{Finding: assay.Finding{ID: "CVE-2025-7"}}, {Finding: assay.Finding{ID: "CVE-2023-8"}}}}
	}
	r := report()
	if err := triage.Apply(t.Context(), r, triage.Options{AsOf: day("2024-12-31"), Order: triage.ByVulnerability}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		s := f.ID + " " + string(f.Status) + " " + f.FixedIn
		if f.Detail.KEV != nil {
			s += " kev"
		}
		if f.Detail.EPSS != nil {
			s += " epss"
		}
		got = append(got, s)
	}
	if d := cmp.Diff([]string{"CVE-2024-1 affected ", "CVE-2024-2 fixed 2 kev", "CVE-2024-3 fixed 2", "GHSA-6  "}, got); d != "" {
		t.Error(d)
	}
	if r.LeftOut != 2 || len(r.Suppressed) != 1 || r.EndOfLife() || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].What, "3 vulnerabilities without a date are kept") {
		t.Errorf("%d left out, %v, end of life %v, %v", r.LeftOut, r.Suppressed, r.EndOfLife(), r.Gaps)
	}
	r = report()
	if err := triage.Apply(t.Context(), r, triage.Options{}); err != nil || len(r.Findings) != 6 || !r.EndOfLife() || !r.AsOf.IsZero() {
		t.Errorf("without a date: %v %v", err, r)
	}
}
