package grypedb

import (
	"os"
	"testing"
	"time"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testsqlite"
)

func TestImporter(t *testing.T) {
	b, err := os.ReadFile(build(t))
	if err != nil {
		t.Fatal(err)
	}
	contract.Importer(t, contract.ImporterCase{Importer: Importer, Other: testsqlite.Make(t, "create table x (y)"), Name: "vulnerability.db", File: b, Date: time.Date(2025, 9, 1, 4, 12, 33, 500_000_000, time.UTC)})
}
