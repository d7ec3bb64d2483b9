package haskell

import (
	"context"
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

// Project reads the descriptions of packages, *.cabal and package.yaml, that have no
// lock file of Cabal or Stack, neither beside them nor in a directory above.
//
// Format: https://cabal.readthedocs.io/en/stable/cabal-package-description-file.html,
// https://github.com/sol/hpack
type Project struct{}

func (Project) Name() string { return "cabal-project" }

func (Project) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"*.cabal", "package.yaml"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	k := manifest.Kind{Type: assay.TypeHackage, Locks: []string{"cabal.project.freeze", "stack.yaml.lock"}, Covers: covers, Ask: askCabal}
	if path.Base(f.Path) == "package.yaml" {
		k.Ask = askHpack
		k.Locks = append(k.Locks, "*.cabal") // which is made of it
	}
	return k.Read(f)
}

// covers reports whether a directory above has a project of Cabal or Stack, which may
// have any directory below as a package.
func covers(p *manifest.Project, up, _ string) bool {
	return manifest.Exists(p.File, path.Join(up, "cabal.project")) || manifest.Exists(p.File, path.Join(up, "stack.yaml"))
}

// needs is one requirement: a name, perhaps libraries of it, and the versions.
var needs = regexp.MustCompile(`^([0-9A-Za-z]+(?:-[0-9A-Za-z]+)*)(?::[\w-]*)?\s*(.*)$`)

// libraries are those of a package that a requirement is for.
var libraries = regexp.MustCompile(`\{[^}]*\}`)

var equals = regexp.MustCompile(`^==\s*([0-9]+(?:\.[0-9]+)*)$`)

// ghc are the packages that come with the compiler, at its versions.
var ghc = []string{"base", "ghc", "ghc-prim", "ghc-bignum", "integer-gmp", "template-haskell"}

func askNeed(p *manifest.Project, text string, dev bool) {
	m := needs.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || slices.Contains(ghc, m[1]) {
		return
	}
	version := ""
	if e := equals.FindStringSubmatch(strings.TrimSpace(m[2])); e != nil {
		version = e[1]
	}
	p.Ask(m[1], version, dev)
}

func askCabal(p *manifest.Project) error {
	own := strings.TrimSuffix(path.Base(p.File.Path), ".cabal")
	inside, dev, indent := false, false, 0
	for _, line := range manifest.Lines(p.Text) {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "--") {
			continue
		}
		at := len(line) - len(strings.TrimLeft(line, " \t"))
		field, value, isField := strings.Cut(text, ":")
		switch field = strings.ToLower(strings.TrimSpace(field)); {
		case isField && !strings.ContainsAny(field, " ,<>=&|") && (!inside || at <= indent):
			inside, indent, text = field == "build-depends", at, value
		case inside && at <= indent:
			inside = false
		}
		if at == 0 && !isField {
			dev = strings.HasPrefix(text, "test-suite") || strings.HasPrefix(text, "benchmark")
		}
		if !inside {
			continue
		}
		for part := range strings.SplitSeq(libraries.ReplaceAllString(text, ""), ",") {
			if name := strings.TrimSpace(part); name != own {
				askNeed(p, part, dev)
			}
		}
	}
	return nil
}

func askHpack(p *manifest.Project) error {
	var doc map[string]any
	if err := listing.DecodeBytes([]byte(p.Text), yamldoc.Unmarshal, &doc); err != nil {
		return err
	}
	name, _ := doc["name"].(string)
	visit := func(v any, dev bool) {
		section, _ := v.(map[string]any)
		switch list := section["dependencies"].(type) {
		case string:
			askNeed(p, list, dev)
		case []any:
			for _, e := range list {
				if s, ok := e.(string); ok && s != name {
					askNeed(p, s, dev)
				}
			}
		}
	}
	visit(doc, false)
	for _, key := range []string{"library", "executable"} {
		visit(doc[key], false)
	}
	for _, key := range []string{"executables", "tests", "benchmarks"} {
		all, _ := doc[key].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			visit(all[name], key != "executables")
		}
	}
	return nil
}
