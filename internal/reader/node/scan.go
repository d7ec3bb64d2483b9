package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/assaysec/assay"
)

// members calls visit with each member of the JSON object b, its value as
// written. Values are only delimited, not checked: a manifest is asked for four
// of its members, and there may be fifty thousand manifests.
func members(b []byte, visit func(key string, value []byte) error) error {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	i := blank(b, 0)
	if i == len(b) || b[i] != '{' {
		return fmt.Errorf("not a JSON object: %w", assay.ErrMalformed)
	}
	i = blank(b, i+1)
	for first := true; ; first = false {
		if i < len(b) && b[i] == '}' && first {
			break
		}
		start := i
		if i >= len(b) || b[i] != '"' {
			return broken(i)
		}
		if i = quoted(b, i); i < 0 {
			return broken(start)
		}
		key := string(b[start+1 : i-1])
		if i = blank(b, i); i == len(b) || b[i] != ':' {
			return broken(i)
		}
		i = blank(b, i+1)
		end := value(b, i)
		if end < 0 {
			return broken(i)
		}
		if err := visit(key, b[i:end]); err != nil {
			return err
		}
		if i = blank(b, end); i == len(b) || b[i] != ',' && b[i] != '}' {
			return broken(i)
		}
		if b[i] == '}' {
			break
		}
		i = blank(b, i+1)
	}
	if i = blank(b, i+1); i < len(b) {
		return broken(i)
	}
	return nil
}

func broken(i int) error { return fmt.Errorf("offset %d: invalid JSON: %w", i, assay.ErrMalformed) }

// blank is the index of what follows blanks.
func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// quoted is the index behind the string that begins at i; -1 when it does not
// end.
func quoted(b []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		end := i + n
		back := end
		for back > i && b[back-1] == '\\' {
			back--
		}
		i = end + 1
		if (end-back)%2 == 0 {
			return i
		}
	}
}

// value is the index behind the value that begins at i; -1 when it does not
// end, or there is none.
func value(b []byte, i int) int {
	depth := 0
	for start := i; i < len(b); {
		switch b[i] {
		case '"':
			if i = quoted(b, i); i < 0 || depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
			if depth < 0 && i > start {
				return i
			}
			if depth < 0 {
				return -1
			}
		case ',', ' ', '\n', '\r', '\t', ':':
			if depth == 0 && i > start {
				return i
			}
			if depth == 0 {
				return -1
			}
		}
		i++
	}
	return -1
}

// str decodes a string; ok is false for another value. Null is an empty one.
func str(raw []byte) (s string, ok bool) {
	if string(raw) == "null" {
		return "", true
	}
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if in := raw[1 : len(raw)-1]; bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
		return strings.TrimSpace(string(in)), true
	}
	err := json.Unmarshal(raw, &s)
	return strings.TrimSpace(s), err == nil
}
