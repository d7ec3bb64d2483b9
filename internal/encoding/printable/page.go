package printable

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Page is text for people, in lines of at most its width if possible: longer
// words are not split.
type Page struct {
	*bufio.Writer
	width int
}

const (
	// pageWidth is the width without a terminal.
	pageWidth = 120
	// minPage is the minimum number of columns for wrapping.
	minPage = 40
)

// NewPage writes to w; width 0 means that w is not a terminal. The caller
// flushes it.
func NewPage(w io.Writer, width int) *Page {
	if width <= 0 {
		width = pageWidth
	}
	return &Page{bufio.NewWriter(w), max(width, minPage)}
}

// Line writes a line unchanged.
func (p *Page) Line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// Heading begins a section.
func (p *Page) Heading(format string, args ...any) {
	s := Text(fmt.Sprintf(format, args...))
	p.Line("\n%s\n%s", s, strings.Repeat("-", min(p.width, utf8.RuneCountInString(s))))
}

// Wrapped writes s, made printable, after a prefix; continuation lines are
// indented like its first line.
func (p *Page) Wrapped(prefix, s string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	line, n, empty := prefix, len(indent), true
	for word := range strings.FieldsSeq(Text(s)) {
		size := utf8.RuneCountInString(word)
		if !empty && n+1+size > p.width {
			p.Line("%s", line)
			line, n, empty = indent, len(indent), true
		}
		if !empty {
			line, n = line+" ", n+1
		}
		line, n, empty = line+word, n+size, false
	}
	p.Line("%s", strings.TrimRight(line, " "))
}

// Some lists the first items of many, and the number of the others.
func Some(all []string, most int) string {
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}

// Count writes a number with its noun: "1 finding", "2 findings".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
