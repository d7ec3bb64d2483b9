package actions

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	workflow = `name: CI
on: [push]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@b4ffde65f46336ab88eb53be808477a3936bae11 # v4.1.1
      - uses: "github/codeql-action/init@v2"
      - name: local
        uses: ./.github/actions/mine
      - uses: docker://alpine:3.8
      - run: |
          uses: not/this@v1
        env: {A: 1}
      - just text
      - uses: bare/action
  reuse:
    uses: octo-org/repo/.github/workflows/ci.yml@main
    with: {x: 1}
  again:
    steps: [{uses: github/codeql-action/analyze@v2}]
`
	composite = `name: Mine
runs:
  using: composite
  steps:
    - uses: actions/setup-go@v5
`
)

func TestWorkflow(t *testing.T) {
	action := func(name, version string) assay.Package {
		return assay.Package{Type: "githubactions", Name: name, Version: version}
	}
	for _, tt := range []struct {
		name, path, in string
		want           []assay.Package
		err            error
	}{
		{"workflow", ".github/workflows/ci.yml", workflow, []assay.Package{
			action("actions/checkout", "v4.1.1"),
			action("github/codeql-action", "v2"),
			action("octo-org/repo", "main"),
		}, assay.ErrUnsupported},
		{"action", "a/action.yaml", composite, []assay.Package{action("actions/setup-go", "v5")}, nil},
		{"another's action", "roles/action.yml", "- {{ x }}: [", nil, nil},
		{"a list", "roles/action.yml", "- a\n- b", nil, nil},
		{"empty", ".github/workflows/ci.yml", "", nil, nil},
		{"bogus", ".github/workflows/ci.yml", "jobs: [", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Workflow{}, tt.path, tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

// TestComment holds that a commit has the version that the comment names, if it names one.
func TestComment(t *testing.T) {
	const commit = "b4ffde65f46336ab88eb53be808477a3936bae11"
	for line, want := range map[string]string{
		commit + " # v4.1.1":                          "v4.1.1",
		commit + " # 4.1.1":                           "4.1.1",
		commit + " #v4.1.1":                           "v4.1.1",
		commit + " # tag=v4.1.1":                      "v4.1.1",
		commit + " # ratchet:actions/checkout@v4.1.1": "v4.1.1",
		commit + " # pin@v4.1.1, see #12":             "v4.1.1",
		commit + " # v4.1.1-rc.1 of May":              "v4.1.1-rc.1",
		commit[:7] + " # v4.1.1":                      "v4.1.1",
		commit + " # v4":                              commit,
		commit + " # v4.1":                            commit,
		commit + " # main":                            commit,
		commit + " # 2026-01-02":                      commit,
		commit + " # 127.0.0.1x y":                    commit,
		commit:                                        commit,
		"v4 # v4.1.1":                                 "v4",
		"main # v4.1.1":                               "main",
	} {
		facts, err := contract.Read(t, Workflow{}, ".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - uses: a/b@"+line+"\n        with: {}\n      - run: x\n")
		if err != nil || len(facts.Packages) != 1 || facts.Packages[0].Version != want {
			t.Errorf("%s: %v, %v, want %s", line, facts.Packages, err, want)
		}
	}
	for _, in := range []string{
		"jobs:\n  a:\n    uses: \"a/b/.github/workflows/c.yml@" + commit + "\" # v4.1.1\n",
		"jobs:\n  a:\n    steps:\n    - name: x\n      uses: 'a/b@" + commit + "'  # v4.1.1\n",
	} {
		facts, err := contract.Read(t, Workflow{}, ".github/workflows/ci.yml", in)
		if err != nil || len(facts.Packages) != 1 || facts.Packages[0].Version != "v4.1.1" {
			t.Errorf("%s: %v, %v", in, facts.Packages, err)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Workflow{}, map[string]string{".github/workflows/ci.yml": workflow, "action.yml": composite})
}

func FuzzWorkflow(f *testing.F) {
	f.Add(workflow)
	f.Add(composite)
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Workflow{}, ".github/workflows/ci.yml", content)
	})
}
