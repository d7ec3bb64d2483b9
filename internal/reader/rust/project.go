package rust

import (
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads Cargo.toml of a project that has no lock file, neither beside it nor,
// as a part of a workspace, above it.
//
// Format: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html
type Project struct{}

func (Project) Name() string { return "cargo-project" }

func (Project) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Cargo.toml", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeCargo, Locks: []string{"Cargo.lock"}, Covers: covers, Ask: ask}.Read(f)
}

// exactly is a requirement that one version meets.
// https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html#comparison-requirements
var exactly = regexp.MustCompile(`^\s*=\s*(\d+\.\d+\.\d+\S*)\s*$`)

func ask(p *manifest.Project) error {
	var m cargoTOML
	if err := listing.DecodeBytes([]byte(p.Text), tomldoc.Unmarshal, &m); err != nil {
		return err
	}
	for _, s := range append(m.sets(), set{m.Workspace.Dependencies, false}) {
		for _, key := range slices.Sorted(maps.Keys(s.of)) {
			version, _ := s.of[key].(string)
			if t, ok := s.of[key].(map[string]any); ok {
				if t["path"] != nil && t["version"] == nil {
					continue // a part of the project
				}
				version, _ = t["version"].(string)
			}
			if e := exactly.FindStringSubmatch(version); e != nil {
				version = e[1]
			} else {
				version = ""
			}
			p.Ask(called(key, s.of[key]), version, s.dev)
		}
	}
	return nil
}

// ownCrate is the project's own crate in a lock file: one without a source.
var ownCrate = regexp.MustCompile(`(?m)^name = "([^"]+)"\nversion = "[^"]*"\n(?:dependencies|\n|\z)`)

// covers reports whether the lock file above lists the manifest's crate as the
// project's own.
func covers(p *manifest.Project, up, _ string) bool {
	b, err := p.File.Sibling(path.Join(up, "Cargo.lock"), maxManifest)
	if err != nil {
		return false
	}
	var m struct {
		Package project `toml:"package"`
	}
	if listing.DecodeBytes([]byte(p.Text), tomldoc.Unmarshal, &m) != nil || m.Package.Name == "" {
		return false
	}
	return slices.ContainsFunc(ownCrate.FindAllStringSubmatch(strings.ReplaceAll(string(b), "\r", ""), -1), func(c []string) bool { return c[1] == m.Package.Name })
}
