package table

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/printable"
	"github.com/jedib0t/go-pretty/v6/text"
)

// ruled counts what was ruled out, by whom.
func (p *printer) ruled() {
	matched, others := 0, 0
	for i := range p.r.Suppressed {
		if p.r.Suppressed[i].By == assay.RulingOfMatch {
			matched++
		} else {
			others++
		}
	}
	if matched > 0 {
		p.wrapped("", fmt.Sprintf("Not among them: %s whose functions the binaries do not link, or that are of other systems, or of the kernel in its headers.", count(matched, "vulnerability", "vulnerabilities")))
	}
	if others > 0 {
		p.wrapped("", fmt.Sprintf("Ruled out by you, or by documents: %d.", others))
	}
	if matched+others > 0 && !p.o.Suppressed {
		p.wrapped("", "Show them, with who says so and why, with --show-suppressed.")
	}
}

// suppressed lists what was ruled out, those of one reason together.
func (p *printer) suppressed() {
	if len(p.r.Suppressed) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Ruled out (%d)", len(p.r.Suppressed)), text.Bold))
	var order []assay.Ruling
	of := map[assay.Ruling][]string{}
	for i := range p.r.Suppressed {
		s := &p.r.Suppressed[i]
		if of[s.Ruling] == nil {
			order = append(order, s.Ruling)
		}
		pkg := &p.r.Packages[s.Package]
		of[s.Ruling] = append(of[s.Ruling], printable.Text(s.ID)+" in "+printable.Text(pkg.Name)+" "+printable.Text(pkg.Version))
	}
	for _, r := range order {
		why := printable.Text(string(r.As)) + " says " + printable.Text(r.By)
		if r.Reason != "" {
			why += ": " + printable.Text(r.Reason)
		}
		p.wrapped("  - ", why)
		p.wrapped("      ", strings.Join(of[r], ", "))
	}
}
