package python

import (
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxProject: a manifest is written by hand.
const maxProject = 4 << 20

// A project is what a manifest says that a project asks for.
type project struct {
	direct, dev []wish
	devGroups   map[string]bool
}

// pyprojectDoc is what is read of pyproject.toml.
type pyprojectDoc struct {
	Project struct {
		Dependencies any            `toml:"dependencies"`
		Dynamic      []string       `toml:"dynamic"`
		Optional     map[string]any `toml:"optional-dependencies"`
	} `toml:"project"`
	Groups map[string]any `toml:"dependency-groups"`
	Tool   struct {
		PDM struct {
			Dev map[string]any `toml:"dev-dependencies"`
		} `toml:"pdm"`
		UV struct {
			Dev any `toml:"dev-dependencies"`
		} `toml:"uv"`
		Poetry struct {
			Dependencies map[string]any `toml:"dependencies"`
			Dev          map[string]any `toml:"dev-dependencies"`
			Group        map[string]struct {
				Dependencies map[string]any `toml:"dependencies"`
			} `toml:"group"`
		} `toml:"poetry"`
	} `toml:"tool"`
}

// pyproject reads pyproject.toml beside a lock file; nil when there is none.
// https://packaging.python.org/en/latest/specifications/pyproject-toml/,
// https://packaging.python.org/en/latest/specifications/dependency-groups/,
// https://python-poetry.org/docs/pyproject/
func pyproject(f *assay.File) (*project, error) {
	var doc pyprojectDoc
	found, err := listing.Sibling(f, "pyproject.toml", maxProject, tomldoc.Unmarshal, &doc)
	if !found || err != nil {
		return nil, err
	}
	return doc.project(), nil
}

// project is what the document asks for.
func (doc *pyprojectDoc) project() *project {
	p := project{devGroups: map[string]bool{}}
	p.direct = wishes(doc.Project.Dependencies)
	for _, extra := range slices.Sorted(maps.Keys(doc.Project.Optional)) {
		p.direct = append(p.direct, wishes(doc.Project.Optional[extra])...)
	}
	p.dev = wishes(doc.Tool.UV.Dev)
	for _, groups := range []map[string]any{doc.Groups, doc.Tool.PDM.Dev} {
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			p.dev = append(p.dev, wishes(groups[name])...)
			p.devGroups[name] = true
		}
	}
	p.direct = append(p.direct, table(doc.Tool.Poetry.Dependencies)...)
	p.dev = append(p.dev, table(doc.Tool.Poetry.Dev)...)
	for _, name := range slices.Sorted(maps.Keys(doc.Tool.Poetry.Group)) {
		g := doc.Tool.Poetry.Group[name]
		if name == "main" {
			p.direct = append(p.direct, table(g.Dependencies)...)
			continue
		}
		p.dev = append(p.dev, table(g.Dependencies)...)
	}
	return &p
}

// wishes reads a list of requirements; what is none, such as the inclusion of
// another group, is left out.
func wishes(v any) (ws []wish) {
	list, _ := v.([]any)
	for _, e := range list {
		if s, ok := e.(string); ok {
			if r, err := parse(s); err == nil {
				ws = append(ws, r.wish)
			}
		}
	}
	return ws
}

// table reads Poetry's table of requirements by name: a version, a table with
// one, or a list of those.
func table(t map[string]any) (ws []wish) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		forms, ok := t[name].([]any)
		if !ok {
			forms = []any{t[name]}
		}
		for _, form := range forms {
			w := wish{name: name}
			switch v := form.(type) {
			case string:
				w.allowed = v
			case map[string]any:
				w.allowed, _ = v["version"].(string)
			default:
				continue
			}
			ws = append(ws, w)
		}
	}
	return ws
}
