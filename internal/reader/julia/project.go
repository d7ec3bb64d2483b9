package julia

import (
	"context"
	"maps"
	"path"
	"regexp"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads Project.toml of a project that has no manifest, which is Julia's word
// for a lock file.
//
// Format: https://pkgdocs.julialang.org/v1/toml-files/#Project.toml
type Project struct{}

func (Project) Name() string { return "julia-project" }

func (Project) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"Project.toml", "JuliaProject.toml"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeJulia, Locks: []string{"Manifest.toml", "JuliaManifest.toml", "Manifest-v*.toml", "JuliaManifest-v*.toml"}, Covers: covers, Ask: ask}.Read(f)
}

// exactly is an entry of [compat] that one version meets.
// https://pkgdocs.julialang.org/v1/compatibility/#Equality-specifier
var exactly = regexp.MustCompile(`^\s*=\s*v?(\d+\.\d+\.\d+\S*)\s*$`)

// standard are the libraries that come with Julia, at its version.
// https://docs.julialang.org/en/v1/stdlib/
var standard = []string{"ArgTools", "Artifacts", "Base64", "CRC32c", "Dates", "DelimitedFiles", "Distributed", "Downloads", "FileWatching", "Future", "InteractiveUtils", "LazyArtifacts", "LibGit2", "Libdl", "LinearAlgebra", "Logging", "Markdown", "Mmap", "NetworkOptions", "Pkg", "Printf", "Profile", "REPL", "Random", "SHA", "Serialization", "SharedArrays", "Sockets", "SparseArrays", "Statistics", "SuiteSparse", "TOML", "Tar", "Test", "UUIDs", "Unicode"}

func ask(p *manifest.Project) error {
	var doc struct {
		Deps   map[string]string `toml:"deps"`
		Extras map[string]string `toml:"extras"`
		Compat map[string]string `toml:"compat"`
	}
	if err := listing.DecodeBytes([]byte(p.Text), tomldoc.Unmarshal, &doc); err != nil {
		return err
	}
	for _, set := range []struct {
		of  map[string]string
		dev bool
	}{{doc.Deps, false}, {doc.Extras, true}} {
		for _, name := range slices.Sorted(maps.Keys(set.of)) {
			if slices.Contains(standard, name) {
				continue
			}
			version := ""
			if m := exactly.FindStringSubmatch(doc.Compat[name]); m != nil {
				version = m[1]
			}
			p.Ask(name, version, set.dev)
		}
	}
	return nil
}

// covers reports whether the workspace of a project above has the directory.
// https://pkgdocs.julialang.org/v1/toml-files/#The-[workspace]-section
func covers(p *manifest.Project, up, dir string) bool {
	var doc struct {
		Workspace struct {
			Projects []string `toml:"projects"`
		} `toml:"workspace"`
	}
	found, err := listing.Sibling(p.File, path.Join(up, "Project.toml"), maxProject, tomldoc.Unmarshal, &doc)
	return found && err == nil && manifest.Member(doc.Workspace.Projects, dir)
}
