package dotnet

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

const (
	paket  = "STORAGE: NONE\nNUGET\n  remote: https://example.org/index.json\n    A (1.0) - restriction: >= net45\n      B (>= 1.0)\n    B (2.0)\nGITHUB\n  remote: o/r\n    src/x.fs (0123456789)\nGROUP Build\nNUGET\n  remote: https://example.org/index.json\n    C (3.0-beta)\n"
	assets = `{"version":3,"targets":{"net8.0":{"A/1.0.0":{"type":"package","dependencies":{"b":"1.0.0"}},"B/2.0.0":{"type":"package"},"Lib/1.0.0":{"type":"project"}}},"libraries":{"A/1.0.0":{"type":"package"},"B/2.0.0":{"type":"package"},"Lib/1.0.0":{"type":"project"}},"project":{"frameworks":{"net8.0":{"dependencies":{"A":{"target":"Package"}}}}}}`
)

func TestPaket(t *testing.T) {
	contract.Manifest(t, Paket{}, []contract.Project{{Name: "lock", File: "paket.lock", Files: map[string]string{"paket.lock": paket}, Want: "A@1.0, B@2.0, C@3.0-beta", Gap: "files of repositories"}})
	facts, _ := contract.Read(t, Paket{}, "paket.lock", paket)
	if needs := facts.Packages[0].DependsOn; len(needs) != 1 || needs[0] != "B@2.0" {
		t.Error(needs)
	}
	const asks = "source https://example.org\nnuget A 1.0\nnuget B ~> 2.0 // nuget No 1\nnuget C == 3.0\ngithub o/r src/x.fs\n"
	contract.Manifest(t, PaketProject{}, []contract.Project{
		{Name: "no lock", File: "paket.dependencies", Files: map[string]string{"paket.dependencies": asks}, Want: "A@1.0, C@3.0", Gap: "no lock file: 2 of 4 requirements allow several versions: B, o/r"},
		{Name: "lock", File: "paket.dependencies", Files: map[string]string{"paket.dependencies": asks, "paket.lock": paket}},
	})
}

func TestAssets(t *testing.T) {
	contract.Manifest(t, Assets{}, []contract.Project{
		{Name: "restored", File: "obj/project.assets.json", Files: map[string]string{"obj/project.assets.json": assets}, Want: "A@1.0.0, B@2.0.0"},
		{Name: "beside a lock file", File: "obj/project.assets.json", Files: map[string]string{"obj/project.assets.json": assets, "packages.lock.json": "{}"}},
		{Name: "broken", File: "obj/project.assets.json", Files: map[string]string{"obj/project.assets.json": "{"}, Gap: "malformed"},
	})
	contract.Manifest(t, Project{}, []contract.Project{{Name: "restored", File: "a.csproj", Files: map[string]string{"a.csproj": csproj, "obj/project.assets.json": assets}}})
}

func FuzzPaket(f *testing.F)  { contract.FuzzManifest(f, Paket{}, "paket.lock", paket) }
func FuzzAssets(f *testing.F) { contract.FuzzManifest(f, Assets{}, "project.assets.json", assets) }

func FuzzPaketProject(f *testing.F) {
	contract.FuzzManifest(f, PaketProject{}, "paket.dependencies", "nuget A 1.0\n")
}
