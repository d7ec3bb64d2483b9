package python

import (
	"context"

	"github.com/assaysec/assay"
)

// Pylock reads pylock.toml, which all tools may write and install from. What
// the project asks for comes from pyproject.toml beside it.
//
// Format: https://packaging.python.org/en/latest/specifications/pylock-toml/
type Pylock struct{}

func (Pylock) Name() string { return "pylock" }

func (Pylock) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/pylock.toml", Scope: assay.ScopeDeclared, MaxSize: maxLock},
		{Glob: "**/pylock.*.toml", Scope: assay.ScopeDeclared, MaxSize: maxLock},
	}
}

func (Pylock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	type address struct {
		URL  string `json:"url"`
		Path string `json:"path"`
	}
	var doc struct {
		Packages []struct {
			Name         string         `json:"name"`
			Version      string         `json:"version"`
			Directory    any            `json:"directory"`
			Archive      address        `json:"archive"`
			Wheels       []address      `json:"wheels"`
			Dependencies []uvDependency `json:"dependencies"`
		} `json:"packages"`
	}
	l := newList(assay.TypePyPI)
	if err := decode(f, &doc); err != nil {
		l.errs.Add(err)
	}
	index := make([]int, len(doc.Packages))
	for n, p := range doc.Packages {
		// A version may be left out where a source tree tells it.
		for _, a := range append(p.Wheels, p.Archive) {
			for _, address := range []string{a.URL, a.Path} {
				if _, v, ok := artifact(address, p.Name); ok && p.Version == "" {
					p.Version = v
				}
			}
		}
		index[n] = -1
		if p.Version == "" && p.Directory != nil {
			continue // a folder of the project
		}
		index[n] = l.add(p.Name, p.Version)
	}
	for n, p := range doc.Packages {
		if index[n] < 0 {
			continue
		}
		for _, d := range p.Dependencies {
			allowed := ""
			if d.Version != "" {
				allowed = "==" + d.Version
			}
			l.need(index[n], l.refs(d.Name, allowed))
		}
	}
	project, err := pyproject(f)
	if err != nil {
		l.errs.Add(err)
	} else if project != nil {
		l.mark(project.direct, project.dev)
	}
	return l.facts()
}
