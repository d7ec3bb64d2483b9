// Package report lists the report formats.
package report

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
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

// Read reads a report in assay's own format, or in Trivy's.
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
		return nil, fmt.Errorf("report schema %d is unsupported, this version reads schema %d: %w", *form.Schema, assay.ReportSchema, assay.ErrUnsupported)
	case form.Schema != nil:
		var r assay.Report
		if err := stdjson.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		}
		for _, f := range r.Findings {
			if f.Package < 0 || f.Package >= len(r.Packages) {
				return nil, fmt.Errorf("finding %s names package %d, which the report does not list: %w", f.ID, f.Package, assay.ErrMalformed)
			}
		}
		for _, f := range r.Suppressed {
			if f.Package < 0 || f.Package >= len(r.Packages) {
				return nil, fmt.Errorf("finding %s names package %d, which the report does not list: %w", f.ID, f.Package, assay.ErrMalformed)
			}
		}
		return &r, nil
	case form.SchemaVersion != nil:
		return trivyjson.Read(b)
	}
	return nil, fmt.Errorf("neither a report of assay (-f json) nor one of Trivy (-f trivy-json): %w", assay.ErrUnsupported)
}

// MaxTemplate bounds the template of the format "template", in bytes.
const MaxTemplate = template.MaxTemplate

// views convert a report to other forms for templates.
var views = map[string]func(*assay.Report) any{"trivyResults": trivyjson.Results}

// All lists the formats; the first is the default. Their CheckOptions and Write
// refuse unsupported options, and turn a panic into an error that names the format and
// its input.
func All() []assay.Format {
	formats := []assay.Format{table.Format, json.Format, trivyjson.Format, cyclonedx.JSON, cyclonedx.XML, spdx.JSON, spdx.TagValue,
		sarif.Format, junit.Format, markdown.Format, template.New(views)}
	for i := range formats {
		formats[i] = guard(formats[i])
	}
	return formats
}

// guard returns a format that keeps the promises of All.
func guard(f assay.Format) assay.Format {
	declared := f
	declared.Check = nil
	guarded := f
	if f.Check != nil {
		guarded.Check = func(o assay.FormatOptions) (err error) { // CheckOptions names the format, and checks what it declares
			defer recoverPanic("its options", &err)
			return f.Check(o)
		}
	}
	guarded.Write = func(w io.Writer, r *assay.Report, o assay.FormatOptions) (err error) {
		defer recoverPanic("format "+f.Name+": the report on "+printable.Text(r.Image.Name), &err)
		if err := declared.CheckOptions(o); err != nil {
			return err
		}
		return f.Write(w, r, o)
	}
	return guarded
}

// recoverPanic, when deferred, turns a panic into an error.
func recoverPanic(input string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: internal error: %v", input, p)
	}
}

// TrivyFinding returns a finding as Trivy's JSON report has it, for policies.
func TrivyFinding(r *assay.Report, f *assay.Finding) any { return trivyjson.Finding(r, f) }
