package match

import (
	"context"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// This file matches packages of a distribution that somebody else rebuilt with
// fixes of their own.

// menders lists the streams of those who rebuilt packages of an inventory.
func menders(inv *assay.Inventory, family *distro.Family) (streams []assay.Stream) {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if !p.IsSystem() {
			continue
		}
		if by, ok := family.Rebuilder(p); ok {
			if s := by.Stream(family, inv.Release); s != "" && !slices.Contains(streams, s) {
				streams = append(streams, s)
			}
		}
	}
	slices.Sort(streams)
	return streams
}

// published finds the advisories on a package: the distribution's, and before
// them those of who rebuilt it, whose word on a vulnerability is the only one.
func (m *matcher) published(ctx context.Context, p *assay.Package, name string) ([]assay.Advisory, error) {
	by, ok := m.family.Rebuilder(p)
	if !ok {
		return m.about(ctx, p, name)
	}
	var theirs []assay.Advisory
	if stream := by.Stream(m.family, m.release); stream != "" {
		var err error
		if theirs, err = m.lookup(ctx, stream, name); err != nil || by.Exclusive {
			return theirs, err
		}
	}
	others, err := m.about(ctx, p, strings.TrimPrefix(name, by.Prefix))
	if err != nil {
		return nil, err
	}
	told := map[string]bool{}
	for i := range theirs {
		told[theirs[i].ID] = true
		for _, id := range theirs[i].Aliases {
			told[id] = true
		}
	}
	all := slices.Clone(theirs)
	for _, a := range others {
		if !told[a.ID] && !slices.ContainsFunc(a.Aliases, func(id string) bool { return told[id] }) {
			all = append(all, a)
		}
	}
	return all, nil
}
