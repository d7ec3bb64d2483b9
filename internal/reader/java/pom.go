package java

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

// Bounds of a project.
const (
	maxProject = 8 << 20   // a pom.xml; the largest known have 1 MB
	maxParents = 32        // one above the other
	maxOthers  = 300       // other pom.xml that are asked for; modules and imported lists of versions
	maxMore    = 16 << 20  // bytes of those
	maxLooks   = 3_000_000 // modules that are looked at for being a dependency, and versions that they set; a thousand dependencies on three hundred modules make 600,000
	maxExpand  = 30        // properties in one value, those in their values included
	maxValue   = 4 << 10   // a value when expanded
)

// Pom reads projects of Maven: the project itself, its modules, and the
// dependencies that it declares or inherits from its parents. Versions are taken
// through properties, dependencyManagement and imported lists, from the tree and from
// the registry of the file. With a registry, what dependencies need in turn is resolved
// as Maven does. What only tests or the place where it runs need (scopes test, provided
// and system) is Dev. What remains unknown is one error.
//
// Format: https://maven.apache.org/pom.html
type Pom struct{}

func (Pom) Name() string { return "maven-pom" }

func (Pom) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*pom.xml", Scope: assay.ScopeDeclared, MaxSize: maxProject}}
}

func (Pom) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxProject)
	if err != nil {
		return assay.Facts{}, err
	}
	m, err := parsePom(b)
	if err != nil {
		return assay.Facts{}, err
	}
	if m.Artifact == "" {
		return assay.Facts{}, fmt.Errorf("artifact name is missing: %w", assay.ErrMalformed)
	}
	p := &project{ctx: ctx, f: f, others: maxOthers, more: maxMore, looks: maxLooks, read: map[string]*pom{},
		published: map[gav]*pom{}, models: map[*pom]*model{}, awayOf: map[string]bool{}, picked: map[string]string{}}
	m.dir = "."
	p.root = p.modelOf(m)
	p.manage()
	facts := p.facts()
	return facts, p.err()
}

// project is a pom.xml with what it inherits.
type project struct {
	ctx    context.Context
	f      *assay.File
	others int             // that may still be read
	more   int             // bytes of them
	looks  int             // see maxLooks
	read   map[string]*pom // by path; nil where there is none

	published map[gav]*pom      // from the registry; nil where it has none
	models    map[*pom]*model   // of all that were needed
	picked    map[string]string // versions that were chosen for requirements
	root      *model            // the project
	managed   map[string]dependency

	away      []string // poms that are not at hand and would tell versions
	awayOf    map[string]bool
	loose     []string // dependencies without a version
	looseDeep []string // the same, of dependencies
	bare      []string // dependencies whose own needs are not told
	problems  stanza.Errors
}

// other reads another pom.xml; nil where there is none.
func (p *project) other(name string) *pom {
	if m, ok := p.read[name]; ok {
		return m
	}
	if p.others == 0 || p.ctx.Err() != nil {
		return nil
	}
	p.others--
	b, err := p.f.Sibling(name, maxProject)
	if p.more -= len(b); err == nil && p.more < 0 {
		err = fmt.Errorf("more than %d bytes of other pom.xml files: %w", maxMore, assay.ErrTooLarge)
	}
	var m *pom
	if err == nil {
		m, err = parsePom(b)
	}
	if err != nil && !errors.Is(err, assay.ErrNotFound) {
		p.problems.Add(fmt.Errorf("%s: %w", name, err))
	}
	if m != nil {
		m.dir = path.Dir(name)
	}
	p.read[name] = m
	return m
}

// at reads the pom.xml that a relative path names: the file or its directory.
func (p *project) at(dir, name string) *pom {
	if name = path.Join(dir, strings.ReplaceAll(name, `\`, "/")); !strings.HasSuffix(name, ".xml") {
		name = path.Join(name, "pom.xml")
	}
	return p.other(name)
}

// module finds a project of the same tree by its coordinates: among the
// project's parents, and the modules of all of them.
func (p *project) module(group, artifact string) *pom {
	if p.root == nil {
		return nil // its parents are not known yet
	}
	is := func(m *pom) bool {
		p.looks--
		return m != nil && m.Artifact == artifact && p.root.scope.expand(first(m.Group, parentOf(m).Group, group)) == group
	}
	for _, m := range p.root.poms {
		if is(m) {
			return m
		}
	}
	for _, likely := range []bool{true, false} { // those whose directory bears the name first, the others cost reading them
		for _, m := range p.root.poms {
			for _, dir := range m.Modules {
				if p.looks--; p.looks < 0 {
					return nil
				}
				base := path.Base(strings.ReplaceAll(dir, `\`, "/"))
				if (strings.HasSuffix(artifact, base) || strings.HasSuffix(base, artifact)) != likely {
					continue
				}
				if !likely && group != p.root.scope.self.group {
					continue
				}
				if o := p.at(m.dir, dir); is(o) {
					return o
				}
			}
		}
	}
	return nil
}
