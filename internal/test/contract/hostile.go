package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
)

// Soon is a watchdog's patience with a hostile file, which takes tenths of a
// second on an idle machine, and minutes where work grows by the square.
const Soon = 30 * time.Second

// Quick has a reader read a file that is made to take long, and holds that it
// does not.
func Quick(t *testing.T, r assay.Reader, path, content string) {
	t.Helper()
	start := time.Now()
	Read(t, r, path, content)
	if took := time.Since(start); took > Soon {
		t.Errorf("%s of %d bytes took %v", path, len(content), took)
	}
}

// Many writes what a format makes of each of the first n numbers, which stand
// where it has "#".
func Many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)))
	}
	return b.String()
}
