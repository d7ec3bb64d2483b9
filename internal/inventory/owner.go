package inventory

import (
	"strings"

	"github.com/assaysec/assay"
)

// An owner is the package of the system that brought a file.
type owner struct {
	kind, name string // as in assay.Ownership
}

// owners finds which of the files that tell of packages were brought by
// packages of the system, by path. The lists of files say /lib/x where lib is
// a link to usr/lib, so paths are followed; and they are long, so only those
// are whose last component is that of a file in question.
func (s *squasher) owners(inv *assay.Inventory, facts []fact) map[string][]owner {
	files, bases := map[string]bool{}, map[string]bool{}
	for _, f := range facts {
		for i := range f.facts.Packages {
			if !f.facts.Packages[i].IsSystem() {
				_, base := split(f.path)
				files[f.path], bases[base] = true, true
				break
			}
		}
	}
	found := map[string][]owner{}
	if len(files) == 0 {
		return found
	}
	dir, real := "", ""
	for _, o := range inv.Owns {
		for line := range strings.Lines(o.Paths) {
			d, base := split(strings.TrimSuffix(line, "\n"))
			if !bases[base] {
				continue
			}
			if d != dir {
				dir = d
				real, _ = s.resolve(d, s.top, true)
			}
			if path := join(real, base); files[path] {
				found[path] = append(found[path], owner{o.Type, o.Owner})
			}
		}
	}
	return found
}

// own notes the owners of packages. What a later layer than the owner's wrote
// in its place is not the owner's any more.
func own(inv *assay.Inventory, owners map[string][]owner) {
	if len(owners) == 0 {
		return
	}
	at := map[owner]*assay.Package{}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.IsSystem() {
			at[owner{p.Type, p.Name}] = p
			at[owner{p.Type, p.Name + ":" + p.Arch}] = p
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.IsSystem() {
			continue
		}
		file, _, _ := strings.Cut(p.Path, "!/")
		for _, o := range owners[file] {
			if by := at[o]; by != nil && p.Layer.Index <= by.Layer.Index {
				p.Owner = by.PURL
				break
			}
		}
	}
}
