package version

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestCalver(t *testing.T) {
	contract.Scheme(t, contract.SchemeCase{Scheme: calver{}, Versions: []string{"2026", "2026.1", "2026.12", "2026.01.31", "2025.12.1", "1", "0.0", "2026.2", "2026.1.1", "20260102"}})
}
