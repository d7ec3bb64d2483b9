package inventory

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// An owner is the OS package that owns a file.
type owner struct {
	kind, name string // as in assay.Ownership
}

// owners returns, by path, the files with packages, except databases, that OS packages
// own. Their file lists say /lib/x where lib is a link to usr/lib, so paths are
// resolved. Because the lists are long, only entries with a file name in question are.
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

// own sets the owners of packages. A file that a higher layer wrote in place of the
// owner's no longer belongs to the owner. A file that names its own OS package, if that
// is installed, adds nothing.
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
