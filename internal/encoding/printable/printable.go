// Package printable makes text from images and advisories safe to display:
// without control characters, which could control a terminal, and without
// invalid UTF-8.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s on one line, with unprintable characters escaped as \x1b; line
// breaks and tabs become spaces.
func Text(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Cut returns at most n columns of s, with an ellipsis if it is truncated.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:n-1]), " ") + "…"
}

// Size writes a number of bytes for people: "1.2 MB".
func Size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for v >= unit && i < 4 {
		v /= unit
		i++
	}
	return fmt.Sprintf("%.1f %cB", v, "kMGTP"[i])
}

// EscapeJSON is how JSON writes a rune in a string.
// https://www.rfc-editor.org/rfc/rfc8259#section-7
func EscapeJSON(r rune) string { return fmt.Sprintf(`\u%04x`, r) }

// EscapeXML is how XML writes a rune in text and in values of attributes.
// https://www.w3.org/TR/xml/#sec-references
func EscapeXML(r rune) string { return fmt.Sprintf("&#x%x;", r) }

// ControlsText reports whether a rune controls a terminal, or the direction of
// the surrounding text.
func ControlsText(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// Write calls write to create a document in JSON or XML, and escapes the runes
// of ControlsText in it with escape. Control characters below DEL stay, because
// the writer of the format uses some as line breaks.
func Write(w io.Writer, escape func(rune) string, write func(io.Writer) error) error {
	e := &escaper{w: w, escape: escape}
	if err := write(e); err != nil {
		return err
	}
	_, err := w.Write(e.rest) // the beginning of a rune: the rest is missing
	return err
}

type escaper struct {
	w      io.Writer
	escape func(rune) string
	rest   []byte // the beginning of a rune
}

// Write implements io.Writer.
func (e *escaper) Write(p []byte) (int, error) {
	b := p
	if len(e.rest) > 0 {
		b = append(e.rest, p...)
		e.rest = nil
	}
	var out []byte // nil while nothing was escaped
	done := 0
	for i := 0; i < len(b); {
		if b[i] < 0x7f {
			i++
			continue
		}
		if !utf8.FullRune(b[i:]) {
			e.rest = append([]byte(nil), b[i:]...)
			b = b[:i]
			break
		}
		r, n := utf8.DecodeRune(b[i:])
		if ControlsText(r) {
			out = append(append(out, b[done:i]...), e.escape(r)...)
			done = i + n
		}
		i += n
	}
	if out != nil {
		b = append(out, b[done:]...)
	}
	if _, err := e.w.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}
