package ignore

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// Grype's names of types and languages, as types of purls.
// https://github.com/anchore/syft/blob/main/syft/pkg/type.go (November 2026)
var (
	grypeTypes = map[string]string{"deb": "deb", "rpm": "rpm", "apk": "apk", "alpm": "alpm", "npm": "npm", "python": "pypi", "java-archive": "maven", "jenkins-plugin": "maven",
		"go-module": "golang", "gem": "gem", "rust-crate": "cargo", "php-composer": "composer", "dotnet": "nuget", "binary": "generic", "github-action": "githubactions",
		"github-action-workflow": "githubactions", "conda": "conda", "hex": "hex", "pod": "cocoapods", "swift": "swift", "conan": "conan", "hackage": "hackage", "dart-pub": "pub",
		"R-package": "cran", "erlang-otp": "otp", "opam": "opam", "lua-rocks": "luarocks", "bitnami": "bitnami", "homebrew": "brew", "portage": "ebuild", "wordpress-plugin": "wordpress-plugin", "terraform": "terraform"}
	grypeLanguages = map[string]string{"python": "pypi", "java": "maven", "javascript": "npm", "go": "golang", "ruby": "gem", "rust": "cargo", "php": "composer", "dotnet": "nuget",
		"dart": "pub", "swift": "swift", "haskell": "hackage", "elixir": "hex", "erlang": "otp", "c++": "conan", "R": "cran", "lua": "luarocks", "ocaml": "opam"}
	// grypeStreams are the streams of Grype's namespaces "github:language:X".
	grypeStreams = map[string]assay.Stream{"python": "pypi", "java": "maven", "javascript": "npm", "go": "go", "ruby": "rubygems", "rust": "crates.io", "php": "packagist",
		"dotnet": "nuget", "dart": "pub", "swift": "swift", "elixir": "hex", "erlang": "hex", "github-action": "github-actions"}
	grypeKeys = []string{"vulnerability", "include-aliases", "reason", "namespace", "fix-state", "package", "match-type", "vex-status", "vex-justification"}
)

// grype reads the list in a Grype configuration. A rule with criteria that assay
// does not support is ignored, with a note.
// https://github.com/anchore/grype#specifying-matches-to-ignore
func (d *document) grype(list *yaml.Node) (*File, error) {
	out := &File{Name: d.name}
	all, err := d.rules(list, "ignore")
	if err != nil {
		return nil, err
	}
	for _, n := range all {
		g := grypeRule{document: d, Rule: Rule{File: d.name, Line: n.Line, names: ghsas}}
		if err := g.read(n); err != nil {
			return nil, err
		}
		if g.cannot != "" {
			out.Notes = append(out.Notes, fmt.Sprintf("%s is ignored: %s", g.By(), g.cannot))
			continue
		}
		if err := out.addRule(g.Rule); err != nil {
			return nil, d.fail(n, "%w", err)
		}
	}
	return out, nil
}

// grypeRule is a Grype rule while it is read.
type grypeRule struct {
	*document
	Rule
	cannot string // why it is ignored
}

func (g *grypeRule) read(n *yaml.Node) error {
	keys, err := g.mapping(n, "a rule")
	if err != nil {
		return err
	}
	for _, e := range keys {
		if e.key == "package" {
			if err := g.ofPackage(e.value); err != nil {
				return err
			}
			continue
		}
		v, err := g.text(e.value)
		if err != nil {
			return err
		}
		if err := g.key(e, v); err != nil {
			return err
		}
	}
	return nil
}

// key reads a key of a rule; as in Grype an empty value matches anything.
func (g *grypeRule) key(e entry, v string) error {
	switch {
	case !slices.Contains(grypeKeys, e.key):
		return g.fail(e.at, "unknown key %q; known: %s", e.key, join(grypeKeys))
	case v == "":
	case e.key == "vulnerability":
		g.IDs = []string{v}
	case e.key == "reason":
		g.Reason = v
	case e.key == "include-aliases":
		if v != "true" && v != "false" {
			return g.fail(e.value, "include-aliases %q is neither true nor false", v)
		}
		if v == "true" {
			g.names |= aliases
		}
	case e.key == "namespace":
		s, ok := namespace(v)
		if !ok {
			g.cannot = fmt.Sprintf("assay has no namespace %q", v)
		}
		g.add(e.key, []string{v}, func(sub *subject) bool { return sub.f.Stream == s })
	case e.key == "fix-state":
		if err := g.set("fix-state", []string{v}); err != nil {
			return g.fail(e.value, "%w", err)
		}
	case e.key == "match-type" && v == "cpe-match":
		g.add(e.key, []string{v}, func(s *subject) bool { return s.f.Stream == assay.StreamCPE })
	case e.key == "match-type":
		g.cannot = fmt.Sprintf("match-type %q is not supported; only cpe-match is", v)
	default:
		g.cannot = e.key + " is about VEX documents, which suppress findings without a rule"
	}
	return nil
}

// ofPackage reads the rule's criteria of the package.
func (g *grypeRule) ofPackage(n *yaml.Node) error {
	keys, err := g.mapping(n, "package")
	if err != nil {
		return err
	}
	for _, e := range keys {
		v, err := g.text(e.value)
		if err != nil {
			return err
		}
		holds, err := g.packageKey(e.key, v)
		if err != nil {
			return g.fail(e.at, "package: %w", err)
		}
		if v != "" && holds != nil {
			g.add("package."+e.key, []string{v}, holds)
		}
	}
	return nil
}

func (g *grypeRule) packageKey(key, v string) (func(*subject) bool, error) {
	switch key {
	case "name":
		if regexp.QuoteMeta(v) == v && v != "" {
			g.packages = []string{v}
		}
		p, err := g.grypePattern(v)
		return func(s *subject) bool { return p(s.p.Name) || s.p.Type == assay.TypeMaven && p(artifact(s.p.Name)) }, err
	case "upstream-name":
		p, err := g.grypePattern(v)
		return func(s *subject) bool { return s.p.Source != "" && p(s.p.Source) }, err
	case "version":
		return func(s *subject) bool { return s.p.Version == v }, nil
	case "type":
		t, ok := grypeTypes[v]
		if !ok && v != "" {
			g.cannot = fmt.Sprintf("assay has no type of packages %q", v)
		}
		return func(s *subject) bool { return s.p.Type == t }, nil
	case "language":
		t, ok := grypeLanguages[v]
		if !ok && v != "" {
			g.cannot = fmt.Sprintf("assay has no language %q", v)
		}
		return func(s *subject) bool { return s.p.Type == t }, nil
	case "location":
		return ofPath(v)
	}
	return nil, fmt.Errorf("unknown key %q; known: name, version, language, type, location, upstream-name", key)
}

// artifact is Grype's name of a Maven package: its name without the group.
func artifact(name string) string {
	_, a, ok := strings.Cut(name, ":")
	if !ok {
		return name
	}
	return a
}

// namespace is the stream of a Grype namespace: "debian:distro:debian:12",
// "github:language:python", "nvd:cpe".
func namespace(v string) (assay.Stream, bool) {
	parts := strings.Split(v, ":")
	switch {
	case v == "nvd:cpe":
		return assay.StreamCPE, true
	case len(parts) == 3 && parts[1] == "language":
		s, ok := grypeStreams[parts[2]]
		return s, ok
	case len(parts) == 4 && parts[1] == "distro":
		name := strings.TrimSuffix(parts[2], "linux")
		for _, id := range []string{parts[2], name} {
			f, ok := distro.Of(assay.Release{ID: distro.ID(id)})
			if !ok {
				continue
			}
			s := f.Stream(assay.Release{ID: distro.ID(id), Version: strings.TrimPrefix(parts[3], "rolling")})
			return s, s != ""
		}
	}
	return "", false
}
