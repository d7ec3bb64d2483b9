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

// maxFiles bounds the files with facts in all layers. A file written through a link
// counts once for each layer that repeats it, a thousand perhaps.
const maxFiles = 5_000_000

// A fact contains one file's facts, and where the file is in the image.
type fact struct {
	*fileFacts
	layer int
	path  string // real path: without symbolic links
	name  string // the system path that leads to it, where it differs
}

// A missingFile is a file to read in a second pass: a reader wants it, but only links
// in other layers lead to it.
type missingFile struct {
	layer  int    // layer of the file
	glob   string // its path in that layer's tar, or a pattern for such paths
	exact  bool   // glob is a path
	reader int
	as     string // its path in the image
	name   string // the path under which the reader wants it
	to     int    // the layer that the facts belong to
	links  string // glob is a hard link to these paths, separated by NUL, of which the layer later writes one again
	with   string // suffix: read the companion below together with the file
	below  int    // layer of the companion
}

// A squasher combines layers as a file system does.
type squasher struct {
	plain bool // the target has one layer that is not named in messages
	*tree
	readers []assay.Reader
	kinds   []*assay.SectionKind
	matcher *matcher
	top     int
	files   map[*layerFacts]map[string]int // by layer: index of a file's facts by reader and path
	last    map[*layerFacts]int            // the highest position of each layer
	facts   []fact
	allowed map[string]string // by reader and real path: the system path that leads there
	gaps    []assay.Gap
	missing []missingFile
	items   map[*packed]map[string][]byte // of layers to whose files upper layers have hard links
}

func (t *builder) newSquasher(ctx context.Context, layers []*layerFacts) (*squasher, error) {
	s := &squasher{tree: newTree(ctx, layers), readers: t.readers, kinds: t.kinds.all, matcher: t.matcher, top: len(layers) - 1,
		files: map[*layerFacts]map[string]int{}, last: map[*layerFacts]int{}, allowed: map[string]string{}, items: map[*packed]map[string][]byte{}}
	return s, s.placeFiles()
}

// placeFiles resolves the path of every file with facts: a layer may write
// lib/apk/db/installed where a lower one made lib a link to usr/lib. Of a layer that
// occurs several times, only the files of its last occurrence can be visible, except
// those that it wrote through a link.
func (s *squasher) placeFiles() error {
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
			return fmt.Errorf("layer %d: more than %d files with facts in the layers up to this one: %w", l, maxFiles, assay.ErrTooLarge)
		}
		var dir layerDir
		for i := range layer.Files {
			f := &layer.Files[i]
			path, ok := s.placePath(&dir, l, f.Path)
			if !ok || path == f.Path && s.last[layer] != l {
				continue
			}
			s.facts = append(s.facts, fact{fileFacts: f, layer: l, path: path})
		}
		for _, path := range slices.Sorted(maps.Keys(layer.Hards)) {
			s.placeHard(&dir, l, path)
		}
		s.placeItems(l, layer)
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// A layerDir is a directory of a layer's tar, and where it is in the image.
type layerDir struct {
	dir, real string
	ok        bool
	known     bool
	unsure    bool // where it is depends on the order of the layer's entries
}

// placePath returns where layer l wrote what has a path in its tar, and records it where
// that was through a link of a lower layer. dir is the directory of the path before.
func (s *squasher) placePath(dir *layerDir, l int, raw string) (path string, ok bool) {
	d, base := split(raw)
	if !dir.known || d != dir.dir {
		*dir = s.layerDir(l, d)
	}
	if !dir.ok {
		s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, raw), What: "its directory is a dangling symbolic link; ignored"})
		return "", false
	}
	path = join(dir.real, base)
	if path == raw {
		return path, true
	}
	other, again := s.moved[l][path]
	if dir.unsure || again && other != raw || s.layers[l].Index.get(hashPath(path))&(bitKind|bitWhiteout) != 0 {
		s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, raw), What: unsure})
	}
	s.move(l, path, raw)
	return path, true
}

// placeHard is placePath for a hard link. Its target may lead through a link of a lower
// layer, too.
func (s *squasher) placeHard(dir *layerDir, l int, raw string) {
	if _, ok := s.placePath(dir, l, raw); !ok || len(s.matcher.match(nil, raw)) == 0 {
		return
	}
	target := s.layers[l].Hards[raw]
	in, base := split(target)
	at := s.layerDir(l, in)
	if at.real != in && s.layers[l].Index.get(hashPath(join(at.real, base)))&bitKind != 0 {
		s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, target), What: unsure})
	}
}

func (s *squasher) layerDir(l int, dir string) layerDir {
	real, ok := s.resolve(dir, l, true)
	out := layerDir{dir: dir, real: real, ok: ok, known: true}
	if ok && real != dir && l > 0 {
		before, ok := s.resolve(dir, l-1, true)
		out.unsure = !ok || before != real
		for _, h := range hashes(real) {
			out.unsure = out.unsure || s.layers[l].Index.get(h)&bitHide != 0
		}
	}
	return out
}

// unsure is the gap for a path that not all container engines put in the same place.
const unsure = "written through a symbolic link of a lower layer, beside what this layer writes to the same place: what is there depends on the container engine"

// factsAt returns the facts of a reader about the file at a real path in layer l.
func (s *squasher) factsAt(reader, path string, l int) *fileFacts {
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

// visibleFacts returns the facts visible in the image, by path: those of files that
// still exist, and for system paths only those that the root leads to.
func (s *squasher) visibleFacts() []fact {
	s.reachSystemPaths()
	var out []fact
	for _, f := range s.facts {
		if s.ctx.Err() != nil {
			return nil
		}
		if f.Companion || !s.visible(f.path, f.layer, s.top) {
			continue
		}
		name, ok := s.allowed[f.Reader+"\x00"+f.path]
		if ok || s.isWantedAnywhere(f) {
			f.name = name
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b fact) int { return strings.Compare(a.path, b.path) })
	return s.dropRedundant(out)
}

// dropRedundant drops the facts of patterns with UnlessSibling where another file of
// the directory lists packages.
func (s *squasher) dropRedundant(facts []fact) []fact {
	tell := map[string][]string{} // by directory, the names of files with packages
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

// allow records that name, a system path, leads to the file at a real path.
func (s *squasher) allow(reader, path, name string) {
	key := reader + "\x00" + path
	if _, ok := s.allowed[key]; !ok || name == path {
		s.allowed[key] = name
	}
}

// isWantedAnywhere reports whether a reader wants the file in any directory: by its
// name, or as an executable.
func (s *squasher) isWantedAnywhere(f fact) bool {
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

// reachSystemPaths follows every system path from the root, and records the files that
// it leads to and those still to be read.
func (s *squasher) reachSystemPaths() {
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
			continue // the layer's last occurrence has it, too
		}
		for _, path := range layer.Asked {
			s.reachLink(l, path)
		}
		for _, path := range slices.Sorted(maps.Keys(layer.Hards)) {
			s.reachHard(l, path)
		}
	}
	s.reachThroughLinks()
}

// reachHard handles a hard link at a wanted path.
func (s *squasher) reachHard(l int, raw string) {
	wants := s.matcher.match(nil, raw)
	if len(wants) == 0 {
		return
	}
	path, ok := s.resolve(raw, l, false)
	if !ok || !s.visible(path, l, s.top) {
		return
	}
	for _, w := range wants {
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
	s.gaps = append(s.gaps, assay.Gap{Where: s.where(s.top, path), What: "symbolic links form a cycle or are nested too deeply; their target is not read"})
}

// need allows the facts about the file at a real path that name leads to, or adds the
// file to those still to be read.
func (s *squasher) need(w *want, path, name string, l int) {
	reader := s.readers[w.reader].Name()
	s.allow(reader, path, name)
	if f := s.factsAt(reader, path, l); f != nil && !f.Companion {
		return
	}
	raw := s.raw(path, l)
	if _, ok := s.layers[l].Hards[raw]; ok {
		s.needHard(w, path, name, l)
		return
	}
	s.missing = append(s.missing, missingFile{layer: l, glob: raw, exact: true, reader: w.reader, as: path, name: name, to: l})
}

// needHard adds the target of the hard link at path in layer l to the files still to be
// read.
func (s *squasher) needHard(w *want, path, name string, l int) {
	missing := missingFile{layer: l, glob: s.raw(path, l), exact: true, reader: w.reader, as: path, name: name, to: l}
	var links []string
	again := false
	for at := missing.glob; len(links) < maxHops; {
		target, ok := s.layers[l].Hards[at]
		if !ok {
			break
		}
		_, rewritten := slices.BinarySearch(s.layers[l].Again, at)
		again = again || rewritten
		links = append(links, target)
		at = target
	}
	if again { // read in the order of the layer's entries
		missing.links = strings.Join(links, "\x00")
		s.missing = append(s.missing, missing)
		return
	}
	target := links[len(links)-1]
	real, ok := s.resolve(target, l, true)
	p := s.at(real, l)
	if len(links) == maxHops || !ok || p.kind != bitFile {
		s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, path), What: fmt.Sprintf("a hard link to %q, which is not in the image; not read", target)})
		return
	}
	missing.layer, missing.glob = p.layer, s.raw(real, p.layer)
	s.missing = append(s.missing, missing)
}

// reachCompanion handles a companion that is in another layer than its file: both are
// read again, together.
func (s *squasher) reachCompanion(w *want, path string, l int, suffix string) {
	p := s.at(path+suffix, s.top)
	if p.kind != bitFile || p.layer == l {
		return
	}
	if s.factsAt(s.readers[w.reader].Name(), path+suffix, p.layer) != nil { // an empty companion adds nothing, and is not recorded
		s.missing = append(s.missing, missingFile{layer: l, glob: s.raw(path, l), exact: true, reader: w.reader, as: path, name: w.glob, to: l, with: suffix, below: p.layer})
	}
}

// A pathGlob is a system path with wildcards: the part without wildcards, its real
// path, and the pattern of the real paths behind it.
type pathGlob struct{ dir, real, glob string }

// globPath resolves the part of a system path that has no wildcards.
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

// name returns the system path of a file that matches the pattern.
func (x pathGlob) name(path string) string { return clean(x.dir + "/" + path[len(x.real):]) }

// reachGlob handles a system path with wildcards. If the part without wildcards leads
// to a place that was not claimed while layers were read, they are read again for it.
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

// reachLink follows a symbolic link at a wanted path.
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
			continue // read under its own name
		}
		if !ok || p.kind != bitFile {
			s.gaps = append(s.gaps, assay.Gap{Where: s.where(l, raw), What: fmt.Sprintf("a symbolic link to %q, which is not in the %s; not read", s.layers[l].Links[raw], s.what())})
			continue
		}
		s.need(w, path, name, p.layer)
	}
}

// what names the target in messages.
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

// leads reports whether the system path of w leads to a link, and under which name.
func (s *squasher) leads(w *want, link string) (name string, ok bool) {
	if w.companion != "" || w.exec {
		return "", false
	}
	if !w.rooted { // in images the target is found under its own name; lock files may have any name
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
