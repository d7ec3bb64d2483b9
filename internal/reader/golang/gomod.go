package golang

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
)

const (
	maxMod = 8 << 20  // go.mod; the largest known have some 100 kB
	maxSum = 16 << 20 // go.sum; the largest known have some 2 MB
)

// Mod reads go.mod: the module itself, what it requires with replacements
// applied, and the standard library where a toolchain line names one. Before
// go 1.17 only what the module itself asks for was listed, so that go.sum
// beside it tells the others: of each the highest version.
// https://go.dev/ref/mod#go-mod-file
//
// What a directory replaces is a part of the project without a version: the code of the
// directory is built, whatever the requirement says. go.mod does not name the version that
// replaces one that is both required and excluded.
type Mod struct{}

func (Mod) Name() string { return "go-mod" }

func (Mod) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/go.mod", Scope: assay.ScopeDeclared, MaxSize: maxMod}}
}

func (Mod) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	m := mod{replace: map[requirement]requirement{}, exclude: map[requirement]bool{}}
	for line, err := range stanza.Lines(f.Reader()) {
		if err != nil {
			m.errs.Add(err)
			break
		}
		if line.Cut {
			m.errs.Add(fmt.Errorf("line %d is longer than %d bytes: %w", line.N, stanza.MaxLine, assay.ErrTooLarge))
			continue
		}
		if err := m.line(line.Text); err != nil {
			m.errs.Add(fmt.Errorf("line %d: %w: %w", line.N, err, assay.ErrMalformed))
		}
		if len(m.require) == stanza.MaxPackages {
			m.errs.Add(fmt.Errorf("line %d: more than %d requirements: %w", line.N, stanza.MaxPackages, assay.ErrTooLarge))
			break
		}
	}
	if m.block != "" {
		m.errs.Add(fmt.Errorf("%s: no closing parenthesis: %w", m.block, assay.ErrMalformed))
	}
	facts := assay.Facts{Packages: m.packages()}
	if m.before117() {
		facts.Packages = m.sum(f, facts.Packages)
	}
	return facts, m.errs.Err()
}

// A requirement is a module's path and version.
type requirement struct{ path, version string }

type mod struct {
	errs      stanza.Errors
	block     string // the directive whose parenthesis is open
	module    string
	goVersion string
	toolchain string
	require   []requirement
	indirect  []bool // of require
	replace   map[requirement]requirement
	exclude   map[requirement]bool
}

// line reads one line: a directive, the beginning or end of a block of one, or
// an entry of it.
func (m *mod) line(text string) error {
	words, comment, err := fields(text)
	if err != nil || len(words) == 0 {
		return err
	}
	switch {
	case m.block != "" && words[0] == ")":
		m.block = ""
		return nil
	case m.block != "":
		return m.entry(m.block, words, comment)
	case len(words) == 2 && words[1] == "(":
		m.block = words[0]
		if !known(words[0]) {
			return fmt.Errorf("unknown directive %.40q", words[0])
		}
		return nil
	case len(words) == 3 && words[1] == "(" && words[2] == ")":
		return nil
	}
	if !known(words[0]) {
		return fmt.Errorf("unknown directive %.40q", words[0])
	}
	return m.entry(words[0], words[1:], comment)
}

func known(directive string) bool {
	switch directive {
	case "module", "go", "toolchain", "require", "replace", "exclude", "retract", "godebug", "tool", "ignore":
		return true
	}
	return false
}

func (m *mod) entry(directive string, words []string, comment string) error {
	switch directive {
	case "module", "go", "toolchain":
		if len(words) != 1 {
			return fmt.Errorf("%s: %d words, want one", directive, len(words))
		}
		*map[string]*string{"module": &m.module, "go": &m.goVersion, "toolchain": &m.toolchain}[directive] = words[0]
	case "require", "exclude":
		if len(words) != 2 || words[0] == "" || !strings.HasPrefix(words[1], "v") {
			return fmt.Errorf("%s: want path and version, have %.80q", directive, strings.Join(words, " "))
		}
		r := requirement{words[0], words[1]}
		if directive == "exclude" {
			m.exclude[r] = true
			return nil
		}
		m.require = append(m.require, r)
		m.indirect = append(m.indirect, comment == "indirect" || strings.HasPrefix(comment, "indirect;"))
	case "replace":
		arrow := slices.Index(words, "=>")
		from, to := words[:max(arrow, 0)], words[arrow+1:]
		if arrow < 1 || arrow > 2 || len(to) < 1 || len(to) > 2 {
			return fmt.Errorf("invalid replace: %.80q", strings.Join(words, " "))
		}
		m.replace[pair(from)] = pair(to)
	}
	return nil
}

func pair(words []string) requirement {
	if len(words) == 1 {
		return requirement{path: words[0]}
	}
	return requirement{words[0], words[1]}
}

// fields cuts a line into words, of which some may be in quotes, and the
// comment. https://go.dev/ref/mod#go-mod-file-lexical
func fields(line string) (words []string, comment string, err error) {
	for {
		line = strings.TrimLeft(line, " \t\r")
		switch {
		case line == "":
			return words, "", nil
		case strings.HasPrefix(line, "//"):
			return words, strings.TrimSpace(line[2:]), nil
		case line[0] == '(' || line[0] == ')':
			words, line = append(words, line[:1]), line[1:]
		case line[0] == '"' || line[0] == '`':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return words, "", errors.New("unterminated quote")
			}
			word, err := strconv.Unquote(quoted)
			if err != nil {
				return words, "", errors.New("misplaced quote")
			}
			words, line = append(words, word), line[len(quoted):]
		default:
			end := strings.IndexAny(line, " \t\r()")
			if end < 0 {
				end = len(line)
			}
			if i := strings.Index(line[:end], "//"); i > 0 {
				end = i
			}
			words, line = append(words, line[:end]), line[end:]
		}
	}
}

// replaced is what is built in place of a requirement; without a version, and a part of
// the project, where that is a directory.
func (m *mod) replaced(r requirement) (requirement, bool) {
	to, ok := m.replace[r]
	if !ok {
		to = m.replace[requirement{path: r.path}]
	}
	switch {
	case to.path == "":
		return r, false
	case to.version == "" || local(to.path):
		return requirement{path: r.path}, true
	}
	return to, false
}

func (m *mod) packages() []assay.Package {
	var ps []assay.Package
	seen := map[string]int{}
	add := func(name, version string, r assay.Relation) {
		p := assay.Package{Type: assay.TypeGo, Name: name, Version: version, Relation: r}
		if i, ok := seen[p.Ref()]; ok {
			if r == assay.RelationDirect {
				ps[i].Relation = r
			}
			return
		}
		seen[p.Ref()] = len(ps)
		ps = append(ps, p)
	}
	if m.module != "" {
		add(m.module, "", assay.RelationRoot)
	}
	var excluded []string
	for i, r := range m.require {
		if m.exclude[r] {
			excluded = append(excluded, r.path+" "+r.version)
			continue
		}
		relation := assay.RelationDirect
		if m.indirect[i] {
			relation = assay.RelationIndirect
		}
		to, project := m.replaced(r)
		if project {
			relation = assay.RelationWorkspace
		}
		add(to.path, to.version, relation)
	}
	if len(excluded) > 0 {
		m.errs.Add(fmt.Errorf("required and excluded, so the version that is built is unknown: %s: %w", listing.Some(excluded), assay.ErrUnsupported))
	}
	if v, _, _ := strings.Cut(strings.TrimPrefix(m.toolchain, "go"), "-"); v != "" && v != "default" { // "go1.22.3-vendor", or none
		add("stdlib", v, assay.RelationDirect)
	}
	if m.module != "" {
		for i := range ps {
			if ps[i].Relation == assay.RelationDirect || ps[i].Relation == assay.RelationWorkspace {
				ps[0].DependsOn = append(ps[0].DependsOn, ps[i].Ref())
			}
		}
	}
	return ps
}

// before117 reports whether indirect requirements are not listed in full.
// https://go.dev/ref/mod#go-mod-file-go
func (m *mod) before117() bool {
	major, rest, _ := strings.Cut(m.goVersion, ".")
	minor, _, _ := strings.Cut(rest, ".")
	minor = minor[:len(minor)-len(strings.TrimLeft(minor, "0123456789"))] // of "17rc1"
	n, err := strconv.Atoi(minor)
	return m.goVersion == "" || major == "1" && err == nil && n < 17
}

// above compares versions of modules; one that is none is below all.
func above(a, b string) bool {
	s, _ := version.ByName("semver")
	n, err := version.Compare(s, a, b)
	return err == nil && n > 0
}

// sum adds what go.sum beside the file tells and the file does not.
func (m *mod) sum(f *assay.File, ps []assay.Package) []assay.Package {
	b, err := f.Sibling("go.sum", maxSum)
	if err != nil {
		if !errors.Is(err, assay.ErrNotFound) {
			m.errs.Add(err)
		}
		return ps
	}
	asked := map[string]bool{}
	for _, r := range m.require {
		asked[r.path] = true
	}
	seen := map[string]bool{}
	for i := range ps {
		asked[ps[i].Name], seen[ps[i].Ref()] = true, true
	}
	highest := map[string]string{}
	for line := range bytes.Lines(b) {
		words := strings.Fields(string(line))
		if len(words) != 3 || strings.HasSuffix(words[1], "/go.mod") || asked[words[0]] {
			continue
		}
		if old, ok := highest[words[0]]; !ok || above(words[1], old) {
			highest[words[0]] = words[1]
		}
	}
	paths := make([]string, 0, len(highest))
	for path := range highest {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths[:min(len(paths), stanza.MaxPackages)] {
		to, project := m.replaced(requirement{path, highest[path]})
		p := assay.Package{Type: assay.TypeGo, Name: to.path, Version: to.version, Relation: assay.RelationIndirect}
		if project {
			p.Relation = assay.RelationWorkspace
		}
		if !seen[p.Ref()] {
			seen[p.Ref()] = true
			ps = append(ps, p)
		}
	}
	return ps
}
