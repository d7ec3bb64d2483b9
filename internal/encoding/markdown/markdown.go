// Package markdown reads advisories in Markdown with a leading block of TOML,
// those of RustSec and Haskell, and writes escaped text.
//
// Format: https://github.com/rustsec/advisory-db#advisory-format
package markdown

import (
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay/internal/identifier/cve"
)

const open, shut = "```toml\n", "\n```"

// Split splits a document into its first block, which must be TOML, the title
// and the text.
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

// Time converts a date of TOML of any type that its reader returns.
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
