package dart

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const pubspec = "name: a\nenvironment: {sdk: '>=3.0.0'}\ndependencies:\n  flutter: {sdk: flutter}\n  http: 0.13.2\n  b: ^1.0.0\n  c:\n    hosted: https://example.org\n    version: 2.0.0\n  here: {path: ../here}\n  g: {git: https://example.org/g}\ndev_dependencies:\n  d: 3.0.0\n  e:\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "pubspec.yaml", Files: map[string]string{"pubspec.yaml": pubspec}, Want: "c@2.0.0, http@0.13.2, d@3.0.0 dev", Gap: "no lock file: 3 of 6 requirements allow several versions: b, e, g"},
		{Name: "lock", File: "pubspec.yaml", Files: map[string]string{"pubspec.yaml": pubspec, "pubspec.lock": "packages:"}},
		{Name: "workspace", File: "packages/w/pubspec.yaml", Files: map[string]string{"packages/w/pubspec.yaml": pubspec, "pubspec.yaml": "workspace: [packages/w]\n", "pubspec.lock": "packages:"}},
		{Name: "nothing", File: "pubspec.yaml", Files: map[string]string{"pubspec.yaml": "name: a\n"}},
		{Name: "broken", File: "pubspec.yaml", Files: map[string]string{"pubspec.yaml": "a: [\x00"}, Gap: "malformed"},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "pubspec.yaml", "dependencies:\n  a: 1.0.0\n  b: {version: ^2}\n")
}
