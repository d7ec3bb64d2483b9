package table

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Bounds of the width of the column "Title": a narrower one is useless, a wider one
// hard to read.
const (
	minTitle = 40
	maxTitle = 90
)

// findings writes the sections as tables, or as lists where the terminal is too narrow
// for a table.
func (p *printer) findings() {
	sections := summary.Sections(p.r)
	width, fit := p.fit(sections)
	for i, s := range sections {
		if s.Title != "" {
			if i > 0 {
				p.printf("\n")
			}
			p.printf("%s\n", p.paint(fmt.Sprintf("%s: %s", s.Title, printable.Count(s.Findings(), "finding", "findings")), text.Bold))
		}
		switch {
		case len(s.Groups) == 0:
		case fit:
			p.grid(s.Groups, width)
		default:
			p.list(s.Groups)
		}
	}
}

var columns = [...]string{"Package", "Vulnerability", "Severity", "Risk", "Status", "Installed", "Fixed in"}

// maxColumn bounds the width of the columns before the last.
const maxColumn = 40

// fit returns the width of the last column, and whether the table fits.
func (p *printer) fit(sections []summary.Section) (room int, ok bool) {
	room = p.o.Width - len(columns)*3 - 4
	widths := [len(columns)]int{}
	address := 0
	for _, s := range sections {
		for i := range s.Groups {
			for c, cell := range p.row(&s.Groups[i]) {
				widths[c] = min(maxColumn, max(widths[c], text.StringWidth(cell)))
			}
			address = max(address, text.StringWidth(s.Groups[i].URL))
		}
	}
	for c, name := range columns {
		room -= max(widths[c], len(name))
	}
	return min(maxTitle, room), room >= max(minTitle, address) // an address that is cut is useless
}

func (p *printer) row(g *summary.Group) [len(columns)]string {
	pkg := &p.r.Packages[g.Package]
	return [...]string{g.Name(p.r), printable.Text(g.ID), g.Severity.String(), summary.Risk(g.Finding), summary.Status(g.Finding), printable.Text(pkg.Version), fix(g.Finding)}
}

// grid writes findings as a table.
func (p *printer) grid(groups []summary.Group, room int) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options.SeparateRows = false
	header := table.Row{}
	for _, c := range columns {
		header = append(header, c)
	}
	t.AppendHeader(append(header, "Title"))
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "Risk", Align: text.AlignRight}})
	for i := range groups {
		g := &groups[i]
		row := p.row(g)
		t.AppendRow(table.Row{cut(row[0], maxColumn), row[1], p.severity(g.Severity), row[3], row[4], cut(row[5], maxColumn), cut(row[6], maxColumn), strings.Join(p.about(g, room), "\n")})
	}
	p.printf("%s\n", t.Render())
}

// where names the paths of language packages, or the other OS packages of the same
// source, as far as there is room.
func (p *printer) where(g *summary.Group, room int) string {
	first := &p.r.Packages[g.Packages[0]]
	if first.IsSystem() {
		return p.siblings(g, room)
	}
	if first.Path == "" || p.r.Kind == assay.KindSBOM && first.Path == filepath.Base(p.r.Image.Name) { // the SBOM itself is no place
		return ""
	}
	path, more := printable.Text(first.Place()), ""
	if n := len(g.Packages); n > 1 {
		more = fmt.Sprintf(" and %d more", n-1)
	}
	return "in " + shorten(path, room-len("in ")-len(more)) + more
}

// siblings names the other packages of a group.
func (p *printer) siblings(g *summary.Group, room int) string {
	if len(g.Packages) == 1 {
		return ""
	}
	var names []string
	for _, n := range g.Packages[1:] {
		names = append(names, printable.Text(p.r.Packages[n].Name))
	}
	return cut("also "+strings.Join(names, ", "), room)
}

// shorten keeps the end of a path, which says most.
func shorten(path string, room int) string {
	if text.StringWidth(path) <= room {
		return path
	}
	runes := []rune(path)
	runes = runes[max(0, len(runes)-4*max(1, room)):] // keeps the time linear in the length of the path
	for len(runes) > 1 && text.StringWidth(string(runes))+1 > room {
		runes = runes[1:]
	}
	return "…" + string(runes)
}

// about returns the lines of the last column: title, exploitation, address, package
// path, dependency path, and the layer if the user wants it.
func (p *printer) about(g *summary.Group, room int) (lines []string) {
	if s := summary.Title(g.Finding); s != "" {
		lines = append(lines, cut(s, room))
	}
	if s := summary.Exploited(g.Finding); s != "" {
		lines = append(lines, p.paint(cut(s, room), text.FgRed))
	}
	if g.URL != "" {
		lines = append(lines, printable.Text(g.URL))
	}
	for _, s := range []string{p.where(g, room), p.dependencyPath(g, room)} {
		if s != "" {
			lines = append(lines, s)
		}
	}
	if p.o.ShowLayers && p.r.Kind.IsImage() {
		lines = append(lines, cut(summary.Layer(p.r.Packages[g.Package].Layer), room))
	}
	return lines
}

// list writes findings in lines no wider than the terminal, grouped by package, the
// package with the worst finding first.
func (p *printer) list(groups []summary.Group) {
	var order []string
	of := map[string][]*summary.Group{}
	for i := range groups {
		g := &groups[i]
		pkg := &p.r.Packages[g.Package]
		key := strings.Join([]string{pkg.Type, g.Name(p.r), pkg.Version, p.where(g, p.o.Width-2)}, "\x00")
		if of[key] == nil {
			order = append(order, key)
		}
		of[key] = append(of[key], g)
	}
	for _, key := range order {
		first := of[key][0]
		pkg := &p.r.Packages[first.Package]
		p.printf("%s\n", cut(p.paint(first.Name(p.r), text.Bold)+" "+printable.Text(pkg.Version), p.o.Width))
		for _, s := range []string{p.where(first, p.o.Width-2), p.dependencyPath(first, p.o.Width-2)} {
			if s != "" {
				p.printf("  %s\n", s)
			}
		}
		if p.o.ShowLayers && p.r.Kind.IsImage() {
			p.printf("  %s\n", cut(summary.Layer(pkg.Layer), p.o.Width-2))
		}
		for _, g := range of[key] {
			p.lines(g)
		}
	}
}

// lines writes one finding.
func (p *printer) lines(g *summary.Group) {
	head := fmt.Sprintf("  %s  %-16s  %s", p.padded(g.Severity), printable.Text(g.ID), p.fixed(g.Finding))
	if s := summary.Risk(g.Finding); s != "" {
		head += ", risk " + s
	}
	p.printf("%s\n", cut(head, p.o.Width))
	for _, s := range []string{summary.Title(g.Finding), summary.Exploited(g.Finding)} {
		if s != "" {
			p.printf("%14s%s\n", "", cut(s, p.o.Width-14))
		}
	}
	if g.URL != "" {
		url := printable.Text(g.URL)
		indent := min(14, max(2, p.o.Width-text.StringWidth(url))) // an address that is cut is useless
		p.printf("%*s%s\n", indent, "", cut(url, p.o.Width-indent))
	}
}

// padded returns a severity padded to ten columns; escape sequences have no width.
func (p *printer) padded(s assay.Severity) string {
	return p.severity(s) + strings.Repeat(" ", 10-len(s.String()))
}

func (p *printer) fixed(f *assay.Finding) string {
	if s := fix(f); s != "" {
		return "fixed in " + s
	}
	return summary.Status(f)
}

// packages lists the installed packages.
func (p *printer) packages() {
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Packages (%d)", len(p.r.Packages)), text.Bold))
	wType, wName, wVersion := 5, 0, 0
	for i := range p.r.Packages {
		pkg := &p.r.Packages[i]
		wType = min(16, max(wType, text.StringWidth(printable.Text(pkg.Type))))
		wName = min(40, max(wName, text.StringWidth(printable.Text(pkg.Name))))
		wVersion = min(40, max(wVersion, text.StringWidth(printable.Text(pkg.Version))))
	}
	for i := range p.r.Packages {
		pkg := &p.r.Packages[i]
		line := fmt.Sprintf("  %-*s %-*s %-*s %-7s", wType, cut(printable.Text(pkg.Type), wType), wName, cut(printable.Text(pkg.Name), wName), wVersion, cut(printable.Text(pkg.Version), wVersion), printable.Text(pkg.Arch))
		for _, note := range p.notes(pkg) {
			line += " " + note
		}
		p.printf("%s\n", strings.TrimRight(cut(line, p.o.Width), " "))
	}
}

// notes lists further facts about a package.
func (p *printer) notes(pkg *assay.Package) (out []string) {
	if pkg.State != "" {
		out = append(out, printable.Text(pkg.State))
	}
	if pkg.ThirdParty != "" {
		out = append(out, "("+printable.Text(pkg.ThirdParty)+")")
	}
	if pkg.Relation != "" {
		out = append(out, printable.Text(string(pkg.Relation)))
	}
	if pkg.Dev {
		out = append(out, "(development)")
	}
	if pkg.Owner != "" {
		name, _, _ := strings.Cut(pkg.Owner[strings.LastIndexByte(pkg.Owner, '/')+1:], "@")
		out = append(out, "owned by "+printable.Text(name))
	}
	if !pkg.IsSystem() && pkg.Path != "" {
		out = append(out, "in "+printable.Text(pkg.Place()))
	}
	if p.o.ShowLayers && p.r.Kind.IsImage() {
		out = append(out, summary.Layer(pkg.Layer))
	}
	return out
}
