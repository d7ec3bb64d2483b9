// Package node reads the packages of npm: the manifests of installed packages, and the
// lock files of npm, Yarn, pnpm, Bun and Deno.
//
// A package is marked as a development dependency only where a lock file says so, or
// where the project's manifest beside it reaches the package only through development
// dependencies. Packages of JSR (Deno's registry) are not reported, because nobody
// publishes advisories on them.
package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// maxManifest: a manifest has some kilobytes; the largest published ones, with
// hundreds of editor commands, a megabyte.
const maxManifest = 8 << 20

// Installed reads package.json of what is installed, with the names of what each
// needs to run: of the packages below
// node_modules, of Debian's below nodejs, and of the application that has a
// node_modules directory or lies in a directory of /opt, if it has a name and a
// version. Other manifests, such as markers of a module's kind, are none of a
// package.
//
// Format: https://docs.npmjs.com/cli/configuring-npm/package-json
type Installed struct{}

func (Installed) Name() string { return "npm-installed" }

func (Installed) Wants() []assay.Pattern {
	ps := []assay.Pattern{
		{Glob: "**/package.json", Scope: assay.ScopeInstalled, MaxSize: maxManifest, RequiresSibling: "node_modules"},
		{Glob: "opt/*/package.json", Scope: assay.ScopeInstalled, MaxSize: maxManifest},
	}
	for _, dir := range []string{"**/node_modules/", "**/share/nodejs/", "**/lib/nodejs/", "**/lib/*/nodejs/"} {
		for _, name := range []string{"*", "@*/*"} {
			ps = append(ps, assay.Pattern{Glob: dir + name + "/package.json", Scope: assay.ScopeInstalled, MaxSize: maxManifest})
		}
	}
	return ps
}

func (Installed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	folder, installed := place(f.Path)
	if installed && folder == "" {
		return assay.Facts{}, nil
	}
	b := make([]byte, min(f.Size, maxManifest))
	if n, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return assay.Facts{}, err
	} else {
		b = b[:n]
	}
	var m packageJSON
	if err := m.identify(b); err != nil {
		return assay.Facts{}, err
	}
	if m.Name == "" && m.Version != "" {
		m.Name = folder // as npm does
	}
	switch {
	case m.Version == "" && (m.Name == "" || !installed), m.Name == "":
		return assay.Facts{}, nil
	case !validName(m.Name):
		return assay.Facts{}, fmt.Errorf("invalid package name %.80q: %w", m.Name, assay.ErrMalformed)
	case m.Version == "":
		return assay.Facts{}, fmt.Errorf("package %s has no version: %w", m.Name, assay.ErrMalformed)
	case !validVersion(m.Version):
		return assay.Facts{}, fmt.Errorf("%s: invalid version %.80q: %w", m.Name, m.Version, assay.ErrMalformed)
	}
	p := assay.Package{Type: assay.TypeNPM, Name: m.Name, Version: m.Version, Licences: m.licences, DependsOn: m.needs}
	if !installed {
		p.Relation = assay.RelationRoot
	}
	return assay.Facts{Packages: []assay.Package{p}}, nil
}

// place tells by a manifest's path whether it lies where packages are
// installed, and the name of its directory; "" for a directory that is none of a
// package: a scope's, a hidden one, one inside a package.
func place(file string) (folder string, installed bool) {
	dir := path.Dir(file)
	up, folder := path.Split(dir)
	up = path.Base(up)
	if strings.HasPrefix(up, "@") {
		folder = up + "/" + folder
		up = path.Base(path.Dir(path.Dir(dir)))
	}
	if up != "node_modules" && up != "nodejs" {
		return "", inModules(file) // a directory inside a package
	}
	if folder[0] == '.' || folder[0] == '@' && !strings.Contains(folder, "/") {
		return "", true
	}
	return folder, true
}

// A packageJSON is what package.json says.
type packageJSON struct {
	Name, Version string
	licences      []string
	needs         []string // names of what it needs to run, in order

	dependencies, optional, peer, dev map[string]string
	workspaces                        []string
}

// identify reads who the package is, and passes over the rest.
func (m *packageJSON) identify(b []byte) error {
	var licence, licences []byte
	err := members(b, func(key string, value []byte) error {
		ok := true
		switch key {
		case "name":
			m.Name, ok = str(value)
		case "version":
			m.Version, ok = str(value)
		case "license":
			licence = value
		case "licenses":
			licences = value
		case "dependencies", "optionalDependencies":
			m.need(value)
		}
		if !ok {
			return fmt.Errorf("%s is not a string: %.40s: %w", key, bytes.ToValidUTF8(value, nil), assay.ErrMalformed)
		}
		return nil
	})
	if m.licences = licenceNames(licence); m.licences == nil {
		m.licences = licenceNames(licences)
	}
	return err
}

// maxNeeds bounds the names that a manifest needs; published ones have some
// hundred at most.
const maxNeeds = 10_000

// need adds the names among requirements that are names of packages.
func (m *packageJSON) need(raw []byte) {
	for name := range specs(raw) {
		if len(m.needs) < maxNeeds && validName(name) {
			m.needs = append(m.needs, name)
		}
	}
	slices.Sort(m.needs)
	m.needs = slices.Compact(m.needs)
}

// licenceNames reads "MIT", {"type": "MIT"} or a list of those.
func licenceNames(raw []byte) []string {
	if len(raw) == 0 {
		return nil
	}
	if s, ok := str(raw); ok {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	all, ok := v.([]any)
	if !ok {
		all = []any{v}
	}
	var names []string
	for _, e := range all {
		if o, ok := e.(map[string]any); ok {
			if e = o["type"]; e == nil {
				e = o["name"]
			}
		}
		if s, ok := e.(string); ok && s != "" {
			names = append(names, s)
		}
	}
	return names
}
