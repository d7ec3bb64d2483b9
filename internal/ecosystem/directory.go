package ecosystem

import "strings"

// IsInstalled reports whether a path is in a directory into which package managers put
// the packages that a project needs: the lock files and manifests there are those of the
// packages, and say nothing of the project. Directories with names that projects use for
// code of their own, such as vendor and deps, are none of them.
func IsInstalled(path string) bool {
	for rest := path; ; {
		dir, after, ok := strings.Cut(rest, "/")
		if !ok {
			return false
		}
		if within, known := installDirs[dir]; known && (within == "" || strings.HasPrefix(after, within)) {
			return true
		}
		rest = after
	}
}

// installDirs are these directories, with what follows where the name alone is not
// enough.
var installDirs = map[string]string{
	"node_modules":      "", // npm and others: https://docs.npmjs.com/cli/configuring-npm/folders
	"bower_components":  "",
	"jspm_packages":     "",
	".yarn":             "cache/", // https://yarnpkg.com/getting-started/qa#which-files-should-be-gitignored
	".pnpm-store":       "",
	"site-packages":     "", // https://docs.python.org/3/library/site.html
	"dist-packages":     "", // Debian's
	"__pypackages__":    "", // https://peps.python.org/pep-0582/
	".tox":              "",
	".nox":              "",
	".terraform":        "", // https://developer.hashicorp.com/terraform/cli/init
	".terragrunt-cache": "",
	".bundle":           "ruby/",
	"Pods":              "", // https://guides.cocoapods.org/using/using-cocoapods.html
	"Carthage":          "Checkouts/",
	".build":            "checkouts/", // https://docs.swift.org/swiftpm/documentation/packagemanagerdocs/
	"SourcePackages":    "checkouts/", // Xcode's
	".cargo":            "registry/",
	"pkg":               "mod/cache/",
	".gradle":           "",
	".m2":               "repository/",
	".ivy2":             "",
	".pub-cache":        "",
	".dart_tool":        "",
	".stack-work":       "",
	"dist-newstyle":     "",
	"_opam":             "",
	"elm-stuff":         "",
	".conan":            "data/",
	".conan2":           "p/",
	"vcpkg_installed":   "",
	"paket-files":       "",
}
