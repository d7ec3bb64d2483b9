package haskell

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const cabal = "name: a\nversion: 0.1\nlibrary\n  build-depends: base >=4 && <5, b ==1.0.0.0\n               , c >=1 && <2\n               , d:{x, y} == 2.0\n  default-language: Haskell2010\ntest-suite t\n  build-depends:\n    a,\n    e ==3.0\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "a.cabal", Files: map[string]string{"a.cabal": cabal}, Want: "b@1.0.0.0, d@2.0, e@3.0 dev", Gap: "no lock file: 1 of 4 requirements allow several versions: c"},
		{Name: "lock", File: "a.cabal", Files: map[string]string{"a.cabal": cabal, "cabal.project.freeze": "constraints:"}},
		{Name: "part of a project", File: "x/a.cabal", Files: map[string]string{"x/a.cabal": cabal, "stack.yaml": "", "stack.yaml.lock": "packages:"}},
		{Name: "hpack", File: "package.yaml", Files: map[string]string{"package.yaml": "name: a\ndependencies:\n- base\n- b == 1.0\nlibrary:\n  dependencies: c\ntests:\n  t:\n    dependencies: [a, d ==2]\n"}, Want: "b@1.0, d@2 dev", Gap: "1 of 3 requirements allow several versions: c"},
		{Name: "hpack beside what is made of it", File: "package.yaml", Files: map[string]string{"package.yaml": "dependencies: [b]\n", "a.cabal": cabal}},
		{Name: "the compiler's only", File: "a.cabal", Files: map[string]string{"a.cabal": "library\n  build-depends: base\n"}},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "a.cabal", "library\n  build-depends: b ==1.0\n")
}

func FuzzProjectHpack(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "package.yaml", "dependencies: [b ==1.0]\n")
}
