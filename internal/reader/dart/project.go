package dart

import (
	"context"
	"maps"
	"path"
	"regexp"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads pubspec.yaml of a project that has no lock file, neither beside it nor,
// as a part of a workspace, above it.
//
// Format: https://dart.dev/tools/pub/dependencies
type Project struct{}

func (Project) Name() string { return "pubspec" }

func (Project) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/pubspec.yaml", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypePub, Locks: []string{"pubspec.lock"}, Covers: covers, Ask: ask}.Read(f)
}

// exactly is a requirement that one version meets.
var exactly = regexp.MustCompile(`^\s*={0,2}\s*(\d+\.\d+\.\d+[0-9A-Za-z.+-]*)\s*$`)

func ask(p *manifest.Project) error {
	var doc struct {
		Dependencies map[string]any `yaml:"dependencies"`
		Dev          map[string]any `yaml:"dev_dependencies"`
		Overrides    map[string]any `yaml:"dependency_overrides"`
	}
	if err := listing.DecodeBytes([]byte(p.Text), yamldoc.Unmarshal, &doc); err != nil {
		return err
	}
	for _, set := range []struct {
		of  map[string]any
		dev bool
	}{{doc.Overrides, false}, {doc.Dependencies, false}, {doc.Dev, true}} {
		for _, name := range slices.Sorted(maps.Keys(set.of)) {
			version, _ := set.of[name].(string)
			if t, ok := set.of[name].(map[string]any); ok {
				if t["sdk"] != nil || t["path"] != nil {
					continue // the SDK's own, a directory of the project
				}
				version, _ = t["version"].(string)
			}
			if m := exactly.FindStringSubmatch(version); m != nil {
				version = m[1]
			} else {
				version = ""
			}
			p.Ask(name, version, set.dev)
		}
	}
	return nil
}

// covers reports whether the workspace of a project above has the directory.
// https://dart.dev/tools/pub/workspaces
func covers(p *manifest.Project, up, dir string) bool {
	var doc struct {
		Workspace []string `yaml:"workspace"`
	}
	found, err := listing.Sibling(p.File, path.Join(up, "pubspec.yaml"), manifest.MaxSize, yamldoc.Unmarshal, &doc)
	return found && err == nil && manifest.Member(doc.Workspace, dir)
}
