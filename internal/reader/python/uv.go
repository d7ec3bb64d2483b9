package python

import (
	"context"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// UV reads uv.lock, and the lock files of single scripts, which end in
// ".py.lock". The project itself and other members of its workspace are known
// by their sources.
//
// Format: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile
type UV struct{}

func (UV) Name() string { return "uv-lock" }

func (UV) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/uv.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock},
		{Glob: "**/*.py.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock},
	}
}

type uvDependency struct {
	Name    string `toml:"name"`
	Version string `toml:"version"`
}

type uvPackage struct {
	Name    string `toml:"name"`
	Version string `toml:"version"`
	Source  struct {
		Editable  string `toml:"editable"`
		Virtual   string `toml:"virtual"`
		Directory string `toml:"directory"`
	} `toml:"source"`
	Dependencies []uvDependency            `toml:"dependencies"`
	Optional     map[string][]uvDependency `toml:"optional-dependencies"`
	Dev          map[string][]uvDependency `toml:"dev-dependencies"`
}

type uvLock struct {
	Manifest struct {
		Members      []string                  `toml:"members"`
		Requirements []uvDependency            `toml:"requirements"`
		Groups       map[string][]uvDependency `toml:"dependency-groups"`
	} `toml:"manifest"`
	Package []uvPackage `toml:"package"`
}

func (UV) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc uvLock
	l := newList(assay.TypePyPI)
	l.Error(listing.Decode(f, maxLock, tomldoc.Unmarshal, &doc))
	member := doc.members()
	for _, p := range doc.Package {
		local := p.Source.Editable + p.Source.Virtual + p.Source.Directory
		if p.Version == "" && local != "" {
			continue // a part of the project whose version is made when it is built
		}
		i := l.Add(p.Name, p.Version)
		switch {
		case i < 0:
		case member(&p) && local == ".":
			l.Packages[i].Relation = assay.RelationRoot
		case member(&p):
			l.Packages[i].Relation = assay.RelationWorkspace
		}
	}
	direct, dev := doc.link(l)
	if len(direct)+len(dev) > 0 {
		l.Mark(direct, dev)
		return l.Facts()
	}
	project, err := pyproject(f)
	l.Error(err)
	if project != nil {
		l.mark(project.direct, project.dev)
	}
	return l.Facts()
}

// members tells which packages are parts of the project: the manifest lists
// them, where there are several.
func (d *uvLock) members() func(p *uvPackage) bool {
	listed := make(map[string]bool, len(d.Manifest.Members))
	for _, name := range d.Manifest.Members {
		listed[name] = true
	}
	return func(p *uvPackage) bool {
		return listed[p.Name] || len(listed) == 0 && (p.Source.Editable == "." || p.Source.Virtual == ".")
	}
}

// link sets what packages need and returns what the project asks for.
func (d *uvLock) link(l *list) (direct, dev []int) {
	found := func(ds []uvDependency) (is []int) {
		for _, e := range ds {
			if i := l.Find(e.Name, e.Version); i >= 0 {
				is = append(is, i)
				continue
			}
			is = append(is, l.find(e.Name, "")...)
		}
		return is
	}
	groups := func(of map[string][]uvDependency) (all []int) {
		for _, ds := range of {
			all = append(all, found(ds)...)
		}
		return all
	}
	member := d.members()
	for _, p := range d.Package {
		needs := slices.Concat(found(p.Dependencies), groups(p.Optional))
		if member(&p) {
			direct = append(direct, needs...)
			dev = append(dev, groups(p.Dev)...)
		}
		l.Need(l.Find(p.Name, p.Version), needs...)
	}
	return append(direct, found(d.Manifest.Requirements)...), append(dev, groups(d.Manifest.Groups)...)
}
