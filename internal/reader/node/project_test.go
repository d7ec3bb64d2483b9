package node

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const member = `{"name":"w","version":"1.0.0","dependencies":{"a":"1.0.0"}}`
	covered := func(name string, files map[string]string, dir string) contract.Project {
		files[dir+"/package.json"] = member
		return contract.Project{Name: name, Files: files, File: dir + "/package.json"}
	}
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "package.json", Files: map[string]string{"package.json": `{"name":"app","dependencies":{"a":"1.0.0","b":"^2.0.0","c":"npm:real@3.0.0","here":"file:./here","t":"https://example.org/t-4.0.0.tgz"},"optionalDependencies":{"o":"v5.0.0"},"devDependencies":{"d":"=6.0.0"}}`},
			Want: "a@1.0.0, real@3.0.0, t@4.0.0, o@5.0.0, d@6.0.0 dev", Gap: "no lock file: 1 of 6 requirements allow several versions: b"},
		{Name: "all pinned", File: "package.json", Files: map[string]string{"package.json": member}, Want: "a@1.0.0", Gap: "no lock file: what the package that it asks for needs in turn is unknown"},
		{Name: "asks for nothing", File: "package.json", Files: map[string]string{"package.json": `{"name":"a","private":true,"dependencies":{}}`}},
		{Name: "broken", File: "package.json", Files: map[string]string{"package.json": `{"name":`}, Gap: "malformed"},
		{Name: "lock beside", File: "package.json", Files: map[string]string{"package.json": member, "yarn.lock": "# a lock of more than one byte"}},
		{Name: "a lock above of another project", File: "x/package.json", Files: map[string]string{"package-lock.json": "{}", "package.json": `{"workspaces":["packages/*"]}`, "x/package.json": member}, Want: "a@1.0.0", Gap: "no lock file"},
		{Name: "left out of the workspace", File: "p/x/package.json", Files: map[string]string{"package-lock.json": "{}", "package.json": `{"workspaces":["p/*","!p/x"]}`, "p/x/package.json": member}, Want: "a@1.0.0", Gap: "no lock file"},
		covered("npm's workspace", map[string]string{"package-lock.json": "{}", "package.json": `{"workspaces":["packages/*"]}`}, "packages/w"),
		covered("a deep workspace", map[string]string{"yarn.lock": "{}", "package.json": `{"workspaces":{"packages":["./{libs,apps}/**/"]}}`}, "libs/a/b"),
		covered("pnpm's workspace", map[string]string{"pnpm-lock.yaml": "{}", "pnpm-workspace.yaml": "packages: ['apps/*']"}, "apps/w"),
		covered("Lerna's workspace", map[string]string{"yarn.lock": "{}", "lerna.json": `{"packages":["apps/w"]}`}, "apps/w"),
		covered("a dependency in a directory", map[string]string{"package-lock.json": "{}", "package.json": `{"dependencies":{"w":"file:./lib/w"}}`}, "lib/w"),
		covered("Rush", map[string]string{"common/config/rush/pnpm-lock.yaml": "{}", "rush.json": "{ // all\n\"projects\":[{\"projectFolder\": \"apps/w\"}]}"}, "apps/w"),
	})
}

func TestDenoProject(t *testing.T) {
	contract.Manifest(t, DenoProject{}, []contract.Project{
		{Name: "no lock", File: "deno.jsonc", Files: map[string]string{"deno.jsonc": "{\n// \"npm:no@1.0.0\"\n\"imports\": {\"a\": \"npm:a@1.0.0\", \"s\": \"jsr:@std/path@^1.0.0\", \"x\": \"jsr:/@o/x@2.0.0/sub\", /* \"npm:no@2\" */}}"},
			Want: "a@1.0.0, @o/x@2.0.0", Gap: "1 of 3 requirements allow several versions: @std/path"},
		{Name: "lock beside", File: "deno.json", Files: map[string]string{"deno.json": `{"imports":{"a":"npm:a@1.0.0"}}`, "deno.lock": "{}"}},
		{Name: "workspace", File: "x/deno.json", Files: map[string]string{"deno.json": `{"workspace": ["./x"]}`, "x/deno.json": `{"imports":{"a":"npm:a@1.0.0"}}`, "deno.lock": "{}"}},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "package.json", `{"dependencies":{"a":"1.0.0","b":"npm:c@^1"}}`)
}

func FuzzDenoProject(f *testing.F) {
	contract.FuzzManifest(f, DenoProject{}, "deno.json", `{"imports":{"a":"npm:a@1.0.0","b":"jsr:@s/n@1"}}`)
}
