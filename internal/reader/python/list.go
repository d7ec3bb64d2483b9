package python

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/relation"
	"github.com/assaysec/assay/internal/requirement"
	"github.com/assaysec/assay/internal/stanza"
	"github.com/assaysec/assay/internal/version"
)

// A list gathers the packages of one file, one for each name and version, and
// what is wrong with it.
type list struct {
	kind    string // of its packages
	ps      []assay.Package
	at      map[string]int   // by Ref
	named   map[string][]int // by name as PyPI compares them
	bare    []string         // what names no version, each once
	seen    map[string]bool  // of bare
	errs    stanza.Errors
	needs   int // dependencies noted
	choices int // see maxChoices
	full    bool
}

func newList(kind string) *list {
	return &list{kind: kind, at: map[string]int{}, named: map[string][]int{}, seen: map[string]bool{}}
}

// normal spells a name as PyPI compares them.
func normal(name string) string {
	e, _ := ecosystem.OfType(assay.TypePyPI)
	return e.Name(name)
}

// add notes a package and returns its index, -1 when it is none.
func (l *list) add(name, version string) int {
	switch {
	case !validName(name):
		l.errs.Add(fmt.Errorf("a package called %.80q: %w", name, assay.ErrMalformed))
		return -1
	case version == "":
		l.noVersion(name)
		return -1
	case !validVersion(version):
		l.errs.Add(fmt.Errorf("%s: version %.80q: %w", name, version, assay.ErrMalformed))
		return -1
	}
	p := assay.Package{Type: l.kind, Name: name, Version: version}
	ref := p.Ref()
	if i, ok := l.at[ref]; ok {
		return i
	}
	if len(l.ps) == stanza.MaxPackages {
		l.full = true
		return -1
	}
	i := len(l.ps)
	l.at[ref] = i
	key := normal(name)
	l.named[key] = append(l.named[key], i)
	l.ps = append(l.ps, p)
	return i
}

func (l *list) noVersion(what string) {
	if !l.seen[what] {
		l.seen[what] = true
		l.bare = append(l.bare, what)
	}
}

// need notes that a package needs others.
func (l *list) need(i int, refs []string) {
	p := &l.ps[i]
	for _, ref := range refs {
		if l.needs++; l.needs > maxNeeds {
			return
		}
		if ref != p.Ref() {
			p.DependsOn = append(p.DependsOn, ref)
		}
	}
}

// maxNeeds bounds the dependencies between the packages of one file; the
// largest known have some ten thousand.
const maxNeeds = 500_000

// maxForks bounds the versions of one package among which a requirement
// chooses; a lock file for many platforms has two or three.
const maxForks = 10

// maxChoices bounds how often a requirement is compared with a version, which
// is seldom needed and takes microseconds.
const maxChoices = 50_000

// refs are the packages of a name: of several that one which a requirement
// allows, or all when that does not tell.
func (l *list) refs(name, allowed string) []string {
	of := l.named[normal(name)]
	of = of[:min(len(of), maxForks)]
	if l.needs > maxNeeds {
		return nil
	}
	var out []string
	if len(of) > 1 && allowed != "" && l.choices < maxChoices {
		for _, i := range of {
			l.choices++
			if allows(allowed, l.ps[i].Version) {
				out = append(out, l.ps[i].Ref())
			}
		}
	}
	if len(out) == 0 {
		for _, i := range of {
			out = append(out, l.ps[i].Ref())
		}
	}
	return out
}

// allows reports whether a requirement holds for a version.
func allows(allowed, v string) bool {
	scheme, _ := version.ByName("pep440")
	syntax := requirement.Python
	if strings.ContainsAny(allowed, "^") {
		syntax = requirement.Composer // Poetry's caret is Composer's
	}
	set, err := requirement.Parse(syntax, scheme, allowed)
	if err != nil {
		return false
	}
	this, err := requirement.Parse(requirement.Python, scheme, "=="+v)
	return err == nil && !set.And(this).Empty()
}

// mark sets Relation and Dev, given what the project asks for.
func (l *list) mark(direct, dev []wish) {
	all := func(ws []wish) (refs []string) {
		for _, w := range ws {
			refs = append(refs, l.refs(w.name, w.allowed)...)
		}
		return refs
	}
	relation.Mark(l.ps, all(direct), all(dev))
}

// A wish is a package that something asks for.
type wish struct{ name, allowed string }

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
	for i, n := range names {
		if len(n) > 80 {
			names[i] = strings.ToValidUTF8(n[:80], "") + "…"
		}
	}
	if len(names) <= maxShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxShown], ", "), len(names)-maxShown)
}

// maxWord bounds a name or a version.
const maxWord = 256

// nameLen is how long the name is that s begins with.
// https://packaging.python.org/en/latest/specifications/name-normalization/
func nameLen(s string) int {
	n := 0
	for n < len(s) && (alnum(s[n]) || n > 0 && strings.IndexByte("._-", s[n]) >= 0) {
		n++
	}
	for n > 0 && !alnum(s[n-1]) {
		n--
	}
	return n
}

func validName(s string) bool { return s != "" && nameLen(s) == len(s) && len(s) <= maxWord }

// validVersion reports whether s can be a version; whether it is one of PEP
// 440's does not matter, for older ones are found, too.
func validVersion(s string) bool {
	digit := false
	for i := range len(s) {
		if !alnum(s[i]) && strings.IndexByte("._-+!~", s[i]) < 0 {
			return false
		}
		digit = digit || s[i] >= '0' && s[i] <= '9'
	}
	return digit && len(s) <= maxWord
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
