package lines

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestFormat(t *testing.T) { contract.Format(t, contract.FormatCase{Format: Format}) }
