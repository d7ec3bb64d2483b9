package tool

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestContract(t *testing.T) {
	contract.Reader(t, Lock{}, map[string]string{"app/tool.lock": "zlib 1.3\nfmt 10.0\n"})
}
