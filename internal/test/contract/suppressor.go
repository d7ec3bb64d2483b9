package contract

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

// Suppressor checks what holds of every suppressor: it judges a report the same
// way each time and beside others, changes nothing of the report, says who
// suppresses a finding and as what, has no memory of other reports, and judges no
// finding once the context is cancelled. The report has at least one finding that is suppressed.
func Suppressor(t *testing.T, s assay.Suppressor, report func() *assay.Report) {
	t.Helper()
	want := judgedBy(t, s, report())
	if len(want.suppressed) == 0 {
		t.Fatal("nothing of the report is suppressed")
	}
	t.Run("again", func(t *testing.T) {
		if d := diff(want, judgedBy(t, s, report())); d != "" {
			t.Error(d)
		}
	})
	t.Run("empty report", func(t *testing.T) {
		if got := judgedBy(t, s, &assay.Report{}); len(got.suppressed) > 0 {
			t.Errorf("suppressed %v of nothing", got.suppressed)
		}
		if d := diff(want, judgedBy(t, s, report())); d != "" {
			t.Errorf("another report left its mark: %s", d)
		}
	})
	t.Run("at once", func(t *testing.T) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if d := diff(want, judgedBy(t, s, report())); d != "" {
					t.Error(d)
				}
			})
		}
		all.Wait()
	})
	t.Run("nothing is changed", func(t *testing.T) {
		r := report()
		judgedBy(t, s, r)
		if d := cmp.Diff(report(), r); d != "" {
			t.Error(d)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.ForReport(ctx, report()); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("report: %v, want %v or none", err, context.Canceled)
		}
		r := report()
		of, err := s.ForReport(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Findings {
			if _, _, err := of.Suppress(ctx, &r.Findings[i]); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want %v", r.Findings[i].ID, err, context.Canceled)
			}
		}
	})
}

// judgement is what a suppressor says of a report.
type judgement struct {
	suppressed map[string]assay.Suppression
	gaps       []assay.Gap
	warnings   []string
}

func diff(a, b judgement) string {
	return cmp.Diff(a.suppressed, b.suppressed) + cmp.Diff(a.gaps, b.gaps) + cmp.Diff(a.warnings, b.warnings)
}

func judgedBy(t testing.TB, s assay.Suppressor, r *assay.Report) judgement {
	t.Helper()
	of, err := s.ForReport(t.Context(), r)
	if err != nil {
		t.Error(err)
		return judgement{}
	}
	out := judgement{suppressed: map[string]assay.Suppression{}}
	for i := range r.Findings {
		f := &r.Findings[i]
		by, ok, err := of.Suppress(t.Context(), f)
		if err != nil {
			t.Error(err)
		}
		switch {
		case ok && (by.By == "" || by.As == "" || by.As == assay.StatusUnknown):
			t.Errorf("%s is suppressed by %q as %q: both must be said", f.ID, by.By, by.As)
		case ok:
			out.suppressed[f.ID+" "+r.Packages[f.Package].Name] = by
		case by != assay.Suppression{}:
			t.Errorf("%s is not suppressed, and yet %+v", f.ID, by)
		}
	}
	out.gaps = of.Gaps()
	if out.warnings, err = of.Warnings(t.Context()); err != nil {
		t.Error(err)
	}
	return out
}
