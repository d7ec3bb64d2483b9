// Package plan plans fixes: the smallest set of upgrades that removes the most
// risk, the commands to run, and the remaining findings. It also compares two
// reports.
package plan

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/version"
)

// A Plan is the plan for a report's findings.
type Plan struct {
	Image      string      `json:"image"`
	Before     Totals      `json:"before"`     // of the report
	After      Totals      `json:"after"`      // when all upgrades are carried out
	Upgrades   []Upgrade   `json:"upgrades"`   // the one that removes the most risk first
	Steps      []Step      `json:"steps"`      // the commands, by package manager and place
	Dockerfile []string    `json:"dockerfile"` // the steps' lines on top of the image; empty for other targets
	Remaining  []Remaining `json:"remaining"`  // findings that no upgrade removes, the worst first
	Introduced []Remaining `json:"brought"`    // findings that the planned versions have and the installed ones do not
	Advice     []string    `json:"advice"`     // other measures: a newer release, a newer base image
	Gaps       []assay.Gap `json:"gaps"`       // the gaps of the report
}

// Totals counts findings.
type Totals struct {
	Findings   int            `json:"findings"`
	Risk       float64        `json:"risk"` // the sum of the findings'
	Severities map[string]int `json:"severities"`
}

// An Upgrade is a new version for a package, or for the packages of one source.
type Upgrade struct {
	Type     string           `json:"type"`
	Name     string           `json:"name"`               // of the source, for OS packages that are built from one
	Packages []string         `json:"packages,omitempty"` // the OS binary packages, by name
	From     string           `json:"from"`
	To       string           `json:"to"`              // at least
	Where    string           `json:"where,omitempty"` // the project, directory or archive of a language package; "" for OS packages
	Major    bool             `json:"major,omitempty"` // the first number of the version changes, so that programs may need changes
	Base     bool             `json:"base,omitempty"`  // it is from the base image
	Layer    string           `json:"layer,omitempty"` // the instruction that installed it
	Risk     float64          `json:"risk"`            // that the upgrade removes
	Removes  []FindingSummary `json:"removes"`         // findings that the upgrade removes, the worst first
	Direct   bool             `json:"direct"`          // a direct dependency of the project, or unknown

	manager string
	indices []int // in Report.Packages
}

// A FindingSummary is a short form of a finding.
type FindingSummary struct {
	ID       string         `json:"id"`
	Package  string         `json:"package"`
	Version  string         `json:"version"` // installed or planned version
	Severity assay.Severity `json:"severity"`
	Risk     float64        `json:"risk"`
}

// Remaining is a remaining finding, and why.
type Remaining struct {
	FindingSummary
	Status assay.Status `json:"status"`
	Why    string       `json:"why"`
}

// A Step is the upgrades with one package manager in one place.
type Step struct {
	Manager    string   `json:"manager"`              // "apt", "npm", …; "" without a known command
	Where      string   `json:"where,omitempty"`      // directory, archive or program; "" for OS packages
	Upgrades   []string `json:"upgrades"`             // "NAME FROM → TO"
	Commands   []string `json:"commands,omitempty"`   // for a shell, in order
	Dockerfile []string `json:"dockerfile,omitempty"` // lines that do the same in a Dockerfile
	Note       string   `json:"note,omitempty"`       // what to do if no command does it, or what to check
}

// Judge matches packages again: those of the report at other versions, in the
// report's order, with its filters.
type Judge func(ctx context.Context, packages []assay.Package) (*assay.Report, error)

// maxRounds bounds how often versions are raised: each round raises versions
// with findings that a higher version fixes.
const maxRounds = 8

// Make creates a plan for the report's findings. Findings that filters removed
// are not planned for.
func Make(ctx context.Context, r *assay.Report, judge Judge) (*Plan, error) {
	p := &Plan{Image: r.Image.Name, Before: totals(r), Upgrades: []Upgrade{}, Steps: []Step{}, Dockerfile: []string{}, Remaining: []Remaining{}, Introduced: []Remaining{},
		Advice: []string{}, Gaps: append([]assay.Gap{}, r.Gaps...)}
	m := &maker{r: r, judge: judge, units: unitsOf(r), saved: keys(r)}
	m.of = owners(m.units)
	after := r
	if len(m.units) > 0 {
		installed, err := judge(ctx, r.Packages)
		if err != nil {
			return nil, err
		}
		m.installed = keys(installed)
		for _, g := range installed.Gaps {
			if !slices.Contains(p.Gaps, g) {
				p.Gaps = append(p.Gaps, g)
			}
		}
		if after, err = m.converge(ctx); err != nil {
			return nil, err
		}
	}
	p.After = totals(after)
	p.compare(m, after)
	return p, p.steps(ctx, r)
}

func totals(r *assay.Report) Totals {
	t := Totals{Findings: len(r.Findings), Severities: map[string]int{}}
	for i := range r.Findings {
		t.Risk += r.Findings[i].Risk
		t.Severities[r.Findings[i].Severity.String()]++
	}
	t.Risk = math.Round(t.Risk*10) / 10
	return t
}

// A maker finds the versions to plan.
type maker struct {
	r         *assay.Report
	judge     Judge
	units     []*unit
	of        map[int]*unit   // by package
	saved     map[string]bool // findings of the report
	installed map[string]bool // result of matching the installed versions, which may differ from a saved report
}

// Key identifies a finding in one report.
func Key(f *assay.Finding) string { return fmt.Sprintf("%d %s", f.Package, f.ID) }

func keys(r *assay.Report) map[string]bool {
	out := map[string]bool{}
	for i := range r.Findings {
		out[Key(&r.Findings[i])] = true
	}
	return out
}

// converge finds, for each unit, the lowest version with the least remaining
// risk, by matching one version after the other. It returns the findings at
// those versions.
func (m *maker) converge(ctx context.Context) (*assay.Report, error) {
	m.measure(m.r)
	for _, u := range m.units {
		u.best, u.least, u.target = u.From, u.risk, u.wanted
	}
	for range maxRounds {
		after, err := m.judgeAt(ctx, func(u *unit) string { return u.target })
		if err != nil {
			return nil, err
		}
		m.measure(after)
		raised := false
		for _, u := range m.units {
			if u.risk < u.least {
				u.best, u.least = u.target, u.risk
			}
			if u.later(u.wanted, u.target) {
				u.target, raised = u.wanted, true
			}
		}
		if !raised && !slices.ContainsFunc(m.units, func(u *unit) bool { return u.best != u.target }) {
			return after, nil // measured before
		}
		if !raised {
			break
		}
	}
	return m.judgeAt(ctx, func(u *unit) string { return u.best })
}

// judgeAt returns the findings with the units at other versions. Matching decides on
// advisories in the database: findings of the report stay or go, and new ones
// are added. A finding of the report without such an advisory stays unless its
// own fix removes it.
func (m *maker) judgeAt(ctx context.Context, target func(*unit) string) (*assay.Report, error) {
	packages := slices.Clone(m.r.Packages)
	for _, u := range m.units {
		v := target(u)
		for _, i := range u.indices {
			u.set(&packages[i], v)
		}
	}
	after, err := m.judge(ctx, packages)
	if err != nil {
		return nil, err
	}
	out := *after
	out.Findings = nil
	for _, f := range after.Findings {
		if m.saved[Key(&f)] || !m.installed[Key(&f)] {
			out.Findings = append(out.Findings, f)
		}
	}
	for _, f := range m.r.Findings {
		if u := m.of[f.Package]; !m.installed[Key(&f)] && (u == nil || f.FixedIn == "" || u.later(f.FixedIn, target(u))) {
			out.Findings = append(out.Findings, f)
		}
	}
	return &out, nil
}

// unrated is the risk of a finding with risk 0, so that removing it counts.
const unrated = 0.01

// measure computes the units' risk in a report, and the versions that fix all
// their fixable findings.
func (m *maker) measure(r *assay.Report) {
	for _, u := range m.units {
		u.risk, u.wanted = 0, ""
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		u := m.of[f.Package]
		if u == nil {
			continue
		}
		u.risk += f.Risk + unrated
		if _, err := u.scheme.Key(f.FixedIn); f.FixedIn != "" && err == nil && u.later(f.FixedIn, u.wanted) {
			u.wanted = f.FixedIn
		}
	}
}

// owners maps packages to their units.
func owners(units []*unit) map[int]*unit {
	of := map[int]*unit{}
	for _, u := range units {
		for _, i := range u.indices {
			of[i] = u
		}
	}
	return of
}

// compare lists the removed, remaining and new findings.
func (p *Plan) compare(m *maker, after *assay.Report) {
	holds, r := keys(after), m.r
	for i := range r.Findings {
		f := &r.Findings[i]
		u := m.of[f.Package]
		switch {
		case holds[Key(f)]:
			p.Remaining = append(p.Remaining, m.remaining(f))
		case u != nil:
			u.Risk += f.Risk
			u.Removes = append(u.Removes, summarize(r, f))
		}
	}
	for i := range after.Findings {
		if f := &after.Findings[i]; !m.saved[Key(f)] {
			p.Introduced = append(p.Introduced, Remaining{FindingSummary: summarize(after, f), Status: f.Status, Why: "the planned version has it"})
		}
	}
	for _, u := range m.units {
		if len(u.Removes) == 0 {
			continue
		}
		u.To, u.Major = u.spelled(u.best), u.isMajor()
		u.Risk = math.Round(u.Risk*10) / 10
		p.Upgrades = append(p.Upgrades, u.Upgrade)
	}
	slices.SortStableFunc(p.Upgrades, func(a, b Upgrade) int {
		return cmp.Or(-cmp.Compare(a.Risk, b.Risk), strings.Compare(a.Name, b.Name), strings.Compare(a.Where, b.Where), strings.Compare(a.From, b.From))
	})
}

func summarize(r *assay.Report, f *assay.Finding) FindingSummary {
	q := &r.Packages[f.Package]
	return FindingSummary{ID: f.ID, Package: q.Name, Version: q.Version, Severity: f.Severity, Risk: f.Risk}
}

// noFixReasons explain why a finding has no fix.
var noFixReasons = map[assay.Status]string{
	assay.StatusAffected:           "no fix is published",
	assay.StatusWillNotFix:         "the publisher will not fix it",
	assay.StatusFixDeferred:        "the publisher deferred the fix",
	assay.StatusEndOfLife:          "the release is at its end of life: no fix will come",
	assay.StatusUnderInvestigation: "the publisher is investigating",
}

func (m *maker) remaining(f *assay.Finding) Remaining {
	r, u := m.r, m.of[f.Package]
	q := &r.Packages[f.Package]
	why := noFixReasons[f.Status]
	switch {
	case f.FixedIn == "" && q.IsSystem() && r.Release.EndOfLife(r.At()):
		why = "no fix is published, and the release is at its end of life"
	case f.FixedIn == "":
	case u == nil:
		why = fmt.Sprintf("fixed in %s, which cannot be compared with the installed version", f.FixedIn)
	case u.best == u.From:
		why = fmt.Sprintf("fixed in %s, which introduces as much risk", f.FixedIn)
	default:
		why = fmt.Sprintf("it is also in %s, the version with the least risk", u.best)
	}
	if why == "" {
		why = "no fix is published"
	}
	return Remaining{FindingSummary: summarize(r, f), Status: f.Status, Why: why}
}

// schemeOf is the version scheme of a package; generic if unknown.
func schemeOf(r *assay.Report, p *assay.Package) version.Scheme {
	if s, ok := ecosystem.Scheme(r.Release, p); ok {
		return s
	}
	return version.Generic
}
