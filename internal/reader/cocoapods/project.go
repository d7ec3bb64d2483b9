package cocoapods

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads a Podfile, or the specification of a pod, that has no lock file. Both
// are programs; what is not plain in them is a gap.
//
// Format: https://guides.cocoapods.org/syntax/podfile.html,
// https://guides.cocoapods.org/syntax/podspec.html
type Project struct{}

func (Project) Name() string { return "podfile" }

func (Project) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"Podfile", "*.podspec"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeCocoaPods, Locks: []string{"Podfile.lock"}, Ask: ask, Asks: regexp.MustCompile(`(?m)^\s*(?:pod\b|\w+\.dependency\b|use_react_native!)`)}.Read(f)
}

var (
	podLine = regexp.MustCompile(`^\s*(?:pod|\w+\.dependency)[\s(]+["']([^"']+)["']((?:\s*,\s*["'][^"']*["'])*)(.*)$`)
	version = regexp.MustCompile(`["']\s*=?\s*(\d[\w.-]*)\s*["']`)
	local   = regexp.MustCompile(`:path\s*=>|\bpath:`)
)

func ask(p *manifest.Project) error {
	for _, line := range manifest.Lines(p.Text, "#") {
		m := podLine.FindStringSubmatch(line)
		if m == nil || local.MatchString(m[3]) {
			continue
		}
		v := ""
		if e := version.FindStringSubmatch(m[2]); e != nil && strings.Count(m[2], ",") == 1 {
			v = e[1]
		}
		p.Ask(m[1], v, false)
	}
	return nil
}
