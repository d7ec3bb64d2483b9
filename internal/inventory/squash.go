package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A fact is one file's facts, with where they are in the image.
type fact struct {
	*fileFacts
	layer int
	path  string // real: no symbolic links in it
}

// A lack is a file that has to be read for a second time round: a reader wants
// what only links of other layers lead to.
type lack struct {
	layer  int    // where the file is
	glob   string // its path in that layer's tar, or a pattern of such paths
	exact  bool   // glob is a path
	reader int
	as     string // the path under which it is wanted
	to     int    // the layer to which the facts then belong
	with   string // suffix: the companion below, to be read beside the file
	below  int    // layer of the companion
}

// squasher puts together what layers say, as a file system does.
type squasher struct {
	*tree
	readers []assay.Reader
	matcher *matcher
	top     int
	by      map[string][]int // layers' facts by reader and real path: layer*2^32+file
	facts   []fact
	gaps    []assay.Gap
	lacks   []lack
}

func newSquasher(readers []assay.Reader, m *matcher, layers []*layerFacts) *squasher {
	s := &squasher{tree: newTree(layers), readers: readers, matcher: m, top: len(layers) - 1, by: map[string][]int{}}
	s.place()
	return s
}

// place finds the real path of every file with facts: a layer may write
// lib/apk/db/installed where a lower one has made lib a link to usr/lib.
func (s *squasher) place() {
	for l, layer := range s.layers {
		for i := range layer.files {
			f := &layer.files[i]
			path, ok := s.resolve(f.path, l, false)
			if !ok {
				s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, f.path), What: "its directory is a symbolic link that leads nowhere; ignored"})
				continue
			}
			if path != f.path {
				if s.moved[l] == nil {
					s.moved[l] = map[string]string{}
				}
				s.moved[l][path] = f.path
				clear(s.memo)
			}
			s.facts = append(s.facts, fact{f, l, path})
		}
	}
	for i, f := range s.facts {
		key := f.reader + "\x00" + f.path
		s.by[key] = append(s.by[key], i)
	}
}

// find returns the facts of a reader about the file at a real path in layer l.
func (s *squasher) find(reader int, path string, l int) *fact {
	for _, i := range s.by[s.readers[reader].Name()+"\x00"+path] {
		if s.facts[i].layer == l {
			return &s.facts[i]
		}
	}
	return nil
}

func (s *squasher) where(l int, path string) string {
	w := fmt.Sprintf("layer %d", l)
	if path != "" {
		w += ": " + path
	}
	return w
}

// standing returns the facts that hold in the image, by path: of files that
// are still there, and for the system's own paths only what the root reaches.
func (s *squasher) standing() []fact {
	allowed := s.reach()
	var out []fact
	for _, f := range s.facts {
		if f.companion || !s.visible(f.path, f.layer, s.top) {
			continue
		}
		if allowed[f.reader+"\x00"+f.path] || s.anywhere(f) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b fact) int { return strings.Compare(a.path, b.path) })
	return out
}

// anywhere reports whether a reader wants the file wherever it is.
func (s *squasher) anywhere(f fact) bool {
	for _, w := range s.matcher.match(nil, f.path) {
		if !w.rooted && s.readers[w.reader].Name() == f.reader {
			return true
		}
	}
	return false
}

// reach follows every system path from the root, notes which files it leads
// to, and what is lacking there.
func (s *squasher) reach() map[string]bool {
	allowed := map[string]bool{}
	for _, w := range s.matcher.all {
		if !w.rooted || w.companion != "" {
			continue
		}
		if !strings.Contains(w.glob, "*") {
			s.reachFile(allowed, w)
			continue
		}
		s.reachGlob(allowed, w)
	}
	for l, layer := range s.layers {
		for _, path := range layer.asked {
			s.reachLink(allowed, l, path)
		}
		for _, path := range slices.Sorted(maps.Keys(layer.hards)) {
			s.reachHard(allowed, l, path)
		}
	}
	return allowed
}

// reachHard sees to a hard link that is at a wanted path.
func (s *squasher) reachHard(allowed map[string]bool, l int, raw string) {
	path, ok := s.resolve(raw, l, false)
	if !ok || !s.visible(path, l, s.top) {
		return
	}
	for _, w := range s.matcher.match(nil, raw) {
		if w.companion == "" && (!w.rooted || globPath(w.glob, path)) {
			s.need(allowed, w, path, l)
		}
	}
}

func (s *squasher) reachFile(allowed map[string]bool, w *want) {
	path, ok := s.resolve(w.glob, s.top, true)
	if !ok {
		s.gaps = append(s.gaps, assay.Gap{Where: s.where(s.top, path), What: "symbolic links lead in a circle; what they stand for is not read"})
		return
	}
	p := s.at(path, s.top)
	if p.kind != bitFile {
		return
	}
	s.need(allowed, w, path, p.layer)
	for _, suffix := range w.with {
		s.reachCompanion(w, path, p.layer, suffix)
	}
}

// need allows the facts about the file at a real path, or has it read.
func (s *squasher) need(allowed map[string]bool, w *want, path string, l int) {
	allowed[s.readers[w.reader].Name()+"\x00"+path] = true
	if s.find(w.reader, path, l) != nil {
		return
	}
	raw := s.raw(path, l)
	if target, ok := s.layers[l].hards[raw]; ok {
		s.needHard(w, path, l, target)
		return
	}
	s.lacks = append(s.lacks, lack{layer: l, glob: raw, exact: true, reader: w.reader, as: path, to: l})
}

// needHard has the file read that the hard link at path in layer l is.
func (s *squasher) needHard(w *want, path string, l int, target string) {
	for range maxHops {
		real, ok := s.resolve(target, l, true)
		if !ok {
			break
		}
		p := s.at(real, l)
		if p.kind != bitFile {
			break
		}
		if p.layer == l {
			if next, ok := s.layers[l].hards[s.raw(real, l)]; ok {
				target = next
				continue
			}
		}
		s.lacks = append(s.lacks, lack{layer: p.layer, glob: s.raw(real, p.layer), exact: true, reader: w.reader, as: path, to: l})
		return
	}
	s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, path), What: fmt.Sprintf("a hard link to %q, which is not in the image; not read", target)})
}

// raw is the path in layer l's tar of what is at a real path.
func (s *squasher) raw(path string, l int) string {
	if raw, ok := s.moved[l][path]; ok {
		return raw
	}
	return path
}

// reachCompanion sees to a companion that a higher or lower layer has written
// than its file: both are read again, together.
func (s *squasher) reachCompanion(w *want, path string, l int, suffix string) {
	p := s.at(path+suffix, s.top)
	if p.kind != bitFile || p.layer == l {
		return
	}
	known := false // an empty companion says nothing, and is not noted
	for _, i := range s.by[s.readers[w.reader].Name()+"\x00"+path+suffix] {
		known = known || s.facts[i].layer == p.layer
	}
	if known {
		s.lacks = append(s.lacks, lack{layer: l, glob: s.raw(path, l), exact: true, reader: w.reader, as: path, to: l, with: suffix, below: p.layer})
	}
}

// reachGlob does the same for a system path with wildcards. The part without
// them is followed; where it leads to a place that could not be claimed while
// layers were read, the layers are read again for it.
func (s *squasher) reachGlob(allowed map[string]bool, w *want) {
	dir, rest := w.glob, ""
	for strings.Contains(dir, "*") {
		var base string
		dir, base = split(dir)
		rest = join(base, rest)
	}
	real, ok := s.resolve(dir, s.top, true)
	if !ok {
		return
	}
	name := s.readers[w.reader].Name()
	glob := join(real, rest)
	for _, f := range s.facts {
		if f.reader == name && globPath(glob, f.path) {
			allowed[name+"\x00"+f.path] = true
		}
	}
	if real != dir && !globTail(w.tail, glob) {
		for l := range s.layers {
			if s.layers[l].index.get(hashPath(real)) != 0 {
				s.lacks = append(s.lacks, lack{layer: l, glob: glob, reader: w.reader, to: l})
			}
		}
	}
}

// reachLink follows a symbolic link that is itself at a wanted path.
func (s *squasher) reachLink(allowed map[string]bool, l int, raw string) {
	link, ok := s.resolve(raw, l, false)
	if !ok || !s.visible(link, l, s.top) {
		return
	}
	for _, w := range s.matcher.match(nil, raw) {
		if !w.rooted || w.companion != "" {
			continue // a file wanted anywhere is found under its own name
		}
		if reached, ok := s.resolve(w.glob, s.top, false); !ok || (!strings.Contains(w.glob, "*") && reached != link) {
			continue
		}
		path, ok := s.resolve(link, s.top, true)
		p := s.at(path, s.top)
		if !ok || p.kind != bitFile {
			s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, raw), What: fmt.Sprintf("a symbolic link to %q, which is not in the image; not read", s.layers[l].links[raw])})
			continue
		}
		s.need(allowed, w, path, p.layer)
	}
}
