// Package ecosystem contains the rules of each registry of language packages: the
// stream of its advisories, how it spells names, and the scheme that orders its
// versions.
package ecosystem

import (
	"regexp"
	"strings"

	"github.com/assaysec/assay"
)

// An Ecosystem is a registry of packages, or a family of registries.
type Ecosystem struct {
	Stream assay.Stream // "pypi"
	Title  string       // for people: "PyPI"
	OSV    []string     // its name in OSV's records, in lower case
	Type   string       // of its purls; "" where there is none
	Scheme string       // of its versions, as named in package version

	name    func(string) string // spells a name as the stream does; nil keeps it
	version func(string) string // spells a version as the stream does; nil keeps it
}

// ecosystems lists them by stream. OSV's names are those of
// https://ossf.github.io/osv-schema/#affectedpackage-field, purl types those of
// https://github.com/package-url/purl-spec.
var ecosystems = []Ecosystem{
	{Stream: "bitnami", Title: "Bitnami", OSV: []string{"bitnami"}, Type: "bitnami", Scheme: "bitnami", name: strings.ToLower},
	{Stream: "cocoapods", Title: "CocoaPods", OSV: []string{"cocoapods"}, Type: "cocoapods", Scheme: "gem", name: pod},
	{Stream: "conan", Title: "Conan", OSV: []string{"conancenter", "conan"}, Type: "conan", Scheme: "generic"},
	{Stream: "cpan", Title: "CPAN", OSV: []string{"cpan"}, Type: "cpan", Scheme: "perl"},
	{Stream: "cran", Title: "CRAN", OSV: []string{"cran", "bioconductor"}, Type: "cran", Scheme: "cran"},
	{Stream: "crates.io", Title: "crates.io", OSV: []string{"crates.io"}, Type: "cargo", Scheme: "semver"},
	{Stream: "ghc", Title: "GHC", OSV: []string{"ghc"}, Scheme: "hackage"},
	{Stream: "github-actions", Title: "GitHub Actions", OSV: []string{"github actions"}, Type: "githubactions", Scheme: "semver", name: strings.ToLower},
	{Stream: "go", Title: "Go", OSV: []string{"go"}, Type: "golang", Scheme: "semver", version: toolchain},
	{Stream: "hackage", Title: "Hackage", OSV: []string{"hackage"}, Type: "hackage", Scheme: "hackage"},
	{Stream: "hex", Title: "Hex", OSV: []string{"hex"}, Type: "hex", Scheme: "semver", name: strings.ToLower},
	{Stream: "homebrew", Title: "Homebrew", OSV: []string{"homebrew"}, Type: "brew", Scheme: "generic"},
	{Stream: "julia", Title: "Julia", OSV: []string{"julia"}, Type: "julia", Scheme: "pub"},
	{Stream: "kubernetes", Title: "Kubernetes", OSV: []string{"kubernetes"}, Type: "k8s", Scheme: "semver", name: strings.ToLower},
	{Stream: "linux", Title: "Linux kernel", OSV: []string{"linux"}, Scheme: "generic"},
	{Stream: "maven", Title: "Maven", OSV: []string{"maven"}, Type: "maven", Scheme: "maven"},
	{Stream: "node", Title: "Node.js", Scheme: "semver"},
	{Stream: "npm", Title: "npm", OSV: []string{"npm"}, Type: "npm", Scheme: "semver"},
	{Stream: "nuget", Title: "NuGet", OSV: []string{"nuget"}, Type: "nuget", Scheme: "nuget", name: strings.ToLower},
	{Stream: "opam", Title: "opam", OSV: []string{"opam"}, Type: "opam", Scheme: "deb"},
	{Stream: "packagist", Title: "Packagist", OSV: []string{"packagist"}, Type: "composer", Scheme: "packagist", name: strings.ToLower},
	{Stream: "pub", Title: "Pub", OSV: []string{"pub"}, Type: "pub", Scheme: "pub", name: strings.ToLower},
	{Stream: "pypi", Title: "PyPI", OSV: []string{"pypi"}, Type: "pypi", Scheme: "pep440", name: pep503},
	{Stream: "ruby", Title: "Ruby interpreters", Scheme: "gem"},
	{Stream: "rubygems", Title: "RubyGems", OSV: []string{"rubygems"}, Type: "gem", Scheme: "gem"},
	{Stream: "swift", Title: "Swift", OSV: []string{"swifturl"}, Type: "swift", Scheme: "semver", name: repository},
	{Stream: "vscode", Title: "Visual Studio Code", OSV: []string{"vscode"}, Type: "vscode-extension", Scheme: "semver", name: strings.ToLower},
}

// All lists the ecosystems by stream.
func All() []Ecosystem { return ecosystems }

// Of returns the ecosystem of a stream.
func Of(s assay.Stream) (*Ecosystem, bool) {
	return find(func(e *Ecosystem) bool { return e.Stream == s })
}

// OfOSV returns the ecosystem with a name in OSV's records, in any case and without
// what follows a colon.
func OfOSV(name string) (*Ecosystem, bool) {
	name = strings.ToLower(name)
	return find(func(e *Ecosystem) bool {
		for _, o := range e.OSV {
			if o == name {
				return true
			}
		}
		return false
	})
}

// OfType returns the ecosystem with purls of type t.
func OfType(t string) (*Ecosystem, bool) {
	return find(func(e *Ecosystem) bool { return t != "" && e.Type == t })
}

func find(is func(*Ecosystem) bool) (*Ecosystem, bool) {
	for i := range ecosystems {
		if is(&ecosystems[i]) {
			return &ecosystems[i], true
		}
	}
	return nil, false
}

// Name spells a package's name as the stream does.
func (e *Ecosystem) Name(n string) string {
	if e.name == nil {
		return n
	}
	return e.name(n)
}

// Version spells a package's version as the stream does.
func (e *Ecosystem) Version(v string) string {
	if e.version == nil {
		return v
	}
	return e.version(v)
}

var separators = regexp.MustCompile(`[-_.]+`)

// pep503 normalises a name as https://peps.python.org/pep-0503/#normalized-names.
func pep503(n string) string {
	return strings.ToLower(separators.ReplaceAllString(n, "-"))
}

// repository returns the address of a repository without its optional parts:
// "https://github.com/Apple/swift-nio.git" is "github.com/apple/swift-nio".
func repository(n string) string {
	n = strings.ToLower(n)
	for _, scheme := range []string{"https://", "http://", "git://", "ssh://git@"} {
		n = strings.TrimPrefix(n, scheme)
	}
	return strings.TrimSuffix(strings.TrimSuffix(n, "/"), ".git")
}

// pod returns the pod of a subspec, which shares its version: "Firebase" for
// "Firebase/Core". https://guides.cocoapods.org/syntax/podspec.html#subspec
func pod(n string) string {
	n, _, _ = strings.Cut(n, "/")
	return n
}

// toolchain returns the version of a Go toolchain as a module version: "1.22.3" for
// "go1.22.3 X:boringcrypto". https://go.dev/doc/toolchain#version
func toolchain(v string) string {
	rest, ok := strings.CutPrefix(v, "go")
	if !ok || rest == "" || rest[0] < '0' || rest[0] > '9' {
		return v
	}
	rest, _, _ = strings.Cut(rest, " ")
	return rest
}
