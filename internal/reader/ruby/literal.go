package ruby

import (
	"strings"
	"unicode/utf8"
)

// closing is the end of a literal that begins with one of these.
var closing = map[byte]byte{'(': ')', '[': ']', '{': '}', '<': '>'}

// literals reads the strings that a Ruby expression at the start of s gives:
// one string, a list of them, Gem::Version.new of one, nil. What is computed
// gives none. https://docs.ruby-lang.org/en/master/syntax/literals_rdoc.html
func literals(s string) (out []string) {
	s = strings.TrimLeft(s, " \t")
	for _, call := range []string{"Gem::Version.new", "::Gem::Version.new", "Gem::Version.create"} {
		if rest, ok := strings.CutPrefix(s, call); ok {
			s = strings.TrimLeft(rest, "( \t")
		}
	}
	if !strings.HasPrefix(s, "[") {
		v, words, rest, ok := literal(s)
		switch {
		case !ok || computed(rest):
			return nil
		case words:
			return strings.Fields(v)
		}
		return []string{v}
	}
	for s = s[1:]; ; {
		s = strings.TrimLeft(s, " \t\r\n,")
		if s == "" || s[0] == ']' {
			return out
		}
		if s[0] == '#' {
			_, s, _ = strings.Cut(s, "\n")
			continue
		}
		v, _, rest, ok := literal(s)
		if !ok {
			return out
		}
		out = append(out, v)
		s = strings.TrimPrefix(rest, ".freeze")
	}
}

// computed reports whether an expression goes on after a string in a way that
// changes it.
func computed(rest string) bool {
	for _, same := range []string{".freeze", ".dup", ")"} {
		rest = strings.TrimPrefix(rest, same)
	}
	rest = strings.TrimLeft(rest, " \t")
	return rest != "" && strings.IndexByte("+.%*[", rest[0]) >= 0
}

// literal reads one string, "…", '…', %q(…), or %w[…], which is several words.
func literal(s string) (value string, words bool, rest string, ok bool) {
	if len(s) < 2 {
		return "", false, "", false
	}
	open, escapes := s[0], s[0] == '"'
	body := s[1:]
	if open == '%' {
		kind := byte('Q')
		if strings.IndexByte("qQwW", s[1]) >= 0 {
			kind, body = s[1], s[2:]
		}
		if body == "" || strings.IndexByte("([{<|!/", body[0]) < 0 {
			return "", false, "", false
		}
		open, body = body[0], body[1:]
		escapes, words = kind == 'Q', kind == 'w' || kind == 'W'
	} else if open != '"' && open != '\'' {
		return "", false, "", false
	}
	value, rest, ok = quoted(body, open, escapes)
	return value, words, rest, ok
}

// quoted reads a string to its end, which follows from what opens it. With
// escapes it is one that Ruby computes: parts of it give none, \u0041 is A.
func quoted(body string, open byte, escapes bool) (value, rest string, ok bool) {
	end, nests := closing[open]
	if !nests {
		end = open
	}
	var b strings.Builder
	depth := 0
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case c == end && depth == 0:
			return b.String(), body[i+1:], true
		case c == end:
			depth--
		case nests && c == open:
			depth++
		case c == '#' && escapes && i+1 < len(body) && body[i+1] == '{':
			return "", "", false // computed
		case c == '\\' && i+1 < len(body):
			text, n := escaped(body[i+1:], end, escapes)
			b.WriteString(text)
			i += n
			continue
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// escaped is what the n bytes behind a backslash mean.
func escaped(s string, end byte, escapes bool) (text string, n int) {
	if escapes && s[0] == 'u' && len(s) > 4 {
		if r, ok := hex(s[1:5]); ok {
			return string(r), 5
		}
	}
	if !escapes && s[0] != end && s[0] != '\\' {
		return `\` + s[:1], 1
	}
	return s[:1], 1
}

func hex(s string) (r rune, ok bool) {
	for i := range len(s) {
		n := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if n < 0 {
			return 0, false
		}
		r = r<<4 | rune(n)
	}
	return r, utf8.ValidRune(r)
}
