// Package markdown writes a report in GitHub's Markdown, for comments on pull requests,
// job summaries and wikis. Text from images and publishers is escaped, so that it
// creates no links, cells, elements or mentions.
//
// Format: https://github.github.com/gfm/
package markdown

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/markdown"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
)

// Format is the report in Markdown.
var Format = assay.Format{Name: "markdown", About: "GitHub's Markdown, for comments and job summaries", Options: assay.OptionShowLayers | assay.OptionSuppressed | assay.OptionMaxChars, Check: check, Write: write}

const (
	// minChars is enough for the heading, the totals and the lines that say what is
	// left out, whatever the report contains.
	minChars = 8192
	// maxCell and maxLine bound a name, a version or a line, in characters; the JSON
	// report has the full text.
	maxCell = 120
	maxLine = 400
	// maxNames bounds the packages or paths that a line names.
	maxNames = 5
)

func check(o assay.FormatOptions) error {
	if o.MaxChars != 0 && o.MaxChars < minChars {
		return fmt.Errorf("limit of %d characters: the minimum is %d: %w", o.MaxChars, minChars, assay.ErrUnsupported)
	}
	return nil
}

func write(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
	if err := check(o); err != nil {
		return err
	}
	p := &printer{r: r, o: o}
	_, err := io.WriteString(w, assemble(p.blocks(), o.MaxChars))
	return err
}

// A block is a part of the report. Where space is short, its last lines are left out.
type block struct {
	head  string
	lines []string
	tail  string
	more  string // what the lines are, for the message that counts the missing ones
	share int    // of the space, relative to the other blocks' shares
}

// assemble joins the blocks. With a limit other than 0 the result has at most that many
// characters: each block gets its share, and passes what it does not need to the next
// block.
func assemble(blocks []block, limit int) string {
	room, shares := limit, 1
	for _, b := range blocks {
		room -= size(b.head) + size(b.tail) + moreSize
		shares += b.share
	}
	var out strings.Builder
	left := 0 // of the shares of the blocks before
	for _, b := range blocks {
		out.WriteString(b.head)
		budget := left + room*b.share/shares
		shown := 0
		for _, line := range b.lines {
			n := size(line)
			if limit > 0 && n > budget {
				break
			}
			out.WriteString(line)
			budget -= n
			shown++
		}
		left = budget
		out.WriteString(b.tail)
		if n := len(b.lines) - shown; n > 0 {
			fmt.Fprintf(&out, "\n*… and %d more %s: see the full report.*\n", n, b.more)
		}
	}
	return out.String()
}

// moreSize reserves space for the line that counts what is left out.
const moreSize = 100

func size(s string) int { return utf8.RuneCountInString(s) }

type printer struct {
	r *assay.Report
	o assay.FormatOptions
}

// blocks returns the parts of the report, with their shares of the space.
func (p *printer) blocks() (out []block) {
	out = append(out, block{head: p.heading()})
	sections := summary.Sections(p.r)
	gaps := p.gaps()
	todo := p.todo(sections)
	todo.share, gaps.share = 15, 15
	var tables []block
	for _, s := range sections {
		if len(s.Groups) > 0 {
			tables = append(tables, p.table(&s))
		}
	}
	for i := range tables {
		if tables[i].share = 60 / len(tables); len(tables) == 2 {
			tables[i].share = []int{40, 20}[i]
		}
	}
	if len(todo.lines) > 0 {
		out = append(out, todo)
	}
	if len(gaps.lines) > 0 {
		out = append(out, gaps)
	}
	out = append(out, tables...)
	if p.o.Suppressed && len(p.r.Suppressed) > 0 {
		out = append(out, p.suppressed())
	}
	return append(out, block{head: p.foot()})
}

// heading names the target and counts the findings.
func (p *printer) heading() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Vulnerabilities in %s\n\n", text(summary.Target(p.r), maxCell))
	if !p.r.AsOf.IsZero() {
		fmt.Fprintf(&b, "As of %s.\n\n", p.r.AsOf.Format(time.DateOnly))
	}
	for _, line := range summary.EndOfLife(p.r) {
		if b.Len() < minChars/8 {
			fmt.Fprintf(&b, "**%s**\n\n", text(line, maxLine/2))
		}
	}
	verdict := summary.Verdict(p.r)
	fmt.Fprintf(&b, "%s%s.\n", strings.ToUpper(verdict[:1]), verdict[1:])
	if tallies := summary.Tallies(p.r); len(tallies) > 0 {
		names, line, numbers := "|", "|", "|"
		for _, t := range tallies {
			names, line, numbers = names+" "+t.Severity.String()+" |", line+"--:|", numbers+fmt.Sprintf(" %d |", t.Findings)
		}
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n", names, line, numbers)
	}
	return b.String()
}

// todo lists what to do about the findings, the worst first.
func (p *printer) todo(sections []summary.Section) block {
	b := block{head: "\n### What to do\n\n", more: "updates"}
	for i := range sections {
		s := &sections[i]
		if i > 0 && s.Findings() > 0 {
			b.lines = append(b.lines, fmt.Sprintf("- **Update the base image**, or rebuild it: %s from it.\n", printable.Count(s.Findings(), "finding is", "findings are")))
			continue
		}
		for _, u := range summary.Updates(p.r, s.Groups) {
			var to []string
			for _, v := range u.To {
				to = append(to, code(v))
			}
			b.lines = append(b.lines, fmt.Sprintf("- Update %s from %s to %s%s: fixes %s%s.\n", code(u.Name), code(u.From), strings.Join(cut(to), " or "), p.places(&u), printable.Count(u.Findings, "finding", "findings"), worst(&u)))
		}
		if n := unfixed(s); n > 0 {
			b.lines = append(b.lines, fmt.Sprintf("- Watch %s without a fix, or suppress what does not affect you.\n", printable.Count(n, "finding", "findings")))
		}
	}
	return b
}

func worst(u *summary.Update) string {
	if u.Worst == assay.SeverityUnknown {
		return ""
	}
	return ", the worst " + u.Worst.String()
}

func unfixed(s *summary.Section) (n int) {
	for i := range s.Groups {
		if s.Groups[i].FixedIn == "" {
			n += len(s.Groups[i].Packages)
		}
	}
	return n
}

// places names the packages built from the updated source, or says where the package
// is.
func (p *printer) places(u *summary.Update) string {
	var names []string
	first := &p.r.Packages[u.Packages[0]]
	for _, n := range u.Packages {
		q := &p.r.Packages[n]
		if q.IsSystem() {
			names = append(names, code(q.Name))
		} else if q.Path != "" && !p.isSBOM(q) {
			names = append(names, code(tail(q.Place())))
		}
	}
	switch {
	case len(names) == 0, first.IsSystem() && len(names) == 1 && u.Name == first.Name:
		return ""
	case first.IsSystem():
		return " (" + strings.Join(cut(names), ", ") + ")"
	}
	return " in " + strings.Join(cut(names), ", ")
}

// isSBOM reports whether the package's path is the scanned SBOM itself, which says
// nothing about its place.
func (p *printer) isSBOM(q *assay.Package) bool {
	return p.r.Kind == assay.KindSBOM && q.Path == filepath.Base(p.r.Image.Name)
}

// cut keeps the names that fit into a line, and counts the others.
func cut(names []string) []string {
	if len(names) <= maxNames+1 {
		return names
	}
	return append(names[:maxNames:maxNames], fmt.Sprintf("%d more", len(names)-maxNames))
}

const header = "| Package | Vulnerability | Severity | Risk | Status | Installed | Fixed in | Title |\n|---|---|---|--:|---|---|---|---|\n"

// table writes the findings of a section, one row for each group.
func (p *printer) table(s *summary.Section) block {
	b := block{head: "\n### Findings\n\n" + header, more: "rows"}
	if s.Title != "" {
		b.head = fmt.Sprintf("\n### %s: %s\n\n", text(s.Title, maxCell), printable.Count(s.Findings(), "finding", "findings")) + header
	}
	for i := range s.Groups {
		b.lines = append(b.lines, p.row(&s.Groups[i]))
	}
	return b
}

func (p *printer) row(g *summary.Group) string {
	q := &p.r.Packages[g.Package]
	name := code(q.Name)
	if n := len(g.Packages); n > 1 && q.IsSystem() {
		name += fmt.Sprintf(" +%d", n-1)
	} else if !q.IsSystem() && q.Path != "" && !p.isSBOM(q) {
		if name += "<br>in " + code(tail(q.Place())); n > 1 {
			name += fmt.Sprintf(" and %d more", n-1)
		}
	}
	if p.o.ShowLayers && p.r.Kind.IsImage() {
		name += "<br>" + text(summary.Layer(q.Layer), maxCell)
	}
	title := text(summary.Title(g.Finding), maxCell)
	if e := summary.Exploited(g.Finding); e != "" {
		title = strings.TrimPrefix(title+"<br>**"+text(e, maxCell)+"**", "<br>")
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", name, link(g.Finding), g.Severity, summary.Risk(g.Finding), text(summary.Status(g.Finding), maxCell), code(q.Version), code(g.FixedIn), title)
}

// maxURL bounds an address; publishers' addresses have 100 characters.
const maxURL = 500

func link(f *assay.Finding) string {
	if len(f.URL) > maxURL {
		return text(f.ID, maxCell)
	}
	return markdown.Link(text(f.ID, maxCell), f.URL)
}

// gaps lists what could not be read or judged, so that findings may be missing.
func (p *printer) gaps() block {
	gaps := summary.Gaps(p.r)
	b := block{head: fmt.Sprintf("\n### Not read or not judged (%s)\n\n", summary.GapCounts(p.r, gaps)), more: "gaps"}
	for _, g := range gaps {
		b.lines = append(b.lines, "- **"+text(g.Where, maxCell)+"**: "+text(g.What, maxLine)+"\n")
	}
	return b
}

// suppressed lists the suppressed findings, collapsed.
func (p *printer) suppressed() block {
	b := block{head: fmt.Sprintf("\n<details>\n<summary>Suppressed (%d)</summary>\n\n| Package | Vulnerability | Severity | Suppressed as | By | Reason |\n|---|---|---|---|---|---|\n", len(p.r.Suppressed)), tail: "\n</details>\n", more: "suppressed findings", share: 10}
	for i := range p.r.Suppressed {
		s := &p.r.Suppressed[i]
		q := &p.r.Packages[s.Package]
		b.lines = append(b.lines, fmt.Sprintf("| %s %s | %s | %s | %s | %s | %s |\n", code(q.Name), code(q.Version), link(&s.Finding), s.Severity, text(string(s.As), maxCell), text(s.By, maxCell), text(s.Reason, maxLine)))
	}
	return b
}

// foot names the data that the report rests on, and counts what is left out.
func (p *printer) foot() string {
	lines := append(summary.Suppressed(p.r, p.o.Suppressed), summary.LeftOut(p.r)...)
	if data := summary.Advisories(p.r); data != "" {
		lines = append(lines, data)
	}
	lines = append(lines, strings.TrimSpace("By "+p.r.Tool.Name+" "+p.r.Tool.Version)+", "+p.r.Created.UTC().Format("2006-01-02 15:04 UTC")+".")
	for i := range lines {
		lines[i] = text(lines[i], maxLine)
	}
	return "\n<sub>" + strings.Join(lines, "<br>\n") + "</sub>\n"
}

// text returns at most n characters of s, escaped. Escaping at most doubles them.
func text(s string, n int) string { return fit(markdown.Escape, s, n) }

func code(s string) string { return fit(markdown.Code, s, maxCell) }

func fit(escape func(string) string, s string, n int) string {
	s = printable.Text(s)
	for most := 2 * n; ; n /= 2 {
		if out := escape(printable.Cut(s, n)); size(out) <= most {
			return out
		}
	}
}

// tail keeps the end of a path, which says most.
func tail(s string) string {
	c := []rune(printable.Text(s))
	if len(c) <= maxCell {
		return string(c)
	}
	return "…" + string(c[len(c)-maxCell+1:])
}
