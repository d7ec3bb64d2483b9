package match

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// This file finds the groups of Java archives that do not state theirs: those under which
// advisories know an artifact of the same name.

// A nameLister lists the names of packages in a stream.
type nameLister interface {
	Names(ctx context.Context, s assay.Stream) iter.Seq2[string, error]
}

// lacksGroup reports whether a package's name has no group, without which Maven's
// coordinates name nothing.
func lacksGroup(p *assay.Package) bool {
	return p.Type == assay.TypeMaven && p.Name != "" && !strings.Contains(p.Name, ":")
}

// findGroups finds the names of the packages without a group in the stream.
func (m *registryMatcher) findGroups(ctx context.Context, inv *assay.Inventory) error {
	var known map[string][]string // by artifact
	for _, i := range slices.Concat(m.packages, m.covered) {
		if p := &inv.Packages[i]; lacksGroup(p) {
			if known == nil {
				known = map[string][]string{}
			}
			known[p.Name] = nil
		}
	}
	lister, ok := m.store.advisories.(nameLister)
	if known == nil || !ok {
		return nil
	}
	for name, err := range lister.Names(ctx, m.ecosystem.Stream) {
		if errors.Is(err, assay.ErrNotFound) {
			break // no such stream, which is a gap already
		}
		if errors.Is(err, assay.ErrUnsupported) {
			return nil // the advisories cannot list names
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.ecosystem.Stream, err)
		}
		if _, artifact, ok := strings.Cut(name, ":"); ok {
			if _, wanted := known[artifact]; wanted {
				known[artifact] = append(known[artifact], name)
			}
		}
	}
	m.byArtifact = known
	return nil
}

// withGroup names a package without a group as the only advisories about such an artifact
// do.
func (m *registryMatcher) withGroup(t *target, p *assay.Package) {
	if !lacksGroup(p) {
		return
	}
	if names := m.byArtifact[p.Name]; len(names) == 1 {
		t.name = names[0]
		t.note = "the archive does not state its group; no other one with advisories has an artifact of this name"
	}
}

// reportGroup reports a package that several groups may have.
func (m *registryMatcher) reportGroup(p *assay.Package) {
	if !lacksGroup(p) {
		return
	}
	where := "package " + strings.TrimSpace(p.Name+" "+p.Version)
	switch names := m.byArtifact[p.Name]; {
	case m.byArtifact == nil:
		m.gaps.add(where, "its group is unknown; not matched")
	case len(names) > 1:
		m.gaps.add(where, fmt.Sprintf("its group is unknown, and there are advisories about %s; not matched", some(names, "", "")))
	}
}
