package summary

import (
	"fmt"

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
	matched, others := 0, 0
	for i := range r.Suppressed {
		if r.Suppressed[i].By == assay.SuppressedByMatch {
			matched++
		} else {
			others++
		}
	}
	if matched > 0 {
		lines = append(lines, fmt.Sprintf("%s not apply (function not linked, other platform, kernel headers, patched by the distribution).", printable.Count(matched, "more vulnerability does", "more vulnerabilities do")))
	}
	if others > 0 {
		lines = append(lines, fmt.Sprintf("%s suppressed by ignore rules, policies or VEX documents.", printable.Count(others, "finding is", "findings are")))
	}
	if len(lines) > 0 && !show {
		lines = append(lines, "List them with --show-suppressed.")
	}
	return lines
}
