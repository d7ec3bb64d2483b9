// Package julia reads the manifests of Julia's package manager.
package julia

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/identifier/purl"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxManifest = 16 << 20 // the largest known have some 200 kB
	maxProject  = 4 << 20  // is written by hand
)

// Manifest reads Manifest.toml of versions 1 and 2, also under the names that
// Julia prefers where they exist. A manifest is what an environment has
// installed as well as a project's lock file. Standard libraries have the
// version of Julia; where that is not told they are left out. What the project
// asks for comes from Project.toml beside it.
//
// Format: https://pkgdocs.julialang.org/v1/toml-files/#Manifest.toml
type Manifest struct{}

func (Manifest) Name() string { return "julia-manifest" }

func (Manifest) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{"**/Manifest.toml", "**/JuliaManifest.toml", "**/Manifest-v*.toml", "**/JuliaManifest-v*.toml"} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeInstalled | assay.ScopeDeclared, MaxSize: maxManifest})
	}
	return ps
}

// An entry is a package; several of one name differ by their UUID.
type entry struct {
	name  string
	uuid  string
	index int
	needs []string // names
	uuids []string // of needs, where names are not enough; else nil
}

func (Manifest) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeJulia)
	doc := map[string]any{}
	if err := listing.Decode(f, maxManifest, tomldoc.Unmarshal, &doc); err != nil {
		l.Error(err)
		return l.Facts()
	}
	julia, _ := doc["julia_version"].(string)
	packages := doc
	if _, v2 := doc["manifest_format"]; v2 {
		packages, _ = doc["deps"].(map[string]any)
	}
	var all []entry
	known := map[string]int{} // by purl
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		list, _ := packages[name].([]any)
		for _, v := range list {
			if t, ok := v.(map[string]any); ok && str(t["uuid"]) != "" {
				all = append(all, take(l, known, name, t, julia))
			}
		}
	}
	at := map[string]int{} // by UUID
	of := map[string][]int{}
	for _, e := range all {
		if e.index >= 0 {
			at[e.uuid] = e.index
			of[e.name] = append(of[e.name], e.index)
		}
	}
	for _, e := range all {
		for n, name := range e.needs {
			if e.uuids == nil {
				l.Need(e.index, of[name]...)
			} else if i, ok := at[e.uuids[n]]; ok {
				l.Need(e.index, i)
			}
		}
	}
	mark(l, f, at)
	return l.Facts()
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// take adds an entry of the manifest. Two packages of one name and version are two if their
// UUIDs differ.
func take(l *listing.List, known map[string]int, name string, t map[string]any, julia string) entry {
	e := entry{name: name, uuid: str(t["uuid"]), index: -1}
	switch deps := t["deps"].(type) {
	case []any:
		for _, d := range deps {
			e.needs = append(e.needs, str(d))
		}
	case map[string]any:
		for _, n := range slices.Sorted(maps.Keys(deps)) {
			e.needs, e.uuids = append(e.needs, n), append(e.uuids, str(deps[n]))
		}
	}
	version := str(t["version"])
	_, tree := t["git-tree-sha1"]
	_, local := t["path"]
	if version == "" {
		if local {
			return e // a part of the project, which needs no version
		}
		if !tree {
			if version = julia; version == "" {
				return e // a standard library
			}
		}
	}
	address := purl.OfJulia(name, version, e.uuid)
	if i, ok := known[address]; ok {
		e.index = i
	} else if e.index = l.AddAnother(name, version); e.index >= 0 {
		l.Packages[e.index].PURL, known[address] = address, e.index
	}
	if e.index >= 0 && local {
		l.Packages[e.index].Relation = assay.RelationWorkspace
	}
	return e
}

// mark says what the project asks for.
func mark(l *listing.List, f *assay.File, at map[string]int) {
	var project struct {
		Deps map[string]string `toml:"deps"`
	}
	names := []string{"Project.toml"}
	if base := path.Base(f.Path); base[0] == 'J' {
		names = []string{"JuliaProject.toml", "Project.toml"}
	}
	for _, name := range names {
		found, err := listing.Sibling(f, name, maxProject, tomldoc.Unmarshal, &project)
		l.Error(err)
		if err != nil || !found {
			continue
		}
		var direct []int
		for _, uuid := range project.Deps {
			if i, ok := at[uuid]; ok {
				direct = append(direct, i)
			}
		}
		l.Mark(direct, nil)
		return
	}
}
