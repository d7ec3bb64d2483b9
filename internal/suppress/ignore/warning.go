package ignore

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay/internal/identifier/cve"
)

// maxNamed is the maximum number of rules in a warning.
const maxNamed = 8

// advisoryID matches identifiers of advisories: letters, then parts, one of them
// with a digit.
var advisoryID = regexp.MustCompile(`(?i)^[a-z][a-z0-9]*([-:][a-z0-9._]+)*[-:][a-z0-9._]*[0-9][a-z0-9._]*([-:][a-z0-9._]+)*$`)

// Warnings are warnings about rules for a judged report: expired, unused,
// duplicate and ignored rules.
func (s *judge) Warnings(ctx context.Context) ([]string, error) {
	var out, repeated []string
	for i := range s.r.Suppressed { // suppressed by another suppressor or by this one: a rule that matches it is in use
		if _, err := s.first(ctx, &s.r.Suppressed[i].Finding); err != nil {
			return nil, err
		}
	}
	from, twice := 0, s.set.findDuplicates()
	for _, f := range s.set.files {
		out = append(out, f.Notes...)
		out = append(out, s.about(f, from, twice)...)
		from += len(f.Rules)
	}
	for _, rule := range s.set.rules {
		if first := twice[rule]; first != nil {
			repeated = append(repeated, rule.By()+" as "+first.By())
		}
	}
	if len(repeated) > 0 {
		out = append(out, fmt.Sprintf("duplicate rules (%d): %s", len(repeated), listNames(repeated)))
	}
	return out, nil
}

// about creates the warnings about one file, whose first rule has the number
// from.
func (s *judge) about(f *File, from int, twice map[*Rule]*Rule) (out []string) {
	var over, undated, empty, unknown, unused, elsewhere []string
	r, now := s.r, s.repos
	for i := range f.Rules {
		rule, hits := &f.Rules[i], s.hits[from+i]
		for _, id := range rule.IDs {
			if !known(id) {
				unknown = append(unknown, fmt.Sprintf("%s (line %d)", id, rule.Line))
			}
		}
		switch {
		case rule.empty():
			empty = append(empty, rule.short())
		case rule.isExpired(r.At()) && r.At().IsZero():
			undated = append(undated, rule.short())
		case rule.isExpired(r.At()):
			over = append(over, fmt.Sprintf("%s until %s", rule.short(), rule.Until))
		case rule.image != "" && !parseRepository(rule.image).isAmong(now):
			if !slices.Contains(elsewhere, rule.image) {
				elsewhere = append(elsewhere, rule.image)
			}
		case hits == 0 && twice[rule] == nil && !slices.ContainsFunc(rule.IDs, func(id string) bool { return !known(id) }):
			unused = append(unused, rule.short())
		}
	}
	odd := "unknown ids, neither CVE-YEAR-NUMBER nor an advisory id"
	if f.lax {
		odd += " (assay does not report checks, secrets and licences)"
	}
	for _, w := range []struct {
		what string
		all  []string
	}{{"expired rules, which were ignored", over}, {"rules with an expiry date, which were ignored because the report has no date", undated},
		{"rules without criteria, which match nothing", empty}, {odd, unknown}, {"unused rules", unused},
		{"sections for other images", elsewhere}} {
		if len(w.all) > 0 {
			out = append(out, fmt.Sprintf("%s: %s (%d): %s", f.Name, w.what, len(w.all), listNames(w.all)))
		}
	}
	return out
}

// known reports whether an identifier looks like that of a vulnerability.
func known(id string) bool {
	if up := fold(id); strings.HasPrefix(up, "CVE") {
		return cve.Valid(up)
	} else if strings.HasPrefix(up, "AVD-") { // Trivy's checks
		return false
	}
	return advisoryID.MatchString(id)
}

// short names a rule in a list of rules of one file.
func (r *Rule) short() string {
	if len(r.IDs) == 0 {
		return fmt.Sprintf("line %d", r.Line)
	}
	more := ""
	if len(r.IDs) > 1 {
		more = ", ..."
	}
	return fmt.Sprintf("%s%s (line %d)", r.IDs[0], more, r.Line)
}

func listNames(all []string) string {
	if len(all) > maxNamed {
		return strings.Join(all[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(all)-maxNamed)
	}
	return strings.Join(all, ", ")
}

// findDuplicates finds rules that match the same findings as an earlier one.
func (s *Set) findDuplicates() map[*Rule]*Rule {
	first, out := map[string]*Rule{}, map[*Rule]*Rule{}
	for _, r := range s.rules {
		k := r.same()
		if f, ok := first[k]; !ok {
			first[k] = r
		} else if !r.empty() {
			out[r] = f
		}
	}
	return out
}
