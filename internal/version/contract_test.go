package version_test

import (
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/version"
)

func TestScheme(t *testing.T) {
	for _, s := range version.All() {
		t.Run(s.Name(), func(t *testing.T) {
			c := contract.SchemeCase{Scheme: s, Versions: version.Sample(t, s, 250)}
			switch s {
			case version.Pacman: // libalpm does not order such versions
				c.KeysHaveNoOrder = true
				c.Unordered = func(v string) bool {
					return version.SeparatorRuns(v) || strings.Contains(v, "-") || strings.Trim(v[:1], "0123456789") != ""
				}
			case version.Packagist: // nor Composer branches
				c.KeysHaveNoOrder = true
				c.Unordered = func(v string) bool { return strings.Contains(v, "#") }
			}
			contract.Scheme(t, c)
		})
	}
}
