package printable

import (
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain":           "plain",
		"a\x1b[31mred":    `a\u001b[31mred`,
		"two\nlines\ttab": "two lines tab",
		"bad\xff":         `bad\xff`,
		"é日":              "é日",
		"\u202eevil":      `\u202eevil`, // right-to-left override
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"a bcd", 3, "a…"}, {"éééé", 2, "é…"}, {"x", 0, ""}} {
		if got := Cut(tt.s, tt.n); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 2_000_000_000: "2.0 GB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Text(s); !utf8.ValidString(got) || Text(got) != got {
			t.Errorf("Text(%q) = %q", s, got)
		}
	})
}

func TestWrite(t *testing.T) {
	const in = "a\n\x7f\u009bé日\u202e\u2028\xff\xe2"
	for _, tt := range []struct {
		escape func(rune) string
		want   string
	}{{EscapeJSON, "a\n\\u007f\\u009bé日\\u202e\u2028\xff\xe2"}, {EscapeXML, "a\n&#x7f;&#x9b;é日&#x202e;\u2028\xff\xe2"}} {
		for size := 1; size <= len(in); size++ { // whatever the writes are
			var b strings.Builder
			err := Write(&b, tt.escape, func(w io.Writer) error {
				for part := range slices.Chunk([]byte(in), size) {
					if _, err := w.Write(part); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil || b.String() != tt.want {
				t.Errorf("in writes of %d: %q, %v, want %q", size, b.String(), err, tt.want)
			}
		}
	}
}
