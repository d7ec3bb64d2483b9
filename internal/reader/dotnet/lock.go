package dotnet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
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
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &doc); err != nil {
		return assay.Facts{}, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	var loose []string
	at := map[string]int{}
	var ps []assay.Package
	for _, framework := range slices.Sorted(maps.Keys(doc.Dependencies)) {
		in := resolved(doc.Dependencies, framework)
		for name, l := range doc.Dependencies[framework] {
			if strings.EqualFold(l.Type, "Project") {
				continue
			}
			if l.Resolved == "" || name == "" {
				loose = append(loose, name)
				continue
			}
			p := assay.Package{Type: assay.TypeNuGet, Name: name, Version: l.Resolved, Relation: assay.RelationIndirect}
			i, ok := at[p.Ref()]
			if !ok {
				i = len(ps)
				at[p.Ref()] = i
				ps = append(ps, p)
			}
			if strings.EqualFold(l.Type, "Direct") {
				ps[i].Relation = assay.RelationDirect
			}
			for name := range l.Dependencies {
				if ref, ok := in[strings.ToLower(name)]; ok {
					ps[i].DependsOn = append(ps[i].DependsOn, ref)
				}
			}
		}
	}
	for i := range ps {
		slices.Sort(ps[i].DependsOn)
		ps[i].DependsOn = slices.Compact(ps[i].DependsOn)
	}
	slices.SortFunc(ps, func(a, b assay.Package) int { return strings.Compare(a.Ref(), b.Ref()) })
	if len(loose) > 0 {
		slices.Sort(loose)
		err = fmt.Errorf("%d packages have no version: %s: %w", len(loose), list(loose), assay.ErrMalformed)
	}
	return assay.Facts{Packages: ps}, err
}

// resolved is what names mean in a framework, as Refs: its own section, and for
// "net8.0/linux-x64", which holds what differs there, that of "net8.0".
func resolved(all map[string]map[string]locked, framework string) map[string]string {
	in := map[string]string{}
	base, _, _ := strings.Cut(framework, "/")
	for _, section := range []string{base, framework} {
		for name, l := range all[section] {
			if l.Resolved != "" && !strings.EqualFold(l.Type, "Project") {
				in[strings.ToLower(name)] = name + "@" + l.Resolved
			}
		}
	}
	return in
}
