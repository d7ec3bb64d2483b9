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
			action("actions/checkout", "b4ffde65f46336ab88eb53be808477a3936bae11"),
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
