package summary

import (
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// A SuppressedGroup is what was suppressed for one reason.
type SuppressedGroup struct {
	assay.Suppression
	Findings []*assay.Finding
}

// Suppressions puts the suppressed findings together by reason, in the order of the
// report.
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

// Why tells the status that holds instead of a finding's, who set it and why.
func Why(r assay.Suppression) string {
	s := printable.Text(string(r.As)) + " by " + printable.Text(r.By)
	if r.Reason != "" {
		s += ": " + printable.Text(r.Reason)
	}
	return s
}

// Suppressed counts what was suppressed; show is whether that is listed.
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
