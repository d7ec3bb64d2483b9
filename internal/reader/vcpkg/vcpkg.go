// Package vcpkg reads the packages of vcpkg, a package manager for C and C++: the list
// of installed packages, and the manifest of projects.
package vcpkg

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxStatus   = 64 << 20
	maxManifest = 4 << 20 // is written by hand
)

// Status reads the list of what is installed, by a manifest or without one.
// What is listed last of a package counts. Versions have a port's revision
// behind them, "1.2.13#1", as vcpkg prints them.
//
// Format: https://learn.microsoft.com/vcpkg/reference/installation-tree-layout
type Status struct{}

func (Status) Name() string { return "vcpkg" }

func (Status) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/vcpkg/status", Scope: assay.ScopeInstalled, MaxSize: maxStatus}}
}

type port struct {
	name, arch, version string
	needs               []string
}

func (Status) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeVcpkg)
	ports := map[string]port{} // by name and triplet
	var order []string
	for rec, err := range stanza.Records(limit.Reader(f.Reader(), maxStatus), "Package", "Version", "Port-Version", "Architecture", "Feature", "Status", "Depends") {
		if err != nil {
			l.Error(err)
			continue
		}
		p := port{name: rec.Get("Package"), arch: rec.Get("Architecture"), version: rec.Get("Version"), needs: stanza.Names(rec.Get("Depends"))}
		key := p.name + ":" + p.arch
		if rec.Get("Feature") != "" || p.name == "" {
			continue // a part of a package
		}
		if !strings.HasSuffix(rec.Get("Status"), " installed") || strings.HasSuffix(rec.Get("Status"), "not-installed") {
			delete(ports, key)
			continue
		}
		if revision := rec.Get("Port-Version"); revision != "" && revision != "0" {
			p.version += "#" + revision
		}
		ports[key] = p
		order = append(order, key)
	}
	index := map[string]int{}
	for _, key := range order {
		p, ok := ports[key]
		if _, known := index[key]; !ok || known {
			continue
		}
		i := l.Add(p.name, p.version)
		index[key] = i
		if i >= 0 && l.Packages[i].Arch == "" {
			l.Packages[i].Arch, _, _ = strings.Cut(p.arch, "-")
		}
	}
	for key, i := range index {
		for _, need := range ports[key].needs {
			name, triplet, other := strings.Cut(need, ":")
			if !other {
				triplet = ports[key].arch
			}
			if name, _, _ = strings.Cut(name, "["); name != "" {
				if j, ok := index[name+":"+triplet]; ok {
					l.Need(i, j)
				}
			}
		}
	}
	return l.Facts()
}

// Manifest reads vcpkg.json. Only overrides name versions; other dependencies
// have those of the baseline, which lies elsewhere, or later ones.
//
// Format: https://learn.microsoft.com/vcpkg/reference/vcpkg-json
type Manifest struct{}

func (Manifest) Name() string { return "vcpkg-manifest" }

func (Manifest) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/vcpkg.json", Scope: assay.ScopeDeclared, MaxSize: maxManifest}}
}

// A dependency is a name, or a table with it.
type dependency struct {
	Name string `json:"name"`
	Host bool   `json:"host"` // a tool for building
}

func (d *dependency) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &d.Name) == nil {
		return nil
	}
	type plain dependency
	return json.Unmarshal(b, (*plain)(d))
}

type override struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Semver  string `json:"version-semver"`
	Date    string `json:"version-date"`
	Text    string `json:"version-string"`
	Port    int    `json:"port-version"`
}

func (o *override) version() string {
	for _, v := range []string{o.Version, o.Semver, o.Date, o.Text} {
		if v != "" && o.Port > 0 {
			return v + "#" + strconv.Itoa(o.Port)
		}
		if v != "" {
			return v
		}
	}
	return ""
}

func (Manifest) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if strings.Contains("/"+f.Path, "/ports/") {
		return assay.Facts{}, nil // a recipe, not a project
	}
	var doc struct {
		Dependencies []dependency `json:"dependencies"`
		Overrides    []override   `json:"overrides"`
	}
	l := listing.New(assay.TypeVcpkg)
	l.Error(listing.Decode(f, maxManifest, json.Unmarshal, &doc))
	asked := make(map[string]dependency, len(doc.Dependencies))
	for _, d := range doc.Dependencies {
		asked[d.Name] = d
	}
	for _, o := range doc.Overrides {
		d, ok := asked[o.Name]
		i := l.AddDev(o.Name, o.version(), d.Host)
		if i < 0 {
			continue
		}
		l.Packages[i].Relation = assay.RelationIndirect
		if ok {
			l.Packages[i].Relation = assay.RelationDirect
		}
	}
	of := l.Names(nil)
	for _, d := range doc.Dependencies {
		if d.Name != "" && of[d.Name] == nil {
			l.NoVersion(d.Name)
		}
	}
	return l.Facts()
}
