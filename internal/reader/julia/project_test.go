package julia

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const project = "name = \"A\"\n[deps]\nB = \"00000000-0000-0000-0000-000000000001\"\nC = \"00000000-0000-0000-0000-000000000002\"\nDates = \"00000000-0000-0000-0000-000000000003\"\n[extras]\nD = \"00000000-0000-0000-0000-000000000004\"\n[compat]\nB = \"=1.0.0\"\nC = \"2\"\nD = \"= 3.0.0\"\njulia = \"1.6\"\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no manifest", File: "Project.toml", Files: map[string]string{"Project.toml": project}, Want: "B@1.0.0, D@3.0.0 dev", Gap: "no lock file: 1 of 3 requirements allow several versions: C"},
		{Name: "manifest", File: "Project.toml", Files: map[string]string{"Project.toml": project, "Manifest.toml": "#..."}},
		{Name: "manifest of a version", File: "Project.toml", Files: map[string]string{"Project.toml": project, "Manifest-v1.11.toml": "#..."}},
		{Name: "workspace", File: "docs/Project.toml", Files: map[string]string{"docs/Project.toml": project, "Project.toml": "[workspace]\nprojects = [\"docs\"]\n", "Manifest.toml": "#..."}},
		{Name: "standard libraries only", File: "Project.toml", Files: map[string]string{"Project.toml": "[deps]\nTest = \"00000000-0000-0000-0000-000000000003\"\n"}},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "Project.toml", "[deps]\nB = \"0\"\n[compat]\nB = \"=1.0.0\"\n")
}
