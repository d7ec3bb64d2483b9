package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	// maxLock: lock files of the largest repositories have some 10 MB; a hostile
	// one of this size takes seconds.
	maxLock = 32 << 20
	// maxNested bounds how deep packages may lie in each other; npm itself
	// rarely goes below ten.
	maxNested = 64
)

// NPM reads package-lock.json and npm-shrinkwrap.json, versions 1 to 3, of
// projects. Version 1 does not say
// what the project asks for; package.json beside it does.
//
// Format: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
type NPM struct{}

func (NPM) Name() string { return "npm-lock" }

func (NPM) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/package-lock.json", Scope: assay.ScopeDeclared, MaxSize: maxLock},
		{Glob: "**/npm-shrinkwrap.json", Scope: assay.ScopeDeclared, MaxSize: maxLock},
	}
}

// inModules reports whether a lock file is one of an installed package.
func inModules(file string) bool { return strings.Contains("/"+file, "/node_modules/") }

type npmLock struct {
	Packages     map[string]*npmPackage `json:"packages"`     // since version 2, by path
	Dependencies map[string]*npmNested  `json:"dependencies"` // version 1, and 2 for old npm
}

type npmPackage struct {
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	Resolved   json.RawMessage `json:"resolved"`
	Link       bool            `json:"link"`
	Dev        bool            `json:"dev"`
	License    json.RawMessage `json:"license"`
	Workspaces json.RawMessage `json:"workspaces"`

	Dependencies map[string]json.RawMessage `json:"dependencies"`
	Optional     map[string]json.RawMessage `json:"optionalDependencies"`
	Peer         map[string]json.RawMessage `json:"peerDependencies"`
	DevNeeds     map[string]json.RawMessage `json:"devDependencies"`

	index int // in the list; -1 when it is no package
}

func (NPM) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	l := newList()
	var doc npmLock
	if err := listing.JSON(b, &doc); err != nil {
		if doc.Packages == nil && doc.Dependencies == nil {
			return assay.Facts{}, err
		}
		l.Error(err) // a member of another shape; the rest is there
	}
	if doc.Packages != nil {
		paths := tree{list: l, at: doc.Packages}
		paths.add()
		paths.link()
		paths.fill(f)
		return l.Facts()
	}
	n := nest{list: l, top: doc.Dependencies, places: map[int][]string{}}
	n.add(nil, "", doc.Dependencies, false)
	n.link()
	m, err := beside(f, "package.json")
	l.Error(err)
	if err == nil && m != nil {
		l.Mark(n.found(m.dependencies, m.optional, m.peer, m.dev), nil)
	}
	l.licences(f, func(p *assay.Package) []string { return n.places[l.Find(p.Name, p.Version)] })
	return l.Facts()
}

// A tree is the packages of a lock file by the path that each is installed at,
// as since version 2.
type tree struct {
	list
	at     map[string]*npmPackage
	inside map[string]modules // by the path of what has the directory
}

func (t *tree) add() {
	t.at[""] = t.root()
	names := map[string]string{} // of the project's other parts, by path
	for place, p := range t.at {
		if p != nil && p.Link {
			names[target(p)] = moduleName(place)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(t.at)) {
		p := t.at[place]
		if p == nil {
			if name := moduleName(place); name != "" { // "node_modules/a": null
				t.NoVersion(name)
			}
			continue
		}
		p.index = -1
		if p.Link {
			continue
		}
		module := moduleName(place)
		name := p.Name
		if name == "" {
			name = module
		}
		if module == "" { // the project, its parts, directories that it names
			if name == "" {
				name = names[place]
			}
			if name == "" || p.Version == "" {
				continue
			}
		}
		if p.index = t.AddDev(name, p.Version, p.Dev); p.index < 0 {
			continue
		}
		q := &t.Packages[p.index]
		if q.Licences == nil {
			q.Licences = licenceNames(p.License)
		}
		switch {
		case place == "":
			q.Relation = assay.RelationRoot
		case module == "" && t.at[""].Workspaces != nil:
			q.Relation = assay.RelationWorkspace
		}
	}
}

func (t *tree) root() *npmPackage {
	if p := t.at[""]; p != nil {
		return p
	}
	return &npmPackage{}
}

// moduleName is the name by which a path is imported; "" outside node_modules.
func moduleName(place string) string {
	if i := strings.LastIndex(place, "node_modules/"); i == 0 || i > 0 && place[i-1] == '/' {
		return place[i+len("node_modules/"):]
	}
	return ""
}

// target is where a link leads.
func target(p *npmPackage) string {
	s, _ := str(p.Resolved)
	return strings.TrimPrefix(path.Clean(strings.TrimPrefix(s, "file:")), "./")
}

// link sets what packages need, and what the project asks for. What is for
// development the entries say themselves.
func (t *tree) link() {
	t.inside = map[string]modules{}
	for place, p := range t.at {
		if module := moduleName(place); module != "" && p != nil {
			dir := strings.TrimSuffix(strings.TrimSuffix(place, "node_modules/"+module), "/")
			if t.inside[dir] == nil {
				t.inside[dir] = modules{}
			}
			t.inside[dir][module] = p
		}
	}
	var asked []int
	for place, p := range t.at {
		if p == nil || p.Link {
			continue
		}
		near, project := t.near(place), moduleName(place) == ""
		for _, needs := range []map[string]json.RawMessage{p.Dependencies, p.Optional, p.Peer} {
			is := t.found(near, needs)
			t.Need(p.index, is...)
			if project {
				asked = append(asked, is...)
			}
		}
		if project {
			asked = append(asked, t.found(near, p.DevNeeds)...)
		}
	}
	t.Mark(asked, nil)
}

// Modules are what a node_modules directory has, by name.
type modules map[string]*npmPackage

// near are the node_modules directories where a package's requirements are looked
// for, nearest first: those of its own directory and of the ones above.
func (t *tree) near(place string) (folders []modules) {
	for range 4 * maxNested {
		if in := t.inside[place]; in != nil && len(folders) < maxNested {
			folders = append(folders, in)
		}
		if place == "" {
			return folders
		}
		place = place[:max(strings.LastIndexByte(place, '/'), 0)]
	}
	return append(folders, t.inside[""])
}

// found are the packages that names mean, -1 for none.
func (t *tree) found(near []modules, needs map[string]json.RawMessage) (is []int) {
	for name := range needs {
		if t.Enough() {
			break
		}
		is = append(is, t.find(near, name))
	}
	return is
}

func (t *tree) find(near []modules, name string) int {
	for _, in := range near {
		p := in[name]
		if p != nil && p.Link {
			p = t.at[target(p)]
		}
		if p != nil {
			return p.index
		}
	}
	return -1
}

func (t *tree) fill(f *assay.File) {
	places := map[int][]string{}
	for place, p := range t.at {
		if p != nil && p.index >= 0 && !p.Link && moduleName(place) != "" {
			places[p.index] = append(places[p.index], place)
		}
	}
	t.licences(f, func(p *assay.Package) []string { return places[t.Find(p.Name, p.Version)] })
}

// npmNested is an entry of version 1, which holds what lies inside it.
type npmNested struct {
	Version      json.RawMessage       `json:"version"`
	Resolved     json.RawMessage       `json:"resolved"`
	From         json.RawMessage       `json:"from"` // what was asked for, where that is an address
	Dev          bool                  `json:"dev"`
	Requires     json.RawMessage       `json:"requires"` // a table, or true
	Dependencies map[string]*npmNested `json:"dependencies"`

	index int
}

// A nest walks the entries of version 1.
type nest struct {
	list
	top    map[string]*npmNested
	todo   []nested
	places map[int][]string // where packages lie, by index
}

// A scope is a table that requirements are looked up in, then in those above.
type scope struct {
	entries map[string]*npmNested
	up      *scope
	depth   int
}

// nested is an entry with the innermost table that its requirements mean.
type nested struct {
	entry *npmNested
	scope *scope
}

// add adds entries of a directory, and what lies inside them, and returns their
// scope: that above when they lie too deep.
func (n *nest) add(up *scope, dir string, entries map[string]*npmNested, dev bool) *scope {
	in := &scope{entries: entries, up: up}
	if up != nil {
		in.depth = up.depth + 1
	}
	if in.depth == maxNested {
		n.Error(fmt.Errorf("packages are nested more than %d levels deep: %w", maxNested, assay.ErrTooLarge))
		return up
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e := entries[name]
		if e == nil {
			n.NoVersion(name)
			continue
		}
		e.Dev = e.Dev || dev // nobody else can reach what lies inside a package
		if module := moduleName(name); module != "" {
			name = module
		}
		e.index = n.entry(name, e)
		place := ""
		if (e.index >= 0 || len(e.Dependencies) > 0) && len(name) <= maxName {
			place = dir + "node_modules/" + name
		}
		if e.index >= 0 && len(n.places[e.index]) < maxPlaces {
			n.places[e.index] = append(n.places[e.index], place)
		}
		inner := in
		if len(e.Dependencies) > 0 {
			inner = n.add(in, place+"/", e.Dependencies, e.Dev)
		}
		if e.index >= 0 {
			n.todo = append(n.todo, nested{e, inner})
		}
	}
	return in
}

// entry adds the package of an entry. Its version may be that of another name,
// "npm:name@1.0.0", or an address.
func (n *nest) entry(name string, e *npmNested) int {
	version, _ := str(e.Version)
	if alias, ok := strings.CutPrefix(version, "npm:"); ok {
		name, version = cutSpec(alias)
	}
	if strings.ContainsAny(version, ":/#") {
		resolved, _ := str(e.Resolved)
		v := tarball(version, name)
		if v == "" {
			v = tarball(resolved, name)
		}
		if v == "" && strings.HasPrefix(version, "file:") {
			return -1 // a directory of the project
		}
		if v == "" {
			from, _ := str(e.From)
			v = ofTag(from)
		}
		version = v
	}
	return n.AddDev(name, version, e.Dev)
}

func (n *nest) link() {
	for _, t := range n.todo {
		var requires map[string]json.RawMessage
		if json.Unmarshal(t.entry.Requires, &requires) != nil {
			continue
		}
		for name := range requires {
			if n.Enough() {
				return
			}
			n.Need(t.entry.index, t.scope.find(name))
		}
	}
}

// find is the package that a name means in a scope; -1 when there is none.
func (s *scope) find(name string) int {
	for ; s != nil; s = s.up {
		if e := s.entries[name]; e != nil {
			return e.index
		}
	}
	return -1
}

// found are the packages that the project itself means by names.
func (n *nest) found(tables ...map[string]string) (is []int) {
	for _, t := range tables {
		for name := range t {
			if e := n.top[name]; e != nil {
				is = append(is, e.index)
			}
		}
	}
	return is
}
