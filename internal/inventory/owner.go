package inventory

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// An owner is the package of the system that brought a file.
type owner struct {
	kind, name string // as in assay.Ownership
}

// owners finds which of the files that tell of packages, databases apart, were
// brought by packages of the system, by path. The lists of files say /lib/x where lib is
// a link to usr/lib, so paths are followed; and they are long, so only those
// are whose last component is that of a file in question.
func (s *squasher) owners(owns []assay.Ownership, facts []fact, databases map[string]bool) map[string][]owner {
	files, bases := map[string]bool{}, map[string]bool{}
	for _, f := range facts {
		if len(f.Facts.Packages) > 0 && !databases[f.Reader] {
			_, base := split(f.path)
			files[f.path], bases[base] = true, true
		}
	}
	found := map[string][]owner{}
	if len(files) == 0 {
		return found
	}
	dir, real := "", ""
	for _, o := range owns {
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
// in its place is not the owner's any more. A file that says itself which
// package of the system it is of, and that the system knows, adds nothing.
func own(inv *assay.Inventory, owners map[string][]owner, databases map[string]bool) {
	if len(owners) == 0 {
		return
	}
	at := map[owner]*assay.Package{}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; databases[p.FoundBy] {
			at[owner{p.Type, p.Name}] = p
			at[owner{p.Type, p.Name + ":" + p.Arch}] = p
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if databases[p.FoundBy] {
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
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool { return p.IsSystem() && p.Owner != "" && !databases[p.FoundBy] })
}
