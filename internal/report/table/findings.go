package table

import (
	"fmt"
	"path/filepath"
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
	groups := p.groups()
	rows := make([][6]string, len(groups))
	for i, g := range groups {
		f := g.Finding
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
	for _, g := range groups { // an address that is cut is of no use
		if room < max(minTitle, text.StringWidth(g.URL)) {
			return false
		}
	}
	room = min(maxTitle, room)
	for i, g := range groups {
		row := rows[i]
		t.AppendRow(table.Row{cut(row[0], 40), row[1], p.severity(g.Severity), row[3], cut(row[4], 40), cut(row[5], 40),
			p.about(&g, room)})
	}
	p.printf("%s\n", t.Render())
	return true
}

// A group is a finding of a package that may be in several places.
type group struct {
	*assay.Finding
	places []string // paths; none for packages of the system
}

// groups puts findings together that differ in the place of the package only.
func (p *printer) groups() (out []group) {
	at := map[string]int{}
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		pkg := &p.r.Packages[f.Package]
		if pkg.IsSystem() || pkg.Path == filepath.Base(p.r.Image.Name) && p.r.Kind == assay.KindSBOM { // the bill itself is no place
			out = append(out, group{Finding: f})
			continue
		}
		key := strings.Join([]string{f.ID, pkg.Type, pkg.Name, pkg.Version, f.FixedIn}, "\x00")
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, group{Finding: f})
		}
		out[n].places = append(out[n].places, pkg.Path)
	}
	return out
}

// where tells the places, as many as there is room for.
func (g *group) where(room int) string {
	if len(g.places) == 0 || g.places[0] == "" {
		return ""
	}
	first := printable.Text(g.places[0])
	if len(g.places) == 1 {
		return shorten(first, room-len("in "))
	}
	more := fmt.Sprintf(" and %d more", len(g.places)-1)
	return shorten(first, room-len("in ")-len(more)) + more
}

// shorten leaves the end of a path, which tells most.
func shorten(path string, room int) string {
	runes := []rune(path)
	for len(runes) > 1 && text.StringWidth(string(runes))+1 > room {
		runes = runes[1:]
	}
	if len(runes) == len([]rune(path)) || text.StringWidth(path) <= room {
		return path
	}
	return "…" + string(runes)
}

// about is what the last column tells: the title, where to read on, where the
// package is, and the layer when that was asked for.
func (p *printer) about(g *group, room int) string {
	f := g.Finding
	var lines []string
	if s := title(f); s != "" {
		lines = append(lines, cut(s, room))
	}
	if f.URL != "" {
		lines = append(lines, printable.Text(f.URL))
	}
	if s := g.where(room); s != "" {
		lines = append(lines, "in "+s)
	}
	if p.o.ShowLayers && p.image() {
		lines = append(lines, cut(layer(p.r.Packages[f.Package].Layer), room))
	}
	return strings.Join(lines, "\n")
}

// list shows the findings in lines no wider than the terminal, those of a
// package and severity together.
func (p *printer) list() {
	last := -1
	for _, g := range p.groups() {
		f := g.Finding
		pkg := &p.r.Packages[f.Package]
		if f.Package != last {
			p.printf("%s\n", cut(p.paint(printable.Text(pkg.Name), text.Bold)+" "+printable.Text(pkg.Version), p.o.Width))
			if s := g.where(p.o.Width - 2); s != "" {
				p.printf("  in %s\n", s)
			}
			if p.o.ShowLayers && p.image() {
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

// notes is what else there is to know of a package.
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
		out = append(out, "of "+printable.Text(name))
	}
	if !pkg.IsSystem() && pkg.Path != "" {
		out = append(out, "in "+printable.Text(pkg.Path))
	}
	if p.o.ShowLayers && p.image() {
		out = append(out, layer(pkg.Layer))
	}
	return out
}
