// Package json writes the native report: assay.Report as it is.
package json

import (
	"encoding/json"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Format is the native report in JSON, indented, ending in a line break. The
// same report gives the same bytes.
var Format = assay.Format{Name: "json", About: "everything, in assay's own form", AllSections: true, Write: write}

func write(w io.Writer, r *assay.Report, _ assay.FormatOptions) error {
	return printable.Write(w, printable.EscapeJSON, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}
