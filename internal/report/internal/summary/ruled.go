package summary

import (
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// A Ruled is what was taken out of the findings for one reason.
type Ruled struct {
	assay.Suppression
	Findings []*assay.Finding
}

// Suppressions puts the suppressed findings together by reason, in the order of the
// report.
func Suppressions(r *assay.Report) (out []Ruled) {
	at := map[assay.Suppression]int{}
	for i := range r.Suppressed {
		s := &r.Suppressed[i]
		n, ok := at[s.Suppression]
		if !ok {
			n = len(out)
			at[s.Suppression] = n
			out = append(out, Ruled{Suppression: s.Suppression})
		}
		out[n].Findings = append(out[n].Findings, &s.Finding)
	}
	return out
}

// Why says what holds instead of a finding, who says so and for which reason.
func Why(r assay.Suppression) string {
	s := printable.Text(string(r.As)) + " says " + printable.Text(r.By)
	if r.Reason != "" {
		s += ": " + printable.Text(r.Reason)
	}
	return s
}

// RuledOut counts what was taken out, by whom; show is whether that is listed.
func RuledOut(r *assay.Report, show bool) (lines []string) {
	matched, others := 0, 0
	for i := range r.Suppressed {
		if r.Suppressed[i].By == assay.SuppressedByMatch {
			matched++
		} else {
			others++
		}
	}
	if matched > 0 {
		lines = append(lines, fmt.Sprintf("Not among them: %s whose functions the binaries do not link, or that are of other systems, of the kernel in its headers, or mended by the distribution.", printable.Count(matched, "vulnerability", "vulnerabilities")))
	}
	if others > 0 {
		lines = append(lines, fmt.Sprintf("Ruled out by you, or by documents: %d.", others))
	}
	if len(lines) > 0 && !show {
		lines = append(lines, "Show them, with who says so and why, with --show-suppressed.")
	}
	return lines
}
