package golang

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

const vendored = "# example.org/a v1.0.0\n## explicit\nexample.org/a/x\n# example.org/b v1.1.0\nexample.org/b\n# example.org/c v1.0.0 => example.org/fork v1.2.0\n## explicit; go 1.16\n# example.org/d v1.0.0 => ./d\n# example.org/c => example.org/fork v1.2.0\n"

func TestVendored(t *testing.T) {
	contract.Manifest(t, Vendored{}, []contract.Project{
		{Name: "without go.mod", File: "vendor/modules.txt", Files: map[string]string{"vendor/modules.txt": vendored}, Want: "example.org/a@v1.0.0, example.org/b@v1.1.0, example.org/fork@v1.2.0"},
		{Name: "old go.mod", File: "x/vendor/modules.txt", Files: map[string]string{"x/vendor/modules.txt": vendored, "x/go.mod": "module x\ngo 1.16\n"}, Want: "example.org/a@v1.0.0, example.org/b@v1.1.0, example.org/fork@v1.2.0"},
		{Name: "go.mod that lists all", File: "vendor/modules.txt", Files: map[string]string{"vendor/modules.txt": vendored, "go.mod": "module x\ngo 1.21.3\n"}},
	})
}

func TestOld(t *testing.T) {
	const dep = "[[projects]]\n  name = \"example.org/a\"\n  revision = \"0123456789abcdef\"\n  version = \"v1.0.0\"\n[[projects]]\n  branch = \"master\"\n  name = \"example.org/b\"\n  revision = \"0123456789abcdef\"\n"
	contract.Manifest(t, Old{}, []contract.Project{
		{Name: "dep", File: "Gopkg.lock", Files: map[string]string{"Gopkg.lock": dep}, Want: "example.org/a@v1.0.0", Gap: "1 package has no version: example.org/b"},
		{Name: "beside go.mod", File: "Gopkg.lock", Files: map[string]string{"Gopkg.lock": dep, "go.mod": "module x\n"}},
		{Name: "Glide", File: "glide.lock", Files: map[string]string{"glide.lock": "imports:\n- name: example.org/a\n  version: 1.0.0\n- name: example.org/b\n  version: 0123456789abcdef\n"}, Want: "example.org/a@v1.0.0", Gap: "example.org/b"},
		{Name: "Godep", File: "Godeps/Godeps.json", Files: map[string]string{"Godeps/Godeps.json": `{"ImportPath":"x","Deps":[{"ImportPath":"example.org/a","Comment":"v1.0.0","Rev":"01"},{"ImportPath":"example.org/b","Comment":"v1.0.0-12-g0123456","Rev":"01"}]}`}, Want: "example.org/a@v1.0.0", Gap: "example.org/b"},
	})
}

func FuzzVendored(f *testing.F) { contract.FuzzManifest(f, Vendored{}, "vendor/modules.txt", vendored) }

func FuzzOld(f *testing.F) {
	contract.FuzzManifest(f, Old{}, "Godeps/Godeps.json", `{"Deps":[{"ImportPath":"a","Comment":"v1.0.0"}]}`)
}
