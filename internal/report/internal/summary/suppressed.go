package summary

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// A SuppressedGroup contains the findings suppressed for one reason.
type SuppressedGroup struct {
	assay.Suppression
	Findings []*assay.Finding
}

// Suppressions groups the suppressed findings by reason, in the order of the report.
func Suppressions(r *assay.Report) (out []SuppressedGroup) {
	at := map[assay.Suppression]int{}
	for i := range r.Suppressed {
		s := &r.Suppressed[i]
		n, ok := at[s.Suppression]
		if !ok {
			n = len(out)
			at[s.Suppression] = n
			out = append(out, SuppressedGroup{Suppression: s.Suppression})
		}
		out[n].Findings = append(out[n].Findings, &s.Finding)
	}
	return out
}

// Why says as what a finding is suppressed, by whom and why.
func Why(r assay.Suppression) string {
	s := printable.Text(string(r.As)) + " by " + printable.Text(r.By)
	if r.Reason != "" {
		s += ": " + printable.Text(r.Reason)
	}
	return s
}

// Suppressed counts the suppressed findings; show says whether the report lists them.
func Suppressed(r *assay.Report, show bool) (lines []string) {
	matched, open, others := 0, 0, 0
	for i := range r.Suppressed {
		switch s := &r.Suppressed[i].Suppression; {
		case s.By == assay.SuppressedByMatch:
			matched++
		case s.As == assay.StatusUnderInvestigation:
			open++
		default:
			others++
		}
	}
	if matched > 0 {
		lines = append(lines, fmt.Sprintf("%s not apply (function not linked, other platform, kernel headers, patched by the distribution).", printable.Count(matched, "more vulnerability does", "more vulnerabilities do")))
	}
	if open > 0 {
		lines = append(lines, fmt.Sprintf("%s under investigation: the publisher has not determined whether the packages are affected.", printable.Count(open, "more vulnerability is", "more vulnerabilities are")))
	}
	if others > 0 {
		lines = append(lines, fmt.Sprintf("%s suppressed by %s.", printable.Count(others, "finding is", "findings are"), suppressors(r, others)))
	}
	if len(lines) > 0 && !show {
		lines = append(lines, "List them with --show-suppressed.")
	}
	return lines
}

// maxSuppressors bounds the files that a line names.
const maxSuppressors = 5

// placeIn is the place in a file that a suppression names after the file.
var placeIn = regexp.MustCompile(`(:\d+| \(statement \d+\))$`)

// suppressors names the files with the rules, policies and documents that suppress
// findings, the one with most findings first, and how many each suppresses.
func suppressors(r *assay.Report, total int) string {
	counts := map[string]int{}
	for i := range r.Suppressed {
		if by := r.Suppressed[i].By; by != assay.SuppressedByMatch && r.Suppressed[i].As != assay.StatusUnderInvestigation {
			counts[placeIn.ReplaceAllString(by, "")]++
		}
	}
	files := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	var parts []string
	for i, f := range files {
		if i == maxSuppressors && len(files) > maxSuppressors+1 {
			parts = append(parts, fmt.Sprintf("%d more files", len(files)-i))
			break
		}
		part := printable.Text(f)
		if counts[f] != total {
			part += fmt.Sprintf(" (%d)", counts[f])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
