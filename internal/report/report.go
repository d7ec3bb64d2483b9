// Package report is the list of report formats.
package report

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report/cyclonedx"
	"github.com/assaysec/assay/internal/report/json"
	"github.com/assaysec/assay/internal/report/spdx"
	"github.com/assaysec/assay/internal/report/table"
	"github.com/assaysec/assay/internal/report/trivyjson"
)

// All lists the formats; the first is the default.
func All() []assay.Format {
	return []assay.Format{table.Format, json.Format, trivyjson.Format, cyclonedx.JSON, cyclonedx.XML, spdx.JSON, spdx.TagValue}
}
