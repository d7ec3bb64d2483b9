package ignore

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/assaysec/assay"
	"github.com/bmatcuk/doublestar/v4"
)

const (
	// maxPattern bounds the bytes of a pattern: names and paths have a hundred.
	maxPattern = 500
	// maxSteps bounds the compiled size of an expression, because matching
	// visits each step for each byte.
	maxSteps = 5000
	// maxAllSteps bounds the compiled size of a file's expressions, because all
	// are compared with each package: ten thousand usual ones have 200,000.
	maxAllSteps = 300_000
	// maxChoices bounds the expansions of a pattern's braces, because each may
	// be tried.
	maxChoices = 256
)

// special are the characters that make a text a pattern.
const special = `*?[{\`

// A pattern matches texts.
type pattern func(string) bool

// glob parses a pattern in which "*" matches anything but "/", "**" any
// directories, and {a,b} either.
func glob(s string) (pattern, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("pattern of more than %d bytes: %w", maxPattern, assay.ErrTooLarge)
	}
	if !strings.ContainsAny(s, special) {
		return func(t string) bool { return s == t }, nil
	}
	if !doublestar.ValidatePattern(s) {
		return nil, fmt.Errorf("pattern %q: %w", s, assay.ErrMalformed)
	}
	choices, inside := 1, 0
	for _, c := range s {
		switch c {
		case '{':
			inside = 1
		case ',':
			inside++
		case '}':
			choices *= max(inside, 1)
			inside = 1
		}
		if choices > maxChoices {
			return nil, fmt.Errorf("pattern %q: braces expand to more than %d patterns: %w", s, maxChoices, assay.ErrTooLarge)
		}
	}
	// The fixed text is compared first, because of ten thousand patterns few
	// match. "**" may match nothing, together with the following slash.
	begin := strings.TrimSuffix(s[:strings.IndexAny(s, special)], "/")
	end := strings.TrimPrefix(s[strings.LastIndexAny(s, special+"]},")+1:], "/")
	return func(t string) bool {
		if !strings.HasPrefix(t, begin) || !strings.HasSuffix(t, end) {
			return false
		}
		ok, _ := doublestar.Match(s, t)
		return ok
	}, nil
}

// expression parses a regular expression, which must match the whole text.
func (r *Rule) expression(s string) (pattern, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("expression of more than %d bytes: %w", maxPattern, assay.ErrTooLarge)
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	steps, err := syntax.Compile(tree.Simplify())
	if err != nil || len(steps.Inst) > maxSteps {
		return nil, fmt.Errorf("expression %q has more than %d steps: %w", s, maxSteps, assay.ErrTooLarge)
	}
	r.steps += len(steps.Inst)
	re, err := regexp.Compile(`^(?:` + s + `)$`)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return re.MatchString, nil
}

// globOrExpression parses a glob, or a regular expression between slashes.
func (r *Rule) globOrExpression(s string) (pattern, error) {
	if len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/' {
		return r.expression(s[1 : len(s)-1])
	}
	return glob(s)
}

// grypePattern parses a text as Grype does: as a regular expression if it has a
// special character.
func (r *Rule) grypePattern(s string) (pattern, error) {
	if regexp.QuoteMeta(s) == s {
		return func(t string) bool { return s == t }, nil
	}
	return r.expression(s)
}

// pathSpellings are the spellings of a path: a path in an archive also as a path
// in a directory, and the archive itself.
func pathSpellings(path string) []string {
	outer, _, inside := strings.Cut(path, "!/")
	if !inside {
		return []string{path}
	}
	return []string{path, strings.ReplaceAll(path, "!/", "/"), outer}
}
