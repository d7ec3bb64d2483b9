package unread

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestReader(t *testing.T) {
	var projects []contract.Project
	add := func(file, content, gap string, beside ...string) {
		files := map[string]string{file: content}
		for _, name := range beside {
			files[name] = "x"
		}
		projects = append(projects, contract.Project{Name: file + " " + gap, File: file, Files: files, Gap: gap})
	}
	add("bower.json", `{"name":"a","dependencies":{"jquery":"1.0.0"}}`, "lists packages for Bower, which are not read")
	add("bower.json", `{"name":"a","dependencies":{}}`, "")
	add("elm.json", `{"dependencies":{"direct":{"elm/core":"1.0.5"}}}`, "for Elm")
	add("libman.json", `{"libraries":[{"library":"jquery@3.2.1"}]}`, "for LibMan")
	add("shard.lock", "version: 2.0\nshards:\n  a:\n    version: 1.0.0\n", "for Crystal's shards")
	add("shard.yml", "dependencies:\n  a:\n", "", "shard.lock")
	add("dub.selections.json", `{"fileVersion":1,"versions":{"a":"1.0.0"}}`, "for D's DUB")
	add("nimble.lock", `{"version":1,"packages":{"a":{}}}`, "for Nim's Nimble")
	add("a.rockspec", "dependencies = {\n \"penlight == 1.0\"\n}\n", "for LuaRocks")
	add("a.rockspec", "dependencies = { \"lua >= 5.1\" }\n", "")
	add("DESCRIPTION", "Package: a\nImports: b (== 1.0)\n", "for R")
	add("DESCRIPTION", "Package: a\nImports: b\n", "", "renv.lock")
	add("DESCRIPTION", "a text\n", "")
	add("MODULE.bazel", "maven.install(artifacts = [\"g:a:1.0\"])\n", "for Bazel")
	add("WORKSPACE", "maven_install(artifacts = [])\n", "", "rules_maven_install.json")
	contract.Manifest(t, Reader{}, projects)
	contract.Reader(t, Reader{}, map[string]string{"bower.json": projects[0].Files["bower.json"], "DESCRIPTION": "Imports: b\n"})
}

func FuzzReader(f *testing.F) {
	contract.FuzzManifest(f, Reader{}, "elm.json", `{"dependencies":{"direct":{"elm/core":"1.0.5"}}}`)
}
