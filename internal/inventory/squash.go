package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// maxFiles bounds the files that layers have facts about. One that is written
// through a link counts in each place where its layer is, a thousand perhaps.
const maxFiles = 5_000_000

// A fact is one file's facts, with where they are in the image.
type fact struct {
	*fileFacts
	layer int
	path  string // real: no symbolic links in it
	name  string // the system path that leads to it, where that is another
}

// A missingFile is a file that has to be read for a second time round: a reader wants
// what only links of other layers lead to.
type missingFile struct {
	layer  int    // where the file is
	glob   string // its path in that layer's tar, or a pattern of such paths
	exact  bool   // glob is a path
	reader int
	as     string // the path that it has in the image
	name   string // the path under which it is wanted
	to     int    // the layer to which the facts then belong
	with   string // suffix: the companion below, to be read beside the file
	below  int    // layer of the companion
}

// squasher puts together what layers say, as a file system does.
type squasher struct {
	plain bool // one layer that is no image's, and not named
	*tree
	readers []assay.Reader
	kinds   []*assay.SectionKind
	matcher *matcher
	top     int
	files   map[*layerFacts]map[string]int // where a layer's facts are, by reader and path
	last    map[*layerFacts]int            // where a layer is for the last time
	facts   []fact
	allowed map[string]string // by reader and real path: the system path that leads there
	gaps    []assay.Gap
	missing []missingFile
}

func (t *builder) newSquasher(ctx context.Context, layers []*layerFacts) (*squasher, error) {
	s := &squasher{tree: newTree(ctx, layers), readers: t.readers, kinds: t.kinds.all, matcher: t.matcher, top: len(layers) - 1,
		files: map[*layerFacts]map[string]int{}, last: map[*layerFacts]int{}, allowed: map[string]string{}}
	return s, s.place()
}

// place finds the real path of every file with facts: a layer may write
// lib/apk/db/installed where a lower one has made lib a link to usr/lib. Of a
// layer that comes again only the last one's files can still be there, but for
// those that it wrote through a link.
func (s *squasher) place() error {
	for l, layer := range s.layers {
		s.last[layer] = l
		if s.files[layer] == nil {
			s.files[layer] = make(map[string]int, len(layer.Files))
			for i, f := range layer.Files {
				s.files[layer][f.Reader+"\x00"+f.Path] = i
			}
		}
	}
	for l, layer := range s.layers {
		if len(s.facts)+len(layer.Files) > maxFiles {
			return fmt.Errorf("layer %d: more than %d files of databases up to here: %w", l, maxFiles, assay.ErrTooLarge)
		}
		dir, real, ok := "", "", true
		for i := range layer.Files {
			f := &layer.Files[i]
			d, base := split(f.Path)
			if d != dir {
				dir = d
				real, ok = s.resolve(dir, l, true)
			}
			if !ok {
				s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, f.Path), What: "its directory is a symbolic link that leads nowhere; ignored"})
				continue
			}
			path := join(real, base)
			if path != f.Path {
				s.move(l, path, f.Path)
			} else if s.last[layer] != l {
				continue
			}
			s.facts = append(s.facts, fact{fileFacts: f, layer: l, path: path})
		}
		s.placeItems(l, layer)
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// placeItems finds the real paths of what streamers found, like place, where a
// layer wrote it through a link of a lower one.
func (s *squasher) placeItems(l int, layer *layerFacts) {
	for _, kind := range s.kinds {
		if kind.IsPerLayer() {
			continue
		}
		for path := range layer.sections[kind.Name].records() {
			dir, base := split(path)
			if real, ok := s.resolve(dir, l, true); ok && real != dir {
				s.move(l, join(real, base), path)
			}
		}
	}
}

// section returns what holds in the image of what streamers found in a layer.
func (s *squasher) section(kind *assay.SectionKind, l int) (out layerSection) {
	in := s.layers[l].sections[kind.Name]
	if in == nil {
		return out
	}
	if kind.IsPerLayer() {
		out.streamed, out.below = in, make([]bool, 0, in.Count)
		for path := range in.records() {
			p := place{}
			if l > 0 {
				p = s.look(path, l-1)
			}
			out.below = append(out.below, p.kind != 0 || p.implied)
			if s.ctx.Err() != nil {
				return layerSection{}
			}
		}
		return out
	}
	var w packedWriter
	for path, items := range in.records() {
		dir, base := split(path)
		real, ok := s.resolve(dir, l, true)
		if ok && s.visible(join(real, base), l, s.top) {
			w.add([]byte(join(real, base)), items)
		}
	}
	out.streamed = &packed{Data: w.data, Count: w.count}
	return out
}

// find returns the facts of a reader about the file at a real path in layer l.
func (s *squasher) find(reader, path string, l int) *fileFacts {
	layer := s.layers[l]
	for _, p := range []string{s.raw(path, l), path} {
		if i, ok := s.files[layer][reader+"\x00"+p]; ok {
			return &layer.Files[i]
		}
	}
	return nil
}

func (s *squasher) where(l int, path string) string {
	if s.plain {
		return cmp.Or(path, "target")
	}
	w := fmt.Sprintf("layer %d", l)
	if path != "" {
		w += ": " + path
	}
	return w
}

// visibleFacts returns the facts that hold in the image, by path: of files that
// are still there, and for the system's own paths only what the root reaches.
func (s *squasher) visibleFacts() []fact {
	s.reach()
	var out []fact
	for _, f := range s.facts {
		if s.ctx.Err() != nil {
			return nil
		}
		if f.Companion || !s.visible(f.path, f.layer, s.top) {
			continue
		}
		name, ok := s.allowed[f.Reader+"\x00"+f.path]
		if ok || s.anywhere(f) {
			f.name = name
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b fact) int { return strings.Compare(a.path, b.path) })
	return s.dropRedundant(out)
}

// dropRedundant drops what patterns want only where another file of the directory does not
// tell of the same.
func (s *squasher) dropRedundant(facts []fact) []fact {
	tell := map[string][]string{} // by directory, the names of files that tell of packages
	for _, f := range facts {
		if len(f.Facts.Packages) > 0 {
			dir, base := split(f.path)
			tell[dir] = append(tell[dir], base)
		}
	}
	return slices.DeleteFunc(facts, func(f fact) bool {
		dir, _ := split(f.path)
		for _, w := range s.matcher.match(nil, f.path) {
			if w.without != "" && s.readers[w.reader].Name() == f.Reader {
				return slices.ContainsFunc(tell[dir], func(base string) bool { return globOne(w.without, base) })
			}
		}
		return false
	})
}

// allow notes that name, a system path, leads to the file at a real path.
func (s *squasher) allow(reader, path, name string) {
	key := reader + "\x00" + path
	if _, ok := s.allowed[key]; !ok || name == path {
		s.allowed[key] = name
	}
}

// anywhere reports whether a reader wants the file wherever it is: by its name,
// else as an executable, which it was when its layer was read.
func (s *squasher) anywhere(f fact) bool {
	dir, _ := split(f.path)
	named := false
	for _, w := range s.matcher.match(nil, f.path) {
		if w.rooted || s.readers[w.reader].Name() != f.Reader {
			continue
		}
		named = true
		if w.beside == "" {
			return true
		}
		if p := s.at(join(dir, w.beside), s.top); p.kind != 0 || p.implied {
			return true
		}
	}
	return !named && slices.ContainsFunc(s.matcher.execs, func(w *want) bool { return s.readers[w.reader].Name() == f.Reader })
}

// reach follows every system path from the root, notes which files it leads
// to, and what is lacking there.
func (s *squasher) reach() {
	for _, w := range s.matcher.all {
		if !w.rooted || w.companion != "" {
			continue
		}
		if !strings.Contains(w.glob, "*") {
			s.reachFile(w)
			continue
		}
		s.reachGlob(w)
	}
	for l, layer := range s.layers {
		if s.last[layer] != l {
			continue // what it has there the last one has, too
		}
		for _, path := range layer.Asked {
			s.reachLink(l, path)
		}
		for _, path := range slices.Sorted(maps.Keys(layer.Hards)) {
			s.reachHard(l, path)
		}
	}
}

// reachHard sees to a hard link that is at a wanted path.
func (s *squasher) reachHard(l int, raw string) {
	path, ok := s.resolve(raw, l, false)
	if !ok || !s.visible(path, l, s.top) {
		return
	}
	for _, w := range s.matcher.match(nil, raw) {
		if w.companion == "" && (!w.rooted || matchPath(w.glob, path)) {
			s.need(w, path, path, l)
		}
	}
}

func (s *squasher) reachFile(w *want) {
	path, ok := s.resolve(w.glob, s.top, true)
	if !ok {
		s.linkCycle(path)
		return
	}
	p := s.at(path, s.top)
	if p.kind != bitFile {
		return
	}
	s.need(w, path, w.glob, p.layer)
	for _, suffix := range w.with {
		s.reachCompanion(w, path, p.layer, suffix)
	}
}

func (s *squasher) linkCycle(path string) {
	s.gaps = append(s.gaps, assay.Gap{Where: s.where(s.top, path), What: "symbolic links form a cycle, or too far; what they stand for is not read"})
}

// need allows the facts about the file at a real path, to which name leads, or
// has it read.
func (s *squasher) need(w *want, path, name string, l int) {
	reader := s.readers[w.reader].Name()
	s.allow(reader, path, name)
	if f := s.find(reader, path, l); f != nil && !f.Companion {
		return
	}
	raw := s.raw(path, l)
	if target, ok := s.layers[l].Hards[raw]; ok {
		s.needHard(w, path, name, l, target)
		return
	}
	s.missing = append(s.missing, missingFile{layer: l, glob: raw, exact: true, reader: w.reader, as: path, name: name, to: l})
}

// needHard has the file read that the hard link at path in layer l is.
func (s *squasher) needHard(w *want, path, name string, l int, target string) {
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
			if next, ok := s.layers[l].Hards[s.raw(real, l)]; ok {
				target = next
				continue
			}
		}
		s.missing = append(s.missing, missingFile{layer: p.layer, glob: s.raw(real, p.layer), exact: true, reader: w.reader, as: path, name: name, to: l})
		return
	}
	s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, path), What: fmt.Sprintf("a hard link to %q, which is not in the image; not read", target)})
}

// reachCompanion sees to a companion that a higher or lower layer has written
// than its file: both are read again, together.
func (s *squasher) reachCompanion(w *want, path string, l int, suffix string) {
	p := s.at(path+suffix, s.top)
	if p.kind != bitFile || p.layer == l {
		return
	}
	if s.find(s.readers[w.reader].Name(), path+suffix, p.layer) != nil { // an empty companion says nothing, and is not noted
		s.missing = append(s.missing, missingFile{layer: l, glob: s.raw(path, l), exact: true, reader: w.reader, as: path, name: w.glob, to: l, with: suffix, below: p.layer})
	}
}

// A pathGlob is a system path with wildcards: the part without them, the real path
// of that, and the pattern of the real paths behind it.
type pathGlob struct{ dir, real, glob string }

// globPath follows the part of a system path that has no wildcards.
func (s *squasher) globPath(w *want) (x pathGlob, ok bool) {
	dir, rest := w.glob, ""
	for strings.Contains(dir, "*") {
		var base string
		dir, base = split(dir)
		rest = join(base, rest)
	}
	real, ok := s.resolve(dir, s.top, true)
	return pathGlob{dir, real, join(real, rest)}, ok
}

// name is the system path of a file that matches the pattern.
func (x pathGlob) name(path string) string { return clean(x.dir + "/" + path[len(x.real):]) }

// reachGlob does the same for a system path with wildcards. Where the part
// without them leads to a place that could not be claimed while layers were
// read, the layers are read again for it.
func (s *squasher) reachGlob(w *want) {
	x, ok := s.globPath(w)
	if !ok {
		s.linkCycle(x.real)
		return
	}
	reader := s.readers[w.reader].Name()
	for _, f := range s.facts {
		if f.Reader == reader && matchPath(x.glob, f.path) {
			s.allow(reader, f.path, x.name(f.path))
		}
	}
	if x.real == x.dir || globTail(w.tail, x.glob) {
		return
	}
	for l, layer := range s.layers {
		if s.last[layer] == l && layer.Index.get(hashPath(x.real)) != 0 {
			s.missing = append(s.missing, missingFile{layer: l, glob: x.glob, reader: w.reader, to: l})
		}
	}
}

// reachLink follows a symbolic link that is itself at a wanted path.
func (s *squasher) reachLink(l int, raw string) {
	link, ok := s.resolve(raw, l, false)
	if !ok || !s.visible(link, l, s.top) {
		return
	}
	for _, w := range s.matcher.match(nil, raw) {
		name, ok := s.leads(w, link)
		if !ok {
			continue
		}
		path, ok := s.resolve(link, s.top, true)
		p := s.at(path, s.top)
		if !w.rooted && p.kind == bitFile && s.wants(w, path) {
			continue // found under its own name
		}
		if !ok || p.kind != bitFile {
			s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, raw), What: fmt.Sprintf("a symbolic link to %q, which is not in the %s; not read", s.layers[l].Links[raw], s.what())})
			continue
		}
		s.need(w, path, name, p.layer)
	}
}

// what is what is scanned, for people.
func (s *squasher) what() string {
	if s.plain {
		return "target"
	}
	return "image"
}

// wants reports whether w's reader wants the file at a path by its own name.
func (s *squasher) wants(w *want, path string) bool {
	return slices.ContainsFunc(s.matcher.match(nil, path), func(v *want) bool { return v.reader == w.reader && !v.rooted })
}

// leads reports whether the system path of w leads to a link, and under which
// name.
func (s *squasher) leads(w *want, link string) (name string, ok bool) {
	if w.companion != "" || w.exec {
		return "", false
	}
	if !w.rooted { // in images the file is found under its own name; lock files may have any
		return link, s.plain
	}
	if !strings.Contains(w.glob, "*") {
		reached, ok := s.resolve(w.glob, s.top, false)
		return w.glob, ok && reached == link
	}
	x, ok := s.globPath(w)
	if !ok || !matchPath(x.glob, link) {
		return "", false
	}
	return x.name(link), true
}
