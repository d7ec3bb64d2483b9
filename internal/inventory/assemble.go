package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/identifier/purl"
)

// assemble builds the inventory from the visible facts.
func (t *builder) assemble(s *squasher, facts []fact) *assay.Inventory {
	inv := &assay.Inventory{Gaps: slices.Clone(t.img.Gaps), Sections: t.sections(s, facts)}
	inv.Gaps = append(inv.Gaps, s.layerGaps()...)
	inv.Gaps = append(inv.Gaps, s.gaps...)
	var parts []assay.Release
	var owns []assay.Ownership
	managed := t.managed(facts)
	listed := map[*assay.Package]bool{} // first packages of files under other names
	for _, f := range facts {
		if s.ctx.Err() != nil {
			break // nobody reads the inventory then
		}
		for _, g := range f.Gaps {
			inv.Gaps = append(inv.Gaps, assay.Gap{Where: s.where(f.layer, f.path), What: f.Reader + ": " + g})
		}
		inv.Gaps = append(inv.Gaps, f.Facts.Gaps...)
		inv.SBOM = cmp.Or(inv.SBOM, f.Facts.SBOM)
		inv.DevLeftOut += f.Facts.DevLeftOut
		if f.Facts.Release != nil {
			part := *f.Facts.Release
			part.Path = cmp.Or(part.Path, f.name, f.path)
			parts = append(parts, part)
		}
		owns = append(owns, f.Facts.Owns...)
		if isListed(listed, f.Facts.Packages) {
			continue
		}
		packages := t.packages(s, f)
		if f.Facts.SBOM != "" && t.o.Scopes&assay.ScopeSBOM == 0 { // the database of the OS packages knows better what is installed
			packages = slices.DeleteFunc(packages, func(p assay.Package) bool { return managed[p.Type] })
		}
		if inv.Packages == nil { // usually most of them, which need not be copied
			inv.Packages = packages
		} else {
			inv.Packages = append(inv.Packages, packages...)
		}
	}
	owners := s.owners(owns, facts, t.databases)
	var gaps []assay.Gap
	inv.Release, gaps = distro.Identify(parts)
	inv.Gaps = append(inv.Gaps, gaps...)
	inv.Gaps = bounded(unique(inv.Gaps))
	t.finish(inv)
	own(inv, owners, t.databases)
	merge(inv)
	return inv
}

// layerGaps returns the gaps about the layers themselves, and those of streamers.
func (s *squasher) layerGaps() (out []assay.Gap) {
	told := map[*layerFacts]bool{} // a layer may occur many times
	for l, layer := range s.layers {
		if told[layer] {
			continue
		}
		told[layer] = true
		gaps := slices.Clone(layer.Gaps)
		for _, name := range slices.Sorted(maps.Keys(layer.sections)) {
			gaps = append(gaps, layer.sections[name].Gaps...)
		}
		for _, g := range gaps {
			out = append(out, assay.Gap{Where: s.where(l, g.Where), What: g.What})
		}
	}
	return out
}

// isListed reports whether the packages are those of a file under another name: each is
// installed once. It remembers them.
func isListed(listed map[*assay.Package]bool, packages []assay.Package) bool {
	if len(packages) == 0 || hasOthers(packages) {
		return false
	}
	again := listed[&packages[0]]
	listed[&packages[0]] = true
	return again
}

// hasOthers reports whether some packages are no OS packages.
func hasOthers(packages []assay.Package) bool {
	return slices.ContainsFunc(packages, func(p assay.Package) bool { return !p.IsSystem() })
}

// managed lists the types of the packages in the image's OS package databases.
func (t *builder) managed(facts []fact) map[string]bool {
	out := map[string]bool{}
	for _, f := range facts {
		if t.databases[f.Reader] {
			for i := range f.Facts.Packages {
				out[f.Facts.Packages[i].Type] = true
			}
		}
	}
	return out
}

// packages returns the packages of a file, each with its layer: the lowest one from
// which on every version of the file lists the package.
func (t *builder) packages(s *squasher, f fact) []assay.Package {
	if len(f.Facts.Packages) == 0 {
		return nil
	}
	out := f.Facts.Packages
	if len(s.layers) > 1 || hasOthers(out) { // else nothing reads the facts again
		out = slices.Clone(out)
	}
	since := make([]int, len(out))
	for i := range since {
		since[i] = f.layer
	}
	going := len(out)
	stopped := make([]bool, len(out))
	for l := f.layer; l > 0 && going > 0; {
		p := s.look(f.path, l-1)
		if p.kind != bitFile {
			break
		}
		l = p.layer
		old := s.factsAt(f.Reader, f.path, l)
		if old == nil || old.Companion {
			break
		}
		has := map[string]bool{}
		for i := range old.Facts.Packages {
			has[identity(&old.Facts.Packages[i])] = true
		}
		for i := range out {
			switch {
			case stopped[i]:
			case has[identity(&out[i])]:
				since[i] = l
			default:
				stopped[i] = true
				going--
			}
		}
	}
	for i := range out {
		p := &out[i]
		if inner, ok := strings.CutPrefix(p.Path, f.fileFacts.Path+"!/"); ok {
			p.Path = f.path + "!/" + inner
		} else if p.Path == "" {
			p.Path = f.path
		}
		p.FoundBy = cmp.Or(p.FoundBy, f.Reader)
		if p.Layer == (assay.LayerRef{}) {
			p.Layer = t.layerRef(since[i])
		}
	}
	return out
}

func (t *builder) layerRef(l int) assay.LayerRef {
	layer := t.img.Layers[l]
	return assay.LayerRef{Index: l, DiffID: layer.DiffID, Digest: layer.Digest, CreatedBy: layer.CreatedBy}
}

// identity identifies packages that can be installed side by side.
func identity(p *assay.Package) string {
	id := p.Type + "\x00" + p.Name + "\x00" + p.Version + "\x00" + p.Arch
	if p.IsSystem() {
		if p.Release != nil {
			id += "\x00" + p.Release.ID + "\x00" + p.Release.Version
		}
		return id
	}
	if p.Type == assay.TypeJulia { // whose names need not be unique
		id += "\x00" + p.PURL
	}
	return id + "\x00" + p.Path
}

// merge removes duplicates of bare binaries within one installation that have the same
// owner or none.
func merge(inv *assay.Inventory) {
	seen := map[string]bool{}
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		if p.Type != assay.TypeGeneric {
			return false
		}
		id := strings.Join([]string{p.Name, p.Version, p.Owner, installation(p.Path)}, "\x00")
		again := seen[id]
		seen[id] = true
		return again
	})
}

// installation returns the directory that software is installed under; several files
// may belong to it: "usr/local" for usr/local/bin/openssl and
// usr/local/lib/libcrypto.so.3.
func installation(path string) string {
	directory, _ := split(path)
	for dir, n := directory, 0; n < 2; n++ {
		up, base := split(dir)
		switch base {
		case "bin", "sbin", "lib", "lib64", "libexec":
			return up
		}
		dir = up
	}
	return directory
}

// byLayer orders OS packages by layer; the path of others says more.
func byLayer(a, b *assay.Package) int {
	if !a.IsSystem() {
		return 0
	}
	return cmp.Compare(a.Layer.Index, b.Layer.Index)
}

// finish sorts the packages, removes OS packages that two databases list, and adds what
// needs the whole image.
func (t *builder) finish(inv *assay.Inventory) {
	slices.SortStableFunc(inv.Packages, func(a, b assay.Package) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version),
			strings.Compare(a.Arch, b.Arch), byLayer(&a, &b), strings.Compare(a.Path, b.Path))
	})
	seen := make(map[string]bool, len(inv.Packages))
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		id := identity(&p)
		again := seen[id]
		seen[id] = true
		return again
	})
	main, mainKnown := distro.Of(inv.Release)
	for i := range inv.Packages {
		p := &inv.Packages[i]
		family, known := main, mainKnown
		if p.Release != nil {
			family, known = distro.Of(*p.Release)
		}
		if known && p.IsSystem() {
			p.ThirdParty = family.ThirdParty(p)
		}
		if p.PURL == "" {
			p.PURL = purl.Of(p, inv.Release)
		}
	}
	switch {
	case len(t.o.Readers) == 0:
	case len(inv.Packages) == 0 && inv.Release.ID == "":
		inv.Gaps = append(inv.Gaps, nothing(t.img.Kind))
	case t.lacksDatabase(inv):
		inv.Gaps = append(inv.Gaps, noDatabase(inv.Release))
	}
}

// lacksDatabase reports whether a distribution was found but none of its packages: its
// database was deleted, is empty, or is of no supported kind.
func (t *builder) lacksDatabase(inv *assay.Inventory) bool {
	return inv.Release.ID != "" && t.o.Scopes&assay.ScopeSystem != 0 && t.img.Kind != assay.KindSBOM &&
		!slices.ContainsFunc(inv.Packages, func(p assay.Package) bool {
			return p.IsSystem() || p.Type == assay.TypeEbuild || p.Type == assay.TypeNix
		})
}

func noDatabase(r assay.Release) assay.Gap {
	title, kind := r.ID, "of a supported kind"
	if family, known := distro.Of(r); known {
		title, kind = family.Title, "("+family.Package+")"
	}
	return assay.Gap{Where: cmp.Or(r.Path, "image"), What: fmt.Sprintf("%s without a package database %s that lists packages; which packages of the distribution are installed is unknown", strings.TrimSpace(title+" "+r.Version), kind)}
}

// nothing adds a gap for a target in which no reader found anything.
func nothing(kind assay.TargetKind) assay.Gap {
	switch kind {
	case assay.KindFilesystem, assay.KindRepository:
		return assay.Gap{Where: "target", What: "no lock file, manifest or package database of a supported kind found"}
	case assay.KindVM:
		return assay.Gap{Where: "target", What: "no package database, release file or software of a supported kind found in its file systems"}
	case assay.KindSBOM:
		return assay.Gap{Where: "target", What: "no package found"}
	}
	return assay.Gap{Where: "image", What: "no package database, release file or software of a supported kind found in its layers"}
}

// unique removes equal gaps.
func unique(gaps []assay.Gap) []assay.Gap {
	seen := map[assay.Gap]bool{}
	return slices.DeleteFunc(gaps, func(g assay.Gap) bool {
		again := seen[g]
		seen[g] = true
		return again
	})
}

// maxGaps bounds the gaps of an image: nobody reads more, and a hostile layer can cause
// one in every few bytes.
const maxGaps = 10_000

// bounded counts the gaps after the first maxGaps.
func bounded(gaps []assay.Gap) []assay.Gap {
	if len(gaps) <= maxGaps {
		return gaps
	}
	more := assay.Gap{Where: "image", What: fmt.Sprintf("%d more gaps, which are not listed", len(gaps)-maxGaps)}
	return append(gaps[:maxGaps], more)
}
