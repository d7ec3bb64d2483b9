// Package ignore has the ignore rules by which users suppress findings. A rule
// has criteria of findings, a reason, and an expiry date. Rule files are read in
// assay's own format and in those of Trivy, Grype and clair-scanner.
//
// docs/ignoring.md describes which findings a rule matches, and its warnings.
package ignore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// A Rule suppresses the findings that it matches.
type Rule struct {
	File   string
	Line   int
	IDs    []string  // the finding must have one of them; empty means any
	End    time.Time // when it expires; zero means never
	Until  string    // End as in the file
	Reason string    // ""

	names    names       // the names of a finding that IDs are compared with
	packages []string    // names of the package or its source, one of which must match; empty means any
	where    []condition // all of which must match
	image    string      // the section of clair-scanner's whitelist
	steps    int         // of its regular expressions
}

// names selects the names of a finding besides its ID.
type names uint8

const (
	aliases names = 1 << iota // aliases of the vulnerability
	vendors                   // the publisher's notices
	ghsas                     // GitHub's aliases, for packages that are not OS packages
)

// A condition is one criterion; equal conditions have equal texts.
type condition struct {
	text      string
	holds     func(*subject) bool
	ofPackage bool // it has the same result for all findings of a package
}

// A subject is a finding to judge.
type subject struct {
	r *assay.Report
	f *assay.Finding
	p *assay.Package
	s *judge
}

// By names the rule's place: ".assayignore:3".
func (r *Rule) By() string { return r.File + ":" + strconv.Itoa(r.Line) }

// empty reports whether a rule has no criteria, and so matches nothing.
func (r *Rule) empty() bool { return len(r.IDs) == 0 && len(r.where) == 0 }

// isExpired reports whether a rule has expired at the date of a report. For a
// report without a date, every rule with an expiry date has expired.
func (r *Rule) isExpired(at time.Time) bool {
	return !r.End.IsZero() && (at.IsZero() || !at.Before(r.End))
}

// matchesPackage reports whether the conditions of the package match, and holds
// whether the others do.
func (r *Rule) matchesPackage(s *subject) bool { return r.all(s, true) }
func (r *Rule) matchesFinding(s *subject) bool { return r.all(s, false) }

func (r *Rule) all(s *subject, ofPackage bool) bool {
	for _, c := range r.where {
		if c.ofPackage == ofPackage && !c.holds(s) {
			return false
		}
	}
	return true
}

// same is equal for rules that match the same findings.
func (r *Rule) same() string {
	var parts []string
	for _, id := range r.IDs {
		parts = append(parts, "id "+fold(id))
	}
	for _, c := range r.where {
		parts = append(parts, c.text)
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "\x00")
}

// fold normalises the case of an identifier.
func fold(id string) string { return strings.ToUpper(id) }

// A File has the rules of one file.
type File struct {
	Name  string
	Rules []Rule
	Notes []string // ignored parts, and why
	lax   bool     // it may name results that are not vulnerabilities
	steps int      // of its regular expressions
}

// addRule adds a rule.
func (f *File) addRule(r Rule) error {
	if f.steps += r.steps; f.steps > maxAllSteps {
		return fmt.Errorf("the expressions so far have more than %d steps: %w", maxAllSteps, assay.ErrTooLarge)
	}
	f.Rules = append(f.Rules, r)
	return nil
}

// A Set has the rules of several files; the first rule that matches counts. It
// is an assay.Suppressor.
type Set struct {
	files []*File
	rules []*Rule
	byID  map[string][]int // rules by identifiers, in normalised case
	byPkg map[string][]int // rules without identifiers, by package name
	loose []int            // those without either
}

// A judge compares the rules of a set with the findings of one report.
type judge struct {
	set   *Set
	r     *assay.Report
	turn  int   // number of judged findings
	tried []int // the number of the finding that each rule was tried on last
	hits  []int // number of findings that each rule matches
	purls map[string]*vex.PURL
	repos []repository  // the names of the report's image
	fit   map[int][]int // loose rules that match a package
	kept  int           // in fit
}

const (
	// maxFit bounds the cache of rules that match packages: each entry has 8
	// bytes.
	maxFit = 1_000_000
	// between is how many rules are compared between two checks of the context.
	between = 1000
)

// New returns the rules of the files, in their order.
func New(files ...*File) *Set {
	s := &Set{files: files, byID: map[string][]int{}, byPkg: map[string][]int{}}
	for _, f := range files {
		for i := range f.Rules {
			s.rules = append(s.rules, &f.Rules[i])
		}
	}
	for i, r := range s.rules {
		if r.empty() {
			continue
		}
		for _, id := range r.IDs {
			s.byID[fold(id)] = append(s.byID[fold(id)], i)
		}
		if len(r.IDs) > 0 {
			continue
		}
		for _, name := range r.packages {
			s.byPkg[name] = append(s.byPkg[name], i)
		}
		if len(r.packages) == 0 {
			s.loose = append(s.loose, i)
		}
	}
	return s
}

// ForReport implements assay.Suppressor.
func (s *Set) ForReport(_ context.Context, r *assay.Report) (assay.ReportSuppressor, error) {
	return &judge{set: s, r: r, tried: make([]int, len(s.rules)), hits: make([]int, len(s.rules)),
		purls: map[string]*vex.PURL{}, repos: repositories(r), fit: map[int][]int{}}, nil
}

// Suppress suppresses a finding that a rule matches, unless the rule has
// expired.
func (s *judge) Suppress(ctx context.Context, f *assay.Finding) (assay.Suppression, bool, error) {
	if ctx.Err() != nil {
		return assay.Suppression{}, false, context.Cause(ctx)
	}
	n, err := s.first(ctx, f)
	if err != nil || n < 0 {
		return assay.Suppression{}, false, err
	}
	return assay.Suppression{As: assay.StatusIgnored, By: s.set.rules[n].By(), Reason: s.set.rules[n].Reason}, true, nil
}

// Gaps implements assay.ReportSuppressor: rules look nothing up.
func (s *judge) Gaps() []assay.Gap { return nil }

// first counts the rules that match a finding, and returns the first; -1 without
// any.
func (s *judge) first(ctx context.Context, f *assay.Finding) (int, error) {
	r := s.r
	sub := &subject{r, f, &r.Packages[f.Package], s}
	s.turn++
	first := -1
	try := func(all []int, counts names, fit bool) {
		for _, n := range all {
			rule := s.set.rules[n]
			if s.tried[n] == s.turn || counts != 0 && rule.names&counts == 0 {
				continue
			}
			if s.tried[n] = s.turn; rule.isExpired(r.At()) || !fit && !rule.matchesPackage(sub) || !rule.matchesFinding(sub) {
				continue
			}
			if s.hits[n]++; first < 0 || n < first {
				first = n
			}
		}
	}
	try(s.set.byID[fold(f.ID)], 0, false)
	for _, id := range f.Aliases {
		counts := aliases
		if !sub.p.IsSystem() && strings.HasPrefix(fold(id), "GHSA-") {
			counts |= ghsas
		}
		try(s.set.byID[fold(id)], counts, false)
	}
	for _, id := range f.VendorIDs {
		try(s.set.byID[fold(id)], vendors, false)
	}
	for _, name := range []string{sub.p.Name, sub.p.Source, artifact(sub.p.Name)} {
		try(s.set.byPkg[name], 0, false)
	}
	fit, err := s.fitting(ctx, sub)
	try(fit, 0, true)
	return first, err
}

// fitting lists the loose rules that match a finding's package.
func (s *judge) fitting(ctx context.Context, sub *subject) ([]int, error) {
	fit, ok := s.fit[sub.f.Package]
	if ok {
		return fit, nil
	}
	for i, n := range s.set.loose {
		if i%between == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if s.set.rules[n].matchesPackage(sub) {
			fit = append(fit, n)
		}
	}
	if s.kept += len(fit); s.kept > maxFit {
		s.fit, s.kept = map[int][]int{}, len(fit)
	}
	s.fit[sub.f.Package] = fit
	return fit, nil
}

// purl is a package's purl, parsed once; nil without one.
func (s *judge) purl(text string) *vex.PURL {
	p, ok := s.purls[text]
	if !ok {
		if u, err := vex.ParsePURL(text); err == nil {
			p = &u
		}
		s.purls[text] = p
	}
	return p
}
