package python

import (
	"context"
	"slices"

	"github.com/assaysec/assay"
)

// PDM reads pdm.lock of every version. Which of its groups are for development
// pyproject.toml beside it tells; without, that is the group "dev" alone.
//
// Format: https://pdm-project.org/en/latest/usage/lockfile/
type PDM struct{}

func (PDM) Name() string { return "pdm-lock" }

func (PDM) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/pdm.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

// A pdmPackage is an entry: one package, or one with extras, which comes beside
// the package itself.
type pdmPackage struct {
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Path         string   `json:"path"`
	Groups       []string `json:"groups"`
	Dependencies any      `json:"dependencies"`
}

func (PDM) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Package []pdmPackage `json:"package"`
	}
	l := newList(assay.TypePyPI)
	if err := decode(f, &doc); err != nil {
		l.errs.Add(err)
	}
	project, err := pyproject(f)
	if err != nil {
		l.errs.Add(err)
	}
	grouped := pdmAdd(l, doc.Package, project)
	for _, p := range doc.Package {
		if i, ok := l.at[p.Name+"@"+p.Version]; ok {
			for _, w := range wishes(p.Dependencies) {
				l.need(i, l.refs(w.name, w.allowed))
			}
		}
	}
	switch {
	case project != nil && grouped:
		l.mark(append(project.direct, project.dev...), nil)
	case project != nil:
		l.mark(project.direct, project.dev)
	}
	return l.facts()
}

// pdmAdd adds the packages and reports whether they have groups, which files
// before version 4.4 do not tell.
func pdmAdd(l *list, ps []pdmPackage, project *project) (grouped bool) {
	devGroups := []string{"dev"}
	if project != nil {
		devGroups = project.devGroups
	}
	for _, p := range ps {
		if p.Version == "" && p.Path != "" {
			continue // a folder of the project
		}
		known := len(l.ps)
		i := l.add(p.Name, p.Version)
		if i < 0 {
			continue
		}
		grouped = grouped || len(p.Groups) > 0
		dev := len(p.Groups) > 0 && !slices.ContainsFunc(p.Groups, func(g string) bool { return !slices.Contains(devGroups, g) })
		l.ps[i].Dev = dev && (i == known || l.ps[i].Dev)
	}
	return grouped
}
