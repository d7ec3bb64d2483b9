package manifest

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

const (
	// maxDirs bounds the directories that the patterns of one file stand for, and
	// maxListed those that are listed for them.
	maxDirs, maxListed = 10_000, 10_000
	// maxDeep bounds how deep "**" reaches.
	maxDeep = 16
	// maxPatterns bounds the patterns of one file, braces expanded.
	maxPatterns = 1000
)

// Dirs lists the directories that the patterns of a workspace stand for, relative to
// f's directory and sorted: "packages/*", "libs/**", "{apps,tools}/*", and
// "!packages/old" for those that do not count. Where directories cannot be listed, it
// is those that are named without a pattern. ok is false when some may be missing.
func Dirs(f *assay.File, patterns []string) (dirs []string, ok bool) {
	g := globber{f: f, seen: map[string]bool{}, ok: true}
	all := expand(patterns)
	if len(all) > maxPatterns {
		all, g.ok = all[:maxPatterns], false
	}
	for _, p := range all {
		if p[0] != '!' {
			g.walk(".", strings.Split(p, "/"), 0)
		}
	}
	if !slices.ContainsFunc(all, func(p string) bool { return p[0] == '!' }) {
		return g.dirs, g.ok
	}
	return slices.DeleteFunc(g.dirs, func(dir string) bool { return !member(all, dir) }), g.ok
}

type globber struct {
	f      *assay.File
	seen   map[string]bool
	dirs   []string
	listed int
	ok     bool
}

func (g *globber) walk(dir string, rest []string, depth int) {
	switch {
	case len(rest) == 0:
		if !g.seen[dir] && len(g.dirs) < maxDirs {
			g.seen[dir] = true
			g.dirs = append(g.dirs, dir)
		} else if len(g.dirs) == maxDirs {
			g.ok = false
		}
	case rest[0] == "**":
		g.walk(dir, rest[1:], depth)
		if depth == maxDeep {
			g.ok = false
			return
		}
		for _, name := range g.list(dir) {
			g.walk(path.Join(dir, name), rest, depth+1)
		}
	case !strings.ContainsAny(rest[0], "*?["):
		g.walk(path.Join(dir, rest[0]), rest[1:], depth)
	default:
		for _, name := range g.list(dir) {
			if ok, err := path.Match(rest[0], name); ok && err == nil {
				g.walk(path.Join(dir, name), rest[1:], depth)
			}
		}
	}
}

// list lists the directories in one, but for those of dependencies.
func (g *globber) list(dir string) (names []string) {
	p := path.Join(path.Dir(g.f.Path), dir)
	if g.f.List == nil || p == ".." || strings.HasPrefix(p, "../") || g.listed == maxListed {
		g.ok = false
		return nil
	}
	g.listed++
	all, err := g.f.List(p)
	if err != nil {
		return nil // not there, or found unreadable by the walk
	}
	for _, name := range all {
		if name, isDir := strings.CutSuffix(name, "/"); isDir && name != "node_modules" && name != ".git" {
			names = append(names, name)
		}
	}
	return names
}

// Member reports whether patterns of a workspace stand for a directory, the last that
// matches deciding.
func Member(patterns []string, dir string) bool {
	return member(expand(patterns), dir)
}

// member is Member for patterns that are expanded.
func member(patterns []string, dir string) bool {
	is := false
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		if match(strings.Split(p, "/"), strings.Split(dir, "/")) {
			is = !not
		}
	}
	return is
}

// match compares components; it has no more steps than the product of their numbers.
func match(pattern, dir []string) bool {
	reached := make([]bool, len(dir)+1) // how much of dir the pattern so far can match
	reached[0] = true
	for _, p := range pattern {
		next := make([]bool, len(dir)+1)
		for i := range reached {
			switch {
			case p == "**":
				next[i] = reached[i] || i > 0 && next[i-1]
			case i > 0 && reached[i-1]:
				ok, err := path.Match(p, dir[i-1])
				next[i] = ok && err == nil
			}
		}
		reached = next
	}
	return reached[len(dir)]
}

// double is "**" several times, which is no more than once.
var double = regexp.MustCompile(`\*\*(?:/\*\*)+`)

// clean spells a pattern as a path: "./packages/*/" is "packages/*".
func clean(p string) string {
	p = strings.ReplaceAll(strings.TrimSpace(p), `\`, "/")
	not := strings.HasPrefix(p, "!")
	if p = double.ReplaceAllString(path.Clean(strings.TrimPrefix(strings.TrimPrefix(p, "!"), "/")), "**"); not {
		p = "!" + p
	}
	return p
}

// expand expands braces, "{a,b}/*" is "a/*" and "b/*", and cleans what that gives.
func expand(patterns []string) (out []string) {
	todo := slices.Clone(patterns[:min(len(patterns), maxPatterns)])
	slices.Reverse(todo)
	for len(todo) > 0 && len(out) <= maxPatterns {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		open := strings.IndexByte(p, '{')
		end := strings.IndexByte(p[open+1:], '}') + open + 1
		if open < 0 || end <= open || len(todo) > maxPatterns {
			out = append(out, clean(p))
			continue
		}
		if inner := strings.LastIndexByte(p[:end], '{'); inner > open {
			open = inner
		}
		parts := strings.Split(p[open+1:end], ",")
		if len(parts) > maxPatterns {
			parts = parts[:maxPatterns]
		}
		for _, part := range slices.Backward(parts) {
			todo = append(todo, p[:open]+part+p[end+1:])
		}
	}
	return out
}
