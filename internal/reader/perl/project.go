package perl

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads a cpanfile, and the build files of a distribution, that have no lock
// file. They are programs; what is not plain in them is a gap. A module counts as a
// distribution of its name.
//
// Format: https://metacpan.org/dist/Module-CPANfile/view/lib/cpanfile.pod,
// https://metacpan.org/pod/ExtUtils::MakeMaker
type Project struct{}

func (Project) Name() string { return "cpanfile" }

func (Project) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"cpanfile", "Makefile.PL", "Build.PL"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	k := manifest.Kind{Type: assay.TypeCPAN, Locks: []string{"cpanfile.snapshot"}, Ask: askCPAN, Asks: regexp.MustCompile(`(?m)^\s*(?:requires|recommends)\b`)}
	if path.Base(f.Path) != "cpanfile" {
		k.Locks = append(k.Locks, "cpanfile")
		k.Ask, k.Asks = func(*manifest.Project) error { return nil }, regexp.MustCompile(`\b(?:PREREQ_PM|requires)\b['"]?\s*(?:=>|['"(])`)
	}
	return k.Read(f)
}

var (
	requires = regexp.MustCompile(`\b(requires|test_requires|build_requires|author_requires|configure_requires)\s*\(?\s*["']([\w:]+)["']\s*(?:(?:,|=>)\s*["']?([^"';)]*)["']?)?`)
	onPhase  = regexp.MustCompile(`\bon\s*\(?\s*["']?(\w+)["']?`)
	equal    = regexp.MustCompile(`^==\s*(v?[0-9][0-9A-Za-z._]*)$`)
)

func askCPAN(p *manifest.Project) error {
	dev := false
	for _, line := range manifest.Lines(p.Text, "#") {
		if m := onPhase.FindStringSubmatch(line); m != nil {
			dev = m[1] == "test" || m[1] == "develop" || m[1] == "build" || m[1] == "configure"
		}
		for _, m := range requires.FindAllStringSubmatch(line, -1) {
			if m[2] == "perl" {
				continue
			}
			version := ""
			if e := equal.FindStringSubmatch(strings.TrimSpace(m[3])); e != nil {
				version = e[1]
			}
			p.Ask(strings.ReplaceAll(m[2], "::", "-"), version, dev || m[1] != "requires")
		}
		if strings.HasPrefix(strings.TrimSpace(line), "}") {
			dev = false
		}
	}
	return nil
}
