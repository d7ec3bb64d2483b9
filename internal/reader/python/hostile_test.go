package python

import (
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestQuick holds that reading a file takes no more than its length demands:
// tenths of a second for these.
func TestQuick(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
	}{
		{"many members", UV{}, "uv.lock", "[manifest]\nmembers = [" + contract.Many(20_000, `"a#",`) + "]\n" + contract.Many(20_000, "[[package]]\nname = \"b#\"\nversion = \"1\"\n")},
		{"long requirements on many versions", Poetry{}, "poetry.lock", contract.Many(100, "[[package]]\nname = \"a\"\nversion = \"1.#\"\n") + contract.Many(1000, "[[package]]\nname = \"b#\"\nversion = \"1\"\n[package.dependencies]\na = \""+strings.Repeat("!=1.2.3,", 1000)+">1\"\n")},
		{"many aliases of a list", Environment{}, "environment.yml", "x: &p\n" + contract.Many(30_000, "- a#==1\n") + "dependencies:\n" + strings.Repeat("- pip: *p\n", 30_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract.Quick(t, tt.reader, tt.path, tt.in)
		})
	}
}
