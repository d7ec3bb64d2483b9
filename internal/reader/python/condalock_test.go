package python

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

const (
	condaLock = "version: 1\npackage:\n- {name: a, version: '2.0', manager: pip, platform: linux-64, category: main}\n- {name: _b, version: 1.0.0, manager: conda, category: main}\n- {name: c, version: '3.0', manager: conda, category: dev}\n- {name: bare, manager: conda}\n"
	pixi6     = "version: 6\nenvironments: {}\npackages:\n- conda: https://example.org/linux-64/lib-b-1.0.0-h01_2.conda\n  sha256: x\n- pypi: https://example.org/a-2.0-py3-none-any.whl\n  name: a\n  version: '2.0'\n- pypi: ./\n  name: here\n- conda: https://example.org/odd\n"
	pixi5     = "version: 5\npackages:\n- kind: conda\n  name: b\n  version: 1.0.0\n  url: https://example.org/b-1.0.0-0.conda\n- kind: pypi\n  name: a\n  version: '2.0'\n  url: https://example.org/a\n"
)

func TestCondaLock(t *testing.T) {
	contract.Manifest(t, CondaLock{}, []contract.Project{{Name: "lock", File: "conda-lock.yml", Files: map[string]string{"conda-lock.yml": condaLock}, Want: "_b@1.0.0, c@3.0 dev, a@2.0", Gap: "1 package has no version: bare"}})
	contract.Manifest(t, Pixi{}, []contract.Project{
		{Name: "version 6", File: "pixi.lock", Files: map[string]string{"pixi.lock": pixi6}, Want: "lib-b@1.0.0, a@2.0", Gap: "https://example.org/odd"},
		{Name: "version 5", File: "pixi.lock", Files: map[string]string{"pixi.lock": pixi5}, Want: "b@1.0.0, a@2.0"},
	})
	const asks = "[dependencies]\nb = \"==1.0.0\"\nc = \">=2\"\n[pypi-dependencies]\na = {version = \"==2.0\"}\n"
	contract.Manifest(t, PixiProject{}, []contract.Project{
		{Name: "no lock", File: "pixi.toml", Files: map[string]string{"pixi.toml": asks}, Want: "b@1.0.0, a@2.0", Gap: "no lock file: 1 of 3 requirements allow several versions: c"},
		{Name: "lock", File: "pixi.toml", Files: map[string]string{"pixi.toml": asks, "pixi.lock": pixi5}},
	})
}

func FuzzCondaLock(f *testing.F) { contract.FuzzManifest(f, CondaLock{}, "conda-lock.yml", condaLock) }
func FuzzPixi(f *testing.F)      { contract.FuzzManifest(f, Pixi{}, "pixi.lock", pixi6, pixi5) }

func FuzzPixiProject(f *testing.F) {
	contract.FuzzManifest(f, PixiProject{}, "pixi.toml", "[dependencies]\nb = \"==1.0.0\"\n")
}
