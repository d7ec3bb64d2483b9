// Package dotnet reads the NuGet packages of .NET software: beside and inside deployed
// applications, and in the files in which projects declare dependencies.
package dotnet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/relation"
)

// maxJSON: the largest deps.json and lock files known have 2 MB.
const maxJSON = 32 << 20

const both = assay.ScopeInstalled | assay.ScopeDeclared

// Deps reads the file beside a deployed application that tells its loader what
// belongs to it. Packages that only compiling needed, and those of the shared
// framework, which are deployed elsewhere, are left out; packages without files
// of their own count when one of those they stand for is deployed.
//
// Format: https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md
type Deps struct{}

func (Deps) Name() string { return "dotnet-deps" }

func (Deps) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*.deps.json", Scope: both, MaxSize: maxJSON}}
}

func (Deps) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxJSON)
	if err != nil {
		return assay.Facts{}, err
	}
	return parseDeps(b, strings.TrimSuffix(path.Base(f.Path), ".deps.json"))
}

// deps is a file of this kind.
type deps struct {
	RuntimeTarget target
	Targets       map[string]map[string]deployed
	Libraries     map[string]struct{ Type string }
}

// target is an object, and was a string in the beginning.
type target struct{ Name string }

func (t *target) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &t.Name)
	}
	var o struct{ Name string }
	err := json.Unmarshal(b, &o)
	t.Name = o.Name
	return err
}

// deployed is what a library brings in a target.
type deployed struct {
	Dependencies   map[string]string
	Runtime        map[string]json.RawMessage
	RuntimeTargets map[string]json.RawMessage
	Native         map[string]json.RawMessage
	Resources      map[string]json.RawMessage
	Compile        map[string]json.RawMessage
	CompileOnly    bool
}

func (d deployed) files() bool {
	return len(d.Runtime)+len(d.RuntimeTargets)+len(d.Native)+len(d.Resources) > 0
}

// parseDeps reads the file of an application.
func parseDeps(b []byte, application string) (assay.Facts, error) {
	var doc deps
	if err := listing.JSON(b, &doc); err != nil {
		return assay.Facts{}, err
	}
	in, ok := doc.Targets[doc.RuntimeTarget.Name]
	if !ok {
		in = map[string]deployed{}
		for _, t := range doc.Targets {
			for k, v := range t {
				if _, known := in[k]; !known || v.files() {
					in[k] = v
				}
			}
		}
	}
	l := listing.New(assay.TypeNuGet)
	there := present(in)
	var odd []string
	keys := map[int]string{} // of the packages
	for _, key := range slices.Sorted(maps.Keys(doc.Libraries)) {
		name, version, ok := cutLast(key, "/")
		kind := strings.ToLower(doc.Libraries[key].Type)
		switch {
		case kind == "project":
		case kind == "runtimepack":
			name = strings.TrimPrefix(name, "runtimepack.")
		case kind != "package", len(in) > 0 && !there[key]:
			continue
		}
		if !ok || name == "" || version == "" {
			odd = append(odd, fmt.Sprintf("%q", key))
			continue
		}
		i := l.Add(name, version)
		if i < 0 {
			continue
		}
		if keys[i] = key; kind == "project" {
			l.Packages[i].Relation = assay.RelationWorkspace
		}
	}
	if len(odd) > 0 {
		l.Malformed("want name/version, have %s", listing.Some(odd))
	}
	connect(l, func(i int) map[string]string { return in[keys[i]].Dependencies })
	facts, err := l.Facts()
	slices.SortFunc(facts.Packages, func(a, b assay.Package) int { return strings.Compare(a.Ref(), b.Ref()) })
	root(facts.Packages, application)
	return facts, err
}

// present tells which libraries of a target are deployed.
func present(in map[string]deployed) map[string]bool {
	there := make(map[string]bool, len(in))
	users := map[string][]string{} // libraries without files, by what they stand for
	var todo []string
	for key, d := range in {
		switch {
		case d.files():
			there[key] = true
			todo = append(todo, key)
		case !d.CompileOnly && len(d.Compile) == 0:
			for name := range d.Dependencies {
				name = strings.ToLower(name)
				users[name] = append(users[name], key)
			}
		}
	}
	for len(todo) > 0 {
		name, _, _ := cutLast(todo[len(todo)-1], "/")
		todo = todo[:len(todo)-1]
		name = strings.ToLower(name)
		for _, key := range users[name] {
			if !there[key] {
				there[key] = true
				todo = append(todo, key)
			}
		}
		delete(users, name) // other versions of it have the same
	}
	return there
}

// connect sets what packages need from what each asks for by name.
func connect(l *listing.List, asks func(int) map[string]string) {
	at := make(map[string]int, len(l.Packages)) // by name, or -1, and by name and version
	for i := range l.Packages {
		name := strings.ToLower(l.Packages[i].Name)
		at[name+"@"+l.Packages[i].Version] = i
		if _, ok := at[name]; ok {
			i = -1
		}
		at[name] = i
	}
	for i := range l.Packages {
		for name, version := range asks(i) {
			name = strings.ToLower(strings.TrimPrefix(name, "runtimepack."))
			j, ok := at[name]
			if j < 0 {
				j, ok = at[name+"@"+version]
			}
			if ok {
				l.Need(i, j)
			}
		}
	}
}

// root finds the project that is the application, and what the others are to
// it, where the file tells.
func root(ps []assay.Package, application string) {
	app, projects := -1, 0
	for i := range ps {
		if ps[i].Relation != assay.RelationWorkspace {
			continue
		}
		projects++
		if strings.EqualFold(ps[i].Name, application) || app < 0 {
			app = i
		}
	}
	if app < 0 || projects > 1 && !strings.EqualFold(ps[app].Name, application) {
		return
	}
	ps[app].Relation = assay.RelationRoot
	if len(ps[app].DependsOn) > 0 {
		relation.Mark(ps, ps[app].DependsOn, nil)
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
