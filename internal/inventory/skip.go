package inventory

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/bmatcuk/doublestar/v4"
)

// Skip says what is not to be looked at: paths inside the target, in which "*"
// stands for anything in one component, "**" for any components, and {a,b} for
// either. The zero Skip is nothing.
type Skip struct {
	Dirs  []string // folders, with all that is in them
	Files []string
}

// NewSkip checks the patterns, and makes them paths inside the target: "/usr"
// and "./usr" are "usr".
func NewSkip(dirs, files []string) (Skip, error) {
	var s Skip
	for _, l := range []struct {
		from []string
		to   *[]string
	}{{dirs, &s.Dirs}, {files, &s.Files}} {
		for _, p := range l.from {
			c := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(p), "."), "/"), "/")
			if c == "" || !doublestar.ValidatePattern(c) {
				return Skip{}, fmt.Errorf("pattern %q: %w", p, assay.ErrMalformed)
			}
			*l.to = append(*l.to, c)
		}
	}
	return s, nil
}

// file reports whether the file at path is skipped.
func (s Skip) file(path string) bool {
	if len(s.Files) > 0 && matches(s.Files, path) {
		return true
	}
	dir, _ := split(path)
	return s.dir(dir)
}

// dir reports whether the folder at path, or one above it, is skipped.
func (s Skip) dir(path string) bool {
	if len(s.Dirs) == 0 {
		return false
	}
	for path != "" {
		if matches(s.Dirs, path) {
			return true
		}
		path, _ = split(path)
	}
	return false
}

func matches(patterns []string, path string) bool {
	for _, p := range patterns {
		if ok, _ := doublestar.Match(p, path); ok {
			return true
		}
	}
	return false
}

// More is files to offer to a reader besides those that it wants.
type More struct {
	Reader string         // its name
	Path   *regexp.Regexp // found anywhere in a path
}
