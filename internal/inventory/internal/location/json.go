package location

import (
	"bytes"
	"encoding/json"
	"strings"
)

// readJSON reads JSON, also with comments and trailing commas, which some lock files
// have. It does not check the syntax; the reader of the file does.
func readJSON(b []byte, f *finder) {
	j := jsonReader{f: f, line: 1}
	for i := 0; i < len(b); {
		switch c := b[i]; c {
		case '\n':
			j.line++
			i++
		case '"':
			end := endOfString(b, i)
			j.text(unquote(b[i:end]))
			j.line += bytes.Count(b[i:end], []byte("\n"))
			i = end
		case '{', '[':
			j.begin(c == '[')
			i++
		case '}', ']':
			j.end()
			i++
		case ',':
			j.key, j.isValue = "", false
			i++
		case ':':
			j.isValue = true
			i++
		case '/':
			i = afterComment(b, i)
		default:
			i++
		}
	}
}

// A jsonReader passes the members of objects to a finder.
type jsonReader struct {
	f       *finder
	line    int
	key     string // of the member
	keyLine int
	isValue bool     // after the colon
	open    []nested // objects and lists
}

// A nested is an object or a list that is open.
type nested struct {
	isList bool
	key    string // of a list
	line   int
}

func (j *jsonReader) inList() bool { return len(j.open) > 0 && j.open[len(j.open)-1].isList }

func (j *jsonReader) begin(isList bool) {
	line := j.line
	if j.key != "" {
		line = j.keyLine
	}
	if len(j.open) < maxNested {
		j.open = append(j.open, nested{isList, j.key, line})
	}
	j.f.open(j.key, line)
	j.key, j.isValue = "", false
}

// maxNested is how deep encoding/json reads.
const maxNested = 10_000

func (j *jsonReader) end() {
	if len(j.open) > 0 {
		j.open = j.open[:len(j.open)-1]
	}
	j.f.close()
	j.key, j.isValue = "", false
}

// text is a key or a value.
func (j *jsonReader) text(s string) {
	switch {
	case j.inList():
		list := j.open[len(j.open)-1]
		if list.key != "" && strings.HasPrefix(s, list.key+"@") { // bun.lock's "a": ["a@1", …]
			j.f.entry(s, list.line, nil, nameOfObject, pairOfObject)
		}
		j.f.pair(list.key, s, j.line)
	case j.isValue:
		j.f.pair(j.key, s, j.keyLine)
	default:
		j.key, j.keyLine = s, j.line
	}
}

// endOfString returns the index after the string that begins at i.
func endOfString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// afterComment returns the index after a comment that begins at i, or after one byte.
func afterComment(b []byte, i int) int {
	end := "\n"
	switch {
	case bytes.HasPrefix(b[i:], []byte("//")):
	case bytes.HasPrefix(b[i:], []byte("/*")):
		end = "*/"
	default:
		return i + 1
	}
	n := bytes.Index(b[i:], []byte(end))
	if n < 0 {
		return len(b)
	}
	if end == "\n" {
		return i + n
	}
	return i + n + len(end)
}

// unquote returns the text of a string; what is no string is returned without quotes.
func unquote(b []byte) string {
	if bytes.IndexByte(b, '\\') >= 0 {
		var s string
		if json.Unmarshal(b, &s) == nil {
			return s
		}
	}
	return string(bytes.Trim(b, `"`))
}
