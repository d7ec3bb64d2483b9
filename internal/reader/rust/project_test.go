package rust

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const member = "[package]\nname = \"w\"\n[dependencies]\nb = \"=1.0.0\"\n"
	lock := "[[package]]\nname = \"w\"\nversion = \"0.1.0\"\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"other\"\nversion = \"1.0.0\"\nsource = \"registry\"\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "Cargo.toml", Files: map[string]string{"Cargo.toml": "[package]\nname = \"a\"\n[dependencies]\nb = \"=1.0.0\"\nc = \"1.0.0\"\nd = {version = \"= 2.0.0\", package = \"real\"}\nlocal = {path = \"../x\"}\ng = {git = \"https://example.org/g\"}\n[dev-dependencies]\ne = \"=3.0.0\"\n[target.'cfg(unix)'.dependencies]\nf = \"=4.0.0\"\n"},
			Want: "b@1.0.0, real@2.0.0, e@3.0.0 dev, f@4.0.0", Gap: "no lock file: 2 of 6 requirements allow several versions: c, g"},
		{Name: "no dependencies", File: "Cargo.toml", Files: map[string]string{"Cargo.toml": "[package]\nname = \"a\"\n"}},
		{Name: "a workspace's versions", File: "Cargo.toml", Files: map[string]string{"Cargo.toml": "[workspace.dependencies]\nb = \"=1.0.0\"\n"}, Want: "b@1.0.0", Gap: "no lock file"},
		{Name: "lock", File: "Cargo.toml", Files: map[string]string{"Cargo.toml": member, "Cargo.lock": lock}},
		{Name: "member", File: "crates/w/Cargo.toml", Files: map[string]string{"crates/w/Cargo.toml": member, "Cargo.lock": lock}},
		{Name: "not a member", File: "other/Cargo.toml", Files: map[string]string{"other/Cargo.toml": "[package]\nname = \"other\"\n[dependencies]\nb = \"=1.0.0\"\n", "Cargo.lock": lock}, Want: "b@1.0.0", Gap: "no lock file"},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "Cargo.toml", "[dependencies]\nb = \"=1.0.0\"\nc = {version = \"1\"}\n")
}
