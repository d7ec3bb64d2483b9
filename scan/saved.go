package scan

import (
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/section"
)

// maxReport bounds a saved report: one of an image with 10,000 findings has 100 MB.
const maxReport = 1 << 30

// ReadReport reads a saved report: assay's own (JSON) or Trivy's. "-" is
// standard input. Any other file is assay.ErrUnsupported.
func ReadReport(name string, pipe io.Reader) (*assay.Report, error) {
	in := io.NopCloser(pipe)
	if name != "-" {
		var err error
		if in, err = os.Open(name); err != nil {
			return nil, err
		}
		defer in.Close()
	}
	b, err := limit.ReadAll(in, maxReport)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, err := report.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, decodeSections(name, r)
}

// decodeSections makes the sections of a saved report usable.
func decodeSections(name string, r *assay.Report) error {
	if err := r.Sections.Decode(section.All()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
