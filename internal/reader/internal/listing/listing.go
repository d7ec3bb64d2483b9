// Package listing collects the packages of one file, as each reader of a lock file or
// an installed list needs: one for each name and version, with its dependencies, and
// the file's problems as a few short errors.
package listing

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/relation"
)

const (
	// maxName and maxVersion bound words; the longest known names, addresses of
	// repositories, have some 200 bytes, versions of snapshots some 100.
	maxName    = 512
	maxVersion = 256
	// maxNeeds bounds the dependencies between the packages of one file; the
	// largest known have some hundred thousand.
	maxNeeds = 1_000_000
	// maxLicences bounds those of one package; a dozen have been seen.
	maxLicences = 100
	// maxShown bounds the names in one error.
	maxShown = 10
)

// A List gathers packages of one type. Make it with New.
type List struct {
	Packages []assay.Package // change what is there; Add adds

	// Name and Version report whether a text can be one; nil means any line of
	// text.
	Name, Version func(string) bool

	kind  string
	at    map[string]int  // by Ref
	bare  []string        // what names no version, each once; the first of them
	more  int             // of them
	seen  map[string]bool // of bare
	errs  stanza.Errors
	needs int
	full  bool
}

// New returns a list of packages of a type.
func New(kind string) *List {
	return &List{kind: kind, at: map[string]int{}, seen: map[string]bool{}}
}

// Add notes a package and returns its index, -1 when it is none: without a
// version, or with a name or version that cannot be one.
func (l *List) Add(name, version string) int {
	switch {
	case l.Name == nil && !word(name, maxName), l.Name != nil && !l.Name(name):
		l.Error(fmt.Errorf("invalid package name %.80q: %w", name, assay.ErrMalformed))
		return -1
	case version == "":
		l.NoVersion(name)
		return -1
	case l.Version == nil && !word(version, maxVersion), l.Version != nil && !l.Version(version):
		l.Error(fmt.Errorf("%s: invalid version %.80q: %w", name, version, assay.ErrMalformed))
		return -1
	}
	if i, ok := l.at[name+"@"+version]; ok {
		return i
	}
	return l.append(name, version)
}

// AddAnother is Add for a package that differs from those before it by more than its name
// and version.
func (l *List) AddAnother(name, version string) int {
	known := len(l.Packages)
	if i := l.Add(name, version); i < 0 || i == known {
		return i
	}
	return l.append(name, version)
}

// append adds a package whose name and version are valid.
func (l *List) append(name, version string) int {
	p := assay.Package{Type: l.kind, Name: name, Version: version}
	if len(l.Packages) == stanza.MaxPackages {
		l.full = true
		return -1
	}
	if ref := p.Ref(); l.Find(name, version) < 0 {
		l.at[ref] = len(l.Packages)
	}
	l.Packages = append(l.Packages, p)
	return len(l.Packages) - 1
}

// AddDev is Add for a file that says what is for development only: a package
// is when all its entries say so.
func (l *List) AddDev(name, version string, dev bool) int {
	known := len(l.Packages)
	i := l.Add(name, version)
	if i >= 0 {
		l.Packages[i].Dev = dev && (i == known || l.Packages[i].Dev)
	}
	return i
}

// word reports whether s can be a name or a version: one line of text.
func word(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// Find returns the index of the package of a name and version; -1 when there
// is none.
func (l *List) Find(name, version string) int {
	if i, ok := l.at[name+"@"+version]; ok {
		return i
	}
	return -1
}

// Names finds the packages of each name, spelled by key; nil keeps names.
func (l *List) Names(key func(string) string) map[string][]int {
	of := make(map[string][]int, len(l.Packages))
	for i := range l.Packages {
		name := l.Packages[i].Name
		if key != nil {
			name = key(name)
		}
		of[name] = append(of[name], i)
	}
	return of
}

// Need notes that package i needs others. An index of -1 stands for what is no
// package of the list.
func (l *List) Need(i int, others ...int) {
	for _, other := range others {
		if l.needs++; l.needs > maxNeeds {
			return
		}
		if i < 0 || other < 0 || i == other {
			continue
		}
		l.Packages[i].DependsOn = append(l.Packages[i].DependsOn, l.Packages[other].Ref())
	}
}

// Enough reports whether no more dependencies are kept, so that none need be
// looked for.
func (l *List) Enough() bool { return l.needs > maxNeeds }

// NoVersion notes that something is named without a version.
func (l *List) NoVersion(name string) {
	switch {
	case l.seen[name]:
	case len(l.bare) == stanza.MaxPackages:
		l.more++
	default:
		l.seen[name] = true
		l.bare = append(l.bare, name)
	}
}

// Error notes what is wrong; nil is nothing.
func (l *List) Error(err error) {
	if err != nil {
		l.errs.Add(err)
	}
}

// Malformed notes what is wrong in words.
func (l *List) Malformed(format string, args ...any) {
	l.Error(fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), assay.ErrMalformed))
}

// Mark sets Relation and Dev, given the packages that the project asks for, and
// that it asks for to develop with; see relation.Mark.
func (l *List) Mark(direct, dev []int) {
	relation.Mark(l.Packages, l.refs(direct), l.refs(dev))
}

func (l *List) refs(is []int) []string {
	refs := make([]string, 0, len(is))
	for _, i := range is {
		if i >= 0 {
			refs = append(refs, l.Packages[i].Ref())
		}
	}
	return refs
}

// Licences notes how package i is licensed, in the file's words; what is no
// line of text is a licence itself rather than its name, and left out.
func (l *List) Licences(i int, names ...string) {
	for _, name := range names {
		name = strings.TrimSpace(name)
		if i >= 0 && word(name, maxVersion) && len(l.Packages[i].Licences) < maxLicences && !slices.Contains(l.Packages[i].Licences, name) {
			l.Packages[i].Licences = append(l.Packages[i].Licences, name)
		}
	}
}

// Facts is what the file says, and what is wrong with it.
func (l *List) Facts() (assay.Facts, error) {
	if n := len(l.bare) + l.more; n > 0 {
		what := "packages have"
		if n == 1 {
			what = "package has"
		}
		l.Error(fmt.Errorf("%d %s no version: %s: %w", n, what, some(l.bare, n), assay.ErrUnsupported))
	}
	if l.full {
		l.Error(fmt.Errorf("more than %d packages: %w", stanza.MaxPackages, assay.ErrTooLarge))
	}
	if l.needs > maxNeeds {
		l.Error(fmt.Errorf("more than %d dependencies: %w", maxNeeds, assay.ErrTooLarge))
	}
	for i := range l.Packages {
		slices.Sort(l.Packages[i].DependsOn)
		l.Packages[i].DependsOn = slices.Compact(l.Packages[i].DependsOn)
	}
	return assay.Facts{Packages: l.Packages}, l.errs.Err()
}

// Some shows the first of many names, for an error.
func Some(names []string) string { return some(names, len(names)) }

func some(names []string, all int) string {
	shown := slices.Clone(names[:min(len(names), maxShown)])
	for i, n := range shown {
		if len(n) > 80 {
			shown[i] = strings.ToValidUTF8(n[:80], "") + "…"
		}
	}
	if more := all - len(shown); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}
