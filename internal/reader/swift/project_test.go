package swift

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const manifest = "// swift-tools-version:5.9\nimport PackageDescription\nlet package = Package(name: \"a\", dependencies: [\n  .package(url: \"https://github.com/o/a.git\", exact: \"4.0.0\"), // .package(url: \"https://no\", exact: \"1\")\n" +
		"  .package(name: \"B\", url: \"git@github.com:o/b.git\", .exact(\"1.2.3\")),\n  .package(url: \"https://github.com/o/c\", from: \"1.0.0\"),\n  .package(url: \"https://github.com/o/d\", branch: \"main\"),\n  .package(path: \"../here\"),\n])\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "Package.swift", Files: map[string]string{"Package.swift": manifest}, Want: "github.com/o/a@4.0.0, github.com/o/b@1.2.3", Gap: "no lock file: 2 of 4 requirements allow several versions: github.com/o/c, github.com/o/d"},
		{Name: "lock", File: "Package.swift", Files: map[string]string{"Package.swift": manifest, "Package.resolved": "{}"}},
		{Name: "nothing", File: "Package.swift", Files: map[string]string{"Package.swift": "let package = Package(name: \"a\")"}},
		{Name: "computed", File: "Package.swift", Files: map[string]string{"Package.swift": "x += [.package(url: base + \"a\", from: v)]"}, Gap: "computes what it asks for"},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "Package.swift", ".package(url: \"https://github.com/o/a\", exact: \"1.0.0\")")
}
