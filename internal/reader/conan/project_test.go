package conan

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestRecipe(t *testing.T) {
	const recipe = "from conan import ConanFile\nclass A(ConanFile):\n    requires = \"a/1.0\", 'b/[>=1.0]' # \"no/1\"\n    tool_requires = [\"cmake/3.0\"]\n    def requirements(self):\n        self.requires(\"c/2.0@user/channel\", transitive_headers=True)\n        self.requires(f\"d/{self.version}\")\n        self.test_requires(\"gtest/1.0\")\n"
	contract.Manifest(t, Recipe{}, []contract.Project{
		{Name: "no lock", File: "conanfile.py", Files: map[string]string{"conanfile.py": recipe}, Want: "a@1.0, cmake@3.0 dev, c@2.0, gtest@1.0 dev", Gap: "no lock file: 2 of 6 requirements allow several versions: b, d"},
		{Name: "lock", File: "conanfile.py", Files: map[string]string{"conanfile.py": recipe, "conan.lock": "{}"}},
		{Name: "computed", File: "conanfile.py", Files: map[string]string{"conanfile.py": "for r in x:\n  self.requires(r)\n"}, Gap: "computes what it asks for"},
		{Name: "nothing", File: "conanfile.py", Files: map[string]string{"conanfile.py": "class A(ConanFile):\n  name = 'a'\n"}},
	})
}

func TestFileWithoutLock(t *testing.T) {
	contract.Manifest(t, File{}, []contract.Project{
		{Name: "no lock", File: "conanfile.txt", Files: map[string]string{"conanfile.txt": "[requires]\na/1.0\n"}, Want: "a@1.0", Gap: "no lock file: what the package that it asks for needs in turn is unknown"},
		{Name: "lock", File: "conanfile.txt", Files: map[string]string{"conanfile.txt": "[requires]\na/1.0\n", "conan.lock": "{}"}, Want: "a@1.0"},
	})
}

func FuzzRecipe(f *testing.F) {
	contract.FuzzManifest(f, Recipe{}, "conanfile.py", "requires = \"a/1.0\"\nself.requires(\"b/2\")\n")
}
