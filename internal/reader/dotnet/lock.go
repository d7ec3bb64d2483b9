package dotnet

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// Lock reads packages.lock.json: for each framework that a project is built
// for, what was resolved. Projects that it refers to have no version and are
// not packages.
//
// Format: https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies
type Lock struct{}

func (Lock) Name() string { return "nuget-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/packages.lock.json", Scope: both, MaxSize: maxJSON}}
}

type locked struct {
	Type, Resolved string
	Dependencies   map[string]string
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxJSON)
	if err != nil {
		return assay.Facts{}, err
	}
	var doc struct {
		Version      int
		Dependencies map[string]map[string]locked
	}
	if err := listing.JSON(b, &doc); err != nil {
		return assay.Facts{}, err
	}
	l := listing.New(assay.TypeNuGet)
	in := map[string]map[string]int{} // packages by framework and name in lower case
	for _, framework := range slices.Sorted(maps.Keys(doc.Dependencies)) {
		in[framework] = map[string]int{}
		for _, name := range slices.Sorted(maps.Keys(doc.Dependencies[framework])) {
			p := doc.Dependencies[framework][name]
			if strings.EqualFold(p.Type, "Project") {
				continue
			}
			i := l.Add(name, p.Resolved)
			if i < 0 {
				continue
			}
			in[framework][strings.ToLower(name)] = i
			if strings.EqualFold(p.Type, "Direct") {
				l.Packages[i].Relation = assay.RelationDirect
			} else if l.Packages[i].Relation == "" {
				l.Packages[i].Relation = assay.RelationIndirect
			}
		}
	}
	for framework, packages := range doc.Dependencies {
		base, _, _ := strings.Cut(framework, "/") // "net8.0/linux-x64" holds what differs there
		for name, p := range packages {
			i, ok := in[framework][strings.ToLower(name)]
			if !ok || strings.EqualFold(p.Type, "Project") {
				continue
			}
			for name := range p.Dependencies {
				name = strings.ToLower(name)
				if j, ok := in[framework][name]; ok {
					l.Need(i, j)
				} else if j, ok := in[base][name]; ok {
					l.Need(i, j)
				}
			}
		}
	}
	facts, err := l.Facts()
	slices.SortFunc(facts.Packages, func(a, b assay.Package) int { return strings.Compare(a.Ref(), b.Ref()) })
	return facts, err
}
