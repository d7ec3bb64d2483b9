package scan

import (
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/internal/report"
)

// Readers lists the readers' names, for FilePattern.Reader.
func Readers() (names []string) {
	for _, r := range reader.All() {
		names = append(names, r.Name())
	}
	return names
}

// Formats lists the formats of reports, for Write: "table", "json", …
func Formats() (names []string) {
	for _, f := range report.All() {
		names = append(names, f.Name)
	}
	return names
}

// Write writes a report in one of Formats. An unknown format is
// assay.ErrUnsupported.
func Write(w io.Writer, r *assay.Report, format string, o assay.FormatOptions) error {
	for _, f := range report.All() {
		if f.Name == format {
			return f.Write(w, r, o)
		}
	}
	return fmt.Errorf("unknown format %q; known: %s: %w", format, strings.Join(Formats(), ", "), assay.ErrUnsupported)
}
