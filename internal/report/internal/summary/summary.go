// Package summary holds the text that reports for people share: which findings
// belong together, what is known of each, and what reached its end of life. Its
// texts are printable; a format escapes them as its form demands.
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

// Status is a finding's status in words.
func Status(f *assay.Finding) string {
	if s, ok := statuses[f.Status]; ok {
		return s
	}
	return printable.Text(string(f.Status))
}

// Risk is a finding's; "" in an old report, all findings of which lack it.
func Risk(f *assay.Finding) string {
	if f.Risk == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", f.Risk)
}

// Title is a line about the vulnerability; where none is known the beginning of
// its description.
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

// likely is from which probability on EPSS's score is worth a line.
const likely = 0.1

// Exploited says what is known of the exploitation of a vulnerability; "" when
// that is nothing.
func Exploited(f *assay.Finding) string {
	var parts []string
	if k := f.Detail.KEV; k != nil {
		s := "known to be exploited"
		if k.Ransomware {
			s = "exploited, also by ransomware"
		}
		s += " (KEV " + printable.Text(k.Added)
		if k.Due != "" {
			s += ", due " + printable.Text(k.Due)
		}
		parts = append(parts, s+")")
	}
	if e := f.Detail.EPSS; e != nil && e.Score >= likely {
		parts = append(parts, fmt.Sprintf("EPSS %.0f %%", e.Score*100))
	}
	return strings.Join(parts, ", ")
}

// Layer says which instruction brought a package.
func Layer(l assay.LayerRef) string {
	s := fmt.Sprintf("layer %d", l.Index)
	if l.CreatedBy != "" {
		s += ": " + instruction(l.CreatedBy)
	}
	return s
}

// instruction is a history entry without the shell that builders write before it.
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

// Ends says of the release, and of runtimes, that are out of support what that
// means.
func Ends(r *assay.Report) (lines []string) {
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

// runtime is what people call a package that has an end of life.
func runtime(q *assay.Package) string {
	if q.Type == assay.TypeGo {
		return "Go"
	}
	return q.Name
}

// since says when an end of life was.
func since(eol string) string {
	if _, err := time.Parse(time.DateOnly, eol); err != nil { // no date is known
		return "has reached its end of life"
	}
	return "reached its end of life on " + eol
}

// A Tally is how many findings have a severity.
type Tally struct {
	Severity assay.Severity
	Findings int
}

// Tallies counts findings by severity, worst first, without those that none has.
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

// Verdict says in a few words what was found.
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
	if len(asked(r)) == 0 {
		return "not matched with any advisories"
	}
	return "no vulnerabilities to report"
}

// asked are the advisories that the report rests on.
func asked(r *assay.Report) (out []assay.Shard) {
	for _, s := range r.Database.Shards {
		switch s.Stream.Family() {
		case assay.StreamDetails, string(assay.StreamKEV), string(assay.StreamEPSS), string(assay.StreamEOL):
		default:
			out = append(out, s)
		}
	}
	return out
}

// Data names the advisories that were asked, with their age; "" for none.
func Data(r *assay.Report) string {
	var streams []string
	for _, s := range asked(r) {
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

// LeftOut says what the report lacks because it was not asked for.
func LeftOut(r *assay.Report) (lines []string) {
	if r.DevLeftOut > 0 {
		lines = append(lines, fmt.Sprintf("Left out: %s needed for development only; --include-dev-deps shows them.", printable.Count(r.DevLeftOut, "package", "packages")))
	}
	if r.LeftOut > 0 {
		lines = append(lines, fmt.Sprintf("Left out by --severity, --ignore-unfixed, --ignore-status, --ignore-base or --as-of: %d.", r.LeftOut))
	}
	if len(r.Gaps) > 0 {
		lines = append(lines, fmt.Sprintf("%s could not be read or judged: this report may be incomplete.", printable.Count(len(r.Gaps), "thing", "things")))
	}
	return lines
}
