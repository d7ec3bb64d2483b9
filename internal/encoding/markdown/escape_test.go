package markdown

import (
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ name, text, want, code string }{
		{"plain", "lib_a 1.2 (x)", "lib&#95;a 1.2 (x)", "`lib_a 1.2 (x)`"},
		{"nothing", "", "", ""},
		{"link", "[a](b)", "&#91;a&#93;(b)", "`[a](b)`"},
		{"cell", "a|b", "a&#124;b", "<code>a&#124;b</code>"},
		{"code", "a`b", "a&#96;b", "<code>a&#96;b</code>"},
		{"element", "<b>&amp;", "&#60;b&#62;&#38;amp;", "`<b>&amp;`"},
		{"mention", "@a/b #1", "&#64;<!-- -->a/b &#35;<!-- -->1", "`@a/b #1`"},
		{"mention in an element", "@a`#1", "&#64;<!-- -->a&#96;&#35;<!-- -->1", "<code>&#64;a&#96;&#35;1</code>"},
		{"address", "see https://a.example and www.b.example", "see https&#58;<!-- -->//a.example and www&#46;b.example", "`see https://a.example and www.b.example`"},
		{"lines", "a\n# b", "a &#35;<!-- --> b", "`a # b`"},
		{"control", "a\x1b", "a&#92;u001b", "<code>a&#92;u001b</code>"},
		{"blank at the end", "a ", "a ", "<code>a </code>"},
		{"formula", "$x$", "&#36;x&#36;", "`$x$`"},
	} {
		if got := Escape(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if got := Code(tt.text); got != tt.code {
			t.Errorf("%s: code %q, want %q", tt.name, got, tt.code)
		}
	}
}

func TestLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://example.org/a?b=c#d":        "[x](https://example.org/a?b=c#d)",
		"https://example.org/a_(b)|<c>`d\"'": "[x](https://example.org/a_%28b%29%7C%3Cc%3E%60d%22%27)",
		"http://example.org/é ü":             "[x](http://example.org/%C3%A9%20%C3%BC)",
		"javascript:alert(1)":                "x", "data:text/html,a": "x", "": "x", "//example.org": "x", "https:///a": "x", "https://a\x00b/": "x", "https://%zz": "x", "mailto:a@b": "x",
	} {
		if got := Link("x", address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("[a](https://b) `c` <d>|@e#f", "https://example.org/(a)")
	f.Fuzz(func(t *testing.T, s, address string) {
		for _, got := range []string{strings.ReplaceAll(Escape(s), "<!-- -->", ""), strings.TrimSuffix(strings.TrimPrefix(Code(s), "<code>"), "</code>")} {
			if strings.HasPrefix(got, "`") && strings.Count(got, "`") == 2 {
				got = strings.Trim(got, "`")
				if strings.ContainsAny(got, "|\\") {
					t.Errorf("%q gives %q", s, got)
				}
				continue
			}
			if strings.ContainsAny(got, "<>`|[]\\@$\n\x00") || strings.Contains(got, "://") {
				t.Errorf("%q gives %q", s, got)
			}
		}
		if got := Link("", address); got != "" && (strings.ContainsAny(got[3:len(got)-1], "()<>|` []\"'\n") || !strings.HasPrefix(got, "[](http")) {
			t.Errorf("%q gives %q", address, got)
		}
	})
}
