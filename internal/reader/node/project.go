package node

import (
	"context"
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// npmLocks are the lock files of the package managers for Node.js.
var npmLocks = []string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock", "common/config/rush/pnpm-lock.yaml", "common/config/rush/npm-shrinkwrap.json", "common/config/rush/yarn.lock"}

// Project reads package.json of a project that has no lock file, neither beside it nor,
// as a part of a workspace, above it.
//
// Format: https://docs.npmjs.com/cli/configuring-npm/package-json
type Project struct{}

func (Project) Name() string { return "npm-project" }

func (Project) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/package.json", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeNPM, Locks: npmLocks, Covers: coversNPM, Ask: askNPM}.Read(f)
}

func askNPM(p *manifest.Project) error {
	p.Name, p.Version = validName, validVersion
	var m packageJSON
	if err := m.asks([]byte(p.Text)); err != nil {
		return err
	}
	for _, set := range []struct {
		of  map[string]string
		dev bool
	}{{m.dependencies, false}, {m.optional, false}, {m.dev, true}} {
		for _, name := range slices.Sorted(maps.Keys(set.of)) {
			if name, version, ok := wanted(name, set.of[name]); ok {
				p.Ask(name, version, set.dev)
			}
		}
	}
	return nil
}

// exact is a requirement that one version meets.
var exact = regexp.MustCompile(`^[=v\s]*(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$`)

// wanted is what a requirement asks for, with the version when it is exact; ok is false
// for parts of the project itself.
func wanted(name, spec string) (_, version string, ok bool) {
	if alias, ok := strings.CutPrefix(spec, "npm:"); ok {
		name, spec = cutSpec(alias)
	}
	for _, local := range []string{"file:", "link:", "workspace:", "portal:", ".", "/", "~/"} {
		if strings.HasPrefix(spec, local) && !strings.Contains(spec, ".tgz") && !strings.Contains(spec, ".tar.gz") {
			return name, "", false
		}
	}
	if m := exact.FindStringSubmatch(spec); m != nil {
		return name, m[1], true
	}
	return name, tarball(spec, name), true
}

// coversNPM reports whether a project above has the manifest's directory as a part: by
// the patterns of its workspaces, or as a dependency in a directory.
func coversNPM(p *manifest.Project, up, dir string) bool {
	if m, err := beside(p.File, path.Join(up, "package.json")); err == nil && m != nil {
		if manifest.Member(m.workspaces, dir) || slices.ContainsFunc([]map[string]string{m.dependencies, m.optional, m.dev}, func(of map[string]string) bool { return leadsTo(of, dir) }) {
			return true
		}
	}
	var doc struct {
		Packages []string `yaml:"packages" json:"packages"`
	}
	for _, other := range []struct {
		name      string
		unmarshal listing.Unmarshal
	}{{"pnpm-workspace.yaml", yamldoc.Unmarshal}, {"lerna.json", json.Unmarshal}} {
		doc.Packages = nil
		found, err := listing.Sibling(p.File, path.Join(up, other.name), maxManifest, other.unmarshal, &doc)
		if found && err == nil && manifest.Member(doc.Packages, dir) {
			return true
		}
	}
	b, err := p.File.Sibling(path.Join(up, "rush.json"), maxManifest)
	return err == nil && slices.ContainsFunc(rushProject.FindAllStringSubmatch(string(b), -1), func(m []string) bool { return path.Clean(m[1]) == dir })
}

// rushProject names a part of a project of Rush, whose file has comments.
// https://rushjs.io/pages/configs/rush_json/
var rushProject = regexp.MustCompile(`"projectFolder"\s*:\s*"([^"]+)"`)

// leadsTo reports whether one of the requirements is a directory.
func leadsTo(of map[string]string, dir string) bool {
	for _, spec := range of {
		for _, protocol := range []string{"file:", "link:", "portal:"} {
			if d, ok := strings.CutPrefix(spec, protocol); ok && path.Clean(d) == dir {
				return true
			}
		}
	}
	return false
}

// DenoProject reads deno.json and jsr.json of a project that has no lock file.
//
// Format: https://docs.deno.com/runtime/fundamentals/configuration/
type DenoProject struct{}

func (DenoProject) Name() string { return "deno-project" }

func (DenoProject) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"deno.json", "deno.jsonc", "import_map.json"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (DenoProject) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeNPM, Locks: npmLocks, Covers: coversDeno, Ask: askDeno}.Read(f)
}

// denoImport is a package in a file of Deno, which may have comments.
var denoImport = regexp.MustCompile(`"(npm|jsr):/?([^"]+)"`)

func askDeno(p *manifest.Project) error {
	p.Name, p.Version = validName, validVersion
	for _, line := range manifest.Lines(p.Text, "//", "/*") {
		for _, m := range denoImport.FindAllStringSubmatch(line, -1) {
			name, spec := cutSpec(m[2])
			spec, _, _ = strings.Cut(spec, "/")
			_, version, _ := wanted(name, spec)
			if i := p.Ask(name, version, false); i >= 0 && m[1] == "jsr" {
				p.Packages[i].Type = assay.TypeJSR
			}
		}
	}
	return nil
}

// coversDeno reports whether a project above has the directory among its workspace.
func coversDeno(p *manifest.Project, up, dir string) bool {
	for _, name := range []string{"deno.json", "deno.jsonc"} {
		b, err := p.File.Sibling(path.Join(up, name), maxManifest)
		if err != nil {
			continue
		}
		text := strings.Join(manifest.Lines(string(b), "//", "/*"), "\n")
		if m := denoWorkspace.FindStringSubmatch(text); m != nil {
			for _, member := range denoMember.FindAllStringSubmatch(m[1], -1) {
				if manifest.Member(member[1:], dir) {
					return true
				}
			}
		}
	}
	return coversNPM(p, up, dir)
}

var (
	denoWorkspace = regexp.MustCompile(`"workspace"\s*:\s*(?:\{\s*"members"\s*:\s*)?\[([^\]]*)\]`)
	denoMember    = regexp.MustCompile(`"([^"]+)"`)
)
