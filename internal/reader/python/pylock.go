package python

import (
	"context"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
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
		URL  string `toml:"url"`
		Path string `toml:"path"`
	}
	var doc struct {
		Packages []struct {
			Name         string         `toml:"name"`
			Version      string         `toml:"version"`
			Directory    any            `toml:"directory"`
			Archive      address        `toml:"archive"`
			Wheels       []address      `toml:"wheels"`
			Dependencies []uvDependency `toml:"dependencies"`
		} `toml:"packages"`
	}
	l := newList(assay.TypePyPI)
	l.Error(listing.Decode(f, maxLock, tomldoc.Unmarshal, &doc))
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
			continue // a directory of the project
		}
		index[n] = l.Add(p.Name, p.Version)
	}
	for n, p := range doc.Packages {
		for _, d := range p.Dependencies {
			allowed := ""
			if d.Version != "" {
				allowed = "==" + d.Version
			}
			l.Need(index[n], l.find(d.Name, allowed)...)
		}
	}
	project, err := pyproject(f)
	l.Error(err)
	if project != nil {
		l.mark(project.direct, project.dev)
	}
	return l.Facts()
}
