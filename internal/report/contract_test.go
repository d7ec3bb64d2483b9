package report_test

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestParts(t *testing.T) { contract.Parts(t, "Format") }
