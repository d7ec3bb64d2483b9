package python

import (
	"context"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
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
	Name         string   `toml:"name"`
	Version      string   `toml:"version"`
	Path         string   `toml:"path"`
	Groups       []string `toml:"groups"`
	Dependencies any      `toml:"dependencies"`
}

func (PDM) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Package []pdmPackage `toml:"package"`
	}
	l := newList(assay.TypePyPI)
	l.Error(listing.Decode(f, maxLock, tomldoc.Unmarshal, &doc))
	project, err := pyproject(f)
	l.Error(err)
	grouped := pdmAdd(l, doc.Package, project)
	for _, p := range doc.Package {
		if i := l.Find(p.Name, p.Version); i >= 0 {
			l.Need(i, l.all(wishes(p.Dependencies))...)
		}
	}
	switch {
	case project != nil && grouped:
		l.mark(append(project.direct, project.dev...), nil)
	case project != nil:
		l.mark(project.direct, project.dev)
	}
	return l.Facts()
}

// pdmAdd adds the packages and reports whether they have groups, which files
// before version 4.4 do not tell.
func pdmAdd(l *list, ps []pdmPackage, project *project) (grouped bool) {
	devGroups := map[string]bool{"dev": true}
	if project != nil {
		devGroups = project.devGroups
	}
	for _, p := range ps {
		if p.Version == "" && p.Path != "" {
			continue // a directory of the project
		}
		dev := len(p.Groups) > 0 && !slices.ContainsFunc(p.Groups, func(g string) bool { return !devGroups[g] })
		if l.AddDev(p.Name, p.Version, dev) >= 0 {
			grouped = grouped || len(p.Groups) > 0
		}
	}
	return grouped
}
