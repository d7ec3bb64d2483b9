package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// beside reads the manifest at a path relative to a lock file's directory; nil
// when there is none.
func beside(f *assay.File, name string) (*packageJSON, error) {
	b, err := f.Sibling(name, maxManifest)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m packageJSON
	if err := m.identify(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &m, m.asks(b)
}

// asks reads what the project asks for.
func (m *packageJSON) asks(b []byte) error {
	return members(b, func(key string, value []byte) error {
		switch key {
		case "dependencies":
			m.dependencies = specs(value)
		case "optionalDependencies":
			m.optional = specs(value)
		case "peerDependencies":
			m.peer = specs(value)
		case "devDependencies":
			m.dev = specs(value)
		case "workspaces":
			var in struct{ Packages []string }
			if json.Unmarshal(value, &m.workspaces) != nil && json.Unmarshal(value, &in) == nil {
				m.workspaces = in.Packages
			}
		}
		return nil
	})
}

// specs reads requirements by name; what is no string is "".
func specs(raw []byte) map[string]string {
	var all map[string]any
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	out := make(map[string]string, len(all))
	for name, v := range all {
		out[name], _ = v.(string)
	}
	return out
}

// maxWorkspaces bounds the manifests of members that are read.
const maxWorkspaces = 10_000

// members reads the manifests of a project's other parts. All is false when there may
// be more of them, for directories that patterns stand for cannot always be listed.
func (m *packageJSON) members(f *assay.File) (ms []*packageJSON, all bool) {
	dirs, all := manifest.Dirs(f, m.workspaces)
	if len(dirs) > maxWorkspaces {
		dirs, all = dirs[:maxWorkspaces], false
	}
	for _, dir := range dirs {
		member, err := beside(f, path.Join(dir, "package.json"))
		if err != nil {
			all = false
		} else if member != nil {
			ms = append(ms, member)
		}
	}
	return ms, all
}

// maxPlaces bounds where a package is looked for.
const maxPlaces = 10

// licences fills in what a lock file does not tell from the packages that are
// installed beside it, where they have the same version.
func (l list) licences(f *assay.File, places func(p *assay.Package) []string) {
	if f.Other == nil {
		return
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Licences != nil {
			continue
		}
		all := places(p)
		for _, dir := range all[:min(len(all), maxPlaces)] {
			b, err := f.Sibling(dir+"/package.json", maxManifest)
			var m packageJSON
			if err == nil && m.identify(b) == nil && m.Version == p.Version && m.Name == p.Name {
				p.Licences = slices.Clone(m.licences)
				break
			}
		}
	}
}

// hoisted is where a package lies that no other version of it pushed aside.
func hoisted(p *assay.Package) []string { return []string{"node_modules/" + p.Name} }
