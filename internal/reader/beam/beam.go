// Package beam reads the packages of Erlang and Elixir, which share the registry Hex:
// the lock files of Mix and Rebar, the metadata of packages from Hex, and the resource
// files of applications.
package beam

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
)

const (
	maxLock     = 16 << 20 // the largest known have some 100 kB
	maxManifest = 4 << 20  // is written by hand
	maxApp      = 16 << 20 // lists modules, some thousands at most
)

// Mix reads mix.lock. What the project asks for, and for what, comes from
// mix.exs beside it. A package from a repository has a version when a tag says
// it.
//
// Format: https://hexdocs.pm/mix/Mix.Tasks.Deps.html
type Mix struct{}

func (Mix) Name() string { return "mix-lock" }

func (Mix) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/mix.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

// fetched reports whether a file came with a dependency, for which it counts
// nothing.
func fetched(file string) bool {
	return strings.Contains("/"+file, "/deps/") || strings.Contains("/"+file, "/_build/")
}

func (Mix) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if fetched(f.Path) {
		return assay.Facts{}, nil
	}
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil || len(strings.TrimSpace(string(b))) == 0 {
		return assay.Facts{}, err
	}
	l := listing.New(assay.TypeHex)
	p := parser{s: strings.TrimPrefix(string(b), "\ufeff"), elixir: true}
	doc, err := p.term(0)
	l.Error(err)
	if doc.kind != '%' && err == nil {
		l.Malformed("not a map of packages")
	}
	type entry struct {
		index int
		needs term
	}
	app := map[string]int{} // packages by the name of their application
	var all []entry
	for _, pair := range doc.items {
		if len(pair.items) != 2 {
			continue
		}
		name, lock := pair.items[0].text, pair.items[1]
		e := entry{index: -1}
		switch {
		case lock.tuple("hex", 3):
			e.index = l.Add(lock.items[1].text, lock.items[2].text)
			if len(lock.items) > 5 {
				e.needs = lock.items[5]
			}
		case lock.tuple("git", 3):
			e.index = l.Add(name, tag(lock))
		}
		if e.index >= 0 {
			app[name] = e.index
			all = append(all, e)
		}
	}
	for _, e := range all {
		for _, need := range e.needs.items {
			if len(need.items) == 0 {
				continue
			}
			if i, ok := app[need.items[0].text]; ok {
				l.Need(e.index, i)
			}
		}
	}
	markMix(l, f, app)
	return l.Facts()
}

// tag is the version that a repository's tag says; "" when it says none.
func tag(lock term) string {
	if len(lock.items) < 4 {
		return ""
	}
	return version.OfTag(lock.items[3].get("tag").text)
}

var (
	mixDep  = regexp.MustCompile(`\{\s*:"?(\w+)"?\s*,([^{}]*)\}`)
	mixOnly = regexp.MustCompile(`\bonly:\s*(\[[^\]]*\]|:\w+)`)
	atom    = regexp.MustCompile(`:(\w+)`)
)

// markMix says what the project asks for, by its mix.exs, which is a program;
// what it computes is not seen. In a project of several parts their files
// would tell; then nothing is said.
func markMix(l *listing.List, f *assay.File, app map[string]int) {
	b, err := f.Sibling("mix.exs", maxManifest)
	if errors.Is(err, assay.ErrNotFound) {
		return
	}
	if err != nil {
		l.Error(fmt.Errorf("mix.exs: %w", err))
		return
	}
	if strings.Contains(string(b), "apps_path:") {
		return
	}
	var text strings.Builder
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, " #")
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			text.WriteString(line + "\n")
		}
	}
	var direct, dev []int
	for _, m := range mixDep.FindAllStringSubmatch(text.String(), -1) {
		i, ok := app[m[1]]
		if !ok {
			continue
		}
		forDev := false
		if only := mixOnly.FindStringSubmatch(m[2]); only != nil {
			forDev = !slices.ContainsFunc(atom.FindAllStringSubmatch(only[1], -1), func(a []string) bool { return a[1] != "dev" && a[1] != "test" && a[1] != "docs" })
		}
		if forDev {
			dev = append(dev, i)
		} else {
			direct = append(direct, i)
		}
	}
	if len(direct)+len(dev) > 0 {
		l.Mark(direct, dev)
	}
}
