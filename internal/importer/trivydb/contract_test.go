package trivydb

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testsqlite"
)

func TestImporter(t *testing.T) {
	path := contract.TrivyDB(t, nodes)
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	contract.Importer(t, contract.ImporterCase{Importer: Importer, Other: testsqlite.Make(t, "create table x (y)"), Name: "trivy.db", File: read(path),
		Beside: map[string][]byte{"metadata.json": read(filepath.Join(filepath.Dir(path), "metadata.json"))}, Date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
}
