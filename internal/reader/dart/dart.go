// Package dart reads the lock file of pub, the package manager of Dart and
// Flutter.
package dart

import (
	"context"
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxLock: the largest known have some 100 kB.
const maxLock = 16 << 20

// Lock reads pubspec.lock. Packages of the SDK ("flutter", at version 0.0.0)
// are none of the registry's and left out. What is for development is known of
// what the project itself asks for only, because the file has no dependencies.
//
// Format: https://dart.dev/tools/pub/glossary#lockfile
type Lock struct{}

func (Lock) Name() string { return "pubspec-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/pubspec.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Packages map[string]struct {
			Dependency string `yaml:"dependency"`
			Source     string `yaml:"source"`
			Version    string `yaml:"version"`
		} `yaml:"packages"`
	}
	l := listing.New(assay.TypePub)
	l.Error(listing.Decode(f, maxLock, yamldoc.Unmarshal, &doc))
	for _, name := range slices.Sorted(maps.Keys(doc.Packages)) {
		p := doc.Packages[name]
		if p.Source == "sdk" {
			continue
		}
		i := l.Add(name, p.Version)
		if i < 0 {
			continue
		}
		q := &l.Packages[i]
		switch p.Dependency {
		case "direct main", "direct overridden", "direct":
			q.Relation = assay.RelationDirect
		case "direct dev":
			q.Relation, q.Dev = assay.RelationDirect, true
		case "transitive":
			q.Relation = assay.RelationIndirect
		}
	}
	return l.Facts()
}
