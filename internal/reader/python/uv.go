package python

import (
	"context"
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/relation"
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
	Name    string `json:"name"`
	Version string `json:"version"`
}

type uvPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  struct {
		Editable  string `json:"editable"`
		Virtual   string `json:"virtual"`
		Directory string `json:"directory"`
	} `json:"source"`
	Dependencies []uvDependency            `json:"dependencies"`
	Optional     map[string][]uvDependency `json:"optional-dependencies"`
	Dev          map[string][]uvDependency `json:"dev-dependencies"`
}

type uvLock struct {
	Manifest struct {
		Members      []string                  `json:"members"`
		Requirements []uvDependency            `json:"requirements"`
		Groups       map[string][]uvDependency `json:"dependency-groups"`
	} `json:"manifest"`
	Package []uvPackage `json:"package"`
}

func (UV) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc uvLock
	l := newList(assay.TypePyPI)
	if err := decode(f, &doc); err != nil {
		l.errs.Add(err)
	}
	for _, p := range doc.Package {
		local := p.Source.Editable + p.Source.Virtual + p.Source.Directory
		if p.Version == "" && local != "" {
			continue // a part of the project whose version is made when it is built
		}
		i := l.add(p.Name, p.Version)
		switch {
		case i < 0:
		case p.member(doc.Manifest.Members) && local == ".":
			l.ps[i].Relation = assay.RelationRoot
		case p.member(doc.Manifest.Members):
			l.ps[i].Relation = assay.RelationWorkspace
		}
	}
	direct, dev := doc.link(l)
	if len(direct)+len(dev) > 0 {
		relation.Mark(l.ps, direct, dev)
		return l.facts()
	}
	project, err := pyproject(f)
	if err != nil {
		l.errs.Add(err)
	} else if project != nil {
		l.mark(project.direct, project.dev)
	}
	return l.facts()
}

// member reports whether p is a part of the project: the manifest lists them,
// where there are several.
func (p *uvPackage) member(members []string) bool {
	if len(members) > 0 {
		return slices.Contains(members, p.Name)
	}
	return p.Source.Editable == "." || p.Source.Virtual == "."
}

// link sets what packages need and returns what the project asks for.
func (d *uvLock) link(l *list) (direct, dev []string) {
	refs := func(ds []uvDependency) (refs []string) {
		for _, e := range ds {
			if i, ok := l.at[e.Name+"@"+e.Version]; ok {
				refs = append(refs, l.ps[i].Ref())
				continue
			}
			refs = append(refs, l.refs(e.Name, "")...)
		}
		return refs
	}
	groups := func(of map[string][]uvDependency) (all []string) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			all = append(all, refs(of[name])...)
		}
		return all
	}
	for _, p := range d.Package {
		needs := slices.Concat(refs(p.Dependencies), groups(p.Optional))
		if p.member(d.Manifest.Members) {
			direct = append(direct, needs...)
			dev = append(dev, groups(p.Dev)...)
		}
		if i, ok := l.at[p.Name+"@"+p.Version]; ok {
			l.need(i, needs)
		}
	}
	return append(direct, refs(d.Manifest.Requirements)...), append(dev, groups(d.Manifest.Groups)...)
}
