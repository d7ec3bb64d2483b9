package binary

import (
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/assaysec/assay"
)

// classesText is the table of what is known; its head says how it is written.
//
//go:embed classes.txt
var classesText string

// table is the parsed table: it is constant, and made when first wanted.
var table = sync.OnceValue(func() []*class {
	classes, err := parse(classesText)
	if err != nil {
		panic(err) // the table is a part of this package, and a test parses it
	}
	return classes
})

// A class is one kind of software, and how its files tell their version.
type class struct {
	name, kind string
	group      string // of the classes of one group the first that matches counts
	globs      []string
	not        [][]byte // bytes of which none may be in the file
	need       [][]byte // bytes of which one must be in the file, if any are given
	cpes       []string // "vendor:product"
	cut        string   // characters at which the version ends in CPEs
	find       []*signature
}

// A signature is where a version stands.
type signature struct {
	before, after int64    // bytes around what the filter finds that the expression may look at
	literals      [][]byte // the filter: one of these; none for a built-in
	filter        string   // the built-in: "@nul", "@version"
	text          string
	re            func() *regexp.Regexp
}

// The expression's window, where the table gives none.
const defaultReach = 256

// parse reads the table.
func parse(text string) ([]*class, error) {
	var classes []*class
	var c *class
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(word, "["); ok {
			c = &class{name: strings.TrimSuffix(name, "]"), kind: assay.TypeGeneric}
			classes = append(classes, c)
			continue
		}
		if c == nil {
			return nil, fmt.Errorf("line %d: before the first class", n)
		}
		if err := c.set(word, rest); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n, c.name, err)
		}
	}
	return classes, nil
}

func (c *class) set(word, rest string) error {
	switch word {
	case "files":
		c.globs = append(c.globs, strings.Fields(rest)...)
	case "type":
		c.kind = rest
	case "group":
		c.group = rest
	case "cpe":
		c.cpes = append(c.cpes, strings.Fields(rest)...)
	case "cut":
		c.cut = rest
	case "not", "need":
		literals, rest, err := quoted(rest)
		if err != nil || rest != "" {
			return fmt.Errorf("%s: not quoted: %q", word, rest)
		}
		if word == "not" {
			c.not = append(c.not, literals...)
		} else {
			c.need = append(c.need, literals...)
		}
	case "find":
		s, err := parseSignature(rest)
		if err != nil {
			return err
		}
		c.find = append(c.find, s)
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}

// parseSignature reads `[reach] filter… expression`.
func parseSignature(text string) (*signature, error) {
	s := &signature{before: defaultReach, after: defaultReach}
	if word, rest, _ := strings.Cut(text, " "); word != "" && word[0] >= '0' && word[0] <= '9' {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		s.before, s.after, text = int64(n), int64(n), strings.TrimSpace(rest)
	}
	if word, rest, _ := strings.Cut(text, " "); word == "@nul" || word == "@version" {
		s.filter, text = word, strings.TrimSpace(rest)
	}
	var err error
	if s.literals, text, err = quoted(text); err != nil {
		return nil, err
	}
	if (s.filter == "") == (len(s.literals) == 0) || !strings.Contains(text, "(?P<version>") {
		return nil, fmt.Errorf("no filter, or no version in %q", text)
	}
	s.text = text
	s.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("(?s)" + text) })
	return s, nil
}

// quoted cuts off the quoted strings that text begins with.
func quoted(text string) (literals [][]byte, rest string, err error) {
	for strings.HasPrefix(text, `"`) {
		q, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, text, err
		}
		s, err := strconv.Unquote(q)
		if err != nil {
			return nil, text, err
		}
		literals, text = append(literals, []byte(s)), strings.TrimSpace(text[len(q):])
	}
	return literals, text, nil
}

// matches reports whether a path is one of the class's files.
func (c *class) matches(file string) bool {
	for _, glob := range c.globs {
		tail := strings.TrimPrefix(glob, "**/")
		part := file
		if n := strings.Count(file, "/") - strings.Count(tail, "/"); n > 0 {
			for range n {
				_, part, _ = strings.Cut(part, "/")
			}
		}
		if ok, _ := path.Match(tail, part); ok {
			return true
		}
	}
	return false
}

// cpe writes CPE 2.3 names. https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf
func (c *class) cpe(version string) []string {
	if c.cut != "" {
		if i := strings.IndexAny(version, c.cut); i > 0 {
			version = version[:i]
		}
	}
	var escaped strings.Builder
	for i := range len(version) {
		if b := version[i]; !(b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '.' || b == '_' || b == '-') {
			escaped.WriteByte('\\')
		}
		escaped.WriteByte(version[i])
	}
	var names []string
	for _, name := range c.cpes {
		names = append(names, "cpe:2.3:a:"+name+":"+escaped.String()+":*:*:*:*:*:*:*")
	}
	return names
}
