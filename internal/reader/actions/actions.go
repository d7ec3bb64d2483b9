// Package actions reads which actions GitHub's workflows, and composite actions
// themselves, run.
package actions

import (
	"context"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/listing"
	"go.yaml.in/yaml/v4"
)

// maxWorkflow: GitHub itself stops at 500 kB.
const maxWorkflow = 4 << 20

// Workflow reads workflows and action.yml. A package is the repository that an
// action or a reusable workflow lies in, at whatever path, "owner/name": by that
// advisories know it. Its version is the tag, branch or commit as it is written.
// Actions of the project itself and images are left out.
//
// Format: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
type Workflow struct{}

func (Workflow) Name() string { return "github-actions" }

func (Workflow) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{"**/.github/workflows/*.yml", "**/.github/workflows/*.yaml", "**/action.yml", "**/action.yaml"} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeDeclared, MaxSize: maxWorkflow})
	}
	return ps
}

type step struct {
	Uses string `yaml:"uses"`
}

func (Workflow) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Jobs yaml.Node `yaml:"jobs"`
		Runs struct {
			Using string    `yaml:"using"`
			Steps yaml.Node `yaml:"steps"`
		} `yaml:"runs"`
	}
	l := listing.New(assay.TypeActions)
	err := listing.Decode(f, maxWorkflow, yaml.Unmarshal, &doc)
	if err != nil && doc.Runs.Using == "" && path.Base(path.Dir(f.Path)) != "workflows" {
		return assay.Facts{}, nil // a file of another program's which is called as one of GitHub's
	}
	l.Error(err)
	var jobs map[string]yaml.Node
	if doc.Jobs.Decode(&jobs) == nil {
		for i := 1; i < len(doc.Jobs.Content); i += 2 {
			var job struct {
				step  `yaml:",inline"`
				Steps yaml.Node `yaml:"steps"`
			}
			if err := doc.Jobs.Content[i].Decode(&job); err != nil {
				l.Malformed("job %.40s: %v", doc.Jobs.Content[i-1].Value, err)
			}
			uses(l, job.Uses)
			steps(l, &job.Steps)
		}
	}
	steps(l, &doc.Runs.Steps)
	return l.Facts()
}

// steps adds what steps use; one of another shape does not hide the rest.
func steps(l *listing.List, n *yaml.Node) {
	for _, c := range n.Content {
		var s step
		if c.Decode(&s) == nil {
			uses(l, s.Uses)
		}
	}
}

// uses adds "owner/name/path@ref".
func uses(l *listing.List, s string) {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "docker://") {
		return
	}
	place, ref, _ := strings.Cut(s, "@")
	parts := strings.SplitN(place, "/", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" || strings.Contains(place, ":") {
		l.Malformed("uses %.80q", s)
		return
	}
	l.Add(parts[0]+"/"+parts[1], ref)
}
