// Package table writes a report for people: what was scanned, its findings, the worst
// first, what could not be judged, and the advisories used.
package table

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Format is the report for people.
var Format = assay.Format{Name: "table", About: "for people (the default)", Options: assay.OptionWidth | assay.OptionColor | assay.OptionShowLayers | assay.OptionAllPkgs | assay.OptionTree | assay.OptionSuppressed, Write: write}

const (
	// defaultWidth is used for files and logs, which have no width.
	defaultWidth = 160
	// minWidth is the narrowest width for which lists are laid out.
	minWidth = 40
	// maxGaps bounds the gaps that are shown; the others are counted, and are in the
	// JSON report.
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
	r  *assay.Report
	o  assay.FormatOptions
	by [][]int // the packages that need each package; nil until first used
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// heading names the target and counts the findings.
func (p *printer) heading() {
	r := p.r
	title := summary.Target(r)
	p.printf("\n")
	p.wrapped("", title, text.Bold)
	p.printf("%s\n", strings.Repeat("=", min(p.o.Width, text.StringWidth(title))))
	if !r.AsOf.IsZero() {
		p.printf("as of %s\n", r.AsOf.Format(time.DateOnly))
	}
	for _, line := range summary.EndOfLife(r) {
		p.wrapped("", line, text.Bold)
	}
	if len(r.Findings) > 0 {
		p.printf("%s\n\n", p.totals())
	}
}

// totals counts the findings by severity, worst first.
func (p *printer) totals() string {
	var parts []string
	for _, t := range summary.Tallies(p.r) {
		parts = append(parts, fmt.Sprintf("%s %d", p.severity(t.Severity), t.Findings))
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

// fix returns the version to install; "" when there is none.
func fix(f *assay.Finding) string {
	if f.FixedIn != "" {
		return printable.Text(f.FixedIn)
	}
	return ""
}

// gaps lists what could not be read or judged, so that findings may be missing.
func (p *printer) gaps() {
	gaps := summary.Gaps(p.r)
	if len(gaps) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Not read or not judged (%s)", summary.GapCounts(p.r, gaps)), text.Bold))
	for i, g := range gaps {
		if i == maxGaps {
			p.printf("  … and %d more: see -f json\n", len(gaps)-i)
			break
		}
		p.wrapped("  - ", printable.Text(g.String()))
	}
}

// wrapped writes s after a prefix, and indents further lines by its width.
func (p *printer) wrapped(prefix, s string, c ...text.Color) {
	indent := strings.Repeat(" ", text.StringWidth(prefix))
	for i, line := range wrap(s, max(20, p.o.Width-len(indent))) {
		if i > 0 {
			prefix = indent
		}
		p.printf("%s%s\n", prefix, p.paint(line, c...))
	}
}

// wrap breaks s into lines of at most n columns: at blanks, and within longer words.
func wrap(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		for {
			begin := prefix(word, 4*n) // keeps the time linear in the length of the word
			if begin == word && text.StringWidth(word) <= n {
				break
			}
			if line != "" {
				lines = append(lines, line)
				line = ""
			}
			head := text.Trim(begin, n)
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

// prefix returns at most the first n characters of s.
func prefix(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// cut returns at most n columns of s, with an ellipsis where text is missing.
func cut(s string, n int) string {
	if text.StringWidth(s) <= n {
		return s
	}
	return text.Snip(s, n, "…")
}

// summary writes the number of findings, what is left out, and the advisories used.
func (p *printer) summary() {
	r := p.r
	p.printf("\n")
	of := ""
	if r.Kind.IsImage() {
		of = printable.Count(len(r.Image.Layers), "layer", "layers") + ": "
	}
	p.wrapped("", fmt.Sprintf("%s%s, %s.", of, printable.Count(len(r.Packages), "package", "packages"), summary.Verdict(r)))
	for _, line := range slices.Concat(summary.Suppressed(r, p.o.Suppressed), summary.LeftOut(r)) {
		p.wrapped("", line)
	}
	if data := summary.Advisories(r); data != "" {
		p.wrapped("", data)
	}
	if slices.ContainsFunc(r.Findings, func(f assay.Finding) bool { return f.FixedIn == "" }) {
		p.wrapped("", "Hide findings without a fix with --ignore-unfixed.")
	}
}
