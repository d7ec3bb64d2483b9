package osvdump

import (
	"testing"
	"time"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testsqlite"
)

func TestImporter(t *testing.T) {
	contract.Importer(t, contract.ImporterCase{Importer: Importer, Other: testsqlite.Make(t, "create table x (y)"), Name: "all.zip", File: contract.Zip(members...), Date: time.Date(2024, 6, 7, 0, 0, 0, 0, time.UTC)})
}
