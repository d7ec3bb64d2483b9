package table

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/printable"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// The width of the titles' column: less is of no use, more is harder to read.
const (
	minTitle = 40
	maxTitle = 90
)

// table shows the findings in one grid; false when there is no room for it.
func (p *printer) table() bool {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options.SeparateRows = false
	t.AppendHeader(table.Row{"Package", "Vulnerability", "Severity", "Status", "Installed", "Fixed in", "Title"})
	widths := [6]int{}
	rows := make([][6]string, len(p.r.Findings))
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		pkg := &p.r.Packages[f.Package]
		rows[i] = [6]string{printable.Text(pkg.Name), printable.Text(f.ID), f.Severity.String(), status(f), printable.Text(pkg.Version), fix(f)}
		for c, s := range rows[i] {
			widths[c] = min(40, max(widths[c], text.StringWidth(s)))
		}
	}
	room := p.o.Width - len(widths)*3 - 4
	for c, name := range []string{"Package", "Vulnerability", "Severity", "Status", "Installed", "Fixed in"} {
		room -= max(widths[c], len(name))
	}
	for i := range p.r.Findings { // an address that is cut is of no use
		if room < max(minTitle, text.StringWidth(p.r.Findings[i].URL)) {
			return false
		}
	}
	room = min(maxTitle, room)
	for i := range rows {
		f := &p.r.Findings[i]
		row := rows[i]
		t.AppendRow(table.Row{cut(row[0], 40), row[1], p.severity(f.Severity), row[3], cut(row[4], 40), cut(row[5], 40),
			p.about(f, room)})
	}
	p.printf("%s\n", t.Render())
	return true
}

// about is what the last column tells: the title, where to read on, and the
// layer when that was asked for.
func (p *printer) about(f *assay.Finding, room int) string {
	var lines []string
	if s := title(f); s != "" {
		lines = append(lines, cut(s, room))
	}
	if f.URL != "" {
		lines = append(lines, printable.Text(f.URL))
	}
	if p.o.ShowLayers {
		lines = append(lines, cut(layer(p.r.Packages[f.Package].Layer), room))
	}
	return strings.Join(lines, "\n")
}

// list shows the findings in lines no wider than the terminal, those of a
// package and severity together.
func (p *printer) list() {
	last := -1
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		pkg := &p.r.Packages[f.Package]
		if f.Package != last {
			p.printf("%s\n", cut(p.paint(printable.Text(pkg.Name), text.Bold)+" "+printable.Text(pkg.Version), p.o.Width))
			if p.o.ShowLayers {
				p.printf("  %s\n", cut(layer(pkg.Layer), p.o.Width-2))
			}
			last = f.Package
		}
		p.printf("%s\n", cut(fmt.Sprintf("  %s  %-16s  %s", p.padded(f.Severity), printable.Text(f.ID), p.fixed(f)), p.o.Width))
		if s := title(f); s != "" {
			p.printf("%14s%s\n", "", cut(s, p.o.Width-14))
		}
		if f.URL != "" {
			url := printable.Text(f.URL)
			indent := min(14, max(2, p.o.Width-text.StringWidth(url))) // an address that is cut is of no use
			p.printf("%*s%s\n", indent, "", cut(url, p.o.Width-indent))
		}
	}
}

// padded is a severity in ten columns, for escape sequences count as none.
func (p *printer) padded(s assay.Severity) string {
	return p.severity(s) + strings.Repeat(" ", 10-len(s.String()))
}

func (p *printer) fixed(f *assay.Finding) string {
	if s := fix(f); s != "" {
		return "fixed in " + s
	}
	return status(f)
}

// packages lists what is installed.
func (p *printer) packages() {
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Packages (%d)", len(p.r.Packages)), text.Bold))
	wName, wVersion := 0, 0
	for i := range p.r.Packages {
		wName = min(40, max(wName, text.StringWidth(printable.Text(p.r.Packages[i].Name))))
		wVersion = min(40, max(wVersion, text.StringWidth(printable.Text(p.r.Packages[i].Version))))
	}
	for i := range p.r.Packages {
		pkg := &p.r.Packages[i]
		line := fmt.Sprintf("  %-5s %-*s %-*s %-7s", pkg.Type, wName, cut(printable.Text(pkg.Name), wName), wVersion, cut(printable.Text(pkg.Version), wVersion), printable.Text(pkg.Arch))
		if pkg.State != "" {
			line += " " + printable.Text(pkg.State)
		}
		if pkg.ThirdParty != "" {
			line += " (" + printable.Text(pkg.ThirdParty) + ")"
		}
		if p.o.ShowLayers {
			line += " " + layer(pkg.Layer)
		}
		p.printf("%s\n", strings.TrimRight(cut(line, p.o.Width), " "))
	}
}
