package java

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// maxPublished bounds the poms that one project makes its reader ask for. A build with a
// thousand dependencies needs 2,500.
const maxPublished = 10_000

// A model is a project with what it inherits.
//
// Rules: https://maven.apache.org/ref/current/maven-model-builder/
type model struct {
	poms    []*pom // the project, its parent, its parent's parent …
	scope   scopeOf
	self    gav                   // what the project is
	managed map[string]dependency // versions that the project and its parents set
	imports []dependency          // lists of versions (BOMs) that they import
	lists   []*model              // those that are at hand, once listed
	listed  bool
}

// modelOf is the model of a pom.
func (p *project) modelOf(m *pom) *model {
	if known := p.models[m]; known != nil {
		return known
	}
	o := &model{poms: p.chain(m), managed: map[string]dependency{}}
	p.models[m] = o
	o.scope = scopeFor(o.poms)
	o.self = o.scope.coordinates()
	for _, m := range o.poms {
		for _, d := range m.Managed {
			if p.looks--; p.looks < 0 {
				return o
			}
			d = o.scope.dependency(d)
			if d.Scope == "import" {
				o.imports = append(o.imports, d)
			} else if _, ok := o.managed[d.key()]; !ok {
				o.managed[d.key()] = d
			}
		}
	}
	return o
}

// chain is a pom with its parents. That of a published pom is not in the tree.
func (p *project) chain(m *pom) []*pom {
	poms := []*pom{m}
	for m.Parent != nil && len(poms) < maxParents {
		up := *m.Parent
		where := "../pom.xml"
		if up.Relative != nil {
			where = *up.Relative
		}
		var found *pom
		if where != "" && !m.published {
			found = p.at(m.dir, where)
		}
		if found == nil || found.Artifact != up.Artifact || first(found.Group, parentOf(found).Group) != up.Group {
			found = p.publishedPom(poms, gav{up.Group, up.Artifact, up.Version})
		}
		if found == nil {
			p.missing(gav{up.Group, up.Artifact, up.Version})
			break
		}
		if slices.Contains(poms, found) {
			p.problems.Add(fmt.Errorf("%s: the parents form a cycle: %w", gav{up.Group, up.Artifact, up.Version}.ref(), assay.ErrMalformed))
			break
		}
		m = found
		poms = append(poms, m)
	}
	return poms
}

func (c gav) ref() string { return c.name() + "@" + first(c.version, "?") }

// missing notes a pom that is not at hand.
func (p *project) missing(c gav) {
	if !p.awayOf[c.ref()] {
		p.awayOf[c.ref()] = true
		p.away = append(p.away, c.ref())
	}
}

func parentOf(m *pom) parent {
	if m.Parent == nil {
		return parent{}
	}
	return *m.Parent
}

// scopeFor is what expressions in the first of the poms mean, the others being
// its parents.
func scopeFor(poms []*pom) scopeOf {
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

// publishedPom is a pom of the registry; nil where that has none. Of the project's own
// parents, below are those that are known: they name repositories.
func (p *project) publishedPom(below []*pom, c gav) *pom {
	p.load(below, []gav{c})
	return p.published[c]
}

// load gets published poms and all their parents, as many at once as possible.
func (p *project) load(below []*pom, wanted []gav) {
	if p.f.Registry == nil {
		return
	}
	from := p.repositories(below)
	for range maxParents {
		var ask []assay.PublishedPackage
		var asked []gav
		for _, c := range wanted {
			if _, ok := p.published[c]; ok || p.ctx.Err() != nil || c.group == "" || c.version == "" || strings.Contains(c.ref(), "${") {
				continue
			}
			if p.published[c] = nil; len(p.published) > maxPublished {
				continue
			}
			ask = append(ask, assay.PublishedPackage{Type: assay.TypeMaven, Name: c.name(), Version: c.version, Repositories: from})
			asked = append(asked, c)
		}
		if len(ask) == 0 {
			return
		}
		wanted = nil
		for i, got := range p.f.Registry.Manifests(p.ctx, ask) {
			if got.Err != nil {
				continue // the registry counts it, and what lacks it is counted here
			}
			m, err := parsePom(got.Content)
			if err != nil {
				p.problems.Add(fmt.Errorf("published pom.xml of %s: %w", asked[i].ref(), err))
				continue
			}
			m.published = true
			p.published[asked[i]] = m
			if up := m.Parent; up != nil {
				wanted = append(wanted, gav{up.Group, up.Artifact, up.Version})
			}
		}
	}
}

// repositories are those that the project and its parents name. What dependencies name
// does not count: their authors would choose what this machine connects to.
func (p *project) repositories(poms []*pom) (out []assay.PackageRepository) {
	if p.root != nil {
		poms = p.root.poms
	}
	scope := scopeFor(poms)
	for _, m := range poms {
		for _, r := range m.Repositories {
			out = append(out, assay.PackageRepository{ID: scope.expand(r.ID), URL: scope.expand(r.URL), NoReleases: scope.expand(r.Releases) == "false", NoSnapshots: scope.expand(r.Snapshots) == "false"})
		}
	}
	return out
}

// manage gathers the versions that the project, its parents and the lists that they
// import set for dependencies, wherever those are asked for.
func (p *project) manage() {
	p.list([]*model{p.root})
	p.managed = map[string]dependency{}
	seen := map[*model]bool{}
	var add func(m *model)
	add = func(m *model) {
		if seen[m] {
			return
		}
		seen[m] = true
		for k, d := range m.managed {
			if _, ok := p.managed[k]; !ok {
				p.managed[k] = d
			}
		}
		for _, l := range m.lists {
			add(l)
		}
	}
	add(p.root)
}

// list finds the lists of versions that models import, and those that these import.
func (p *project) list(models []*model) {
	for range maxParents {
		var wanted []gav
		for _, m := range models {
			for _, d := range m.imports {
				if !m.listed && (m.poms[0].published || p.module(d.Group, d.Artifact) == nil) {
					wanted = append(wanted, gav{d.Group, d.Artifact, d.Version})
				}
			}
		}
		p.load(nil, wanted)
		var next []*model
		for _, m := range models {
			if m.listed {
				continue
			}
			m.listed = true
			for _, d := range m.imports {
				l := p.listOf(m, d)
				if l == nil {
					p.missing(gav{d.Group, d.Artifact, d.Version})
					continue
				}
				m.lists = append(m.lists, l)
				next = append(next, l)
			}
		}
		if models = next; len(models) == 0 {
			return
		}
	}
}

// listOf is the list that a model imports; nil when it is not at hand.
func (p *project) listOf(m *model, d dependency) *model {
	if !m.poms[0].published {
		if l := p.module(d.Group, d.Artifact); l != nil {
			return p.modelOf(l)
		}
	}
	if l := p.published[gav{d.Group, d.Artifact, d.Version}]; l != nil {
		return p.modelOf(l)
	}
	return nil
}

// managedIn is what a model, and the lists that it imports, set for a dependency.
func (p *project) managedIn(m *model, key string, seen map[*model]bool) (dependency, bool) {
	if p.looks--; p.looks < 0 || seen[m] {
		return dependency{}, false
	}
	seen[m] = true
	if d, ok := m.managed[key]; ok {
		return d, true
	}
	for _, l := range m.lists {
		if d, ok := p.managedIn(l, key, seen); ok {
			return d, true
		}
	}
	return dependency{}, false
}
