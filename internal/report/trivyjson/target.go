package trivyjson

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/bom"
)

// A kind says how Trivy names and groups what a reader finds.
type kind struct {
	name  string // Type of the result
	title string // Target, where all files of the kind share one result; "" where each file has its own
	sep   string // between name and version in PkgID; "" means "@"
	noID  bool   // there is no PkgID
}

// byReader maps readers to kinds.
// https://github.com/aquasecurity/trivy/blob/main/docs/guide/coverage/language/index.md
var byReader = map[string]kind{
	"npm-lock": {name: "npm"}, "yarn-lock": {name: "yarn"}, "pnpm-lock": {name: "pnpm"}, "bun-lock": {name: "bun"}, "npm-installed": {name: "node-pkg", title: "Node.js"},
	"requirements": {name: "pip", noID: true}, "pipfile-lock": {name: "pipenv", noID: true}, "poetry-lock": {name: "poetry"}, "uv-lock": {name: "uv"}, "pylock": {name: "pylock"},
	"python-installed": {name: "python-pkg", title: "Python", noID: true}, "conda": {name: "conda-pkg", title: "Conda", noID: true}, "conda-environment": {name: "conda-environment", noID: true},
	"go-binary": {name: "gobinary"}, "go-mod": {name: "gomod"}, "cargo-lock": {name: "cargo"}, "cargo-auditable": {name: "rustbinary"},
	"java-archive": {name: "jar", title: "Java", sep: ":"}, "maven-pom": {name: "pom", sep: ":"}, "gradle-lock": {name: "gradle", sep: ":"}, "sbt-lock": {name: "sbt", sep: ":"},
	"dotnet-deps": {name: "dotnet-core", sep: "/"}, "nuget-lock": {name: "nuget"}, "nuget-config": {name: "nuget"}, "nuget-props": {name: "packages-props"},
	"composer-lock": {name: "composer"}, "composer-installed": {name: "composer-vendor"}, "gemspec": {name: "gemspec", title: "Ruby"}, "gemfile-lock": {name: "bundler"},
	"conan-lock": {name: "conan", sep: "/"}, "swift-resolved": {name: "swift"}, "podfile-lock": {name: "cocoapods"}, "pubspec-lock": {name: "pub"}, "mix-lock": {name: "hex"}, "julia-manifest": {name: "julia"}, "bitnami": {name: "bitnami"},
}

// byType maps the types of purls in SBOMs to kinds.
var byType = map[string]kind{
	assay.TypeNPM: {name: "node-pkg", title: "Node.js"}, assay.TypePyPI: {name: "python-pkg", title: "Python", noID: true}, assay.TypeMaven: {name: "jar", title: "Java", sep: ":"},
	assay.TypeGo: {name: "gobinary"}, assay.TypeGem: {name: "gemspec", title: "Ruby"}, assay.TypeK8s: {name: "kubernetes", title: "Kubernetes"}, assay.TypeConan: {name: "conan", sep: "/"},
	assay.TypeCargo: {name: "rustbinary"}, assay.TypeComposer: {name: "composer-vendor"}, assay.TypeNuGet: {name: "dotnet-core", sep: "/"}, assay.TypeConda: {name: "conda-pkg", title: "Conda", noID: true},
}

func kindOf(p *assay.Package) kind {
	if k, ok := byReader[p.FoundBy]; ok {
		return k
	}
	if k, ok := byType[p.Type]; ok {
		return k
	}
	return kind{name: p.Type}
}

// id is Trivy's ID of a package within a result.
func (k kind) id(p *assay.Package) string {
	if k.noID {
		return ""
	}
	return p.Name + cmp.Or(k.sep, "@") + k.version(p)
}

// version returns a version as Trivy writes it.
func (k kind) version(p *assay.Package) string {
	if p.Type == assay.TypeGo && p.Name != "stdlib" && p.Version != "" && !strings.HasPrefix(p.Version, "v") {
		return "v" + p.Version
	}
	return p.Version
}

// languageResults returns the results for packages that are not OS packages, by target.
func languageResults(r *assay.Report, artifact string) (out []result) {
	on := bom.Dependencies(r.Packages)
	at := map[string]int{}
	place := make([]int, len(r.Packages)) // the result of each package
	for i := range r.Packages {
		p := &r.Packages[i]
		if p.IsSystem() {
			continue
		}
		k := kindOf(p)
		target := cmp.Or(k.title, p.Path)
		if inner, _, ok := strings.Cut(target, "!/"); ok {
			target = inner
		}
		key := target + "\x00" + k.name
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, result{Target: target, Class: "lang-pkgs", Type: k.name})
		}
		place[i] = n
		out[n].Packages = append(out[n].Packages, k.pkg(p, r.Packages, on[i]))
	}
	convert := func(f *assay.Finding) (vulnerability, *result) {
		p := &r.Packages[f.Package]
		k, res := kindOf(p), &out[place[f.Package]]
		v := k.finding(f, p)
		v.Fingerprint = fingerprint(artifact, res.Target, &v)
		return v, res
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; !r.Packages[f.Package].IsSystem() {
			v, res := convert(f)
			res.Vulnerabilities = append(res.Vulnerabilities, v)
		}
	}
	for i := range r.Suppressed {
		if s := &r.Suppressed[i]; !r.Packages[s.Package].IsSystem() {
			v, res := convert(&s.Finding)
			res.Modified = append(res.Modified, suppressed(s, v))
		}
	}
	slices.SortStableFunc(out, func(a, b result) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Target, b.Target))
	})
	for i := range out {
		sortVulnerabilities(out[i].Vulnerabilities)
	}
	return slices.DeleteFunc(out, func(r result) bool { return len(r.Packages)+len(r.Vulnerabilities)+len(r.Modified) == 0 })
}

// finding returns the finding of a language package.
func (k kind) finding(f *assay.Finding, p *assay.Package) vulnerability {
	v := convertFinding(f, p)
	v.PkgID, v.InstalledVersion, v.FixedVersion = k.id(p), k.version(p), strings.Join(f.Fixes, ", ")
	if k.title != "" {
		v.PkgPath = path(p)
	}
	return v
}

// path returns a package's path, with a slash between an archive and the path inside
// it.
func path(p *assay.Package) string { return strings.ReplaceAll(p.Path, "!/", "/") }

// pkg returns a language package.
func (k kind) pkg(p *assay.Package, all []assay.Package, on []int) pkg {
	out := pkg{ID: k.id(p), Name: p.Name, Identifier: identifier{p.PURL}, Version: k.version(p), Licenses: p.Licences, Dev: p.Dev, Relationship: string(p.Relation),
		Indirect: p.Relation == assay.RelationIndirect, Layer: layerOf(p), AnalyzedBy: k.name}
	if k.title != "" {
		out.FilePath = path(p)
	}
	for _, i := range on {
		out.DependsOn = append(out.DependsOn, k.id(&all[i]))
	}
	return out
}
