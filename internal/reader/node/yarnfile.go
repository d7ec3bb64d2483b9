package node

import (
	"io"
	"strings"

	"github.com/assaysec/assay/internal/encoding/stanza"
)

// A yarnEntry is what yarn.lock says of one package.
type yarnEntry struct {
	keys       []string // "name@range", as others ask for it
	version    string
	resolved   string // where it comes from: version 1
	resolution string // which it is, "name@npm:1.0.0": since version 2
	needs      []string
	line       int

	index int // in the list; -1 when it is no package
}

// A yarnFile reads both forms: that of version 1, and the YAML of later ones,
// which is written in one way only, so that lines tell all. A YAML parser would
// refuse the doubled keys that bad merges leave.
//
// Format: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/,
// https://yarnpkg.com/advanced/lexicon#lockfile
type yarnFile struct {
	entries []*yarnEntry
	berry   bool // of version 2 or later
	list    list

	e       *yarnEntry // the current one; nil in "__metadata"
	key     string     // a long key, whose ":" is on the next line
	section string     // of the entry, that holds requirements
}

func (y *yarnFile) read(r io.Reader) error {
	for line, err := range stanza.Lines(r) {
		if err != nil {
			return err
		}
		text := strings.TrimRight(line.Text, " \t\r")
		if line.N == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		in := strings.TrimLeft(text, " ")
		if in == "" || in[0] == '#' {
			continue
		}
		switch len(text) - len(in) {
		case 0:
			y.head(line.N, in)
		case 2:
			y.field(in)
		case 4:
			y.need(in)
		}
	}
	return nil
}

// head begins an entry.
func (y *yarnFile) head(n int, text string) {
	if long, ok := strings.CutPrefix(text, "? "); ok {
		y.key = long
		return
	}
	if text == ":" && y.key != "" {
		text, y.key = y.key+":", ""
	}
	y.e, y.section = nil, ""
	keys, ok := strings.CutSuffix(text, ":")
	switch {
	case !ok:
		y.list.Malformed("line %d: invalid entry %.40q", n, text)
		return
	case keys == "__metadata":
		y.berry = true
		return
	}
	y.e = &yarnEntry{line: n, keys: y.keys(keys)}
	y.entries = append(y.entries, y.e)
}

// keys cuts `a@1, "b@>=1 <2"` (version 1) or `"a@npm:1, b@npm:2"`.
func (y *yarnFile) keys(text string) (keys []string) {
	for text != "" {
		var key string
		if text[0] == '"' {
			end := strings.IndexByte(text[1:], '"') + 2
			if end == 1 {
				end = len(text)
			}
			key, text = unquote(text[:end]), text[end:]
			if y.berry {
				keys = append(keys, strings.Split(key, ", ")...)
				key = ""
			}
			text = strings.TrimLeft(text, ", ")
		} else {
			key, text, _ = strings.Cut(text, ",")
			text = strings.TrimLeft(text, " ")
		}
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func (y *yarnFile) field(text string) {
	name, value := pair(text)
	y.section = ""
	if value == "" && strings.HasSuffix(text, ":") {
		y.section = name
		return
	}
	if y.e == nil {
		return
	}
	switch name {
	case "version":
		y.e.version = value
	case "resolved":
		y.e.resolved = value
	case "resolution":
		y.e.resolution = value
	}
}

// need notes a requirement. What peers are for, the parent brings.
func (y *yarnFile) need(text string) {
	if y.e == nil || y.section != "dependencies" && y.section != "optionalDependencies" {
		return
	}
	name, value := pair(text)
	y.e.needs = append(y.e.needs, name+"@"+value)
}

// pair cuts `name "value"` or `name: value`.
func pair(text string) (name, value string) {
	end := strings.IndexAny(text, " ")
	if text[0] == '"' {
		if end = strings.IndexByte(text[1:], '"') + 2; end == 1 {
			end = -1
		}
	}
	if end < 0 {
		return unquote(strings.TrimSuffix(text, ":")), ""
	}
	name = unquote(strings.TrimSuffix(text[:end], ":"))
	return name, unquote(strings.TrimLeft(text[end:], ": "))
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
	}
	return strings.Trim(s, `'`)
}
