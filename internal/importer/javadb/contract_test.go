package javadb

import (
	"testing"
	"time"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testsqlite"
)

func TestImporter(t *testing.T) {
	contract.Importer(t, contract.ImporterCase{Importer: Importer, Other: testsqlite.Make(t, "create table x (y)"), Name: fileName, File: testsqlite.Make(t, statements...),
		Beside: map[string][]byte{noteName: []byte(`{"Version":1,"UpdatedAt":"2025-01-02T03:04:05Z"}`)}, Date: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)})
}
