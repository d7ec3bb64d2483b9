package triage_test

import (
	"slices"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/triage"
)

// secret is an item of a kind with severities.
type secret struct {
	Rule string         `json:"rule"`
	How  assay.Severity `json:"severity"`
}

// TestSections: items of further kinds are filtered by severity and gated as
// findings are; the report that they come from keeps them.
func TestSections(t *testing.T) {
	kind := assay.NewSectionKind(assay.SectionKindOf[secret]{Name: "secrets", Title: "Secrets",
		Severity: func(s *secret) assay.Severity { return s.How }, Gates: func(*secret) bool { return true }})
	plain := assay.NewSectionKind(assay.SectionKindOf[secret]{Name: "files", Title: "Files"})
	items := slices.Values([]assay.Item{{Path: "a", Layer: 0, Value: &secret{"key", assay.SeverityHigh}}, {Path: "b", Layer: 2, Value: &secret{"token", assay.SeverityLow}}})
	report := func() *assay.Report {
		return &assay.Report{Image: assay.ImageInfo{Base: &assay.BaseImage{Layers: 1}}, Sections: assay.Sections{"secrets": assay.NewSection(kind, items), "files": assay.NewSection(plain, items)}}
	}
	saved := report()
	r := *saved
	if err := triage.Apply(t.Context(), &r, triage.Options{Severities: []assay.Severity{assay.SeverityHigh}}); err != nil {
		t.Fatal(err)
	}
	if n, all, others := r.Sections["secrets"].Len(), saved.Sections["secrets"].Len(), r.Sections["files"].Len(); n != 1 || all != 2 || others != 2 {
		t.Errorf("%d secrets of %d are left, and %d files of 2", n, all, others)
	}
	if n, all := r.Gating(), saved.Gating(); n != 1 || all != 2 {
		t.Errorf("%d and %d items count for the exit code", n, all)
	}
	for condition, want := range map[string]int{"high": 1, "low": 2, "own": 1, "low+own": 1, "kev": 0, "high+fixable": 0, "risk=1": 0} {
		g, err := triage.ParseGate([]string{condition})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.CountFailing(saved); got != want {
			t.Errorf("%s: %d, want %d", condition, got, want)
		}
	}
}
