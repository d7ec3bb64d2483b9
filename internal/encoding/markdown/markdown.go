// Package markdown reads the advisories that are written as Markdown behind a
// block of TOML, RustSec's and Haskell's, and writes text that means itself.
//
// Form: https://github.com/rustsec/advisory-db#advisory-format
package markdown

import (
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay/internal/identifier/cve"
)

const open, shut = "```toml\n", "\n```"

// Split divides a document into its first block, which must be TOML, the title
// and the text behind it.
func Split(b []byte) (toml, title, text string, ok bool) {
	s := strings.ReplaceAll(string(b), "\r\n", "\n")
	rest, ok := strings.CutPrefix(strings.TrimLeft(s, "\ufeff \n"), open)
	if !ok {
		return "", "", "", false
	}
	toml, rest, ok = strings.Cut(rest, shut)
	if !ok {
		return "", "", "", false
	}
	text = strings.TrimSpace(rest)
	if line, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(line, "# ") {
		title, text = strings.TrimSpace(line[2:]), strings.TrimSpace(rest)
	}
	return toml, title, text, true
}

// Time reads a date of TOML, whatever type its reader gives it.
func Time(v any) time.Time {
	switch t := v.(type) {
	case time.Time:
		return t.UTC()
	case string:
		return cve.Time(t)
	case fmt.Stringer: // a local date or time
		return cve.Time(t.String())
	}
	return time.Time{}
}
