package inventory

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// reachThroughLinks finds wanted files that a layer wrote through a symbolic link of a
// lower layer, under a name that no pattern matched: tmp/l/status, where tmp/l leads to
// var/lib/dpkg.
func (s *squasher) reachThroughLinks() {
	open := s.openDirs()
	if len(open) == 0 {
		return
	}
	for a, layer := range s.layers {
		if s.last[layer] != a {
			continue
		}
		for _, link := range slices.Sorted(maps.Keys(layer.Links)) {
			for _, b := range open[hashPath(link)] {
				if b > a && s.ctx.Err() == nil && s.visible(link, a, b-1) {
					s.reachThroughLink(link, b)
				}
			}
		}
	}
}

// openDirs returns the layers that write below a path before they have an entry of their
// own there: that is how layers write through links.
func (s *squasher) openDirs() map[pathHash][]int {
	open := map[pathHash][]int{}
	for l := 1; l < len(s.layers); l++ {
		x := &s.layers[l].Index
		for i, bits := range x.Bits {
			if bits&bitLate != 0 || bits&bitParent != 0 && bits&bitKind == 0 {
				open[x.hash(i)] = append(open[x.hash(i)], l)
			}
		}
	}
	return open
}

// reachThroughLink adds to the files still to be read those that layer l wrote through a
// link.
func (s *squasher) reachThroughLink(link string, l int) {
	dir, ok := s.resolve(link, l-1, true)
	if !ok {
		return
	}
	if s.layers[l].Index.get(hashPath(link))&bitLate != 0 {
		s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, link), What: unsure})
		return
	}
	for _, w := range s.matcher.all {
		if !w.rooted || w.companion != "" {
			continue
		}
		x, ok := s.globPath(w)
		if !ok {
			continue
		}
		rest, ok := inDir(x.glob, dir)
		raw := join(link, rest)
		if !ok || len(s.matcher.match(nil, raw)) > 0 { // read under its name in the layer
			continue
		}
		fixed, _, _ := strings.Cut(raw, "*")
		if fixed != raw {
			fixed, _ = split(fixed)
		}
		if s.layers[l].Index.get(hashPath(fixed)) != 0 {
			s.missing = append(s.missing, missingFile{layer: l, glob: raw, reader: w.reader, to: l})
		}
	}
}

// inDir returns the rest of a pattern for the paths in dir.
func inDir(glob, dir string) (rest string, ok bool) {
	for dir != "" {
		var want, name string
		want, glob, _ = strings.Cut(glob, "/")
		name, dir, _ = strings.Cut(dir, "/")
		if !globOne(want, name) {
			return "", false
		}
	}
	return glob, glob != ""
}
