package node

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
)

// PNPM reads pnpm-lock.yaml of versions 5 to 9, and what is left of older ones
// in the same form. A file may hold several documents; those that only bring
// pnpm itself count as for development.
//
// Format: https://github.com/pnpm/spec/blob/master/lockfile
type PNPM struct{}

func (PNPM) Name() string { return "pnpm-lock" }

func (PNPM) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/pnpm-lock.yaml", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

type pnpmImporter struct {
	Dependencies map[string]pnpmVersion `yaml:"dependencies"`
	Optional     map[string]pnpmVersion `yaml:"optionalDependencies"`
	Dev          map[string]pnpmVersion `yaml:"devDependencies"`
	Config       map[string]pnpmVersion `yaml:"configDependencies"`
	Manager      map[string]pnpmVersion `yaml:"packageManagerDependencies"`
}

type pnpmLock struct {
	Version   string                   `yaml:"lockfileVersion"`
	Importers map[string]*pnpmImporter `yaml:"importers"`
	Root      pnpmImporter             `yaml:",inline"` // without workspaces, before version 9
	Packages  map[string]*pnpmPackage  `yaml:"packages"`
	Snapshots map[string]*pnpmPackage  `yaml:"snapshots"` // since version 9: what packages need
}

type pnpmPackage struct {
	Name         string                 `yaml:"name"` // where the key does not tell
	Version      string                 `yaml:"version"`
	Dev          bool                   `yaml:"dev"` // before version 9
	Dependencies map[string]pnpmVersion `yaml:"dependencies"`
	Optional     map[string]pnpmVersion `yaml:"optionalDependencies"`
	Resolution   struct {
		Type    string `yaml:"type"`
		Tarball string `yaml:"tarball"`
	} `yaml:"resolution"`
}

// A pnpmVersion is which package a requirement led to: "1.0.0", with what it
// was asked as in a table since version 6.
type pnpmVersion string

// UnmarshalYAML reads both forms.
func (v *pnpmVersion) UnmarshalYAML(decode func(any) error) error {
	if decode((*string)(v)) == nil {
		return nil
	}
	var t struct {
		Version string `yaml:"version"`
	}
	err := decode(&t)
	*v = pnpmVersion(t.Version)
	return err
}

func (PNPM) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	l := newList()
	in := yamldoc.NewDecoder(b)
	for n := 0; ; n++ {
		var doc pnpmLock
		err := in.Decode(&doc)
		if err == io.EOF {
			break
		}
		if n == maxDocuments {
			l.Error(fmt.Errorf("more than %d documents: %w", maxDocuments, assay.ErrTooLarge))
			break
		}
		l.Error(err)
		p := pnpm{list: l, at: map[string]int{}, doc: &doc}
		p.read()
	}
	l.licences(f, func(p *assay.Package) []string {
		store := strings.ReplaceAll(p.Name, "/", "+") + "@" + p.Version
		return append(hoisted(p), "node_modules/.pnpm/"+store+"/node_modules/"+p.Name)
	})
	return l.Facts()
}

// maxDocuments bounds those of one file; pnpm writes two.
const maxDocuments = 10

// pnpm is the packages of one document.
type pnpm struct {
	list
	at  map[string]int // by key
	doc *pnpmLock
}

func (p *pnpm) read() {
	importers := slices.Collect(maps.Values(p.doc.Importers))
	importers = append(importers, &p.doc.Root)
	tools := p.tools(importers)
	flagged := false // whether packages say themselves that they are for development
	for _, key := range slices.Sorted(maps.Keys(p.doc.Packages)) {
		e := p.doc.Packages[key]
		if e == nil { // the key has name and version
			e = &pnpmPackage{}
		}
		flagged = flagged || e.Dev
		p.at[key] = p.entry(key, e, e.Dev || tools)
	}
	for _, key := range slices.Sorted(maps.Keys(p.doc.Snapshots)) {
		bare := withoutPeers(key)
		if _, ok := p.at[bare]; !ok {
			p.at[bare] = p.entry(bare, &pnpmPackage{}, tools)
		}
		p.at[key] = p.at[bare]
	}
	for _, of := range []map[string]*pnpmPackage{p.doc.Packages, p.doc.Snapshots} {
		for key, e := range of {
			if e != nil {
				p.needs(p.at[key], e.Dependencies, e.Optional)
			}
		}
	}
	var direct, dev []int
	for _, m := range importers {
		if m != nil {
			direct = p.found(direct, m.Dependencies, m.Optional)
			dev = p.found(dev, m.Dev, m.Config, m.Manager)
		}
	}
	switch {
	case len(direct)+len(dev) == 0:
	case flagged:
		p.Mark(append(direct, dev...), nil)
	default:
		p.Mark(direct, dev)
	}
}

// tools reports whether a document is about pnpm itself.
func (p *pnpm) tools(importers []*pnpmImporter) bool {
	tools := false
	for _, m := range importers {
		if m != nil && len(m.Dependencies)+len(m.Optional)+len(m.Dev) > 0 {
			return false
		}
		tools = tools || m != nil && (m.Manager != nil || m.Config != nil)
	}
	return tools
}

func (p *pnpm) needs(i int, tables ...map[string]pnpmVersion) {
	p.Need(i, p.found(nil, tables...)...)
}

// found appends the packages that tables lead to.
func (p *pnpm) found(is []int, tables ...map[string]pnpmVersion) []int {
	for _, t := range tables {
		for name, version := range t {
			v := string(version)
			for _, key := range []string{name + "@" + v, "/" + name + "@" + v, "/" + name + "/" + v, v, "/" + v} {
				if i, ok := p.at[key]; ok {
					is = append(is, i)
					break
				}
			}
		}
	}
	return is
}

// entry adds the package of a key; -1 when it is a directory of the project.
func (p *pnpm) entry(key string, e *pnpmPackage, dev bool) int {
	name, version := p.cut(key)
	if e.Name != "" {
		name = e.Name
	}
	if e.Version != "" {
		version = e.Version
	}
	if from := version; strings.HasPrefix(key, "file:") && e.Version == "" {
		return -1
	} else if strings.ContainsAny(from, ":/") {
		version = tarball(from, name)
		if version == "" {
			version = tarball(e.Resolution.Tarball, name)
		}
		if version == "" && (e.Resolution.Type == "directory" || strings.HasPrefix(from, "file:") || strings.HasPrefix(from, "link:")) {
			return -1
		}
	}
	return p.AddDev(name, version, dev)
}

// cut reads a key: "/@scope/name/1.0.0_peers" before version 6,
// "/name@1.0.0(peers)" then, "name@1.0.0" since version 9. The host of another
// registry may stand in front.
func (p *pnpm) cut(key string) (name, version string) {
	number, _, _ := strings.Cut(p.doc.Version, "-")
	v, err := strconv.ParseFloat(number, 64)
	old := err == nil && v < 6
	key, slash := strings.CutPrefix(withoutPeers(key), "/")
	if host, rest, ok := strings.Cut(key, "/"); ok && !slash && strings.Contains(host, ".") && !strings.ContainsAny(host, "@:") {
		key = rest
	}
	if !old {
		return cutSpec(key)
	}
	if strings.HasPrefix(key, "file:") {
		return key, "" // the entry names it
	}
	parts := strings.Split(key, "/")
	n := 1
	if strings.HasPrefix(key, "@") {
		n = 2
	}
	if len(parts) <= n {
		return key, ""
	}
	version, _, _ = strings.Cut(parts[n], "_")
	return strings.Join(parts[:n], "/"), version
}

func withoutPeers(key string) string {
	key, _, _ = strings.Cut(key, "(")
	return key
}
