package source_test

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

// TestParts leaves out the parts that open what has no reference: directories,
// repositories and disks.
func TestParts(t *testing.T) { contract.Parts(t, "Source", "dir", "git", "vmdisk") }
