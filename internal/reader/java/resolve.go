package java

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
)

// Bounds of what dependencies need in turn.
const (
	maxNodes = 20_000 // dependencies of one project; the largest known builds have 2,000
	maxMoves = 8      // new names of one project, one after the other
)

// A node is a dependency, in the one version that Maven chooses.
type node struct {
	key    string
	c      gav
	pkg    assay.Package
	direct bool
	fixed  bool // the project's scope for it counts, wherever it is needed
	system bool // it is a file of the machine
	tree   *pom // it is a module of the project
	moved  *node
	except *exceptions
	needs  []string // keys
}

// exceptions are what dependencies on the way to a node leave out.
type exceptions struct {
	list []exclusion
	up   *exceptions
}

func (e *exceptions) has(d dependency) bool {
	for ; e != nil; e = e.up {
		for _, x := range e.list {
			if (x.Group == "*" || x.Group == d.Group) && (x.Artifact == "*" || x.Artifact == d.Artifact) {
				return true
			}
		}
	}
	return false
}

func (e *exceptions) with(list []exclusion) *exceptions {
	if len(list) == 0 {
		return e
	}
	return &exceptions{list, e}
}

// facts are the project, its modules and its dependencies.
func (p *project) facts() assay.Facts {
	self := p.root.self
	root := assay.Package{Type: assay.TypeMaven, Name: self.name(), Version: self.version, Relation: assay.RelationRoot, Licences: p.root.poms[0].licences()}
	packages := []assay.Package{root}
	at := map[string]int{root.Ref(): 0}
	add := func(pkg assay.Package, direct bool) {
		ref := pkg.Ref()
		if i, ok := at[ref]; ok {
			if i > 0 {
				packages[i].Dev = packages[i].Dev && pkg.Dev
				packages[i].DependsOn = slices.Compact(slices.Sorted(slices.Values(append(packages[i].DependsOn, pkg.DependsOn...))))
			}
			return
		}
		at[ref] = len(packages)
		packages = append(packages, pkg)
		if direct {
			packages[0].DependsOn = append(packages[0].DependsOn, ref)
		}
	}
	for _, dir := range p.root.poms[0].Modules {
		if m := p.at(".", dir); m != nil && m.Artifact != "" {
			mc := scopeFor([]*pom{m, p.root.poms[0]}).coordinates()
			if mc.version != "" && !strings.Contains(mc.version, "${") {
				add(assay.Package{Type: assay.TypeMaven, Name: mc.name(), Version: mc.version, Relation: assay.RelationWorkspace, Licences: m.licences()}, true)
			}
		}
	}
	g := &graph{project: p, nodes: map[string]*node{}}
	g.direct()
	if p.f.Registry != nil {
		g.resolve()
		g.markDev()
		g.link()
	}
	for _, n := range g.order {
		if n.moved == nil {
			add(n.pkg, n.direct)
		}
	}
	return assay.Facts{Packages: packages}
}

// A graph is the dependencies of a project: each once, in the version nearest to the
// project, and of those equally near the first.
//
// Rules: https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html
type graph struct {
	*project
	nodes map[string]*node
	order []*node // as they were chosen
	full  bool
}

// direct adds what the project and its parents ask for. The nearer declaration counts.
func (g *graph) direct() {
	own := map[string]bool{}
	for _, m := range g.root.poms {
		for _, d := range m.Dependencies {
			d = g.root.scope.dependency(d)
			if own[d.key()] || d.Artifact == "" {
				continue
			}
			own[d.key()] = true
			managed := g.managed[d.key()]
			d = d.under(managed)
			pkg, tree, ok := g.declared(d)
			if !ok {
				continue
			}
			n := &node{key: d.key(), c: gav{d.Group, d.Artifact, pkg.Version}, pkg: pkg, direct: true, fixed: true, system: d.Scope == "system", tree: tree}
			n.except = n.except.with(d.Exclusions)
			g.nodes[n.key] = n
			g.order = append(g.order, n)
		}
	}
}

// under is d with what management sets for it where d says nothing.
func (d dependency) under(managed dependency) dependency {
	d.Version, d.Scope, d.Optional = first(d.Version, managed.Version), first(d.Scope, managed.Scope), first(d.Optional, managed.Optional)
	if len(d.Exclusions) == 0 {
		d.Exclusions = managed.Exclusions
	}
	return d
}

// declared is the package of a dependency of the project itself, and the module of the
// tree that it is.
func (p *project) declared(d dependency) (pkg assay.Package, tree *pom, ok bool) {
	name := gav{group: d.Group, artifact: d.Artifact}.name()
	pkg = assay.Package{Type: assay.TypeMaven, Name: name, Version: p.pick(d), Relation: assay.RelationDirect}
	pkg.Dev = notNeeded(d.Scope)
	if strings.Contains(name, "${") || d.Group == "" || pkg.Version == "" {
		p.loose = append(p.loose, unsettled(d))
		return pkg, nil, false
	}
	if (d.Group == p.root.scope.self.group || p.f.Registry != nil) && pkg.Version == p.root.self.version {
		tree = p.module(d.Group, d.Artifact)
	}
	if tree != nil {
		pkg.Relation = assay.RelationWorkspace
	} else if p.f.Registry == nil {
		p.bare = append(p.bare, name)
	}
	return pkg, tree, true
}

// notNeeded reports whether what is built does without dependencies of a scope.
func notNeeded(scope string) bool { return scope == "test" || scope == "provided" || scope == "system" }

// unsettled names a dependency without a version.
func unsettled(d dependency) string {
	name := gav{group: d.Group, artifact: d.Artifact}.name()
	if d.Version != "" {
		name += " " + d.Version
	}
	return name
}

// pick is the version that a dependency asks for; "" when that is unknown. Of several it
// is the highest that is published.
func (p *project) pick(d dependency) string {
	v := exact(d.Version)
	if told(v) && v != "LATEST" && v != "RELEASE" {
		return v
	}
	if p.f.Registry == nil || d.Version == "" || strings.Contains(d.Version, "${") || strings.Contains(d.Group+d.Artifact, "${") || p.ctx.Err() != nil {
		return ""
	}
	key := d.Group + ":" + d.Artifact + " " + d.Version
	if v, ok := p.picked[key]; ok {
		return v
	}
	versions, _ := p.f.Registry.Versions(p.ctx, assay.PublishedPackage{Type: assay.TypeMaven, Name: gav{group: d.Group, artifact: d.Artifact}.name(), Repositories: p.repositories(nil)})
	p.picked[key] = highest(versions, d.Version)
	return p.picked[key]
}

// highest is the highest of the versions that a requirement allows; "" without any.
func highest(versions []string, requirement string) (best string) {
	for _, v := range versions {
		if !isVersion(v) || requirement == "RELEASE" && strings.HasSuffix(v, "-SNAPSHOT") {
			continue
		}
		if requirement != "RELEASE" && requirement != "LATEST" && !inRange(v, requirement) {
			continue
		}
		if c, err := version.Compare(version.Maven, v, best); best == "" || err == nil && c > 0 {
			best = v
		}
	}
	return best
}

// inRange reports whether a version is in one of the ranges of a requirement:
// "[1.0,2.0),[3.0,)".
//
// https://maven.apache.org/enforcer/enforcer-rules/versionRanges.html
func inRange(v, requirement string) bool {
	for rest := strings.TrimSpace(requirement); rest != ""; {
		end := strings.IndexAny(rest, ")]")
		if end < 1 || rest[0] != '[' && rest[0] != '(' {
			return false
		}
		low, high, several := strings.Cut(rest[1:end], ",")
		if low, high = strings.TrimSpace(low), strings.TrimSpace(high); !several {
			high = low
		}
		if within(v, low, rest[0] == '[', 1) && within(v, high, rest[end] == ']', -1) {
			return true
		}
		rest = strings.TrimLeft(rest[end+1:], ", \t\r\n")
	}
	return false
}

// within reports whether v is on the side of a bound, which "" does not limit.
func within(v, bound string, included bool, side int) bool {
	if bound == "" {
		return true
	}
	c, err := version.Compare(version.Maven, v, bound)
	return err == nil && (c*side > 0 || c == 0 && included)
}

// resolve adds what dependencies need in turn, level by level.
func (g *graph) resolve() {
	// Of a file that the build names, no repository knows anything.
	level := slices.DeleteFunc(slices.Clone(g.order), func(n *node) bool { return n.system })
	for len(level) > 0 && g.ctx.Err() == nil {
		level = g.move(level)
		models := make([]*model, len(level))
		var lists []*model
		for i, n := range level {
			if models[i] = g.modelFor(n); models[i] == nil {
				g.bare = append(g.bare, n.pkg.Ref())
			} else if g.needsLists(models[i]) {
				lists = append(lists, models[i])
			}
		}
		g.list(lists)
		var next []*node
		for i, n := range level {
			if models[i] != nil {
				next = append(next, g.expandNode(n, models[i])...)
			}
		}
		level = next
	}
	if g.full {
		g.problems.Add(fmt.Errorf("more than %d dependencies: later ones are not listed: %w", maxNodes, assay.ErrTooLarge))
	}
}

// move loads the poms of nodes, and follows those that say that their project has
// another name now.
func (g *graph) move(level []*node) []*node {
	for range maxMoves {
		var wanted []gav
		for _, n := range level {
			if n.tree == nil {
				wanted = append(wanted, n.c)
			}
		}
		g.load(nil, wanted)
		moved := false
		for _, n := range level {
			m := g.published[n.c]
			if n.tree != nil || m == nil || m.Relocation == nil {
				continue
			}
			to := fill(gav{m.Relocation.Group, m.Relocation.Artifact, m.Relocation.Version}, n.c)
			if to == n.c || strings.Contains(to.ref(), "${") {
				continue
			}
			moved = true
			g.rename(n, to)
		}
		level = slices.DeleteFunc(slices.Clone(level), func(n *node) bool { return n.moved != nil })
		if !moved {
			break
		}
	}
	return level
}

// rename gives a node other coordinates. Where another node has them, that one counts.
func (g *graph) rename(n *node, to gav) {
	parts := strings.SplitN(n.key, ":", 3)
	key := to.group + ":" + to.artifact + ":" + parts[2]
	if other := g.nodes[key]; other != nil && other != n {
		n.moved = other
		if n.direct {
			other.direct, other.pkg.Relation, other.pkg.Dev = true, n.pkg.Relation, other.pkg.Dev && n.pkg.Dev
		}
		return
	}
	g.nodes[key] = n
	n.c, n.pkg.Name, n.pkg.Version = to, to.name(), to.version
}

// modelFor is the model of a node; nil when its pom is not at hand.
func (g *graph) modelFor(n *node) *model {
	m := n.tree
	if m == nil {
		m = g.published[n.c]
	}
	if m == nil {
		return nil
	}
	return g.modelOf(m)
}

// needsLists reports whether a dependency of a model has its version from a list that
// the model imports.
func (g *graph) needsLists(m *model) bool {
	if len(m.imports) == 0 {
		return false
	}
	for _, o := range m.poms {
		for _, d := range o.Dependencies {
			if g.looks--; g.looks < 0 {
				return false
			}
			if d.Version != "" || d.Optional == "true" || notNeeded(d.Scope) {
				continue
			}
			key := m.scope.dependency(d).key()
			if _, ok := m.managed[key]; !ok && g.managed[key].Version == "" {
				return true
			}
		}
	}
	return false
}

// expandNode adds what a node needs, and returns what is new.
func (g *graph) expandNode(n *node, m *model) (added []*node) {
	own := map[string]bool{}
	for _, o := range m.poms {
		for _, d := range o.Dependencies {
			if g.looks--; g.looks < 0 || g.ctx.Err() != nil {
				return added
			}
			d = m.scope.dependency(d)
			key := d.key()
			if own[key] || d.Artifact == "" || d.Group == "" {
				continue
			}
			own[key] = true
			managed, _ := g.managedIn(m, key, map[*model]bool{})
			if d = d.under(managed); d.Optional == "true" || notNeeded(d.Scope) || n.except.has(d) {
				continue
			}
			if next := g.need(n, d); next != nil {
				added = append(added, next)
			}
		}
	}
	return added
}

// need notes that a node needs a dependency, and returns the node of that where it is
// new. What the project manages counts before what its dependencies say.
func (g *graph) need(n *node, d dependency) *node {
	key := d.key()
	by := g.managed[key]
	d.Version = first(by.Version, d.Version)
	n.needs = append(n.needs, key)
	if g.nodes[key] != nil {
		return nil
	}
	next := &node{key: key, fixed: notNeeded(by.Scope), except: n.except.with(d.Exclusions).with(by.Exclusions)}
	v := g.pick(d)
	if v == "" {
		g.looseDeep = append(g.looseDeep, unsettled(d))
		return nil
	}
	if len(g.order) >= maxNodes {
		g.full = true
		return nil
	}
	next.c = gav{d.Group, d.Artifact, v}
	next.pkg = assay.Package{Type: assay.TypeMaven, Name: next.c.name(), Version: v, Relation: assay.RelationIndirect, Dev: true}
	if n.tree != nil && d.Group == g.root.scope.self.group && v == g.root.self.version {
		if next.tree = g.module(d.Group, d.Artifact); next.tree != nil {
			next.pkg.Relation = assay.RelationWorkspace
		}
	}
	g.nodes[key] = next
	g.order = append(g.order, next)
	return next
}

// markDev leaves Dev what is only needed by dependencies that are.
func (g *graph) markDev() {
	var todo []*node
	for _, n := range g.order {
		if n.direct && !n.pkg.Dev && n.moved == nil {
			todo = append(todo, n)
		}
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, key := range n.needs {
			if o := g.at(key); o != nil && o.pkg.Dev && !o.fixed {
				o.pkg.Dev = false
				todo = append(todo, o)
			}
		}
	}
}

// at is the node that a key stands for.
func (g *graph) at(key string) *node {
	n := g.nodes[key]
	for range maxMoves {
		if n == nil || n.moved == nil {
			break
		}
		n = n.moved
	}
	return n
}

// link writes what each package needs.
func (g *graph) link() {
	for _, n := range g.order {
		for _, key := range n.needs {
			if o := g.at(key); o != nil && o != n && !slices.Contains(n.pkg.DependsOn, o.pkg.Ref()) {
				n.pkg.DependsOn = append(n.pkg.DependsOn, o.pkg.Ref())
			}
		}
	}
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

// err sums up what is unknown.
func (p *project) err() error {
	if p.looks < 0 {
		p.problems.Add(fmt.Errorf("too many dependencies, modules and managed versions: %w", assay.ErrTooLarge))
	}
	var told []string
	if len(p.loose) > 0 {
		told = append(told, count(len(p.loose), "dependency has", "dependencies have")+" no version: "+listing.Some(p.loose))
	}
	if len(p.looseDeep) > 0 {
		told = append(told, count(len(p.looseDeep), "indirect dependency has", "indirect dependencies have")+" no version: "+listing.Some(p.looseDeep))
	}
	where := "missing from this directory tree"
	if p.f.Registry != nil {
		where = "neither in this directory tree nor in a Maven repository"
	}
	if len(p.away) > 0 {
		told = append(told, "pom.xml "+where+": "+listing.Some(p.away))
	}
	if n := len(p.bare); n > 0 {
		text := "what " + count(n, "dependency needs", "dependencies need") + " in turn is "
		if p.f.Registry == nil {
			text += "only in a registry, which is not asked"
		} else {
			text += "unknown, because no Maven repository gave the pom.xml: " + listing.Some(p.bare)
		}
		told = append(told, text)
	}
	switch text := strings.Join(told, "; "); {
	case text == "":
	case p.f.Registry != nil:
		p.problems.Add(errors.New(text))
	default:
		p.problems.Add(fmt.Errorf("%s: %w", text, assay.ErrUnsupported))
	}
	return p.problems.Err()
}
