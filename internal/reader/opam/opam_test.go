package opam

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	state = `opam-version: "2.0"
compiler: ["base-threads.base" "ocaml-base-compiler.4.14.0"]
roots: ["dune.3.6.1"]
installed: [
  "dune.3.6.1"
  "ocaml-base-compiler.4.14.0" # a comment
]
`
	project = `opam-version: "2.0"
synopsis: "A \"thing\""
description: """
depends: "x"
"""
depends: [
  "ocaml" {>= "4.08"}
  "dune" {= "3.6.1" & build}
  "x-core" {= version}
  ("lwt" | "async")
  "alcotest" {with-test & = "1.6.0"}
]
build: [["dune" "build"] {dev}]
url { src: "https://example.org" }
`
)

func opam(name, version string, r assay.Relation, dev bool) assay.Package {
	return assay.Package{Type: "opam", Name: name, Version: version, Relation: r, Dev: dev}
}

func TestRead(t *testing.T) {
	facts, err := contract.Read(t, Switch{}, ".opam/default/.opam-switch/switch-state", state)
	if d := cmp.Diff([]assay.Package{opam("dune", "3.6.1", "direct", false), opam("ocaml-base-compiler", "4.14.0", "indirect", false)}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	for file, relation := range map[string]assay.Relation{"x.opam": "direct", "x.opam.locked": ""} {
		facts, err = contract.Read(t, Project{}, file, project)
		if d := cmp.Diff([]assay.Package{opam("dune", "3.6.1", relation, false), opam("alcotest", "1.6.0", relation, true)}, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
			t.Error(d, err)
		}
	}
	for _, r := range []assay.Reader{Switch{}, Project{}} {
		for in, want := range map[string]error{"": nil, "bogus": assay.ErrMalformed, "a: [": assay.ErrMalformed} {
			if _, err := contract.Read(t, r, "x.opam", in); !errors.Is(err, want) {
				t.Errorf("%s: %q: %v", r.Name(), in, err)
			}
		}
	}
}

func TestLocked(t *testing.T) {
	const asks, locked = "opam-version: \"2.0\"\ndepends: [\"a\" {= \"1.0\"}]\n", "opam-version: \"2.0\"\ndepends: [\"a\" {= \"1.0\"} \"b\" {= \"2.0\"}]\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "beside its lock file", File: "x.opam", Files: map[string]string{"x.opam": "depends: [\"a\" \"b\"]\n", "x.opam.locked": locked}},
		{Name: "beside a lock file for all", File: "x.opam", Files: map[string]string{"x.opam": asks, "opam.locked": locked}},
		{Name: "beside another's lock file", File: "x.opam", Files: map[string]string{"x.opam": asks, "y.opam.locked": locked}, Want: "a@1.0", Gap: "no lock file"},
		{Name: "lock file", File: "x.opam.locked", Files: map[string]string{"x.opam.locked": locked}, Want: "a@1.0, b@2.0"},
	})
}

func TestContract(t *testing.T) {
	contract.Reader(t, Switch{}, map[string]string{".opam-switch/switch-state": state})
	contract.Reader(t, Project{}, map[string]string{"x.opam": project})
}

func FuzzSwitch(f *testing.F) {
	f.Add(state)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Switch{}, ".opam-switch/switch-state", content) })
}

func FuzzProject(f *testing.F) {
	f.Add(project)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Project{}, "x.opam", content) })
}
