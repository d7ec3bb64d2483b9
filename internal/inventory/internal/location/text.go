package location

import (
	"bytes"
	"strings"
)

// maxLine bounds the bytes of a line that are compared.
const maxLine = 4 << 10

// readText reads text line by line. A line with deeper ones below it opens a block, as
// does a heading in brackets.
func readText(b []byte, f *finder) {
	r := textReader{f: f}
	for line := 1; len(b) > 0; line++ {
		row, rest, _ := bytes.Cut(b, []byte("\n"))
		b = rest
		r.row(string(row[:min(len(row), maxLine)]), line)
	}
	r.leave(-2)
}

// A textReader passes blocks and lines to a finder.
type textReader struct {
	f    *finder
	open []int // indentation of the lines that opened the blocks
	last block // that the line before opens, if what follows is deeper
}

// A block is what a line opens.
type block struct {
	key          string
	indent, line int // line 0: none
}

// leave closes the blocks of lines that are indented by indent or more.
func (r *textReader) leave(indent int) {
	for len(r.open) > 0 && r.open[len(r.open)-1] >= indent {
		r.open = r.open[:len(r.open)-1]
		r.f.close()
	}
}

func (r *textReader) enter(b block) {
	if len(r.open) < maxNested {
		r.open = append(r.open, b.indent)
		r.f.open(b.key, b.line)
	}
}

func (r *textReader) row(row string, line int) {
	text := strings.TrimLeft(row, " \t")
	indent := len(row) - len(text)
	text = strings.TrimRight(text, " \t\r")
	if text == "" || text[0] == '#' || strings.HasPrefix(text, "//") {
		return
	}
	if text[0] == '[' && indent == 0 { // a heading of TOML
		r.leave(-1)
		r.enter(block{strings.Trim(text, "[]"), -1, line})
		r.last = block{}
		return
	}
	if b := r.last; b.line > 0 && indent > b.indent {
		r.enter(b)
	}
	r.last = block{}
	r.leave(indent)
	for strings.HasPrefix(text, "- ") { // an element of a list
		r.enter(block{"", indent, line})
		rest := strings.TrimLeft(text[2:], " ")
		indent += len(text) - len(rest)
		text = rest
	}
	r.statement(text, line)
	r.last = block{heading(text), indent, line}
}

// statement is the text of a line: a key and a value, or words.
func (r *textReader) statement(text string, line int) {
	if key, value, ok := keyAndValue(text); ok {
		r.f.pair(key, value, line)
		return
	}
	r.f.text(text, line)
}

// keyAndValue splits a line such as key = value, key: value, or version "1" of yarn.lock
// and HCL.
func keyAndValue(text string) (key, value string, ok bool) {
	i := strings.IndexAny(text, " =")
	if j := strings.Index(text, ": "); j >= 0 && !strings.ContainsAny(text[:j], " ") {
		i = j
	}
	if i <= 0 {
		return "", "", false
	}
	if strings.ContainsRune("<>~!^", rune(text[i-1])) { // requirements
		return "", "", false
	}
	key = strings.Trim(text[:i], `"'`)
	value = strings.TrimLeft(text[i:], " :")
	if rest, ok := strings.CutPrefix(value, "="); ok {
		value = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(value, "=") || strings.HasPrefix(value, ">") { // requirements
			return "", "", false
		}
	}
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") { // a table of TOML in a line
		return "", "", false
	}
	return key, strings.Trim(value, `"'`), value != ""
}

// heading returns what a line says of the block below it: its first word, without quotes;
// of HCL's provider "name" { the name.
func heading(text string) string {
	text = strings.TrimRight(text, " {:")
	if i := strings.LastIndex(text, ` "`); i > 0 && strings.HasSuffix(text, `"`) {
		return strings.Trim(text[i:], ` "`)
	}
	text, _, _ = strings.Cut(text, ", ") // yarn.lock: a@^1, a@^2
	return strings.Trim(text, `"'`)
}
