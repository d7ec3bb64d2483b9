package beam

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const mix = "defmodule A.MixProject do\n use Mix.Project\n def project, do: [app: :a, deps: deps()]\n defp deps do\n [\n {:b, \"1.0.0\"}, # {:no, \"1.0.0\"}\n {:c, \"~> 1.0\", only: :test},\n {:d, \"== 2.0.0\", only: [:dev, :test]},\n {:here, path: \"../here\"},\n {:e, git: \"https://example.org/e\"}\n ]\n end\nend\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "mix.exs", File: "mix.exs", Files: map[string]string{"mix.exs": mix}, Want: "b@1.0.0, d@2.0.0 dev", Gap: "no lock file: 2 of 4 requirements allow several versions: c, e"},
		{Name: "mix.lock", File: "mix.exs", Files: map[string]string{"mix.exs": mix, "mix.lock": "%{}"}},
		{Name: "umbrella", File: "apps/a/mix.exs", Files: map[string]string{"apps/a/mix.exs": mix, "mix.exs": "def project, do: [apps_path: \"apps\"]", "mix.lock": "%{}"}},
		{Name: "a lock elsewhere", File: "x/a/mix.exs", Files: map[string]string{"x/a/mix.exs": "lockfile: \"../mix.lock\"\n" + mix, "x/mix.lock": "%{}"}},
		{Name: "of a dependency", File: "deps/a/mix.exs", Files: map[string]string{"deps/a/mix.exs": mix}},
		{Name: "no dependencies", File: "mix.exs", Files: map[string]string{"mix.exs": "defp deps do\n []\nend"}},
		{Name: "computed", File: "mix.exs", Files: map[string]string{"mix.exs": "defp deps, do: Shared.deps()"}, Gap: "computes what it asks for"},
		{Name: "rebar.config", File: "rebar.config", Files: map[string]string{"rebar.config": "{erl_opts, []}.\n{deps, [bare, {b, \"1.0.0\"}, {c, \"~> 1.0\"}, {d, {git, \"https://example.org\", {tag, \"1\"}}}]}. % {deps, []}\n"}, Want: "b@1.0.0", Gap: "3 of 4 requirements allow several versions: bare, c, d"},
		{Name: "rebar.lock", File: "rebar.config", Files: map[string]string{"rebar.config": "{deps, [bare]}.", "rebar.lock": "[]."}},
		{Name: "gleam.toml", File: "gleam.toml", Files: map[string]string{"gleam.toml": "[dependencies]\nb = \"== 1.0.0\"\nc = \">= 1.0.0 and < 2.0.0\"\nhere = {path = \"x\"}\n"}, Want: "b@1.0.0", Gap: "1 of 2 requirements allow several versions: c"},
		{Name: "manifest.toml", File: "gleam.toml", Files: map[string]string{"gleam.toml": "[dependencies]\nb = \"1.0.0\"\n", "manifest.toml": "packages = []"}},
	})
}

const gleam = "packages = [\n  { name = \"a\", version = \"1.0.0\", requirements = [\"b\"], source = \"hex\" },\n  { name = \"b\", version = \"2.0.0\", requirements = [], source = \"hex\" },\n  { name = \"here\", version = \"1.0.0\", source = \"local\", path = \"x\" },\n]\n[requirements]\na = { version = \">= 1.0.0\" }\n"

func TestGleam(t *testing.T) {
	contract.Manifest(t, Gleam{}, []contract.Project{{Name: "lock", File: "manifest.toml", Files: map[string]string{"manifest.toml": gleam, "gleam.toml": ""}, Want: "a@1.0.0, b@2.0.0"}})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "mix.exs", "deps: [{:a, \"1.0.0\"}]")
}

func FuzzProjectRebar(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "rebar.config", "{deps, [{a, \"1.0.0\"}, b]}.")
}

func FuzzGleam(f *testing.F) { contract.FuzzManifest(f, Gleam{}, "manifest.toml", gleam) }
