package table

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
	"github.com/jedib0t/go-pretty/v6/text"
)

// suppressed lists the suppressed findings, grouped by reason.
func (p *printer) suppressed() {
	if len(p.r.Suppressed) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint(fmt.Sprintf("Suppressed (%d)", len(p.r.Suppressed)), text.Bold))
	for _, r := range summary.Suppressions(p.r) {
		var names []string
		for _, f := range r.Findings {
			pkg := &p.r.Packages[f.Package]
			names = append(names, printable.Text(f.ID)+" in "+printable.Text(pkg.Name)+" "+printable.Text(pkg.Version))
		}
		p.wrapped("  - ", summary.Why(r.Suppression))
		p.wrapped("      ", strings.Join(names, ", "))
	}
}
