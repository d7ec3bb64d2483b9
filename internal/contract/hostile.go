package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
)

// soon is what reading a hostile file may take on a busy machine; alone it
// takes tenths of a second.
const soon = 3 * time.Second

// Quick has a reader read a file that is made to take long, and holds that it
// does not.
func Quick(t *testing.T, r assay.Reader, path, content string) {
	t.Helper()
	start := time.Now()
	Read(t, r, path, content)
	if took := time.Since(start); took > soon {
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
