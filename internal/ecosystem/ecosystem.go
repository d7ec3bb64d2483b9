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

	name    func(string) string               // spells a name as the stream does; nil keeps it
	version func(name, version string) string // spells a version as the scheme does; nil keeps it
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
	{Stream: "github-actions", Title: "GitHub Actions", OSV: []string{"github actions"}, Type: "githubactions", Scheme: "actions", name: strings.ToLower, version: floating},
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
	{Stream: "rubygems", Title: "RubyGems", OSV: []string{"rubygems"}, Type: "gem", Scheme: "gem", version: withoutPlatform},
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

// Version spells the version of an installed package as the scheme does.
func (e *Ecosystem) Version(name, v string) string {
	if e.version == nil {
		return v
	}
	return e.version(name, v)
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

// goVersion is the version of a Go toolchain. What follows is the vendor's: "b7" of
// BoringCrypto's branch, "-1.el9", "+auto", " (Red Hat …)", " X:fips".
// https://go.dev/doc/toolchain#version
var goVersion = regexp.MustCompile(`^(?:go)?([0-9]+(?:\.[0-9]+)*)((?:rc|beta|alpha)[0-9]+)?`)

// toolchain returns the version of a Go toolchain, or of the standard library, as a
// module version: "1.22.3" for "go1.22.3b7". Between releases there is none: "devel
// go1.25-d524e1e" stays as it is.
func toolchain(name, v string) string {
	m := goVersion.FindStringSubmatch(v)
	if m == nil || name != "stdlib" && name != "toolchain" && name != "std" && !strings.HasPrefix(v, "go") {
		return v
	}
	return m[1] + m[2]
}

// gemPlatform is the platform that a gem is built for, perhaps behind the processor.
// https://docs.ruby-lang.org/en/master/Gem/Platform.html
var gemPlatform = regexp.MustCompile(`(?i)^([0-9][0-9a-z.]*?)-(?:[0-9a-z_]+-)?(?:ruby|linux|darwin|macosx?|mingw(?:32|64)?|mswin(?:32|64)?|cygwin|java|jruby|dalvik|dotnet|macruby|truffleruby|freebsd|openbsd|netbsd|solaris|aix|hpux|netware|wasi|unknown)[0-9.]*(?:[-_][0-9a-z._-]+)?$`)

// withoutPlatform returns the version of a gem for one platform: "1.13.9" for
// "1.13.9-aarch64-linux-gnu".
func withoutPlatform(_, v string) string {
	if m := gemPlatform.FindStringSubmatch(v); m != nil {
		return m[1]
	}
	return v
}

// line is the tag that a publisher moves to the newest version of a line. GitHub's own
// SBOMs write "4.*.*".
var line = regexp.MustCompile(`^[vV]?([0-9]+(?:\.[0-9]+)?)(?:\.[*xX]){0,2}$`)

// floating returns the newest version of the line that an action's tag follows: "7.x"
// for "v7", "7.1.x" for "v7.1".
func floating(_, v string) string {
	if m := line.FindStringSubmatch(v); m != nil {
		return m[1] + ".x"
	}
	return v
}
