package scan

import (
	"strings"
	"testing"
)

func TestNothingBuilt(t *testing.T) {
	for mirror, want := range map[string]string{"": "no publisher has advisories", "m": "m has no documents"} {
		if got := nothingBuilt(mirror).Error(); !strings.Contains(got, want) {
			t.Errorf("%q: %s", mirror, got)
		}
	}
}
