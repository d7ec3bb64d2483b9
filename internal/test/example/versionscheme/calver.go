package version

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// calver orders versions by the calendar, "2026.12": runs of at most nine digits
// with dots between. A missing run counts as none, so that 2026 is before 2026.0.
type calver struct{}

func (calver) Name() string { return "calver" }

func (calver) Key(v string) (version.Key, error) {
	var k strings.Builder
	for run := range strings.SplitSeq(v, ".") {
		if run == "" || len(run) > 9 || strings.Trim(run, "0123456789") != "" {
			return "", fmt.Errorf("calver version %.80q: no runs of digits: %w", v, assay.ErrMalformed)
		}
		fmt.Fprintf(&k, "%09s", run)
	}
	return version.Key(k.String()), nil
}

func (calver) Compare(a, b version.Key) int { return cmp.Compare(a, b) }
