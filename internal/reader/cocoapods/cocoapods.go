// Package cocoapods reads the lock file of CocoaPods.
package cocoapods

import (
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"go.yaml.in/yaml/v4"
)

// maxLock: the largest known have some 100 kB.
const maxLock = 16 << 20

// Lock reads Podfile.lock. Subspecs are packages of their own, "Firebase/Core";
// pods that lie beside the project are its workspaces.
//
// Format: https://guides.cocoapods.org/using/using-cocoapods.html#what-is-podfilelock
type Lock struct{}

func (Lock) Name() string { return "podfile-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Podfile.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Pods         []yaml.Node               `yaml:"PODS"`
		Dependencies []string                  `yaml:"DEPENDENCIES"`
		External     map[string]map[string]any `yaml:"EXTERNAL SOURCES"`
	}
	l := listing.New(assay.TypeCocoaPods)
	l.Error(listing.Decode(f, maxLock, yamldoc.Unmarshal, &doc))
	needs := map[int][]string{}
	for _, n := range doc.Pods {
		entry, deps := pod(&n)
		name, version := cut(entry)
		i := l.Add(name, version)
		if i < 0 {
			continue
		}
		needs[i] = append(needs[i], deps...)
		top, _, _ := strings.Cut(name, "/")
		// React Native's projects have their pods from npm.
		if dir, local := doc.External[top][":path"].(string); local && !strings.Contains(dir, "node_modules") {
			l.Packages[i].Relation = assay.RelationWorkspace
		}
	}
	of := l.Names(nil)
	for i, deps := range needs {
		for _, d := range deps {
			name, _ := cut(d)
			l.Need(i, of[name]...)
		}
	}
	var direct []int
	for _, d := range doc.Dependencies {
		name, _ := cut(d)
		direct = append(direct, of[name]...)
	}
	if doc.Dependencies != nil {
		l.Mark(direct, nil)
	}
	return l.Facts()
}

// pod is an entry, "Name (1.0)", perhaps with a list of what it needs.
func pod(n *yaml.Node) (entry string, needs []string) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		for _, c := range n.Content[1].Content {
			needs = append(needs, c.Value)
		}
		return n.Content[0].Value, needs
	}
	return n.Value, nil
}

// cut cuts "Name/Subspec (1.0)".
func cut(s string) (name, version string) {
	name, rest, _ := strings.Cut(s, " (")
	version = strings.TrimSuffix(rest, ")")
	return strings.TrimSpace(name), version
}
