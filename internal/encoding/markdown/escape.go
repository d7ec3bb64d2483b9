package markdown

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/assaysec/assay/internal/encoding/printable"
)

// special are the characters that begin something in GitHub's Markdown, HTML
// or, between dollars, in formulas. Written as references they mean themselves,
// in cells of tables and in HTML, too.
// https://github.github.com/gfm/#entity-and-numeric-character-references
const special = "&<>`*_~|[]\\#@$"

// Escape returns s as text on one line that begins nothing: no element, no link,
// no cell, and, by an empty comment behind @ and #, no mention of a person or
// an issue. At the beginning of a block other characters begin something, too;
// do not write it there.
func Escape(s string) string { return escape(printable.Text(s), "<!-- -->") }

// Code returns s on one line as code, in which nothing is mentioned.
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

// addresses are what becomes a link by itself.
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

// references writes what is special as numbers.
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

// Link returns text, which is escaped already, as a link to a page on the web;
// without one where address is none.
func Link(text, address string) string {
	if address = Address(address); address == "" {
		return text
	}
	return "[" + text + "](" + address + ")"
}

// Address returns the URL of a page on the web with nothing in it that ends a
// link, an attribute or a cell; "" where s is none.
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
