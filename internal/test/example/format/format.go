// Package lines writes a report in lines: a finding, or a gap, each.
package lines

import (
	"bufio"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

var Format = assay.Format{Name: "lines", About: "a line a finding", Options: assay.OptionSuppressed, Write: write}

func write(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
	b := bufio.NewWriter(w) // keeps the first error for Flush
	line := func(what string, f *assay.Finding) {
		p := &r.Packages[f.Package]
		fmt.Fprintf(b, "%s: %s %s: %s\n", what, f.Severity, printable.Text(f.ID), printable.Text(p.Name+" "+p.Version))
	}
	for i := range r.Findings {
		line("finding", &r.Findings[i])
	}
	for i := range r.Suppressed {
		if o.Suppressed {
			line("suppressed", &r.Suppressed[i].Finding)
		}
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(b, "gap: %s\n", printable.Text(g.String()))
	}
	fmt.Fprintf(b, "%d packages\n", len(r.Packages))
	return b.Flush()
}
