// Package json writes the native report: assay.Report, unchanged, in JSON.
package json

import (
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonwriter"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Format is the native report: indented JSON that ends with a line break. Equal reports
// give equal bytes.
var Format = assay.Format{Name: "json", About: "everything, in assay's own form", AllSections: true, Write: write}

func write(w io.Writer, r *assay.Report, _ assay.FormatOptions) error {
	return printable.Write(w, printable.EscapeJSON, func(w io.Writer) error {
		return jsonwriter.Write(w, r, "  ")
	})
}
