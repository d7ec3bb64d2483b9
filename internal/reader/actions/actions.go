// Package actions reads the actions that GitHub's workflows and composite actions use.
package actions

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
	"go.yaml.in/yaml/v4"
)

// maxWorkflow: GitHub itself stops at 500 kB.
const maxWorkflow = 4 << 20

// Workflow reads workflows and action.yml. A package is the repository that an
// action or a reusable workflow lies in, at whatever path, "owner/name": by that
// advisories know it. Its version is the tag, branch or commit as it is written; of a
// commit the version in the comment behind it, as GitHub and its update tools have it:
// "@b4ffde6… # v4.1.1". https://docs.github.com/en/actions/reference/security/secure-use
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

func (Workflow) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Jobs yaml.Node `yaml:"jobs"`
		Runs yaml.Node `yaml:"runs"`
	}
	l := listing.New(assay.TypeActions)
	err := listing.Decode(f, maxWorkflow, yamldoc.Unmarshal, &doc)
	if err != nil && get(&doc.Runs, "using") == nil && path.Base(path.Dir(f.Path)) != "workflows" {
		return assay.Facts{}, nil // a file of another program's which is called as one of GitHub's
	}
	l.Error(err)
	if doc.Jobs.Kind == yaml.MappingNode {
		for i := 1; i < len(doc.Jobs.Content); i += 2 {
			job := doc.Jobs.Content[i]
			uses(l, get(job, "uses"))
			steps(l, get(job, "steps"))
		}
	}
	steps(l, get(&doc.Runs, "steps"))
	return l.Facts()
}

// maxKeys bounds those of a job or step that are looked at; there are some
// twenty. Many jobs may be aliases of one.
const maxKeys = 200

// get is the value that a mapping has for a key; nil where there is none.
func get(n *yaml.Node, key string) *yaml.Node {
	if n = target(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < min(len(n.Content), 2*maxKeys); i += 2 {
		if n.Content[i].Value == key {
			return target(n.Content[i+1])
		}
	}
	return nil
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// steps adds what steps use; one of another shape does not hide the rest.
func steps(l *listing.List, n *yaml.Node) {
	if n == nil || n.Kind != yaml.SequenceNode {
		return
	}
	for _, c := range n.Content {
		uses(l, get(c, "uses"))
	}
}

// uses adds "owner/name/path@ref".
func uses(l *listing.List, n *yaml.Node) {
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	s := strings.TrimSpace(n.Value)
	if s == "" || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "docker://") {
		return
	}
	place, ref, _ := strings.Cut(s, "@")
	parts := strings.SplitN(place, "/", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" || strings.Contains(place, ":") {
		l.Malformed("invalid uses: %.80q", s)
		return
	}
	if v := commented.FindStringSubmatch(n.LineComment); v != nil && version.IsRevision(ref) {
		ref = v[1]
	}
	l.Add(parts[0]+"/"+parts[1], ref)
}

// commented is a whole version in a comment: "v4.1.1", "tag=v4.1.1",
// "ratchet:actions/checkout@v4.1.1". Which release of a line such as "v4" a commit is
// the comment does not say.
var commented = regexp.MustCompile(`(?:^|[\s#=@:/(])(v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]*[0-9A-Za-z])?)(?:$|[\s,;:)])`)
