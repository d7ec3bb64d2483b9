package node

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/assaysec/assay"
)

// Yarn reads yarn.lock of every version. What the project asks for, and for
// what, comes from package.json beside it and those of its workspaces, which
// version 1 does not list: where some of them may be missing, nothing is said to be
// for development only.
type Yarn struct{}

func (Yarn) Name() string { return "yarn-lock" }

func (Yarn) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/yarn.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Yarn) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := newList()
	file := yarnFile{list: l}
	l.Error(file.read(f.Reader()))
	y := yarn{list: l, asked: map[string]int{}, named: map[string][]int{}, passed: map[string][]string{}}
	for _, e := range file.entries {
		e.index = y.entry(e)
		for _, key := range e.keys {
			name, _ := cutSpec(key)
			y.asked[key] = e.index
			if e.index < 0 && !strings.Contains(e.resolution, "@workspace:") { // whose manifests tell more
				y.passed[key] = e.needs
			}
			if of := y.named[name]; len(of) == 0 || of[len(of)-1] != e.index {
				y.named[name] = append(of, e.index)
			}
		}
	}
	for _, e := range file.entries {
		for _, need := range e.needs {
			if e.index >= 0 && l.Packages[e.index].Relation == "" {
				y.Need(e.index, y.find(need)...)
			}
		}
	}
	l.Error(y.project(f, file.entries))
	l.licences(f, hoisted)
	return l.Facts()
}

// yarn is the packages of a yarn.lock.
type yarn struct {
	list
	asked map[string]int   // by "name@range"; -1 for what is no package
	named map[string][]int // by the name alone

	passed map[string][]string // what directories ask for, by "name@range"
}

// unversioned is the version that Yarn writes of the project's own parts.
const unversioned = "0.0.0-use.local"

// entry adds the package of an entry, -1 when it is none: a part of the
// project itself.
func (y *yarn) entry(e *yarnEntry) int {
	spec := e.resolution
	if spec == "" && len(e.keys) > 0 {
		spec = e.keys[0]
	}
	name, from := cutSpec(spec)
	protocol, rest, ok := strings.Cut(from, ":")
	if !ok {
		protocol = ""
	}
	switch protocol {
	case "workspace":
		if e.version == unversioned || e.version == "" {
			return -1 // project may still find it in a manifest
		}
		i := y.Add(name, e.version)
		if i >= 0 {
			y.Packages[i].Relation = member(rest)
		}
		return i
	case "file", "link", "portal":
		if !strings.Contains(rest, ".tgz") && !strings.Contains(rest, ".tar.gz") {
			return -1
		}
	case "npm":
		if e.resolution == "" { // an alias, "name@npm:other@^1.0.0"
			if other, version := cutSpec(rest); version != "" {
				name = other
			}
		}
	}
	if n := registered(e.resolved); n != "" {
		name = n
	}
	return y.Add(name, e.version)
}

func member(place string) assay.Relation {
	if place == "." {
		return assay.RelationRoot
	}
	return assay.RelationWorkspace
}

// registered is the name that an archive has in its registry, which an alias
// or an override may hide: "@scope/name" of
// "https://registry.yarnpkg.com/@scope/name/-/name-1.0.0.tgz".
func registered(address string) string {
	before, _, ok := strings.Cut(address, "/-/")
	if !ok {
		return ""
	}
	if un, err := url.PathUnescape(before); err == nil {
		before = un
	}
	_, before, _ = strings.Cut(before, "://")
	_, before, _ = strings.Cut(before, "/")
	dir, name := path.Split(before)
	if scope := path.Base(dir); strings.HasPrefix(scope, "@") {
		name = scope + "/" + name
	}
	if !validName(name) {
		return ""
	}
	return name
}

// find are the packages that a requirement means: an override may have put
// another range in its place, then all of that name.
func (y *yarn) find(need string) []int {
	name, version := cutSpec(need)
	for _, key := range []string{need, name + "@npm:" + version} {
		if i, ok := y.asked[key]; ok {
			return []int{i}
		}
	}
	of := y.named[name]
	return of[:min(len(of), maxSame)]
}

// reach are the packages that a requirement means, and those that a directory which it
// means asks for in turn. Such a directory is no package itself.
func (y *yarn) reach(need string) (is []int) {
	todo, seen := []string{need}, map[string]bool{need: true}
	for len(todo) > 0 && len(seen) < maxPassed {
		need, todo = todo[0], todo[1:]
		is = append(is, y.find(need)...)
		name, version := cutSpec(need)
		for _, key := range []string{need, name + "@npm:" + version} {
			for _, next := range y.passed[key] {
				if !seen[next] {
					seen[next] = true
					todo = append(todo, next)
				}
			}
		}
	}
	return is
}

// maxPassed bounds the directories that one requirement leads through.
const maxPassed = 10_000

// maxSame bounds the versions of one package among which nothing tells which
// is meant.
const maxSame = 20

// project marks what the manifests ask for.
func (y *yarn) project(f *assay.File, entries []*yarnEntry) error {
	root, err := beside(f, "package.json")
	if err != nil {
		return err
	}
	var members []*packageJSON
	var direct, dev []int
	all, workspaces := true, map[string]bool{}
	for _, e := range entries {
		_, place, ok := strings.Cut(e.resolution, "@workspace:")
		if place = path.Clean(place); !ok || workspaces[place] || len(workspaces) == maxWorkspaces {
			continue
		}
		workspaces[place] = true
		m := root
		if place != "." {
			if m, err = beside(f, path.Join(place, "package.json")); err != nil {
				return err
			}
		}
		if m != nil {
			asked := y.member(e.index, m, member(place))
			direct, dev = append(direct, asked.direct...), append(dev, asked.dev...)
			continue
		}
		for _, need := range e.needs { // which are for development, only the manifest tells
			direct = append(direct, y.find(need)...)
			y.Need(e.index, y.find(need)...)
		}
	}
	if root != nil && len(workspaces) == 0 {
		members, all = root.members(f)
		for i, m := range append([]*packageJSON{root}, members...) {
			relation := assay.RelationWorkspace
			if i == 0 {
				relation = assay.RelationRoot
			}
			asked := y.member(-1, m, relation)
			direct, dev = append(direct, asked.direct...), append(dev, asked.dev...)
		}
	}
	switch {
	case len(direct)+len(dev) == 0:
	case all:
		y.Mark(direct, dev)
	default:
		y.markKnown(append(direct, dev...))
	}
	return nil
}

type asked struct{ direct, dev []int }

// member adds a part of the project, if it has a version, and returns what it
// asks for.
func (y *yarn) member(i int, m *packageJSON, relation assay.Relation) (a asked) {
	if i < 0 && validName(m.Name) && validVersion(m.Version) {
		i = y.Add(m.Name, m.Version)
	}
	if i >= 0 {
		y.Packages[i].Relation, y.Packages[i].Licences = relation, m.licences
	}
	for _, needs := range []map[string]string{m.dependencies, m.optional} {
		for name, version := range needs {
			a.direct = append(a.direct, y.reach(name+"@"+version)...)
		}
	}
	for name, version := range m.dev {
		a.dev = append(a.dev, y.reach(name+"@"+version)...)
	}
	y.Need(i, a.direct...)
	return a
}

// markKnown marks what the known part of a project asks for; of the rest it is
// not known whether another part asks for it.
func (y *yarn) markKnown(direct []int) {
	for _, i := range direct {
		if i >= 0 && y.Packages[i].Relation == "" {
			y.Packages[i].Relation = assay.RelationDirect
		}
	}
}
