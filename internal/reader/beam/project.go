package beam

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

// Project reads mix.exs, rebar.config and gleam.toml of projects that have no lock
// file. The first is a program; what is not plain in it is a gap.
//
// Format: https://mix.hexdocs.pm/Mix.Tasks.Deps.html,
// https://rebar3.org/docs/configuration/dependencies/, https://gleam.run/writing-gleam/gleam-toml/
type Project struct{}

func (Project) Name() string { return "hex-project" }

func (Project) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"mix.exs", "rebar.config", "gleam.toml"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if fetched(f.Path) {
		return assay.Facts{}, nil
	}
	k := manifest.Kind{Type: assay.TypeHex}
	switch path.Base(f.Path) {
	case "mix.exs":
		k.Locks, k.Covers, k.Ask, k.Asks = []string{"mix.lock"}, coversMix, askMix, regexp.MustCompile(`\bdefp?\s+deps\b|\bdeps:\s*\[\s*\{`)
	case "rebar.config":
		k.Locks, k.Covers, k.Ask = []string{"rebar.lock", "mix.lock"}, coversRebar, askRebar
	default:
		k.Locks, k.Ask = []string{"manifest.toml"}, askGleam
	}
	return k.Read(f)
}

var (
	mixVersion  = regexp.MustCompile(`^\s*"\s*(?:==\s*)?(\d+\.\d+\.\d+[0-9A-Za-z.+-]*)\s*"`)
	mixLocal    = regexp.MustCompile(`\b(?:path:|in_umbrella:)`)
	mixEmpty    = regexp.MustCompile(`\bdefp?\s+deps\b[^\[]*\[\s*\]`)
	mixLockFile = regexp.MustCompile(`\blockfile:\s*"([^"]+)"`)
)

func askMix(p *manifest.Project) error {
	if m := mixLockFile.FindStringSubmatch(p.Text); m != nil && manifest.Exists(p.File, m[1]) || strings.Contains(p.Text, "apps_path:") && !mixDep.MatchString(p.Text) {
		p.Elsewhere()
		return nil
	}
	text := strings.Join(manifest.Lines(p.Text, "#"), "\n")
	if mixEmpty.MatchString(text) {
		p.Elsewhere()
	}
	_, deps, _ := strings.Cut(text, "deps")
	for _, m := range mixDep.FindAllStringSubmatch(deps, -1) {
		if mixLocal.MatchString(m[2]) || !strings.ContainsAny(m[2], `"`) {
			continue
		}
		version := ""
		if e := mixVersion.FindStringSubmatch(m[2]); e != nil {
			version = e[1]
		}
		dev := false
		if only := mixOnly.FindStringSubmatch(m[2]); only != nil {
			dev = !slices.ContainsFunc(atom.FindAllStringSubmatch(only[1], -1), func(a []string) bool { return a[1] != "dev" && a[1] != "test" && a[1] != "docs" })
		}
		p.Ask(m[1], version, dev)
	}
	return nil
}

// coversMix reports whether a project above is an umbrella over the directory.
// https://mix.hexdocs.pm/Mix.Project.html
func coversMix(p *manifest.Project, up, dir string) bool {
	b, err := p.File.Sibling(path.Join(up, "mix.exs"), manifest.MaxSize)
	if err != nil {
		return false
	}
	m := mixApps.FindStringSubmatch(string(b))
	return m != nil && path.Dir(dir) == path.Clean(m[1])
}

var mixApps = regexp.MustCompile(`\bapps_path:\s*"([^"]+)"`)

// coversRebar reports whether a project above has the directory among its
// applications. https://rebar3.org/docs/configuration/configuration/#directories
func coversRebar(p *manifest.Project, up, dir string) bool {
	first, _, _ := strings.Cut(dir, "/")
	return (first == "apps" || first == "lib") && manifest.Exists(p.File, path.Join(up, "rebar.config"))
}

// rebarDeps is where the dependencies of a project begin among its terms.
var rebarDeps = regexp.MustCompile(`\{\s*deps\s*,\s*\[`)

func askRebar(p *manifest.Project) error {
	at := rebarDeps.FindStringIndex(p.Text)
	if at == nil {
		return nil
	}
	reader := parser{s: p.Text[at[0]:]}
	deps, err := reader.term(0)
	if err != nil || len(deps.items) != 2 {
		return err
	}
	for _, d := range deps.items[1].items {
		name, version := d.text, ""
		if d.kind == '(' && len(d.items) > 0 { // {name, "1.0.0"}, {name, {git, …}}
			name = d.items[0].text
			if len(d.items) > 1 && d.items[1].kind != '(' {
				if m := mixVersion.FindStringSubmatch(`"` + d.items[1].text + `"`); m != nil {
					version = m[1]
				}
			}
		}
		if name != "" {
			p.Ask(name, version, false)
		}
	}
	return nil
}

// askGleam reads gleam.toml, whose requirements are ranges as a rule.
func askGleam(p *manifest.Project) error {
	var doc struct {
		Dependencies map[string]any `toml:"dependencies"`
		Dev          map[string]any `toml:"dev-dependencies"`
	}
	if err := listing.DecodeBytes([]byte(p.Text), tomldoc.Unmarshal, &doc); err != nil {
		return err
	}
	for _, set := range []struct {
		of  map[string]any
		dev bool
	}{{doc.Dependencies, false}, {doc.Dev, true}} {
		for _, name := range slices.Sorted(maps.Keys(set.of)) {
			version, isText := set.of[name].(string)
			if !isText {
				if t, _ := set.of[name].(map[string]any); t["path"] != nil {
					continue
				}
			}
			if m := mixVersion.FindStringSubmatch(`"` + version + `"`); m != nil {
				version = m[1]
			} else {
				version = ""
			}
			p.Ask(name, version, set.dev)
		}
	}
	return nil
}

// Gleam reads manifest.toml, the lock file of Gleam.
//
// Format: https://gleam.run/writing-gleam/gleam-toml/
type Gleam struct{}

func (Gleam) Name() string { return "gleam-lock" }

func (Gleam) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/manifest.toml", Scope: assay.ScopeDeclared, MaxSize: maxLock, RequiresSibling: "gleam.toml"}}
}

func (Gleam) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Packages []struct {
			Name         string   `toml:"name"`
			Version      string   `toml:"version"`
			Source       string   `toml:"source"`
			Requirements []string `toml:"requirements"`
		} `toml:"packages"`
		Requirements map[string]any `toml:"requirements"`
	}
	l := listing.New(assay.TypeHex)
	l.Error(listing.Decode(f, maxLock, tomldoc.Unmarshal, &doc))
	for _, p := range doc.Packages {
		if p.Source != "local" {
			l.Add(p.Name, p.Version)
		}
	}
	of := l.Names(nil)
	for _, p := range doc.Packages {
		for _, need := range p.Requirements {
			l.Need(l.Find(p.Name, p.Version), of[need]...)
		}
	}
	var direct []int
	for name := range doc.Requirements {
		direct = append(direct, of[name]...)
	}
	l.Mark(direct, nil)
	return l.Facts()
}
