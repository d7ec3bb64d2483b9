package python

import (
	"context"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// Poetry reads poetry.lock of every version. What the project asks for, and for
// what, comes from pyproject.toml beside it; what is for development also from
// the lock file, where it has categories (before 1.5) or groups (since 2.0).
//
// Format: https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock
type Poetry struct{}

func (Poetry) Name() string { return "poetry-lock" }

func (Poetry) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/poetry.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Poetry) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Package []struct {
			Name         string         `toml:"name"`
			Version      string         `toml:"version"`
			Category     string         `toml:"category"`
			Groups       []string       `toml:"groups"`
			Dependencies map[string]any `toml:"dependencies"`
		} `toml:"package"`
	}
	l := newList(assay.TypePyPI)
	l.Error(listing.Decode(f, maxLock, tomldoc.Unmarshal, &doc))
	told := false // whether the file says what is for development
	index := make([]int, len(doc.Package))
	for n, p := range doc.Package {
		i := l.Add(p.Name, p.Version)
		index[n] = i
		told = told || p.Category != "" || len(p.Groups) > 0
		if i >= 0 {
			l.Packages[i].Dev = p.Category == "dev" || len(p.Groups) > 0 && !slices.Contains(p.Groups, "main")
		}
	}
	for n, p := range doc.Package {
		l.Need(index[n], l.all(table(p.Dependencies))...)
	}
	project, err := pyproject(f)
	l.Error(err)
	switch {
	case project != nil && told:
		l.mark(append(project.direct, project.dev...), nil)
	case project != nil:
		l.mark(project.direct, project.dev)
	}
	return l.Facts()
}
