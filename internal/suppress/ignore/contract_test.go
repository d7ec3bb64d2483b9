package ignore

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestContract(t *testing.T) {
	contract.Suppressor(t, New(read(t, ".assayignore", "CVE-2024-0001 # why\nGHSA-2222-2222-2222 path:srv/**\nCVE-2024-0004 exp:2020-01-01\n")), report)
}
