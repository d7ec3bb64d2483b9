// Package ignore holds the rules by which users take findings out of a report:
// each says which findings it is about, why, and until when. Files of rules are
// read in assay's own form and in those of Trivy, Grype and clair-scanner.
//
// Which findings a rule is about, and what it warns of: docs/ignoring.md.
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

// A Rule says of findings that they do not count.
type Rule struct {
	File   string
	Line   int
	IDs    []string  // the finding has one of them; none means any
	End    time.Time // when it ceases to hold; zero means never
	Until  string    // End as the file has it
	Reason string    // ""

	names    names       // which names of a finding IDs are compared with
	packages []string    // the package is called, or built from, one of them; none means any
	where    []condition // all of which must hold
	image    string      // of clair-scanner's whitelists: the section it is in
	steps    int         // of its expressions
}

// names says which names of a finding count beside its ID.
type names uint8

const (
	aliases names = 1 << iota // other names of the vulnerability
	vendors                   // the publisher's notices
	ghsas                     // aliases that are GitHub's, of what is no system's package
)

// A condition is one thing that must be so of a finding; its text is equal for
// equal conditions.
type condition struct {
	text      string
	holds     func(*subject) bool
	ofPackage bool // it is equally so of all findings of a package
}

// A subject is what rules judge.
type subject struct {
	r *assay.Report
	f *assay.Finding
	p *assay.Package
	s *judge
}

// By names the rule's place: ".assayignore:3".
func (r *Rule) By() string { return r.File + ":" + strconv.Itoa(r.Line) }

// empty reports whether a rule has no criteria, and so never holds.
func (r *Rule) empty() bool { return len(r.IDs) == 0 && len(r.where) == 0 }

// isExpired reports whether a rule's end has come when a report is made. Of a report
// that does not say when that was, no rule with an end holds.
func (r *Rule) isExpired(at time.Time) bool {
	return !r.End.IsZero() && (at.IsZero() || !at.Before(r.End))
}

// matchesPackage reports whether a rule's conditions hold that are of packages, and holds
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

// same is a text that is equal for rules about the same findings.
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

// fold spells an identifier so that case does not matter.
func fold(id string) string { return strings.ToUpper(id) }

// A File is what one file says.
type File struct {
	Name  string
	Rules []Rule
	Notes []string // what of it cannot count, and why
	lax   bool     // it may name what is no vulnerability
	steps int      // of its expressions
}

// addRule adds a rule.
func (f *File) addRule(r Rule) error {
	if f.steps += r.steps; f.steps > maxAllSteps {
		return fmt.Errorf("the expressions so far have more than %d steps: %w", maxAllSteps, assay.ErrTooLarge)
	}
	f.Rules = append(f.Rules, r)
	return nil
}

// A Set is the rules of several files, the first of which that holds counts. It
// is an assay.Suppressor.
type Set struct {
	files []*File
	rules []*Rule
	byID  map[string][]int // rules by identifiers, folded
	byPkg map[string][]int // those without, by names of packages
	loose []int            // those without either
}

// A judge compares the rules of a set with the findings of one report.
type judge struct {
	set   *Set
	r     *assay.Report
	turn  int   // of findings that were judged
	tried []int // the turn in which each rule was tried last
	hits  []int // findings that each rule holds of
	purls map[string]*vex.PURL
	repos []repository  // the names of the report's image
	fit   map[int][]int // of the loose rules those that fit a package
	kept  int           // in fit
}

const (
	// maxFit bounds what of rules that fit packages is kept: each is 8 bytes.
	maxFit = 1_000_000
	// between is how many rules are compared with a package before it is seen
	// whether to go on.
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

// Suppress suppresses a finding which a rule matches that has not expired.
func (s *judge) Suppress(ctx context.Context, f *assay.Finding) (assay.Suppression, bool, error) {
	n, err := s.first(ctx, f)
	if err != nil || n < 0 {
		return assay.Suppression{}, false, err
	}
	return assay.Suppression{As: assay.StatusIgnored, By: s.set.rules[n].By(), Reason: s.set.rules[n].Reason}, true, nil
}

// Gaps implements assay.ReportSuppressor: rules look nothing up.
func (s *judge) Gaps() []assay.Gap { return nil }

// first counts the rules that match a finding, and returns the first; -1 when
// none does.
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

// fitting lists the loose rules that fit a finding's package.
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

// purl is a package's, read once; nil when it has none.
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
