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
	// maxSteps bounds what an expression is compiled to, for each step is gone
	// through for each byte of what it is compared with.
	maxSteps = 5000
	// maxAllSteps bounds those of a file's expressions, for all are compared with
	// each package: ten thousand usual ones have 200,000.
	maxAllSteps = 300_000
	// maxChoices bounds the ways in which the braces of a pattern can be read,
	// for each of them may be tried.
	maxChoices = 256
)

// special are the signs by which a pattern is more than a text.
const special = `*?[{\`

// A pattern says which texts are meant.
type pattern func(string) bool

// glob reads a pattern in which "*" stands for anything but "/", "**" for any
// folders, and {a,b} for either.
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
	// What is not special is looked at first: of ten thousand patterns few hold.
	// "**" may stand for nothing, and takes the slash beside it along.
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

// expression reads a regular expression, which holds of whole texts.
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

// globOrExpression reads a pattern, or an expression between slashes.
func (r *Rule) globOrExpression(s string) (pattern, error) {
	if len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/' {
		return r.expression(s[1 : len(s)-1])
	}
	return glob(s)
}

// grypePattern reads a text as Grype does: as an expression where it has a sign of one.
func (r *Rule) grypePattern(s string) (pattern, error) {
	if regexp.QuoteMeta(s) == s {
		return func(t string) bool { return s == t }, nil
	}
	return r.expression(s)
}

// pathSpellings are the ways in which a path may be spelled: what lies in an archive
// as below a folder, too, and the archive itself.
func pathSpellings(path string) []string {
	outer, _, inside := strings.Cut(path, "!/")
	if !inside {
		return []string{path}
	}
	return []string{path, strings.ReplaceAll(path, "!/", "/"), outer}
}
