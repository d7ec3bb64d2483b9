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
	"github.com/assaysec/assay/internal/reader/internal/listing"
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
// dependencies that it declares or inherits from parents in the same tree.
// Versions are taken through properties, dependencyManagement and imported
// lists, as far as the tree has them. What only tests or the place where it
// runs need (scopes test, provided and system) is Dev. No registry is asked and
// no local repository read, so that what dependencies need in turn is not told;
// that, and what has no version in the tree, is one error.
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
	p := &project{ctx: ctx, f: f, others: maxOthers, more: maxMore, looks: maxLooks, read: map[string]*pom{}}
	p.chain(m)
	p.manage()
	return p.facts(), p.err()
}

// project is a pom.xml with what it inherits.
type project struct {
	ctx    context.Context
	f      *assay.File
	others int             // that may still be read
	more   int             // bytes of them
	looks  int             // see maxLooks
	read   map[string]*pom // by path; nil where there is none

	poms    []*pom // the project, its parent, its parent's parent …
	scope   scopeOf
	self    gav // what the project is
	managed map[string]dependency
	lists   map[*pom]bool // that were imported

	away     []string // poms that are not in the tree and would tell versions
	loose    []string // dependencies without a version
	bare     int      // dependencies whose own needs are not told
	problems stanza.Errors
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

// chain finds the parents, and what expressions mean.
func (p *project) chain(m *pom) {
	m.dir = "."
	p.poms = []*pom{m}
	for m.Parent != nil && len(p.poms) < maxParents {
		up := *m.Parent
		where := "../pom.xml"
		if up.Relative != nil {
			where = *up.Relative
		}
		var found *pom
		if where != "" {
			found = p.at(m.dir, where)
		}
		if found == nil || found.Artifact != up.Artifact || first(found.Group, parentOf(found).Group) != up.Group {
			p.away = append(p.away, gav{up.Group, up.Artifact, up.Version}.name()+"@"+up.Version)
			break
		}
		m = found
		p.poms = append(p.poms, m)
	}
	p.scope = p.scopeOf(p.poms)
	p.self = p.scope.coordinates()
}

func parentOf(m *pom) parent {
	if m.Parent == nil {
		return parent{}
	}
	return *m.Parent
}

// scopeOf is what expressions in the first of the poms mean, the others being
// its parents.
func (p *project) scopeOf(poms []*pom) scopeOf {
	m := poms[0]
	s := scopeOf{self: gav{artifact: m.Artifact}}
	for _, m := range poms {
		s.properties = append(s.properties, m.Properties)
		s.self = fill(s.self, gav{group: m.Group, version: m.Version})
		s.self = fill(s.self, gav{group: parentOf(m).Group, version: parentOf(m).Version})
	}
	if up := m.Parent; up != nil {
		s.parent = gav{up.Group, up.Artifact, up.Version}
	}
	return s
}

// manage gathers the versions that the project and its parents set for
// dependencies, wherever those are asked for.
func (p *project) manage() {
	p.managed, p.lists = map[string]dependency{}, map[*pom]bool{}
	var imports []dependency
	for _, m := range p.poms {
		for _, d := range m.Managed {
			d = p.scope.dependency(d)
			if d.Scope == "import" {
				imports = append(imports, d)
			} else if _, ok := p.managed[d.key()]; !ok {
				p.managed[d.key()] = d
			}
		}
	}
	for _, d := range imports {
		p.imported(d)
	}
}

// imported takes the versions of a list (a BOM) that is a module of the tree.
func (p *project) imported(d dependency) {
	list := p.module(d.Group, d.Artifact)
	if list == nil {
		p.away = append(p.away, gav{group: d.Group, artifact: d.Artifact}.name()+"@"+first(d.Version, "?"))
		return
	}
	if p.lists[list] {
		return
	}
	p.lists[list] = true
	poms := []*pom{list}
	for m := list; m.Parent != nil && len(poms) < maxParents; {
		where := "../pom.xml"
		if m.Parent.Relative != nil {
			where = *m.Parent.Relative
		}
		if m = p.at(m.dir, where); where == "" || m == nil {
			break
		}
		poms = append(poms, m)
	}
	s := p.scopeOf(poms)
	for _, m := range poms {
		for _, d := range m.Managed {
			if p.looks--; p.looks < 0 {
				return
			}
			d = s.dependency(d)
			if d.Scope == "import" {
				p.imported(d)
			} else if _, ok := p.managed[d.key()]; !ok {
				p.managed[d.key()] = d
			}
		}
	}
}

// module finds a project of the same tree by its coordinates: among the
// project's parents, and the modules of all of them.
func (p *project) module(group, artifact string) *pom {
	is := func(m *pom) bool {
		p.looks--
		return m != nil && m.Artifact == artifact && p.scope.expand(first(m.Group, parentOf(m).Group, group)) == group
	}
	for _, m := range p.poms {
		if is(m) {
			return m
		}
	}
	for _, likely := range []bool{true, false} { // those whose directory bears the name first, the others cost reading them
		for _, m := range p.poms {
			for _, dir := range m.Modules {
				if p.looks--; p.looks < 0 {
					return nil
				}
				base := path.Base(strings.ReplaceAll(dir, `\`, "/"))
				if (strings.HasSuffix(artifact, base) || strings.HasSuffix(base, artifact)) != likely {
					continue
				}
				if !likely && group != p.scope.self.group {
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

// facts are the project, its modules and its dependencies.
func (p *project) facts() assay.Facts {
	root := assay.Package{Type: assay.TypeMaven, Name: p.self.name(), Version: p.self.version, Relation: assay.RelationRoot, Licences: p.poms[0].licences()}
	var packages []assay.Package
	at := map[string]int{root.Ref(): -1}
	add := func(pkg assay.Package) {
		if i, ok := at[pkg.Ref()]; ok {
			if i >= 0 {
				packages[i].Dev = packages[i].Dev && pkg.Dev
			}
			return
		}
		at[pkg.Ref()] = len(packages)
		packages = append(packages, pkg)
		root.DependsOn = append(root.DependsOn, pkg.Ref())
	}
	for _, dir := range p.poms[0].Modules {
		if m := p.at(".", dir); m != nil && m.Artifact != "" {
			mc := p.scopeOf([]*pom{m, p.poms[0]}).coordinates()
			if mc.version != "" && !strings.Contains(mc.version, "${") {
				add(assay.Package{Type: assay.TypeMaven, Name: mc.name(), Version: mc.version, Relation: assay.RelationWorkspace, Licences: m.licences()})
			}
		}
	}
	own := map[string]bool{}
	for _, m := range p.poms {
		for _, d := range m.Dependencies {
			d = p.scope.dependency(d)
			if own[d.key()] || d.Artifact == "" {
				continue // the nearer declaration counts
			}
			own[d.key()] = true
			if pkg, ok := p.resolve(d); ok {
				add(pkg)
			}
		}
	}
	return assay.Facts{Packages: append([]assay.Package{root}, packages...)}
}

// resolve finds the version of a dependency.
func (p *project) resolve(d dependency) (assay.Package, bool) {
	managed := p.managed[d.key()]
	d.Version = first(d.Version, managed.Version)
	d.Scope = first(d.Scope, managed.Scope)
	name := gav{group: d.Group, artifact: d.Artifact}.name()
	pkg := assay.Package{Type: assay.TypeMaven, Name: name, Version: exact(d.Version), Relation: assay.RelationDirect}
	switch d.Scope {
	case "test", "provided", "system":
		pkg.Dev = true
	}
	if strings.Contains(name, "${") || d.Group == "" || !told(pkg.Version) || pkg.Version == "LATEST" || pkg.Version == "RELEASE" {
		if d.Version != "" {
			name += " " + d.Version
		}
		p.loose = append(p.loose, name)
		return pkg, false
	}
	if d.Group == p.scope.self.group && pkg.Version == p.self.version && p.module(d.Group, d.Artifact) != nil {
		pkg.Relation = assay.RelationWorkspace
	} else {
		p.bare++
	}
	return pkg, true
}

// exact is the version that a requirement leaves; "" when it leaves several.
// "[1.0]" leaves one; a plain one is meant, though Maven may take another.
func exact(v string) string {
	if one, ok := strings.CutPrefix(v, "["); ok {
		one, ok = strings.CutSuffix(one, "]")
		if one = strings.TrimSpace(one); ok && !strings.Contains(one, ",") {
			return one
		}
		return ""
	}
	return v
}

// err sums up what the tree does not tell.
func (p *project) err() error {
	if p.looks < 0 {
		p.problems.Add(fmt.Errorf("too many dependencies on modules of the project: %w", assay.ErrTooLarge))
	}
	var told []string
	if len(p.loose) > 0 {
		told = append(told, count(len(p.loose), "dependency has", "dependencies have")+" no version: "+listing.Some(p.loose))
	}
	if len(p.away) > 0 {
		told = append(told, "pom.xml missing from this directory tree: "+listing.Some(p.away))
	}
	if p.bare > 0 {
		told = append(told, "what "+count(p.bare, "dependency needs", "dependencies need")+" in turn is only in a registry, which is not asked")
	}
	if len(told) > 0 {
		p.problems.Add(fmt.Errorf("%s: %w", strings.Join(told, "; "), assay.ErrUnsupported))
	}
	return p.problems.Err()
}
