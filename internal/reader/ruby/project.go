package ruby

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads a Gemfile, or the specification of a gem, that has no lock file. Both
// are programs; what is not plain in them is a gap.
//
// Format: https://bundler.io/man/gemfile.5.html,
// https://guides.rubygems.org/specification-reference/
type Project struct{}

func (Project) Name() string { return "gemfile" }

func (Project) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"Gemfile", "gems.rb", "*.gemspec"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	k := manifest.Kind{Type: assay.TypeGem, Locks: []string{"Gemfile.lock", "gems.locked"}, Ask: askGemfile,
		Asks: regexp.MustCompile(`(?m)^\s*(?:gem\b|eval_gemfile\b)`)}
	if strings.HasSuffix(f.Path, ".gemspec") {
		k.Ask, k.Asks = askGemspec, regexp.MustCompile(`\badd_(?:runtime_)?dependency\b`)
	}
	return k.Read(f)
}

var (
	gemVersion = regexp.MustCompile(`^\s*,\s*["']([^"']*)["']`)
	gemExact   = regexp.MustCompile(`^\s*=?\s*(\d[0-9A-Za-z.-]*)\s*$`)
	gemLocal   = regexp.MustCompile(`(?:\bpath:|:path\s*=>)`)
	evaluated  = regexp.MustCompile(`^\s*eval_gemfile\b`)
	gemNeeds   = regexp.MustCompile(`\badd_(runtime_|development_)?dependency[ (]+["']([^"']+)["'](?:\.freeze)?(.*)$`)
)

func askGemfile(p *manifest.Project) error {
	dev := groups(p.Text)
	for _, line := range manifest.Lines(p.Text, "#") {
		line = strings.TrimSpace(line)
		if evaluated.MatchString(line) {
			p.Computed()
		}
		if m := gemLine.FindStringSubmatch(line); m != nil && !gemLocal.MatchString(m[2]) {
			p.Ask(m[1], pinned(m[2]), dev[m[1]])
		}
	}
	return nil
}

func askGemspec(p *manifest.Project) error {
	for _, line := range manifest.Lines(p.Text, "#") {
		if m := gemNeeds.FindStringSubmatch(line); m != nil {
			p.Ask(m[2], pinned(m[3]), m[1] == "development_")
		}
	}
	return nil
}

// pinned is the version that the arguments after a gem's name allow alone, "" where
// they allow others: `, "1.0", require: false`.
func pinned(arguments string) string {
	version := ""
	for range 10 {
		arguments = strings.TrimPrefix(arguments, ".freeze")
		m := gemVersion.FindStringSubmatch(arguments)
		if m == nil {
			break
		}
		if e := gemExact.FindStringSubmatch(m[1]); e != nil {
			version = e[1]
		}
		arguments = arguments[len(m[0]):]
	}
	return version
}
