package triage_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/triage"
)

func TestRate(t *testing.T) {
	score := func(source, version string, score float64) assay.CVSS {
		return assay.CVSS{Source: source, Version: version, Score: score}
	}
	tests := []struct {
		name string
		f    assay.Finding
		want string
	}{
		{"nothing known", assay.Finding{}, "UNKNOWN "},
		{"the publisher's word stays", assay.Finding{Severity: assay.SeverityLow, SeveritySource: "debian", Detail: assay.Detail{CVSS: []assay.CVSS{score("nvd", "3.1", 9.8)}}}, "LOW debian"},
		{"NVD first", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("cisa-adp", "3.1", 5), score("cna", "4.0", 9.9), score("nvd", "3.1", 7.5)}}}, "HIGH nvd"},
		{"then the CNA", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("cisa-adp", "3.1", 5), score("cna", "3.1", 9.9)}}}, "CRITICAL cna"},
		{"then CISA", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("somebody", "3.1", 9.9), score("cisa-adp", "3.1", 5)}}}, "MEDIUM cisa-adp"},
		{"then anybody", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("somebody", "3.1", 2)}}}, "LOW somebody"},
		{"the newest version", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("nvd", "2.0", 10), score("nvd", "3.1", 5), score("nvd", "3.0", 9)}}}, "MEDIUM nvd"},
		{"no critical in version 2", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("nvd", "2.0", 10)}}}, "HIGH nvd"},
		{"a word where nobody has a score", assay.Finding{Detail: assay.Detail{Ratings: []assay.Rating{{Source: "redhat", Severity: assay.SeverityLow}, {Source: "nvd", Severity: assay.SeverityHigh}, {Source: "ubuntu"}}}}, "HIGH nvd"},
		{"a score of nothing", assay.Finding{Detail: assay.Detail{CVSS: []assay.CVSS{score("nvd", "3.1", 0), score("cna", "3.1", 4)}}}, "MEDIUM cna"},
	}
	for _, tt := range tests {
		triage.Rate(&tt.f, nil)
		if got := tt.f.Severity.String() + " " + tt.f.SeveritySource; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestApply(t *testing.T) {
	report := func() *assay.Report {
		return &assay.Report{
			Packages: []assay.Package{{Name: "b"}, {Name: "a", Arch: "amd64"}, {Name: "a", Arch: "i386"}},
			Findings: []assay.Finding{
				{ID: "CVE-1", Package: 0, Severity: assay.SeverityLow},
				{ID: "CVE-2", Package: 2, Severity: assay.SeverityHigh, FixedIn: "1"},
				{ID: "CVE-2", Package: 1, Severity: assay.SeverityHigh, FixedIn: "1"},
				{ID: "CVE-1", Package: 0, Severity: assay.SeverityHigh},
				{ID: "CVE-3", Package: 1},
				{ID: "CVE-1", Package: 1, Severity: assay.SeverityHigh},
				{ID: "CVE-4", Package: 0, Detail: assay.Detail{CVSS: []assay.CVSS{{Source: "nvd", Version: "3.1", Score: 9.8}}}},
			},
			Gaps: []assay.Gap{{Where: "here"}},
		}
	}
	tests := []struct {
		name string
		o    triage.Options
		want []string
	}{
		{"all", triage.Options{}, []string{"CRITICAL b CVE-4", "HIGH a amd64 CVE-1", "HIGH a amd64 CVE-2", "HIGH a i386 CVE-2", "HIGH b CVE-1", "LOW b CVE-1", "UNKNOWN a amd64 CVE-3"}},
		{"with a fix", triage.Options{IgnoreUnfixed: true}, []string{"HIGH a amd64 CVE-2", "HIGH a i386 CVE-2"}},
		{"some severities, after they were rated", triage.Options{Severities: []assay.Severity{assay.SeverityCritical, assay.SeverityUnknown}}, []string{"CRITICAL b CVE-4", "UNKNOWN a amd64 CVE-3"}},
		{"both", triage.Options{IgnoreUnfixed: true, Severities: []assay.Severity{assay.SeverityLow}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // whatever the order they came in
				r := report()
				slices.Reverse(r.Findings)
				if err := triage.Apply(t.Context(), r, tt.o); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, f := range r.Findings {
					p := r.Packages[f.Package]
					got = append(got, f.Severity.String()+" "+strings.TrimSpace(p.Name+" "+p.Arch)+" "+f.ID)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
				if len(r.Gaps) != 1 {
					t.Error("a gap was dropped")
				}
			}
		})
	}
}
