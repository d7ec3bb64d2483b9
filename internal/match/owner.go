package match

import (
	"context"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// This file judges packages of languages that a package of the system brought,
// where the distribution tells of fixes only: of what it names its word holds,
// of what it does not the registry's.

// owners are the packages of the system by purl, and how they were judged.
type owners struct {
	*matcher
	packages map[string]*assay.Package
	found    map[string]map[string]bool // names of what each was found to have
}

// ownersOf is nil where the distribution's word is the only one on what its
// packages brought, or none.
func ownersOf(inv *assay.Inventory, o Options, m *matcher) *owners {
	if m == nil || m.family.Exhaustive(inv.Release) {
		return nil
	}
	out := &owners{matcher: m, packages: map[string]*assay.Package{}, found: map[string]map[string]bool{}}
	spoken := CoveredByDistro(inv, o)
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.IsSystem() && spoken[p.PURL] {
			out.packages[p.PURL] = p
		}
	}
	for i := range m.findings {
		f := &m.findings[i]
		purl := inv.Packages[f.Package].PURL
		if out.found[purl] == nil {
			out.found[purl] = map[string]bool{}
		}
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			out.found[purl][id] = true
		}
	}
	return out
}

// A word is what the distribution says of a package's owner.
type word struct {
	stream assay.Stream
	owner  *assay.Package
	names  map[string]bool // of what it speaks
	found  map[string]bool // of what the owner has
}

// word is nil where the distribution has none on a package.
func (o *owners) word(ctx context.Context, p *assay.Package) (*word, error) {
	if o == nil || o.packages[p.Owner] == nil {
		return nil, nil
	}
	w := &word{stream: o.stream, owner: o.packages[p.Owner], names: map[string]bool{}, found: o.found[p.Owner]}
	name, ver := o.family.Subject(w.owner)
	key, err := o.scheme.Key(ver)
	if err != nil {
		return nil, nil // it was not judged, which is a gap
	}
	advisories, err := o.published(ctx, w.owner, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o.stream, name, err)
	}
	if o.otherFlavour(w.owner, ver, advisories) {
		return nil, nil // as well
	}
	for i := range advisories {
		a := &advisories[i]
		if !o.speaks(a, w.owner, ver, key) {
			continue
		}
		for _, id := range append([]string{a.ID}, a.Aliases...) {
			w.names[id] = true
		}
	}
	return w, nil
}

// speaks reports whether an advisory was held against the owner: a record that cannot be
// compared with its version is a gap, and says nothing.
func (o *owners) speaks(a *assay.Advisory, owner *assay.Package, ver string, key version.Key) (speaks bool) {
	for i := range a.Affected {
		row := &a.Affected[i]
		if !o.family.Applies(owner, row, o.products) || o.elsewhere(row, ver) {
			continue
		}
		if _, _, err := o.in(row, key); err != nil {
			return false
		}
		speaks = speaks || row.Status != assay.StatusUnknown
	}
	return speaks
}

// on reports whether the distribution speaks of a vulnerability; why says so
// where it holds the owner not to have it, and is "" where that is found to.
func (w *word) on(f *assay.Finding) (why string, told bool) {
	if w == nil {
		return "", false
	}
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		if w.found[id] {
			return "", true
		}
		told = told || w.names[id]
	}
	if !told {
		return "", false
	}
	return fmt.Sprintf("package %s brought it, whose version %s is not affected by what %s says", w.owner.Name, w.owner.Version, w.stream), true
}
