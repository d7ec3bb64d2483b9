// Package unread reports files that list packages, of package managers whose formats are
// not read: nothing found in them is not the same as nothing there.
package unread

import (
	"context"
	"fmt"
	"path"
	"regexp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// maxFile bounds what is looked at of a file: where it begins to list packages.
const maxFile = 1 << 20

// A kind is a file that is not read.
type kind struct {
	glob string
	of   string         // the package manager
	asks *regexp.Regexp // matches where the file lists packages
	lock []string       // files that are read, or reported, in its place
}

var kinds = []kind{
	{"bower.json", "Bower", regexp.MustCompile(`"dependencies"\s*:\s*\{\s*"`), nil},
	{"elm.json", "Elm", regexp.MustCompile(`"(?:direct|indirect|dependencies)"\s*:\s*\{\s*"[\w-]+/`), nil},
	{"libman.json", "LibMan", regexp.MustCompile(`"library"\s*:\s*"`), nil},
	{"shard.lock", "Crystal's shards", regexp.MustCompile(`(?m)^shards:\s*\n\s+\S`), nil},
	{"shard.yml", "Crystal's shards", regexp.MustCompile(`(?m)^dependencies:\s*\n\s+\S`), []string{"shard.lock"}},
	{"dub.selections.json", "D's DUB", regexp.MustCompile(`"versions"\s*:\s*\{\s*"`), nil},
	{"nimble.lock", "Nim's Nimble", regexp.MustCompile(`"packages"\s*:\s*\{\s*"`), nil},
	{"*.rockspec", "LuaRocks", regexp.MustCompile(`(?s)\bdependencies\s*=\s*\{(?:[^}]*,)?\s*["'](?:[^"'l]|l[^u]|lu[^a]|lua[\w-])`), []string{"luarocks.lock"}},
	{"DESCRIPTION", "R", regexp.MustCompile(`(?m)^(?:Imports|LinkingTo):\s*\S?`), []string{"renv.lock", "packrat/packrat.lock"}},
	{"MODULE.bazel", "Bazel", regexp.MustCompile(`\bmaven\.(?:install|artifact)\(`), []string{"maven_install.json", "*maven_install.json"}},
	{"WORKSPACE", "Bazel", regexp.MustCompile(`\bmaven_install\(`), []string{"maven_install.json", "*maven_install.json"}},
	{"WORKSPACE.bazel", "Bazel", regexp.MustCompile(`\bmaven_install\(`), []string{"maven_install.json", "*maven_install.json"}},
	{"project.json", ".NET's project.json", regexp.MustCompile(`(?s)"(?:frameworks|dependencies)"\s*:\s*\{.*"(?:NETStandard\.Library|Microsoft\.NETCore\.App|netcoreapp|dnx)`), []string{"project.lock.json"}},
}

// Reader reports such files.
type Reader struct{}

func (Reader) Name() string { return "unread" }

func (Reader) Wants() (ps []assay.Pattern) {
	for _, k := range kinds {
		ps = append(ps, assay.Pattern{Glob: "**/" + k.glob, Scope: assay.ScopeDeclared, MaxSize: assay.DefaultMaxSize})
	}
	return ps
}

func (Reader) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b := make([]byte, min(f.Size, maxFile))
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return assay.Facts{}, err
	}
	for _, k := range kinds {
		if ok, _ := path.Match(k.glob, path.Base(f.Path)); !ok || !k.asks.Match(b) {
			continue
		}
		for _, name := range k.lock {
			if manifest.Exists(f, name) {
				return assay.Facts{}, nil
			}
		}
		return assay.Facts{}, fmt.Errorf("lists packages for %s, which are not read: %w", k.of, assay.ErrUnsupported)
	}
	return assay.Facts{}, nil
}
