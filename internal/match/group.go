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

// groupsOf lists the names that a package without a group may have in the stream, and says
// how a single one was found. The group is that of the only artifact of this name; of
// several, the only one to which the Java package of all classes belongs.
func (m *registryMatcher) groupsOf(p *assay.Package) (names []string, note string) {
	const unstated = "the archive does not state its group; "
	names = m.byArtifact[p.Name]
	var fitting []string
	for _, name := range names {
		if group, _, _ := strings.Cut(name, ":"); containsRoot(group, p.ClassRoot) {
			fitting = append(fitting, name)
		}
	}
	switch {
	case len(fitting) == 1:
		return fitting, unstated + "all its classes are in " + p.ClassRoot
	case len(fitting) > 1:
		return fitting, ""
	case len(names) == 1:
		return names, unstated + "no other one with advisories has an artifact of this name"
	}
	return names, ""
}

// containsRoot reports whether a group is, or is above, the Java package of an archive's
// classes, or shares three words with it, as "com.fasterxml.jackson.core" does with
// "com.fasterxml.jackson.databind". Two words are often those of a large publisher.
func containsRoot(group, root string) bool {
	if group == "" || root == "" {
		return false
	}
	if group == root || strings.HasPrefix(root, group+".") {
		return true
	}
	a, b := strings.Split(group, "."), strings.Split(root, ".")
	return len(a) >= 3 && len(b) >= 3 && slices.Equal(a[:3], b[:3])
}

// withGroup names a package without a group as the advisories about such an artifact do,
// where only one of them can be meant.
func (m *registryMatcher) withGroup(t *target, p *assay.Package) {
	if !lacksGroup(p) {
		return
	}
	if names, note := m.groupsOf(p); len(names) == 1 {
		t.name, t.note = names[0], note
	}
}

// reportGroup reports a package that several groups may have.
func (m *registryMatcher) reportGroup(p *assay.Package) {
	if !lacksGroup(p) {
		return
	}
	where := "package " + strings.TrimSpace(p.Name+" "+p.Version)
	names, _ := m.groupsOf(p)
	switch {
	case m.byArtifact == nil:
		m.gaps.add(where, "its group is unknown; not matched")
	case len(names) > 1:
		m.gaps.add(where, fmt.Sprintf("its group is unknown, and there are advisories about %s; not matched", some(names, "", "")))
	}
}
