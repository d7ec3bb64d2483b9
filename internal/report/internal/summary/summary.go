// Package summary contains the text that reports for people share: groups of findings,
// facts about each, and what has reached its end of life. All text is printable; each
// format escapes it for its syntax.
package summary

import (
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

var statuses = map[assay.Status]string{
	assay.StatusAffected: "no fix yet", assay.StatusWillNotFix: "won't fix", assay.StatusFixDeferred: "deferred",
	assay.StatusEndOfLife: "end of life", assay.StatusUnderInvestigation: "investigating", assay.StatusFixed: "fixed",
}

// Status returns a finding's status in words.
func Status(f *assay.Finding) string {
	if s, ok := statuses[f.Status]; ok {
		return s
	}
	return printable.Text(string(f.Status))
}

// Risk returns a finding's risk; "" in an old report, whose findings have none.
func Risk(f *assay.Finding) string {
	if f.Risk == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", f.Risk)
}

// Title returns a line about the vulnerability: its title, else the beginning of its
// description.
func Title(f *assay.Finding) string {
	s := f.Detail.Title
	if s == "" {
		s = f.Detail.Text
		if i := strings.Index(s, ". "); i > 0 {
			s = s[:i]
		}
	}
	return printable.Text(s)
}

// minEPSS is the lowest EPSS probability that reports mention.
const minEPSS = 0.1

// Exploited says what is known about exploitation of a vulnerability; "" when nothing
// is.
func Exploited(f *assay.Finding) string {
	var parts []string
	if k := f.Detail.KEV; k != nil {
		s := "known to be exploited"
		if k.Ransomware {
			s = "exploited, also by ransomware"
		}
		s += " (KEV " + printable.Text(k.Added)
		if k.Due != "" {
			s += ", fix due " + printable.Text(k.Due)
		}
		parts = append(parts, s+")")
	}
	if e := f.Detail.EPSS; e != nil && e.Score >= minEPSS {
		parts = append(parts, fmt.Sprintf("EPSS %.0f %%", e.Score*100))
	}
	return strings.Join(parts, ", ")
}

// Layer names the layer of a package and the instruction that created it.
func Layer(l assay.LayerRef) string {
	s := fmt.Sprintf("layer %d", l.Index)
	if l.CreatedBy != "" {
		s += ": " + instruction(l.CreatedBy)
	}
	return s
}

// instruction returns a history entry without the shell that builders put in front.
func instruction(s string) string {
	s = strings.TrimPrefix(s, "/bin/sh -c ")
	s = strings.TrimPrefix(s, "#(nop) ")
	return strings.TrimSpace(printable.Text(s))
}

// Target names what was scanned, with its distribution.
func Target(r *assay.Report) string {
	s := printable.Text(r.Image.Name)
	if os := strings.TrimSpace(r.Release.ID + " " + r.Release.Version); os != "" {
		s += " (" + printable.Text(os) + ")"
	}
	return s
}

// EndOfLife lists the release and the runtimes that have reached their end of life, and
// says what that means.
func EndOfLife(r *assay.Report) (lines []string) {
	if l := &r.Release; l.EndOfLife(r.At()) {
		lines = append(lines, printable.Text(fmt.Sprintf("%s %s %s: its advisories are no longer complete; move to a supported release.", l.ID, l.Version, since(l.EOL))))
	}
	places := map[string]int{}
	var runtimes []string
	for i := range r.Packages {
		q := &r.Packages[i]
		if !q.EndOfLife(r.At()) {
			continue
		}
		line := fmt.Sprintf("%s %s %s", runtime(q), q.Version, since(q.EOL))
		if places[line]++; places[line] == 1 {
			runtimes = append(runtimes, line)
		}
	}
	for _, line := range runtimes {
		in := ""
		if n := places[line]; n > 1 {
			in = fmt.Sprintf(" (in %d files)", n)
		}
		lines = append(lines, printable.Text(line)+in+": no longer patched; move to a supported version.")
	}
	return lines
}

// runtime returns the usual name of a package that has an end of life.
func runtime(q *assay.Package) string {
	if q.Type == assay.TypeGo {
		return "Go"
	}
	return q.Name
}

// since says when the end of life was.
func since(eol string) string {
	if _, err := time.Parse(time.DateOnly, eol); err != nil { // the date is unknown
		return "has reached its end of life"
	}
	return "reached its end of life on " + eol
}

// A Tally counts the findings of one severity.
type Tally struct {
	Severity assay.Severity
	Findings int
}

// Tallies counts findings by severity, worst first; severities without findings are
// left out.
func Tallies(r *assay.Report) (out []Tally) {
	var n [assay.SeverityCritical + 1]int
	for i := range r.Findings {
		n[min(r.Findings[i].Severity, assay.SeverityCritical)]++
	}
	for s := len(n) - 1; s >= 0; s-- {
		if n[s] > 0 {
			out = append(out, Tally{assay.Severity(s), n[s]})
		}
	}
	return out
}

// Verdict counts the findings in a few words.
func Verdict(r *assay.Report) string {
	affected := map[int]bool{}
	fixable := 0
	for i := range r.Findings {
		affected[r.Findings[i].Package] = true
		if r.Findings[i].FixedIn != "" {
			fixable++
		}
	}
	if n := len(r.Findings); n > 0 {
		return fmt.Sprintf("%s in %s, %d with a fix", printable.Count(n, "vulnerability", "vulnerabilities"), printable.Count(len(affected), "package", "packages"), fixable)
	}
	if len(advisoryShards(r)) == 0 {
		return "not matched with any advisories"
	}
	return "no vulnerabilities to report"
}

// advisoryShards lists the parts of the database with advisories that the report rests
// on.
func advisoryShards(r *assay.Report) (out []assay.Shard) {
	for _, s := range r.Database.Shards {
		switch s.Stream.Family() {
		case assay.StreamDetails, string(assay.StreamKEV), string(assay.StreamEPSS), string(assay.StreamEOL):
		default:
			out = append(out, s)
		}
	}
	return out
}

// Advisories lists the advisories used, with their age; "" for none.
func Advisories(r *assay.Report) string {
	var streams []string
	for _, s := range advisoryShards(r) {
		streams = append(streams, fmt.Sprintf("%s (%s, built %s ago)", printable.Text(string(s.Stream)), printable.Count(s.Records, "record", "records"), age(r.Created.Sub(s.Built))))
	}
	if len(streams) == 0 {
		return ""
	}
	return "Advisories: " + strings.Join(streams, ", ") + "."
}

func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return printable.Count(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return printable.Count(int(d.Hours()), "hour", "hours")
	}
	return printable.Count(int(d.Hours()/24), "day", "days")
}

// LeftOut lists what the report does not show, and the flags that show it.
func LeftOut(r *assay.Report) (lines []string) {
	if r.DevLeftOut > 0 {
		lines = append(lines, fmt.Sprintf("Left out: %s needed for development only (list with --include-dev-deps).", printable.Count(r.DevLeftOut, "package", "packages")))
	}
	if r.LeftOut > 0 {
		lines = append(lines, fmt.Sprintf("%s left out by --severity, --ignore-unfixed, --ignore-status, --ignore-base or --as-of.", printable.Count(r.LeftOut, "finding is", "findings are")))
	}
	if len(r.Gaps) > 0 {
		lines = append(lines, fmt.Sprintf("%s: something could not be read or judged, so this report may be incomplete.", printable.Count(len(r.Gaps), "gap", "gaps")))
	}
	return lines
}
