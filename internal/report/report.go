// Package report is the list of report formats.
package report

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report/cyclonedx"
	"github.com/assaysec/assay/internal/report/json"
	"github.com/assaysec/assay/internal/report/junit"
	"github.com/assaysec/assay/internal/report/markdown"
	"github.com/assaysec/assay/internal/report/sarif"
	"github.com/assaysec/assay/internal/report/spdx"
	"github.com/assaysec/assay/internal/report/table"
	"github.com/assaysec/assay/internal/report/template"
	"github.com/assaysec/assay/internal/report/trivyjson"
)

// Read reads a report in assay's own form, or in Trivy's.
func Read(b []byte) (*assay.Report, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	var form struct {
		Schema        *int `json:"schema"`
		SchemaVersion *int
	}
	if err := stdjson.Unmarshal(b, &form); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	switch {
	case form.Schema != nil && *form.Schema != assay.ReportSchema:
		return nil, fmt.Errorf("schema %d, and this version reads %d: %w", *form.Schema, assay.ReportSchema, assay.ErrUnsupported)
	case form.Schema != nil:
		var r assay.Report
		if err := stdjson.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		}
		for _, f := range r.Findings {
			if f.Package < 0 || f.Package >= len(r.Packages) {
				return nil, fmt.Errorf("finding %s is of package %d, which is not in it: %w", f.ID, f.Package, assay.ErrMalformed)
			}
		}
		for _, f := range r.Suppressed {
			if f.Package < 0 || f.Package >= len(r.Packages) {
				return nil, fmt.Errorf("finding %s is of package %d, which is not in it: %w", f.ID, f.Package, assay.ErrMalformed)
			}
		}
		return &r, nil
	case form.SchemaVersion != nil:
		return trivyjson.Read(b)
	}
	return nil, fmt.Errorf("no report of assay's (-f json) or in Trivy's form (-f trivy-json): %w", assay.ErrUnsupported)
}

// MaxTemplate bounds the template of the format template, in bytes.
const MaxTemplate = template.MaxTemplate

// views show a report to templates in another form.
var views = map[string]func(*assay.Report) any{"trivyResults": trivyjson.Results}

// All lists the formats; the first is the default.
func All() []assay.Format {
	return []assay.Format{table.Format, json.Format, trivyjson.Format, cyclonedx.JSON, cyclonedx.XML, spdx.JSON, spdx.TagValue,
		sarif.Format, junit.Format, markdown.Format, template.New(views)}
}

// TrivyFinding is a finding of a report as Trivy's form has it, for policies.
func TrivyFinding(r *assay.Report, f *assay.Finding) any { return trivyjson.Finding(r, f) }
