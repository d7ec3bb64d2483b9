package table

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay/internal/printable"
	"github.com/assaysec/assay/internal/prose"
	"github.com/jedib0t/go-pretty/v6/text"
)

// suppressed lists what was ruled out, those of one reason together.
func (p *printer) suppressed() {
	if len(p.r.Suppressed) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Ruled out (%d)", len(p.r.Suppressed)), text.Bold))
	for _, r := range prose.Rulings(p.r) {
		var names []string
		for _, f := range r.Findings {
			pkg := &p.r.Packages[f.Package]
			names = append(names, printable.Text(f.ID)+" in "+printable.Text(pkg.Name)+" "+printable.Text(pkg.Version))
		}
		p.wrapped("  - ", prose.Why(r.Ruling))
		p.wrapped("      ", strings.Join(names, ", "))
	}
}
