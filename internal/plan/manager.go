package plan

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A manager has the commands that upgrade packages; all but the note may be
// empty.
type manager func(t *task) Step

// managers are the managers by the names that managerOf returns. A manager
// without commands has a note.
var managers = map[string]manager{
	"apt": apt, "apk": apk, "opkg": opkg, "pacman": pacman,
	"dnf": rpms("dnf upgrade -y", "dnf clean all"), "yum": rpms("yum update -y", "yum clean all"), "microdnf": rpms("microdnf update -y", "microdnf clean all"),
	"tdnf": rpms("tdnf update -y", "tdnf clean all"), "zypper": rpms("zypper --non-interactive update", "zypper clean --all"),
	"npm": npm, "yarn": yarn, "pnpm": pnpm, "pip": pip, "poetry": oneCommandEach("poetry add", "%s@%s"), "uv": oneCommandEach("uv add", "%s>=%s"), "pdm": oneCommandEach("pdm add", "%s>=%s"), "pipenv": oneCommandEach("pipenv install", "%s>=%s"),
	"go": gomod, "cargo": cargo, "composer": oneCommandEach("composer require --with-all-dependencies", "%s:^%s"), "bundler": bundler, "gem": gems,
	"dotnet": nuget,
}

// readers maps the reader that found a language package to its package manager.
var readers = map[string]string{
	"npm-installed": "npm", "npm-lock": "npm", "yarn-lock": "yarn", "pnpm-lock": "pnpm",
	"python-installed": "pip", "requirements": "", "poetry-lock": "poetry", "uv-lock": "uv", "pdm-lock": "pdm", "pipfile-lock": "pipenv",
	"go-mod": "go", "go-binary": "go", "cargo-lock": "cargo", "composer-lock": "composer", "composer-installed": "composer", "gemfile-lock": "bundler", "gemspec": "gem",
	"nuget-lock": "dotnet", "msbuild-project": "dotnet",
}

// usual are the package managers by type, and by distribution if a type has
// several. They are for reports that list only packages with findings, as
// Trivy's may.
var usual = map[string]string{
	assay.TypeDeb: "apt", assay.TypeApk: "apk", assay.TypeAlpm: "pacman", assay.TypeOpkg: "opkg", assay.TypeRPM: "dnf",
	"sles": "zypper", "opensuse-leap": "zypper", "opensuse-tumbleweed": "zypper", "photon": "tdnf", "azurelinux": "tdnf", "mariner": "tdnf",
}

// typeManagers are the packages that contain the manager of a type, the preferred first.
var typeManagers = map[string][]struct{ pkg, manager string }{
	assay.TypeDeb: {{"apt", "apt"}}, assay.TypeApk: {{"apk-tools", "apk"}}, assay.TypeAlpm: {{"pacman", "pacman"}}, assay.TypeOpkg: {{"opkg", "opkg"}},
	assay.TypeRPM: {{"dnf", "dnf"}, {"dnf5", "dnf"}, {"microdnf", "microdnf"}, {"yum", "yum"}, {"tdnf", "tdnf"}, {"zypper", "zypper"}},
}

// noManager is the manager of targets without one: distroless images.
const noManager = ""

// managersOf returns the managers of a report's OS packages, by type.
func managersOf(r *assay.Report) map[string]string {
	affected := map[int]bool{}
	for i := range r.Findings {
		affected[r.Findings[i].Package] = true
	}
	partial := len(affected) == len(r.Packages) && r.Tool.Name != "assay"
	out := map[string]string{}
	for kind, all := range typeManagers {
		for _, m := range all {
			if out[kind] == "" && slices.ContainsFunc(r.Packages, func(q assay.Package) bool { return q.Type == kind && q.Name == m.pkg }) {
				out[kind] = m.manager
			}
		}
		if out[kind] == "" && partial {
			if out[kind] = usual[kind]; kind == assay.TypeRPM && usual[r.Release.ID] != "" {
				out[kind] = usual[r.Release.ID]
			}
		}
	}
	return out
}

// managerOf is the manager of a package.
func managerOf(p *assay.Package, system map[string]string) string {
	switch {
	case p.IsSystem():
		return system[p.Type]
	case p.Owner != "", strings.Contains(p.Path, "!/"):
		return noManager
	}
	return readers[p.FoundBy]
}
