package triage_test

import (
	"context"
	"errors"
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
		{"all", triage.Options{}, []string{"CRITICAL b CVE-4", "HIGH a amd64 CVE-1", "HIGH a amd64 CVE-2", "HIGH a i386 CVE-2", "HIGH b CVE-1", "UNKNOWN a amd64 CVE-3", "LOW b CVE-1"}},
		{"by severity", triage.Options{Order: triage.BySeverity}, []string{"CRITICAL b CVE-4", "HIGH a amd64 CVE-1", "HIGH a amd64 CVE-2", "HIGH a i386 CVE-2", "HIGH b CVE-1", "LOW b CVE-1", "UNKNOWN a amd64 CVE-3"}},
		{"by package", triage.Options{Order: triage.ByPackage, IgnoreFixed: true}, []string{"HIGH a amd64 CVE-1", "UNKNOWN a amd64 CVE-3", "CRITICAL b CVE-4", "HIGH b CVE-1", "LOW b CVE-1"}},
		{"by vulnerability", triage.Options{Order: triage.ByVulnerability, IgnoreUnfixed: true}, []string{"HIGH a amd64 CVE-2", "HIGH a i386 CVE-2"}},
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

// TestSeveritySources: the user says whose word counts.
func TestSeveritySources(t *testing.T) {
	f := assay.Finding{Severity: assay.SeverityLow, SeveritySource: "debian", Detail: assay.Detail{
		CVSS:    []assay.CVSS{{Source: "nvd", Version: "3.1", Score: 9.8}, {Source: "ghsa", Version: "3.1", Score: 7.5}},
		Ratings: []assay.Rating{{Source: "ghsa", Severity: assay.SeverityMedium}, {Source: "ubuntu", Severity: assay.SeverityNegligible}, {Source: "alpine"}, {Source: "azurelinux", Severity: assay.SeverityHigh}},
	}}
	for _, tt := range []struct{ sources, want string }{
		{"auto", "LOW debian"},
		{"nvd", "CRITICAL nvd"},
		{"ghsa", "MEDIUM ghsa"}, // its word before its score
		{"alpine,ubuntu", "NEGLIGIBLE ubuntu"},
		{"alpine,auto", "LOW debian"},
		{"alpine", "UNKNOWN "},
		{"cbl-mariner", "HIGH azurelinux"}, // Trivy's name
		{"debian,nvd", "LOW debian"},
	} {
		f := f
		triage.Rate(&f, strings.Split(tt.sources, ","))
		if got := f.Severity.String() + " " + f.SeveritySource; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.sources, got, tt.want)
		}
	}
	triage.Rate(&f, []string{"nvd"})
	if triage.Rate(&f, []string{"debian"}); f.Severity != assay.SeverityLow { // as convert does
		t.Errorf("judging again forgot the publisher's word: %s", f.Severity)
	}
	f = assay.Finding{ID: "GHSA-1", Detail: assay.Detail{CVSS: []assay.CVSS{{Source: "nvd", Version: "3.1", Score: 9.8}}, Ratings: []assay.Rating{{Source: "ghsa", Severity: assay.SeverityMedium}}}}
	if triage.Rate(&f, nil); f.SeveritySource != "ghsa" {
		t.Errorf("GitHub's own advisory is rated by %s", f.SeveritySource)
	}
}

func TestRisk(t *testing.T) {
	nvd := func(score float64) []assay.CVSS { return []assay.CVSS{{Source: "nvd", Version: "3.1", Score: score}} }
	epss := func(p float64) *assay.EPSS { return &assay.EPSS{Score: p} }
	var risks []float64
	for _, tt := range []struct {
		name string
		s    assay.Severity
		d    assay.Detail
		want float64
	}{ // the least worrying first
		{"negligible, unlikely", assay.SeverityNegligible, assay.Detail{EPSS: epss(0.0001)}, 0.2},
		{"high, unlikely", assay.SeverityHigh, assay.Detail{CVSS: nvd(7.5), EPSS: epss(0.001)}, 7.5},
		{"nothing known", assay.SeverityUnknown, assay.Detail{}, 10.8},
		{"critical, not scored", assay.SeverityCritical, assay.Detail{CVSS: nvd(9.8)}, 20.3},
		{"medium, likely", assay.SeverityMedium, assay.Detail{CVSS: nvd(5), EPSS: epss(0.3)}, 33.5},
		{"low, exploited", assay.SeverityLow, assay.Detail{CVSS: nvd(5), EPSS: epss(0.001), KEV: &assay.KEV{}}, 42},
		{"critical, likely", assay.SeverityCritical, assay.Detail{CVSS: nvd(9.8), EPSS: epss(0.97)}, 93.1},
		{"critical, ransomware", assay.SeverityCritical, assay.Detail{CVSS: nvd(9.8), KEV: &assay.KEV{Ransomware: true}}, 100},
		{"absurd figures", assay.SeverityCritical, assay.Detail{CVSS: nvd(9.8), EPSS: epss(17), KEV: &assay.KEV{Ransomware: true}}, 100},
	} {
		got := triage.Risk(&assay.Finding{Severity: tt.s, Detail: tt.d})
		if got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		risks = append(risks, got)
	}
	if !slices.IsSorted(risks) {
		t.Error(risks)
	}
}

func TestGate(t *testing.T) {
	r := &assay.Report{Image: assay.ImageInfo{Base: &assay.BaseImage{Layers: 1}},
		Packages: []assay.Package{{Layer: assay.LayerRef{Index: 0}}, {Layer: assay.LayerRef{Index: 1}}},
		Findings: []assay.Finding{
			{Severity: assay.SeverityCritical, Risk: 20},
			{Severity: assay.SeverityHigh, Risk: 50, FixedIn: "2", Package: 1},
			{Severity: assay.SeverityLow, Risk: 70, Detail: assay.Detail{KEV: &assay.KEV{}}},
			{Package: 1},
		}}
	for _, tt := range []struct {
		on   string
		want int
	}{
		{"", 0}, {"critical", 1}, {"HIGH", 2}, {"low", 3}, {"unknown", 4}, {"severity=important", 2}, {"risk=50", 2}, {"risk>=70", 1}, {"risk=70.1", 0}, {"kev", 1}, {"fixable", 1},
		{"unrated", 1}, {"high,unrated", 3}, {"unrated+own", 1}, {"unrated+kev", 0}, {"unrated+high", 0},
		{"own", 2}, {"high+fixable", 1}, {"critical+fixable", 0}, {"critical+fixable,kev", 1}, {"critical,kev, high + own", 3},
	} {
		g, err := triage.ParseGate(slices.DeleteFunc(strings.Split(tt.on, ","), func(s string) bool { return s == "" }))
		if err != nil {
			t.Errorf("%q: %v", tt.on, err)
		}
		if got := g.CountFailing(r); got != tt.want {
			t.Errorf("%q: %d, want %d", tt.on, got, tt.want)
		}
	}
	for _, tt := range []struct {
		on   string
		want int
	}{{"critical", 1}, {"risk=90", 1}, {"high+own", 1}, {"high+kev", 0}, {"high+fixable", 0}, {"high,unrated", 0}, {"unknown", 0}, {"kev", 0}, {"unrated", 0}} {
		g, err := triage.ParseGate(strings.Split(tt.on, ","))
		if err != nil {
			t.Errorf("%q: %v", tt.on, err)
		}
		if got := g.CountUnrated(r); got != tt.want {
			t.Errorf("%q: %d unrated, want %d", tt.on, got, tt.want)
		}
	}
	for _, on := range []string{"terrible", "risk", "risk=", "risk=0", "risk=101", "risk=NaN", "kev=1", "+", "high+", "epss=3", " "} {
		if _, err := triage.ParseGate([]string{on}); err == nil {
			t.Errorf("%q is taken", on)
		}
	}
}

// suppressor suppresses what its map names.
type suppressor map[string]assay.Suppression

func (r suppressor) ForReport(context.Context, *assay.Report) (assay.ReportSuppressor, error) {
	return r, nil
}
func (suppressor) Gaps() []assay.Gap                          { return nil }
func (suppressor) Warnings(context.Context) ([]string, error) { return nil, nil }

func (r suppressor) Suppress(_ context.Context, f *assay.Finding) (assay.Suppression, bool, error) {
	if f.ID == "CVE-BAD" {
		return assay.Suppression{}, false, assay.ErrMalformed
	}
	suppression, ok := r[f.ID]
	return suppression, ok, nil
}

// TestSuppressors: what is suppressed stays in the report with its reason, by the
// first who rules; what was suppressed before stays suppressed.
func TestSuppressors(t *testing.T) {
	report := func(ids ...string) *assay.Report {
		r := &assay.Report{Packages: []assay.Package{{Name: "p"}}, Suppressed: []assay.Suppressed{{Finding: assay.Finding{ID: "CVE-0"}, Suppression: assay.Suppression{By: "assay"}}}}
		for _, id := range ids {
			r.Findings = append(r.Findings, assay.Finding{ID: id, Severity: assay.SeverityLow})
		}
		return r
	}
	first, second := suppressor{"CVE-1": {As: assay.StatusIgnored, By: "a:1", Reason: "why"}}, suppressor{"CVE-1": {By: "b"}, "CVE-2": {As: assay.StatusFixed, By: "b"}}
	r := report("CVE-1", "CVE-2", "CVE-3")
	if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{first, second}, Order: triage.ByVulnerability}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Suppressed {
		got = append(got, strings.Join([]string{s.ID, string(s.As), s.By, s.Reason}, " "))
	}
	if d := cmp.Diff([]string{"CVE-0  assay ", "CVE-1 ignored a:1 why", "CVE-2 fixed b "}, got); d != "" || len(r.Findings) != 1 || r.Findings[0].ID != "CVE-3" || r.LeftOut != 0 {
		t.Errorf("%v, %d left out\n%s", r.Findings, r.LeftOut, d)
	}
	r = report("CVE-1", "CVE-BAD")
	if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{first}}); !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), "CVE-BAD in p") {
		t.Error(err)
	}
}
