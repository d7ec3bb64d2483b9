package swift

import (
	"context"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads Package.swift of a project that has no lock file. It is a program; what
// is not plain in it is a gap.
//
// Format: https://docs.swift.org/swiftpm/documentation/packagedescription/
type Project struct{}

func (Project) Name() string { return "swift-project" }

func (Project) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Package.swift", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeSwift, Locks: []string{"Package.resolved", ".package.resolved"}, Ask: ask, Asks: regexp.MustCompile(`\.package\s*\(\s*(?:name:[^,]*,\s*)?(?:url|id):`)}.Read(f)
}

var (
	// required is where a manifest asks for a package, up to its address.
	required = regexp.MustCompile(`\.package\s*\(\s*(?:name:\s*"[^"]*"\s*,\s*)?(?:url|id):\s*"([^"]+)"`)
	exactly  = regexp.MustCompile(`^\s*,\s*\.?exact(?:Item)?\s*[:(]\s*"([^"]+)"`)
)

func ask(p *manifest.Project) error {
	text := strings.Join(manifest.Lines(p.Text, "//", "/*"), "\n")
	for _, m := range required.FindAllStringSubmatchIndex(text, -1) {
		name, version := repository(text[m[2]:m[3]]), ""
		if e := exactly.FindStringSubmatch(text[m[1]:min(len(text), m[1]+maxWord)]); e != nil {
			version = e[1]
		}
		if name != "" { // else a directory
			p.Ask(name, version, false)
		}
	}
	return nil
}

// maxWord bounds the text of one requirement behind its address.
const maxWord = 200
