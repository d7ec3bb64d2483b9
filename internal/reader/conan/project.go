package conan

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// locks are the lock files of a project of Conan.
var locks = []string{"conan.lock"}

// Recipe reads conanfile.py that has no lock file. It is a program; what is not plain in
// it is a gap.
//
// Format: https://docs.conan.io/2/reference/conanfile.html
type Recipe struct{}

func (Recipe) Name() string { return "conan-recipe" }

func (Recipe) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/conanfile.py", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (Recipe) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeConan, Locks: locks, Ask: ask, Asks: regexp.MustCompile(`\b(?:self\.|)(?:requires|build_requires|tool_requires)\b\s*[=(]`)}.Read(f)
}

var (
	// asked is where a recipe asks for packages: an attribute, or a call.
	asked = regexp.MustCompile(`(?s)\b(requires|build_requires|tool_requires|test_requires|python_requires)\s*(?:=\s*(\([^)]*\)|\[[^\]]*\]|[^\n]*)|\(([^)]*)\))`)
	text  = regexp.MustCompile(`(f?)["']([^"'\n]+/[^"'\n]+)["']`)
)

func ask(p *manifest.Project) error {
	code := strings.Join(manifest.Lines(p.Text, "#"), "\n")
	for _, m := range asked.FindAllStringSubmatch(code, -1) {
		for _, s := range text.FindAllStringSubmatch(m[2]+m[3], -1) {
			name, version := reference(s[2])
			if s[1] != "" && strings.Contains(s[2], "{") {
				version = ""
			}
			p.Ask(name, version, m[1] != "requires")
		}
	}
	return nil
}
