package location

import (
	"iter"
	"strings"
)

// readings yields the names, each with its version or "", that a key or a word of a lock
// file may mean: node_modules/a, a@1, /a@1(b@2), /a/1, npm:a@1, g:a:1, A/1.
func readings(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if i := strings.LastIndex(text, "node_modules/"); i >= 0 {
			text = text[i+len("node_modules/"):]
		}
		text = strings.TrimRight(text, ":")
		text = strings.TrimPrefix(strings.TrimPrefix(text, ":"), "/")
		if text == "" || !yield(text, "") {
			return
		}
		for _, scheme := range []string{"npm:", "jsr:", "github:", "git:", "https://", "http://"} {
			if rest, ok := strings.CutPrefix(text, scheme); ok {
				text = rest
				if !yield(text, "") {
					return
				}
			}
		}
		if rest := strings.TrimSuffix(text, ".git"); rest != text && !yield(rest, "") {
			return
		}
		whole, _, _ := strings.Cut(text, "(")
		if i := strings.IndexByte(whole[min(1, len(whole)):], '@') + 1; i > 0 {
			name, version := whole[:i], whole[i+1:]
			version = version[strings.LastIndexByte(version, ':')+1:] // a@npm:1
			if !yield(name, version) {
				return
			}
			if base, _, ok := strings.Cut(version, "_"); ok && !yield(name, base) {
				return
			}
		}
		if i := strings.LastIndexByte(whole, '/'); i > 0 && !yield(whole[:i], whole[i+1:]) {
			return
		}
		if i := strings.LastIndexByte(whole, ':'); i > 0 && !yield(whole[:i], whole[i+1:]) {
			return
		}
	}
}

// isVersion reports whether a text of a file is a package's version: as it is, or after
// an operator or a v, before a comment.
func isVersion(text, version string) bool {
	if version == "" || len(text) < len(version)-1 {
		return false
	}
	text = strings.TrimLeft(strings.Trim(strings.TrimSpace(text), `"'`), "(=~^<>! ")
	text = strings.TrimSuffix(text, ")")
	text, _, _ = strings.Cut(text, "(")
	text, _, _ = strings.Cut(text, " ")
	text, _, _ = strings.Cut(text, "#")
	return text == version || strings.TrimPrefix(text, "v") == strings.TrimPrefix(version, "v")
}
