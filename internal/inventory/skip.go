package inventory

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/bmatcuk/doublestar/v4"
)

// Skip lists paths inside the target that are not scanned. "*" matches anything in one
// component, "**" any components, and {a,b} either. The zero Skip skips nothing.
type Skip struct {
	Dirs  Patterns // directories, with everything below them
	Files Patterns
}

// NewSkip checks the patterns, and makes them relative to the target: "/usr" and
// "./usr" become "usr".
func NewSkip(dirs, files []string) (s Skip, err error) {
	if s.Dirs, err = ParsePatterns(dirs); err != nil {
		return Skip{}, err
	}
	if s.Files, err = ParsePatterns(files); err != nil {
		return Skip{}, err
	}
	return s, nil
}

// Patterns are patterns of paths, as in Skip.
type Patterns []string

// ParsePatterns checks patterns, and makes them relative to the target: "/usr" and
// "./usr" become "usr". An empty or invalid pattern is ErrMalformed.
func ParsePatterns(patterns []string) (all Patterns, _ error) {
	for _, p := range patterns {
		c := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(p), "."), "/"), "/")
		if c == "" || !doublestar.ValidatePattern(c) {
			return nil, fmt.Errorf("pattern %q: %w", p, assay.ErrMalformed)
		}
		all = append(all, c)
	}
	return all, nil
}

// Match reports whether a pattern matches a path, or a directory above it.
func (p Patterns) Match(path string) bool {
	for path != "" {
		if matches(p, path) {
			return true
		}
		path, _ = split(path)
	}
	return false
}

// file reports whether the file at path is skipped.
func (s Skip) file(path string) bool {
	if len(s.Files) > 0 && matches(s.Files, path) {
		return true
	}
	dir, _ := split(path)
	return s.dir(dir)
}

// dir reports whether the directory at path, or one above it, is skipped.
func (s Skip) dir(path string) bool { return len(s.Dirs) > 0 && s.Dirs.Match(path) }

func matches(patterns Patterns, path string) bool {
	for _, p := range patterns {
		if ok, _ := doublestar.Match(p, path); ok {
			return true
		}
	}
	return false
}

// More lists files to offer to a reader besides those that it wants.
type More struct {
	Reader string         // the reader's name
	Path   *regexp.Regexp // matched anywhere in a path
}
