package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/relation"
	"github.com/assaysec/assay/internal/stanza"
)

// A list gathers the packages of one file, one for each name and version, and
// what is wrong with it.
type list struct {
	ps    []assay.Package
	at    map[string]int  // by Ref
	bare  []string        // what names no version, each once
	seen  map[string]bool // of bare
	errs  stanza.Errors
	needs int // dependencies noted
	full  bool
}

func newList() *list { return &list{at: map[string]int{}, seen: map[string]bool{}} }

// add notes a package and returns its index, -1 when it is none.
func (l *list) add(name, version string) int {
	switch {
	case !validName(name):
		l.errs.Add(fmt.Errorf("a package called %.80q: %w", name, assay.ErrMalformed))
		return -1
	case version == "":
		if !l.seen[name] {
			l.seen[name] = true
			l.bare = append(l.bare, name)
		}
		return -1
	case !validVersion(version):
		l.errs.Add(fmt.Errorf("%s: version %.80q: %w", name, version, assay.ErrMalformed))
		return -1
	}
	p := assay.Package{Type: assay.TypeNPM, Name: name, Version: version}
	ref := p.Ref()
	if i, ok := l.at[ref]; ok {
		return i
	}
	if len(l.ps) == stanza.MaxPackages {
		l.full = true
		return -1
	}
	l.at[ref] = len(l.ps)
	l.ps = append(l.ps, p)
	return len(l.ps) - 1
}

// addDev is add for a file that says what is for development only: a package
// is when all its entries say so.
func (l *list) addDev(name, version string, dev bool) int {
	known := len(l.ps)
	i := l.add(name, version)
	if i >= 0 {
		l.ps[i].Dev = dev && (i == known || l.ps[i].Dev)
	}
	return i
}

// need notes that a package needs another.
func (l *list) need(i, other int) {
	if i < 0 || other < 0 || i == other {
		return
	}
	if l.needs++; l.needs > maxNeeds {
		return
	}
	l.ps[i].DependsOn = append(l.ps[i].DependsOn, l.ps[other].Ref())
}

// maxNeeds bounds the dependencies between the packages of one file; the
// largest known have some hundred thousand.
const maxNeeds = 1_000_000

// mark sets Relation and Dev, given the packages that the project asks for.
func (l *list) mark(direct, dev []int) {
	relation.Mark(l.ps, l.refs(direct), l.refs(dev))
}

func (l *list) refs(is []int) []string {
	var refs []string
	for _, i := range is {
		if i >= 0 {
			refs = append(refs, l.ps[i].Ref())
		}
	}
	return refs
}

func (l *list) facts() (assay.Facts, error) {
	if n := len(l.bare); n > 0 {
		what := "packages name"
		if n == 1 {
			what = "package names"
		}
		l.errs.Add(fmt.Errorf("%d %s no version: %s: %w", n, what, some(l.bare), assay.ErrUnsupported))
	}
	if l.full {
		l.errs.Add(fmt.Errorf("more than %d packages: %w", stanza.MaxPackages, assay.ErrTooLarge))
	}
	if l.needs > maxNeeds {
		l.errs.Add(fmt.Errorf("more than %d dependencies: %w", maxNeeds, assay.ErrTooLarge))
	}
	for i := range l.ps {
		slices.Sort(l.ps[i].DependsOn)
		l.ps[i].DependsOn = slices.Compact(l.ps[i].DependsOn)
	}
	return assay.Facts{Packages: l.ps}, l.errs.Err()
}

// maxShown bounds the names in one error.
const maxShown = 10

func some(names []string) string {
	if len(names) <= maxShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxShown], ", "), len(names)-maxShown)
}

const (
	maxName    = 214 // npm's own limit
	maxVersion = 256 // npm's own limit
)

// validName reports whether s can be a package's name, by the rules of npm's
// early years: later ones forbid capitals and some signs.
// https://github.com/npm/validate-npm-package-name
func validName(s string) bool {
	name := s
	if scoped, ok := strings.CutPrefix(s, "@"); ok {
		scope, rest, ok := strings.Cut(scoped, "/")
		if !ok || scope == "" {
			return false
		}
		name = rest
	}
	if name == "" || name[0] == '.' || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte("<>\"`\\{}|^%:?#&,;=[]", s[i]) >= 0 {
			return false
		}
	}
	return strings.IndexByte(name, '/') < 0 && strings.IndexByte(name, '@') < 0
}

// validVersion reports whether s can be a version: not whether it is one by
// the rules of semantic versions, for what was installed once stays installed.
func validVersion(s string) bool {
	digit := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte(".-+_~=", c) >= 0:
		default:
			return false
		}
	}
	return digit && len(s) <= maxVersion
}

// tarball is the version in the file name of a package's archive, as npm makes
// it: "name-1.2.3.tgz".
func tarball(address, name string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	base := address[strings.LastIndexByte(address, '/')+1:]
	for _, suffix := range []string{".tgz", ".tar.gz"} {
		if stem, ok := strings.CutSuffix(strings.TrimPrefix(base, "file:"), suffix); ok {
			v, ok := strings.CutPrefix(stem, name[strings.LastIndexByte(name, '/')+1:]+"-")
			if ok && validVersion(v) {
				return v
			}
		}
	}
	return ""
}

// cutSpec cuts "name@range"; the name may have a scope.
func cutSpec(s string) (name, version string) {
	if s == "" {
		return "", ""
	}
	i := strings.IndexByte(s[1:], '@') + 1
	if i == 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}
