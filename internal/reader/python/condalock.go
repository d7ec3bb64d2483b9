package python

import (
	"context"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// both are the packages of conda's and of PyPI's that one file lists.
type both struct {
	conda *listing.List
	pip   *list
}

func newBoth() both { return both{condaList(), newList(assay.TypePyPI)} }

func (b both) facts() (assay.Facts, error) {
	facts, err := b.conda.Facts()
	more, err2 := b.pip.Facts()
	facts.Packages = append(facts.Packages, more.Packages...)
	return facts, errors.Join(err, err2)
}

// CondaLock reads the lock file of conda-lock, of all platforms together. What only
// other categories than main need is Dev.
//
// Format: https://conda.github.io/conda-lock/output/
type CondaLock struct{}

func (CondaLock) Name() string { return "conda-lock" }

func (CondaLock) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"conda-lock.yml", "conda-lock.yaml", "*.conda-lock.yml", "*.conda-lock.yaml"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: maxLock})
	}
	return ps
}

func (CondaLock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Package []struct {
			Name     string `yaml:"name"`
			Version  string `yaml:"version"`
			Manager  string `yaml:"manager"`
			Category string `yaml:"category"`
		} `yaml:"package"`
	}
	b := newBoth()
	b.conda.Error(listing.Decode(f, maxLock, yamldoc.Unmarshal, &doc))
	for _, p := range doc.Package {
		l := b.conda
		if p.Manager == "pip" {
			l = b.pip.List
		}
		l.AddDev(p.Name, p.Version, p.Category == "dev" || p.Category == "test")
	}
	return b.facts()
}

// Pixi reads pixi.lock of versions 4 to 6, of all environments and platforms together.
// Packages of conda have their names and versions in those of their archives.
//
// Format: https://pixi.sh/latest/workspace/lockfile/
type Pixi struct{}

func (Pixi) Name() string { return "pixi-lock" }

func (Pixi) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/pixi.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

// condaArchive is the name of an archive of conda: "name-version-build.conda".
// https://docs.conda.io/projects/conda/en/latest/user-guide/concepts/packages.html#package-naming-conventions
var condaArchive = regexp.MustCompile(`^(.+)-([^-]+)-[^-]+\.(?:conda|tar\.bz2)$`)

func (Pixi) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Packages []struct {
			Kind    string `yaml:"kind"` // before version 6
			Conda   string `yaml:"conda"`
			PyPI    string `yaml:"pypi"`
			URL     string `yaml:"url"`
			Path    string `yaml:"path"`
			Name    string `yaml:"name"`
			Version string `yaml:"version"`
		} `yaml:"packages"`
	}
	b := newBoth()
	b.conda.Error(listing.Decode(f, maxLock, yamldoc.Unmarshal, &doc))
	for _, p := range doc.Packages {
		switch {
		case p.PyPI != "" || p.Kind == "pypi":
			if p.Version != "" || !strings.HasPrefix(p.PyPI, ".") && p.Path == "" {
				b.pip.Add(p.Name, p.Version)
			}
		case p.Name != "" && p.Version != "":
			b.conda.Add(p.Name, p.Version)
		default:
			archive := p.Conda + p.URL
			if m := condaArchive.FindStringSubmatch(path.Base(archive)); m != nil {
				b.conda.Add(m[1], m[2])
			} else {
				b.conda.NoVersion(archive)
			}
		}
	}
	return b.facts()
}

// PixiProject reads pixi.toml that has no lock file.
//
// Format: https://pixi.sh/latest/reference/pixi_manifest/
type PixiProject struct{}

func (PixiProject) Name() string { return "pixi-project" }

func (PixiProject) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/pixi.toml", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (PixiProject) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeConda, Locks: []string{"pixi.lock"}, Ask: func(p *manifest.Project) error {
		var doc struct {
			Dependencies map[string]any `toml:"dependencies"`
			PyPI         map[string]any `toml:"pypi-dependencies"`
		}
		if err := listing.DecodeBytes([]byte(p.Text), tomldoc.Unmarshal, &doc); err != nil {
			return err
		}
		for _, set := range []struct {
			kind string
			of   map[string]any
		}{{assay.TypeConda, doc.Dependencies}, {assay.TypePyPI, doc.PyPI}} {
			for _, name := range slices.Sorted(maps.Keys(set.of)) {
				for _, w := range table(map[string]any{name: set.of[name]}) {
					version := strings.TrimSpace(strings.TrimPrefix(w.allowed, "=="))
					if !strings.HasPrefix(w.allowed, "==") || !validVersion(version) {
						version = ""
					}
					if i := p.Ask(w.name, version, false); i >= 0 {
						p.Packages[i].Type = set.kind
					}
				}
			}
		}
		return nil
	}}.Read(f)
}
