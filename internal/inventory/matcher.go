package inventory

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// claimDepth is how many trailing components of a system path select a file while its
// layer is read, before links are known: lib/dpkg/status under any root. Squashing
// keeps those that the root leads to.
const claimDepth = 3

// A want is one pattern of one reader.
type want struct {
	reader    int    // index among the readers
	max       int64  // bytes
	rooted    bool   // a system path
	exact     bool   // glob is a path without wildcards
	glob      string // without "**/"
	tail      string // compared while reading: the last components of glob
	declared  bool   // what source code asks for: not in directories of installed packages
	lines     bool   // the file is a lock file or a manifest: its packages have lines
	companion string // suffix: the file is a companion of the file without it
	with      []string
	exec      bool   // executables only
	beside    string // see assay.Pattern
	without   string
	more      *regexp.Regexp // whether the pattern is more than glob
}

// A matcher finds the patterns that match a path, in a few map look-ups.
type matcher struct {
	base  map[string][]*want // by the last component, when it has no wildcard
	dir   map[string][]*want // by the component before, when that has none
	ext   map[string][]*want // by the file name extension, when that has no wildcard
	first map[byte][]*want   // by the first letter of the last component
	other []*want
	exact map[string][]*want // by the whole path
	execs []*want            // of executables, whatever their names
	all   []*want
	skip  Skip
}

// compile builds a matcher of the patterns that count in the scopes.
func compile(readers []assay.Reader, scopes assay.Scope) *matcher {
	var wants []*want
	for i, r := range readers {
		for _, p := range r.Wants() {
			if cmp.Or(p.Scope, assay.ScopeSystem)&scopes == 0 {
				continue
			}
			glob, anywhere := strings.CutPrefix(p.Glob, "**/")
			w := want{reader: i, max: p.MaxSize, rooted: !anywhere, glob: glob, declared: p.Scope&scopes == assay.ScopeDeclared, lines: p.Scope&scopes&assay.ScopeDeclared != 0, with: p.With, exec: p.Executable, beside: p.RequiresSibling, without: p.UnlessSibling}
			if w.max == 0 {
				w.max = assay.DefaultMaxSize
			}
			wants = append(wants, &w)
			for _, suffix := range p.With {
				c := w
				c.glob, c.companion, c.with = glob+suffix, suffix, nil
				wants = append(wants, &c)
			}
		}
	}
	return newMatcher(wants)
}

// offer adds the user's additional files, with the largest size limit of the reader.
func (m *matcher) offer(readers []assay.Reader, more []More) {
	for _, x := range more {
		for i, r := range readers {
			if r.Name() != x.Reader {
				continue
			}
			w := want{reader: i, more: x.Path, max: assay.DefaultMaxSize}
			for _, p := range r.Wants() {
				w.max = max(w.max, p.MaxSize)
			}
			m.other, m.all = append(m.other, &w), append(m.all, &w)
		}
	}
}

func newMatcher(wants []*want) *matcher {
	m := &matcher{base: map[string][]*want{}, dir: map[string][]*want{}, ext: map[string][]*want{}, first: map[byte][]*want{}, exact: map[string][]*want{}, all: wants}
	for _, w := range wants {
		if w.exec && w.glob == "*" {
			m.execs = append(m.execs, w)
			continue
		}
		if w.exact {
			m.exact[w.glob] = append(m.exact[w.glob], w)
			continue
		}
		w.tail = w.glob
		if w.rooted {
			w.tail = lastComponents(w.glob, claimDepth)
		}
		dir, base := split(w.tail)
		_, parent := split(dir)
		dot := strings.LastIndexByte(base, '.')
		switch {
		case !strings.Contains(base, "*"):
			m.base[base] = append(m.base[base], w)
		case parent != "" && !strings.Contains(parent, "*"):
			m.dir[parent] = append(m.dir[parent], w)
		case dot >= 0 && !strings.Contains(base[dot:], "*"):
			m.ext[base[dot:]] = append(m.ext[base[dot:]], w)
		case base[0] != '*':
			m.first[base[0]] = append(m.first[base[0]], w)
		default:
			m.other = append(m.other, w)
		}
	}
	return m
}

// match appends to ws those who may want path, whatever kind of file is there.
func (m *matcher) match(ws []*want, path string) []*want {
	ws = append(ws, m.exact[path]...)
	dir, base := split(path)
	ws = filter(ws, m.base[base], path)
	if dir != "" {
		_, parent := split(dir)
		ws = filter(ws, m.dir[parent], path)
	}
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
		ws = filter(ws, m.ext[base[dot:]], path)
	}
	if base != "" {
		ws = filter(ws, m.first[base[0]], path)
	}
	return m.allowed(filter(ws, m.other, path), path)
}

// wantsIn reports whether a file at path, or in the system's directory path, is wanted.
func (m *matcher) wantsIn(path string) bool {
	return len(m.match(nil, path)) > 0 || slices.ContainsFunc(m.all, func(w *want) bool { return w.rooted && strings.HasPrefix(w.glob, path+"/") })
}

// allowed drops all of ws where the user skips path, and those of what source code
// asks for where path belongs to an installed package.
func (m *matcher) allowed(ws []*want, path string) []*want {
	if len(ws) == 0 {
		return ws
	}
	if m.skip.file(path) {
		return ws[:0]
	}
	if slices.ContainsFunc(ws, func(w *want) bool { return w.declared }) && ecosystem.IsInstalled(path) {
		ws = slices.DeleteFunc(ws, func(w *want) bool { return w.declared })
	}
	return ws
}

func filter(ws, candidates []*want, path string) []*want {
	for _, w := range candidates {
		if w.more != nil && w.more.MatchString(path) || w.more == nil && globTail(w.tail, path) {
			ws = append(ws, w)
		}
	}
	return ws
}

// globTail reports whether the last components of path match glob.
func globTail(glob, path string) bool {
	for {
		gd, gb := split(glob)
		pd, pb := split(path)
		if !globOne(gb, pb) {
			return false
		}
		if gd == "" {
			return true
		}
		if pd == "" {
			return false
		}
		glob, path = gd, pd
	}
}

// matchPath reports whether the whole of path matches glob.
func matchPath(glob, path string) bool {
	return strings.Count(glob, "/") == strings.Count(path, "/") && globTail(glob, path)
}

// globOne matches one component; "*" matches anything.
func globOne(glob, name string) bool {
	star := strings.IndexByte(glob, '*')
	if star < 0 {
		return glob == name
	}
	if !strings.HasPrefix(name, glob[:star]) {
		return false
	}
	glob, name = glob[star+1:], name[star:]
	for {
		star = strings.IndexByte(glob, '*')
		if star < 0 {
			return strings.HasSuffix(name, glob)
		}
		i := strings.Index(name, glob[:star])
		if i < 0 {
			return false
		}
		glob, name = glob[star+1:], name[i+star:]
	}
}

// split splits a path at its last slash.
func split(path string) (dir, base string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

func join(dir, base string) string {
	if dir == "" {
		return base
	}
	if base == "" {
		return dir
	}
	return dir + "/" + base
}

func lastComponents(path string, n int) string {
	i := len(path)
	for ; n > 0; n-- {
		i = strings.LastIndexByte(path[:i], '/')
		if i < 0 {
			return path
		}
	}
	return path[i+1:]
}

// clean returns a tar's name as a path inside the image: without leading slash, empty
// components, "." and ".."; ".." stops at the root. "" is the root.
func clean(name string) string {
	if isClean(name) {
		return name
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(parts) > 0 {
				parts = parts[:len(parts)-1]
			}
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// isClean reports whether clean leaves name unchanged; most names are clean.
func isClean(name string) bool {
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		switch name[start:i] {
		case "", ".", "..":
			return name == ""
		}
		start = i + 1
	}
	return true
}
