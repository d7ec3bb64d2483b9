package rust

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

const (
	maxLock     = assay.DefaultMaxSize
	maxManifest = 4 << 20 // Cargo.toml: genuine ones have some kB
	maxMembers  = 10_000  // manifests of a workspace that are looked for: the largest have some hundreds
)

// Lock reads Cargo.lock, of all versions up to 4. The project's own crates are
// those without a source: one alone is the root, of several it is the one that
// Cargo.toml beside names, and the others make up the workspace. Where
// Cargo.toml is there, it tells what is needed for development only.
// https://doc.rust-lang.org/cargo/reference/manifest.html, and for the lock file
// https://docs.rs/cargo/latest/cargo/core/resolver/encode/index.html
type Lock struct{}

func (Lock) Name() string { return "cargo-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Cargo.lock", Scope: assay.ScopeInstalled | assay.ScopeDeclared, MaxSize: maxLock}}
}

// A crate is an entry of the lock file.
type crate struct {
	Name         string   `toml:"name"`
	Version      string   `toml:"version"`
	Source       string   `toml:"source"`
	Dependencies []string `toml:"dependencies"` // "name", "name version" or "name version (source)"

	index int // of the package; -1 when it is none
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Package []crate `toml:"package"`
		Root    *crate  `toml:"root"` // of the first version
	}
	l := lock{List: listing.New(assay.TypeCargo), own: map[int]bool{}}
	l.Error(listing.Decode(f, maxLock, tomldoc.Unmarshal, &doc))
	crates := doc.Package
	if doc.Root != nil {
		crates = append([]crate{*doc.Root}, crates...)
	}
	for i := range crates {
		c := &crates[i]
		if c.index = l.Add(c.Name, c.Version); c.index >= 0 && c.Source == "" {
			l.own[c.index] = true
		}
	}
	// What a crate of the project needs is sorted by what the project does with
	// it, so that those links must not be followed: they do not tell development
	// from use.
	l.link(crates, false)
	l.relate(f, crates)
	l.link(crates, true)
	return l.Facts()
}

type lock struct {
	*listing.List
	own    map[int]bool     // packages that are the project's crates
	byName map[string][]int // packages
}

// link notes what the project's own crates need, or what the others do.
func (l *lock) link(crates []crate, own bool) {
	for i := range crates {
		if c := &crates[i]; l.own[c.index] == own {
			for _, d := range c.Dependencies {
				l.Need(c.index, l.find(d))
			}
		}
	}
}

// find resolves a dependency: a version is given only where there are several.
func (l *lock) find(dependency string) int {
	if l.byName == nil {
		l.byName = l.Names(nil)
	}
	words := strings.Fields(dependency)
	switch {
	case len(words) >= 2:
		return l.Find(words[0], words[1])
	case len(words) == 1 && len(l.byName[words[0]]) > 0:
		return l.byName[words[0]][0]
	}
	return -1
}

// relate tells the project's own crates, and what it asks for.
func (l *lock) relate(f *assay.File, crates []crate) {
	top, err := readManifest(f, "Cargo.toml")
	if err != nil {
		top = &cargoTOML{}
	}
	if !errors.Is(err, assay.ErrNotFound) {
		l.Error(err)
	}
	for i := range l.own {
		p := &l.Packages[i]
		p.Relation = assay.RelationWorkspace
		if len(l.own) == 1 || p.Name == top.Package.Name {
			p.Relation = assay.RelationRoot
		}
		if licence := top.Package.licence(); p.Name == top.Package.Name && licence != "" {
			p.Licences = []string{licence}
		}
	}
	var direct, dev []int
	manifests := l.manifests(f, top)
	for i := range crates {
		c := &crates[i]
		if !l.own[c.index] {
			continue
		}
		onlyDev := manifests[c.Name].onlyDev()
		for _, d := range c.Dependencies {
			switch j := l.find(d); {
			case j < 0:
			case onlyDev[l.Packages[j].Name]:
				dev = append(dev, j)
			default:
				direct = append(direct, j)
			}
		}
	}
	if len(direct)+len(dev) == 0 {
		return
	}
	l.Mark(direct, dev)
	for i := range l.own {
		l.Packages[i].Dev = false
	}
}

// A cargoTOML is a Cargo.toml.
type cargoTOML struct {
	Package      project                   `toml:"package"`
	Project      project                   `toml:"project"` // the old word
	Dependencies map[string]any            `toml:"dependencies"`
	Build        map[string]any            `toml:"build-dependencies"`
	BuildOld     map[string]any            `toml:"build_dependencies"`
	Dev          map[string]any            `toml:"dev-dependencies"`
	DevOld       map[string]any            `toml:"dev_dependencies"`
	Target       map[string]dependencySets `toml:"target"`
	Workspace    struct {
		Members      []string       `toml:"members"`
		Dependencies map[string]any `toml:"dependencies"`
	} `toml:"workspace"`

	only map[string]bool // see onlyDev
}

type dependencySets struct {
	Dependencies map[string]any `toml:"dependencies"`
	Build        map[string]any `toml:"build-dependencies"`
	Dev          map[string]any `toml:"dev-dependencies"`
}

type project struct {
	Name    string `toml:"name"`
	License any    `toml:"license"` // text, or a table that says it is the workspace's
}

func (p *project) licence() string {
	s, _ := p.License.(string)
	return s
}

// readManifest reads a Cargo.toml.
func readManifest(f *assay.File, name string) (*cargoTOML, error) {
	m := &cargoTOML{}
	found, err := listing.Sibling(f, name, maxManifest, tomldoc.Unmarshal, m)
	if err == nil && !found {
		err = assay.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if m.Package.Name == "" {
		m.Package = m.Project
	}
	return m, nil
}

// manifests finds the manifests of the project's crates, by their names: the
// one beside the lock file, and those of the members of its workspace.
func (l *lock) manifests(f *assay.File, top *cargoTOML) map[string]*cargoTOML {
	of := map[string]*cargoTOML{top.Package.Name: top}
	seen := map[string]bool{}
	read := func(dir string) bool {
		name := path.Join(dir, "Cargo.toml")
		if seen[name] {
			return true
		}
		seen[name] = true
		if m, err := readManifest(f, name); err == nil && of[m.Package.Name] == nil {
			m.inherit(top.Workspace.Dependencies)
			of[m.Package.Name] = m
		}
		return len(seen) < maxMembers
	}
	dirs, _ := manifest.Dirs(f, top.Workspace.Members)
	for _, dir := range dirs {
		if !read(dir) {
			return of
		}
	}
	for _, s := range top.sets() { // crates in directories are members without being named
		for _, value := range s.of {
			t, _ := value.(map[string]any)
			if dir, ok := t["path"].(string); ok && !read(dir) {
				return of
			}
		}
	}
	return of
}

// inherit fills in the workspace's words for dependencies of which the manifest
// says that the workspace tells: they may have another name there.
func (m *cargoTOML) inherit(workspace map[string]any) {
	for _, set := range m.sets() {
		for key, value := range set.of {
			if t, ok := value.(map[string]any); ok && t["workspace"] == true && workspace[key] != nil {
				set.of[key] = workspace[key]
			}
		}
	}
}

type set struct {
	of  map[string]any
	dev bool
}

func (m *cargoTOML) sets() []set {
	sets := []set{{m.Dependencies, false}, {m.Build, false}, {m.BuildOld, false}, {m.Dev, true}, {m.DevOld, true}}
	for _, name := range slices.Sorted(maps.Keys(m.Target)) {
		t := m.Target[name]
		sets = append(sets, set{t.Dependencies, false}, set{t.Build, false}, set{t.Dev, true})
	}
	return sets
}

// onlyDev tells which crates are asked for to develop with and for nothing else.
func (m *cargoTOML) onlyDev() map[string]bool {
	if m == nil {
		return nil
	}
	if m.only == nil {
		m.only = map[string]bool{}
		use := map[string]bool{}
		for _, s := range m.sets() {
			for key, value := range s.of {
				name := called(key, value)
				use[name] = use[name] || !s.dev
				m.only[name] = !use[name]
			}
		}
	}
	return m.only
}

// called is the crate's name in the registry, which a dependency may give
// another.
func called(key string, value any) string {
	if t, ok := value.(map[string]any); ok {
		if name, ok := t["package"].(string); ok {
			return name
		}
	}
	return key
}
