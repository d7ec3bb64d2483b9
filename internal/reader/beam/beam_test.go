package beam

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	mixLock = `%{
  "castore": {:hex, :castore, "0.1.17", "ba67", [:mix], [], "hexpm", "d9844"},
  "cowboy": {:hex, :cowboy, "2.9.0", "865d", [:make, :rebar3], [{:cowlib, "2.11.0", [hex: :cowlib, repo: "hexpm", optional: false]}, {:absent, "~> 1.0", [hex: :absent, optional: true]}], "hexpm", "2c72"},
  "cowlib": {:hex, :cowlib, "2.11.0", "0b9f", [:make, :rebar3], [], "hexpm", "2b3e"},
  # a comment
  "renamed": {:hex, :other_name, "1.0.0-rc.1", "0f"},
  "tagged": {:git, "https://example.org/tagged.git", "0f0f", [tag: "v1.4.2"]},
  "branched": {:git, "https://example.org/b.git", "0f0f", [branch: "main"]},
  "linter": {:hex, :linter, "1.6.1", "0f", [:mix], [{:castore, ">= 0.0.0", [hex: :castore]}], "hexpm", "0f"},
}
`
	rebarLock = `{"1.2.0",
[{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0},
 {<<"cowlib">>,{pkg,<<"cowlib">>,<<"2.11.0">>,<<"0F">>},1},
 {<<"jsx">>,{git,"https://example.org/jsx.git",{tag,"v2.8.0"}},0},
 {<<"bare">>,{git,"https://example.org/bare.git",{ref,"0f0f"}},0}]}.
[
{pkg_hash,[
 {<<"cowboy">>, <<"865D">>}]}
].
`
	app = `%% -*- erlang -*-
{application, 'my_app',
 [{description, "An \"app\""
   " in two"}, {sign, $,},
  {vsn, "1.2.3"},
  {registered, []}, {mod, {my_app, []}},
  {env, [{x, #{a => 1.5, b => <<1,2>>}}, {y, -1}]},
  {applications, [kernel,stdlib]}]}.
`
	metadata = `{<<"app">>,<<"phoenix">>}.
{<<"description">>,<<"Peace of mind"/utf8>>}.
{<<"licenses">>,[<<"MIT">>]}.
{<<"name">>,<<"phoenix">>}.
{<<"requirements">>,[[{<<"name">>,<<"plug">>},{<<"optional">>,false}]]}.
{<<"version">>,<<"1.6.2">>}.
`
)

func hex(ref string, r assay.Relation, dev bool, needs ...string) assay.Package {
	name, v, _ := strings.Cut(ref, "@")
	return assay.Package{Type: "hex", Name: name, Version: v, Relation: r, Dev: dev, DependsOn: needs}
}

func TestMix(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"mix.lock": mixLock,
		"mix.exs": `defp deps do
  [
    {:cowboy, "~> 2.9"}, # the server
    {:renamed, "~> 1.0", hex: :other_name},
    # {:castore, "~> 0.1"},
    {:linter, "~> 1.6", only: [:dev, :test], runtime: false}
  ]
end`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Mix{}, dir)
	want := []assay.Package{
		hex("castore@0.1.17", "indirect", true),
		hex("cowboy@2.9.0", "direct", false, "cowlib@2.11.0"),
		hex("cowlib@2.11.0", "indirect", false),
		hex("other_name@1.0.0-rc.1", "direct", false),
		hex("tagged@1.4.2", "indirect", false),
		hex("linter@1.6.1", "direct", true, "castore@0.1.17"),
	}
	if d := cmp.Diff(want, facts["mix.lock"].Packages); d != "" {
		t.Error(d)
	}
	if err := errs["mix.lock"]; err == nil || !strings.Contains(err.Error(), "1 package has no version: branched") {
		t.Error(err)
	}
}

func TestRebar(t *testing.T) {
	want := []assay.Package{
		hex("cowboy@2.9.0", "direct", false),
		hex("cowlib@2.11.0", "indirect", false),
		hex("jsx@2.8.0", "direct", false),
	}
	facts, err := contract.Read(t, Rebar{}, "rebar.lock", rebarLock)
	if d := cmp.Diff(want, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
		t.Error(d, err)
	}
	old := "[{<<\"cowboy\">>,{pkg,<<\"cowboy\">>,<<\"1.0.4\">>},0}].\n"
	facts, err = contract.Read(t, Rebar{}, "rebar.lock", old)
	if d := cmp.Diff([]assay.Package{hex("cowboy@1.0.4", "direct", false)}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	if facts, err := contract.Read(t, Rebar{}, "rebar.lock", "[].\n"); len(facts.Packages) > 0 || err != nil {
		t.Error(facts, err)
	}
}

func TestApp(t *testing.T) {
	facts, err := contract.Read(t, App{}, "lib/my_app-1.2.3/ebin/my_app.app", app)
	if d := cmp.Diff([]assay.Package{{Type: "otp", Name: "my_app", Version: "1.2.3"}}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	facts, err = contract.Read(t, Metadata{}, "deps/phoenix/hex_metadata.config", metadata)
	if d := cmp.Diff([]assay.Package{{Type: "hex", Name: "phoenix", Version: "1.6.2", Licences: []string{"MIT"}}}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestMalformed(t *testing.T) {
	for _, r := range []assay.Reader{Mix{}, Rebar{}, App{}, Metadata{}} {
		for _, in := range []string{"bogus", strings.Repeat("[", 9999), `{"a", {`, "{}", "%{", "<<"} {
			if _, err := contract.Read(t, r, "x", in); err == nil {
				t.Errorf("%s: %.9q is well", r.Name(), in)
			}
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Mix{}, map[string]string{"mix.lock": mixLock, "deps/a/mix.lock": mixLock})
	contract.Reader(t, Rebar{}, map[string]string{"rebar.lock": rebarLock})
	contract.Reader(t, App{}, map[string]string{"a/ebin/a.app": app})
	contract.Reader(t, Metadata{}, map[string]string{"a/hex_metadata.config": metadata})
}

func FuzzMix(f *testing.F) {
	f.Add(mixLock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Mix{}, "mix.lock", content) })
}

func FuzzRebar(f *testing.F) {
	f.Add(rebarLock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Rebar{}, "rebar.lock", content) })
}

func FuzzApp(f *testing.F) {
	f.Add(app)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, App{}, "ebin/a.app", content) })
}

func FuzzMetadata(f *testing.F) {
	f.Add(metadata)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Metadata{}, "hex_metadata.config", content) })
}
