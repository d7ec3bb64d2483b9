// Package snap reads snaps, Canonical's packages of applications.
package snap

import (
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxYAML: descriptions with icons in them have some 100 kB.
const maxYAML = 16 << 20

// Snap reads meta/snap.yaml of installed snaps, which are mounted or unpacked.
//
// Format: https://snapcraft.io/docs/snap-format
type Snap struct{}

func (Snap) Name() string { return "snap" }

func (Snap) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/meta/snap.yaml", Scope: assay.ScopeInstalled, MaxSize: maxYAML}}
}

func (Snap) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Name          string   `yaml:"name"`
		Version       string   `yaml:"version"`
		License       string   `yaml:"license"`
		Architectures []string `yaml:"architectures"`
	}
	l := listing.New(assay.TypeSnap)
	err := listing.Decode(f, maxYAML, yamldoc.Unmarshal, &doc)
	l.Error(err)
	if doc.Name == "" {
		if err == nil {
			l.Malformed("snap name is missing")
		}
		return l.Facts()
	}
	i := l.Add(doc.Name, doc.Version)
	l.Licences(i, doc.License)
	if i >= 0 && len(doc.Architectures) == 1 {
		l.Packages[i].Arch = doc.Architectures[0]
	}
	return l.Facts()
}

// Base reads usr/share/snappy/dpkg.yaml: the base snaps, which are a small
// Ubuntu ("core22"), have no database of dpkg but this list of its packages.
//
// Format: https://github.com/canonical/core-base
type Base struct{}

func (Base) Name() string { return "snap-base" }

func (Base) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "usr/share/snappy/dpkg.yaml", MaxSize: maxYAML}}
}

func (Base) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Packages []string `yaml:"packages"`
	}
	l := listing.New(assay.TypeDeb)
	l.Error(listing.Decode(f, maxYAML, yamldoc.Unmarshal, &doc))
	for _, p := range doc.Packages {
		name, version, _ := strings.Cut(p, "=")
		name, arch, _ := strings.Cut(name, ":")
		if i := l.Add(name, version); i >= 0 {
			l.Packages[i].Arch = arch
		}
	}
	return l.Facts()
}
