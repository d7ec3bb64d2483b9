// Package table writes a report for a person: what was scanned, what is wrong
// with it, worst first, what could not be judged, and on which data that rests.
package table

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/printable"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Format is the report for people.
var Format = assay.Format{Name: "table", About: "for people (the default)", Write: write}

const (
	// defaultWidth is for what is no terminal: a file, or the log of a pipeline.
	defaultWidth = 160
	// minWidth is from how many columns on the lines of a list make sense.
	minWidth = 40
	// maxGaps bounds the gaps that are shown; the rest is counted, and is in
	// the JSON report.
	maxGaps = 20
)

func write(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	o.Width = max(o.Width, minWidth)
	b := bufio.NewWriter(w)
	p := &printer{Writer: b, r: r, o: o}
	p.heading()
	if len(r.Findings) > 0 {
		p.findings()
	}
	if o.Suppressed {
		p.suppressed()
	}
	if o.Tree {
		p.trees()
	}
	if o.AllPkgs {
		p.packages()
	}
	p.gaps()
	p.summary()
	return b.Flush()
}

type printer struct {
	io.Writer
	r *assay.Report
	o assay.FormatOptions
}

// image reports whether an image was scanned, which has layers.
func (p *printer) image() bool { return p.r.Kind == "" || p.r.Kind == assay.KindImage }

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// heading names the target and counts what was found.
func (p *printer) heading() {
	r := p.r
	title := printable.Text(r.Image.Name)
	if s := strings.TrimSpace(r.Release.ID + " " + r.Release.Version); s != "" {
		title += " (" + printable.Text(s) + ")"
	}
	p.printf("\n")
	p.wrapped("", title, text.Bold)
	p.printf("%s\n", strings.Repeat("=", min(p.o.Width, text.StringWidth(title))))
	if !r.AsOf.IsZero() {
		p.printf("as of %s\n", r.AsOf.Format(time.DateOnly))
	}
	p.endOfLife()
	if len(r.Findings) > 0 {
		p.printf("%s\n\n", p.totals())
	}
}

// endOfLife says what it means that the release is out of support, if it is.
func (p *printer) endOfLife() {
	if r := &p.r.Release; r.EndOfLife(p.r.At()) {
		p.wrapped("", printable.Text(fmt.Sprintf("%s %s %s: its advisories are no longer complete; move to a supported release.", r.ID, r.Version, since(r.EOL))), text.Bold)
	}
	places := map[string]int{}
	var lines []string
	for i := range p.r.Packages {
		q := &p.r.Packages[i]
		if !q.EndOfLife(p.r.At()) {
			continue
		}
		line := fmt.Sprintf("%s %s %s", runtime(q), q.Version, since(q.EOL))
		if places[line]++; places[line] == 1 {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		in := ""
		if n := places[line]; n > 1 {
			in = fmt.Sprintf(" (in %d files)", n)
		}
		p.wrapped("", printable.Text(line)+in+": nobody mends it any more; move to a supported version.", text.Bold)
	}
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

// totals counts the findings by severity, worst first.
func (p *printer) totals() string {
	count := map[assay.Severity]int{}
	for i := range p.r.Findings {
		count[p.r.Findings[i].Severity]++
	}
	var parts []string
	for s := assay.SeverityCritical; ; s-- {
		if n := count[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.severity(s), n))
		}
		if s == 0 {
			break
		}
	}
	return fmt.Sprintf("Total %d: %s", len(p.r.Findings), strings.Join(parts, ", "))
}

var colors = map[assay.Severity]text.Colors{
	assay.SeverityCritical: {text.FgRed, text.Bold},
	assay.SeverityHigh:     {text.FgRed},
	assay.SeverityMedium:   {text.FgYellow},
	assay.SeverityLow:      {text.FgBlue},
}

func (p *printer) severity(s assay.Severity) string { return p.paint(s.String(), colors[s]...) }

func (p *printer) paint(s string, c ...text.Color) string {
	if !p.o.Color || len(c) == 0 {
		return s
	}
	return text.Colors(c).EscapeSeq() + s + text.Reset.EscapeSeq()
}

// fix says what to install, or why there is nothing.
func fix(f *assay.Finding) string {
	if f.FixedIn != "" {
		return printable.Text(f.FixedIn)
	}
	return ""
}

var statuses = map[assay.Status]string{
	assay.StatusAffected: "no fix yet", assay.StatusWillNotFix: "won't fix", assay.StatusFixDeferred: "deferred",
	assay.StatusEndOfLife: "end of life", assay.StatusUnderInvestigation: "investigating", assay.StatusFixed: "fixed",
}

func status(f *assay.Finding) string {
	if s, ok := statuses[f.Status]; ok {
		return s
	}
	return printable.Text(string(f.Status))
}

// title is a line about the vulnerability; where none is known the beginning
// of its description.
func title(f *assay.Finding) string {
	s := f.Detail.Title
	if s == "" {
		s = f.Detail.Text
		if i := strings.Index(s, ". "); i > 0 {
			s = s[:i]
		}
	}
	return printable.Text(s)
}

// layer says which instruction brought a package.
func layer(l assay.LayerRef) string {
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

// gaps tells what the findings do not speak of.
func (p *printer) gaps() {
	gaps := p.r.Gaps
	if len(gaps) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Not read or not judged (%d)", len(gaps)), text.Bold))
	for i, g := range gaps {
		if i == maxGaps {
			p.printf("  … and %d more: see -f json\n", len(gaps)-i)
			break
		}
		p.wrapped("  - ", printable.Text(g.String()))
	}
}

// wrapped writes s after a prefix, further lines below its beginning.
func (p *printer) wrapped(prefix, s string, c ...text.Color) {
	indent := strings.Repeat(" ", text.StringWidth(prefix))
	for i, line := range wrap(s, max(20, p.o.Width-len(indent))) {
		if i > 0 {
			prefix = indent
		}
		p.printf("%s%s\n", prefix, p.paint(line, c...))
	}
}

// wrap breaks s at blanks, and within words where there is no other way, into
// lines of at most n columns.
func wrap(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		for text.StringWidth(word) > n {
			if line != "" {
				lines = append(lines, line)
				line = ""
			}
			head := text.Trim(word, n)
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case word == "":
		case line == "":
			line = word
		case text.StringWidth(line)+1+text.StringWidth(word) <= n:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// cut returns at most n columns of s, with an ellipsis where something is
// missing.
func cut(s string, n int) string {
	if text.StringWidth(s) <= n {
		return s
	}
	return text.Snip(s, n, "…")
}

// summary says in one line what was found, and on which data that rests.
func (p *printer) summary() {
	r := p.r
	affected := map[int]bool{}
	fixable := 0
	for i := range r.Findings {
		affected[r.Findings[i].Package] = true
		if r.Findings[i].FixedIn != "" {
			fixable++
		}
	}
	data := p.data()
	verdict := "no vulnerabilities to report"
	if n := len(r.Findings); n > 0 {
		verdict = fmt.Sprintf("%s in %s, %d with a fix", count(n, "vulnerability", "vulnerabilities"), count(len(affected), "package", "packages"), fixable)
	} else if data == "" {
		verdict = "not matched with any advisories"
	}
	p.printf("\n")
	of := ""
	if p.image() {
		of = count(len(r.Image.Layers), "layer", "layers") + ": "
	}
	p.wrapped("", fmt.Sprintf("%s%s, %s.", of, count(len(r.Packages), "package", "packages"), verdict))
	p.ruled()
	if r.DevLeftOut > 0 {
		p.wrapped("", fmt.Sprintf("Left out: %s that only development needs; --include-dev-deps shows them.", count(r.DevLeftOut, "package", "packages")))
	}
	if r.LeftOut > 0 {
		p.wrapped("", fmt.Sprintf("Left out by --severity, --ignore-unfixed, --ignore-status, --ignore-base or --as-of: %d.", r.LeftOut))
	}
	if len(r.Gaps) > 0 {
		p.wrapped("", fmt.Sprintf("%s could not be read or judged: this report may be incomplete.", count(len(r.Gaps), "thing", "things")))
	}
	if data != "" {
		p.wrapped("", data)
	}
	if slices.ContainsFunc(r.Findings, func(f assay.Finding) bool { return f.FixedIn == "" }) {
		p.wrapped("", "Hide what has no fix with --ignore-unfixed.")
	}
}

// data names the advisories that were asked, with their age.
func (p *printer) data() string {
	var streams []string
	for _, s := range p.r.Database.Shards {
		switch s.Stream.Family() {
		case assay.StreamDetails, string(assay.StreamKEV), string(assay.StreamEPSS), string(assay.StreamEOL):
			continue
		}
		streams = append(streams, fmt.Sprintf("%s (%s, built %s ago)", printable.Text(string(s.Stream)), count(s.Records, "record", "records"), age(p.r.Created.Sub(s.Built))))
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
		return count(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour", "hours")
	}
	return count(int(d.Hours()/24), "day", "days")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
