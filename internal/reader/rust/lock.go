package rust

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
	"github.com/assaysec/assay/internal/relation"
	"github.com/assaysec/assay/internal/stanza"
	"github.com/pelletier/go-toml/v2"
)

const (
	maxLock     = assay.DefaultMaxSize
	maxManifest = 8 << 20 // Cargo.toml: genuine ones have some kB
	maxMembers  = 2000    // of a workspace: the largest have some hundreds
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
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	var doc struct {
		Package []crate `toml:"package"`
		Root    *crate  `toml:"root"` // of the first version
	}
	if err := toml.Unmarshal(b, &doc); err != nil {
		return assay.Facts{}, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	l := lock{crates: doc.Package, byName: map[string][]int{}}
	if doc.Root != nil {
		l.crates = append([]crate{*doc.Root}, l.crates...)
	}
	if len(l.crates) > stanza.MaxPackages {
		l.errs.Add(fmt.Errorf("more than %d crates: %w", stanza.MaxPackages, assay.ErrTooLarge))
		l.crates = l.crates[:stanza.MaxPackages]
	}
	l.list()
	l.relate(f)
	return assay.Facts{Packages: l.ps}, l.errs.Err()
}

type lock struct {
	errs   stanza.Errors
	crates []crate
	byName map[string][]int // of crates
	ps     []assay.Package
	own    []int // of ps: the project's crates
}

// list makes the packages.
func (l *lock) list() {
	for i, c := range l.crates {
		l.byName[c.Name] = append(l.byName[c.Name], i)
	}
	at := map[string]int{}
	var nameless []string
	for _, c := range l.crates {
		if c.Name == "" || c.Version == "" {
			nameless = append(nameless, fmt.Sprintf("%q", strings.TrimSpace(c.Name+" "+c.Version)))
			continue
		}
		p := assay.Package{Type: assay.TypeCargo, Name: c.Name, Version: c.Version, DependsOn: l.refs(c.Dependencies)}
		i, ok := at[p.Ref()]
		if !ok {
			i = len(l.ps)
			at[p.Ref()] = i
			l.ps = append(l.ps, p)
		}
		if c.Source == "" && !slices.Contains(l.own, i) {
			l.own = append(l.own, i)
		}
	}
	if len(nameless) > 0 {
		l.errs.Add(fmt.Errorf("%d crates without name or version: %s: %w", len(nameless), strings.Join(nameless[:min(len(nameless), stanza.MaxErrors)], ", "), assay.ErrMalformed))
	}
}

// refs resolves dependencies: a version is given only where there are several.
func (l *lock) refs(dependencies []string) []string {
	var refs []string
	for _, d := range dependencies {
		words := strings.Fields(d)
		switch {
		case len(words) >= 2:
			refs = append(refs, words[0]+"@"+words[1])
		case len(words) == 1 && len(l.byName[words[0]]) > 0:
			refs = append(refs, words[0]+"@"+l.crates[l.byName[words[0]][0]].Version)
		}
	}
	return refs
}

// relate tells the project's own crates, and what it asks for.
func (l *lock) relate(f *assay.File) {
	top, err := readManifest(f, "Cargo.toml")
	if err != nil && !errors.Is(err, assay.ErrNotFound) {
		l.errs.Add(err)
	}
	root := ""
	if top != nil {
		root = top.Package.Name
	}
	for _, i := range l.own {
		l.ps[i].Relation = assay.RelationWorkspace
		if len(l.own) == 1 || l.ps[i].Name == root {
			l.ps[i].Relation = assay.RelationRoot
		}
		if l.ps[i].Name == root && top.Package.licence() != "" {
			l.ps[i].Licences = []string{top.Package.licence()}
		}
	}
	var direct, dev []string
	for _, i := range l.own {
		m := l.manifestOf(f, top, l.ps[i].Name)
		for _, ref := range l.ps[i].DependsOn {
			name, _, _ := strings.Cut(ref, "@")
			if m != nil && m.onlyDev(name) {
				dev = append(dev, ref)
			} else {
				direct = append(direct, ref)
			}
		}
	}
	if len(direct)+len(dev) == 0 {
		return
	}
	// What a crate of the project needs was sorted above, so that those links
	// must not be followed again: they do not tell development from use.
	kept := make([][]string, len(l.own))
	for j, i := range l.own {
		kept[j], l.ps[i].DependsOn = l.ps[i].DependsOn, nil
	}
	relation.Mark(l.ps, direct, dev)
	for j, i := range l.own {
		l.ps[i].DependsOn = kept[j]
		l.ps[i].Dev = false
	}
}

// A manifest is a Cargo.toml.
type manifest struct {
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

// readManifest reads a Cargo.toml, and those tables alone that are as they
// should be.
func readManifest(f *assay.File, name string) (*manifest, error) {
	b, err := f.Beside(name, maxManifest)
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := toml.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, assay.ErrMalformed)
	}
	if m.Package.Name == "" {
		m.Package = m.Project
	}
	return m, nil
}

// manifestOf finds the manifest of one of the project's crates: the one beside
// the lock file, or a workspace member's, whose folder is mostly called as it
// is; nil when it is not found.
func (l *lock) manifestOf(f *assay.File, top *manifest, name string) *manifest {
	if top == nil {
		return nil
	}
	if top.Package.Name == name {
		return top
	}
	members := top.Workspace.Members
	for _, member := range members[:min(len(members), maxMembers)] {
		dir := member
		if i := strings.IndexByte(member, '*'); i >= 0 {
			dir = member[:i] + name
		} else if path.Base(member) != name && len(l.own) > 100 {
			continue // with many crates, trying each folder for each is too much
		}
		m, err := readManifest(f, path.Join(dir, "Cargo.toml"))
		if err != nil || m.Package.Name != name {
			continue
		}
		for k, v := range top.Workspace.Dependencies { // what members take over with `workspace = true`
			m.inherit(k, v)
		}
		return m
	}
	return nil
}

// inherit fills in the workspace's word for a dependency: it may have another
// name there.
func (m *manifest) inherit(key string, value any) {
	for _, set := range m.sets() {
		if t, ok := set.of[key].(map[string]any); ok && t["workspace"] == true {
			set.of[key] = value
		}
	}
}

type set struct {
	of  map[string]any
	dev bool
}

func (m *manifest) sets() []set {
	sets := []set{{m.Dependencies, false}, {m.Build, false}, {m.BuildOld, false}, {m.Dev, true}, {m.DevOld, true}}
	for _, t := range m.Target {
		sets = append(sets, set{t.Dependencies, false}, set{t.Build, false}, set{t.Dev, true})
	}
	return sets
}

// onlyDev reports whether a crate is asked for to develop with and for nothing
// else.
func (m *manifest) onlyDev(name string) bool {
	dev := false
	for _, s := range m.sets() {
		for key, value := range s.of {
			if called(key, value) != name {
				continue
			}
			if !s.dev {
				return false
			}
			dev = true
		}
	}
	return dev
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
