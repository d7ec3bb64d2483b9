package python

import (
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
	"github.com/assaysec/assay/internal/version/requirement"
)

// maxLock: the largest lock files known, PDM's with addresses of every wheel,
// have 5 MB; a hostile one of this size takes seconds.
const maxLock = 32 << 20

// A list gathers the packages of one file.
type list struct {
	*listing.List
	named   map[string][]int // by name as PyPI compares them; nil before find
	choices int              // see maxChoices
}

func newList(kind string) *list {
	l := &list{List: listing.New(kind)}
	l.Name, l.Version = validName, validVersion
	return l
}

// normal spells a name as PyPI compares them.
func normal(name string) string {
	e, _ := ecosystem.OfType(assay.TypePyPI)
	return e.Name(name)
}

// maxForks bounds the versions of one package among which a requirement
// chooses; a lock file for many platforms has two or three.
const maxForks = 10

// maxChoices bounds how often a requirement is compared with a version, which
// is seldom needed and takes microseconds, maxAllowed its length.
const maxChoices, maxAllowed = 50_000, 200

// find is the packages of a name: of several that one which a requirement
// allows, or all when that does not tell. Packages that are added later it does
// not know.
func (l *list) find(name, allowed string) []int {
	if l.named == nil {
		l.named = l.Names(normal)
	}
	of := l.named[normal(name)]
	of = of[:min(len(of), maxForks)]
	if len(of) < 2 || allowed == "" || len(allowed) > maxAllowed || l.choices >= maxChoices {
		return of
	}
	var out []int
	for _, i := range of {
		l.choices++
		if allows(allowed, l.Packages[i].Version) {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return of
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
	l.Mark(l.all(direct), l.all(dev))
}

// all is the packages that wishes mean.
func (l *list) all(ws []wish) (is []int) {
	for _, w := range ws {
		is = append(is, l.find(w.name, w.allowed)...)
	}
	return is
}

// A wish is a package that something asks for.
type wish struct{ name, allowed string }

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
