package tool

import (
	"testing"
	"time"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestImporter(t *testing.T) {
	contract.Importer(t, contract.ImporterCase{Importer: Importer, Name: "tool.json", Date: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		File: []byte(`{"made": "2026-01-02T00:00:00Z", "advisories": [{"id": "CVE-2026-1", "package": "zlib", "fixed": "1.3"}]}`)})
}
