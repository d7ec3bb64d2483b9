package markdown

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/assaysec/assay/internal/encoding/printable"
)

// special are the characters with a meaning in GitHub's Markdown, HTML or,
// between dollars, formulas. As character references they have no meaning, not
// even in table cells and HTML.
// https://github.github.com/gfm/#entity-and-numeric-character-references
const special = "&<>`*_~|[]\\#@$"

// Escape returns s as plain text on one line: without elements, links and cells
// and, with an empty comment after @ and #, without mentions of people and
// issues. At the beginning of a block other characters have a meaning too; do
// not write it there.
func Escape(s string) string { return escape(printable.Text(s), "<!-- -->") }

// Code returns s on one line as code, without mentions.
func Code(s string) string {
	s = printable.Text(s)
	switch {
	case s == "":
		return ""
	case !strings.ContainsAny(s, "`|\\") && s[0] != ' ' && s[len(s)-1] != ' ':
		return "`" + s + "`"
	}
	return "<code>" + escape(s, "") + "</code>"
}

// addresses match text that becomes a link automatically.
// https://github.github.com/gfm/#autolinks-extension-
var addresses = regexp.MustCompile(`://|www\.`)

func escape(s, apart string) string {
	return addresses.ReplaceAllStringFunc(references(s, apart), func(m string) string {
		if m == "www." {
			return "www&#46;"
		}
		return "&#58;" + apart + "//"
	})
}

// references writes special characters as character references.
func references(s, apart string) string {
	if !strings.ContainsAny(s, special) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if !strings.ContainsRune(special, c) {
			b.WriteRune(c)
			continue
		}
		fmt.Fprintf(&b, "&#%d;", c)
		if c == '@' || c == '#' {
			b.WriteString(apart)
		}
	}
	return b.String()
}

// Link returns text, which is already escaped, as a link to a web page; without
// a link if address is not a web page.
func Link(text, address string) string {
	if address = Address(address); address == "" {
		return text
	}
	return "[" + text + "](" + address + ")"
}

// Address returns the URL of a web page without characters that end a link, an
// attribute or a cell; "" if s is not a URL.
func Address(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>()[]{}|\\^`$", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	if u, err = url.Parse(b.String()); err != nil || u.Host == "" {
		return ""
	}
	return b.String()
}
