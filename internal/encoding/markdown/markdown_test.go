package markdown

import "testing"

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name, doc, toml, title, text string
		ok                           bool
	}{
		{"whole", "```toml\na = 1\n```\n\n# Title\n\nText.\n```\ncode\n```\n", "a = 1", "Title", "Text.\n```\ncode\n```", true},
		{"no title", "```toml\na = 1\n```\nText.", "a = 1", "", "Text.", true},
		{"lines end as on Windows", "```toml\r\na = 1\r\n```\r\n# T", "a = 1", "T", "", true},
		{"no block", "# Title", "", "", "", false},
		{"no end", "```toml\na = 1", "", "", "", false},
	} {
		toml, title, text, ok := Split([]byte(tt.doc))
		if toml != tt.toml || title != tt.title || text != tt.text || ok != tt.ok {
			t.Errorf("%s: %q, %q, %q, %t", tt.name, toml, title, text, ok)
		}
	}
}
