package inventory

import (
	"context"
	"strings"
)

// maxHops bounds the symbolic links followed for one path, as Linux does.
// https://man7.org/linux/man-pages/man7/path_resolution.7.html
const maxHops = 40

// A tree answers what is at a path in the file system that layers make up
// together, from what each says alone.
type tree struct {
	ctx    context.Context
	layers []*layerFacts
	// moved tells where a layer has a file that it wrote through a symbolic
	// link of a lower one: real path → path in the layer's tar.
	moved []map[string]string
	memo  map[memoKey]place
	bytes int // in memo, about
	looks int // places looked up without it, for each layer: the work done

	dir       string     // the directory asked for last: many files lie in few
	directory []pathHash // of it and of its parents, itself first
	above     []uint64   // by layer, what it does to these; 0 when not asked for yet
}

// maxMemo bounds what a tree remembers, in bytes; what it forgot it finds again.
const maxMemo = 32 << 20

type memoKey struct {
	path string
	top  int
}

// A place is what is at a path.
type place struct {
	kind    uint64 // bitFile, bitDir, bitLink; 0: nothing that a layer mentions
	layer   int
	implied bool // a layer has something below it
}

func newTree(ctx context.Context, layers []*layerFacts) *tree {
	return &tree{ctx: ctx, layers: layers, moved: make([]map[string]string, len(layers)), above: make([]uint64, len(layers)), memo: map[memoKey]place{}}
}

// at tells what is at path, whose parents are real directories, in the file
// system of the layers 0 to top.
func (t *tree) at(path string, top int) place {
	key := memoKey{path, top}
	if p, ok := t.memo[key]; ok {
		return p
	}
	p := t.look(path, top)
	if t.bytes += len(path) + 100; t.bytes > maxMemo {
		t.memo, t.bytes = map[memoKey]place{}, 0
	}
	t.memo[key] = p
	return p
}

// look is at without remembering.
func (t *tree) look(path string, top int) place {
	dir, base := split(path)
	t.enter(dir)
	h, implied := t.directory[0].under(base), false
	for l := top; l >= 0; l-- {
		t.looks++
		own := t.layers[l].Index.get(h)
		above := t.hidden(l)
		implied = implied || own&bitParent != 0
		switch raw, moved := t.moved[l][path]; {
		case own&bitKind != 0 && above&bitFile == 0: // else a file took the place of its directory
			return place{own & bitKind, l, implied}
		case moved && !t.deleted(raw, l, top):
			return place{bitFile, l, implied}
		case own&bitWhiteout != 0 || above&bitHide != 0:
			return place{implied: implied}
		}
	}
	return place{implied: implied}
}

// deleted reports whether a layer from l+1 to top deletes what l wrote under a
// name that goes through a link: a whiteout takes the same way.
func (t *tree) deleted(raw string, l, top int) bool {
	hs := hashes(raw)
	for l++; l <= top; l++ {
		for i, h := range hs {
			if bits := t.layers[l].Index.get(h); bits&bitWhiteout != 0 || i > 0 && bits&bitOpaque != 0 {
				return true
			}
		}
	}
	return false
}

// enter makes dir the directory that hidden is about.
func (t *tree) enter(dir string) {
	if dir == t.dir && t.directory != nil {
		return
	}
	t.dir, t.directory = dir, []pathHash{0}
	if dir != "" {
		t.directory = hashes(dir)
	}
	clear(t.above)
}

// hidden returns what layer l does to the directory and to its parents.
func (t *tree) hidden(l int) uint64 {
	const known = 1 << kindLen
	if t.above[l] == 0 {
		t.above[l] = known
		if t.dir != "" {
			for _, h := range t.directory {
				t.above[l] |= t.layers[l].Index.get(h)
			}
		}
	}
	return t.above[l]
}

// target returns where the symbolic link at path, found in layer l, leads.
func (t *tree) target(path string, l int) (string, bool) {
	s, ok := t.layers[l].Links[path]
	return s, ok
}

// resolve follows the symbolic links in path, all of them or all but one in
// the last component, in the file system of the layers 0 to top. Like chroot,
// it never leaves the root. ok is false when links form a cycle or make
// the path too long.
func (t *tree) resolve(path string, top int, last bool) (_ string, ok bool) {
	real, rest := "", path
	for hops := 0; rest != "" && t.ctx.Err() == nil; {
		name, after, more := strings.Cut(rest, "/")
		if name == "" || name == "." {
			rest = after
			continue
		}
		if name == ".." {
			real, _ = split(real)
			rest = after
			continue
		}
		next := join(real, name)
		if !more && !last {
			return next, true
		}
		p := t.at(next, top)
		if p.kind == 0 && !p.implied && more {
			return clean(join(next, after)), true // nothing is there or below
		}
		if p.kind != bitLink {
			real, rest = next, after
			continue
		}
		target, known := t.target(next, p.layer)
		if hops++; hops > maxHops || !known || len(real)+len(target)+len(after) > maxPath {
			return next, false
		}
		if strings.HasPrefix(target, "/") {
			real = ""
		}
		rest = target
		if more {
			rest += "/" + after
		}
	}
	return real, true
}

// visible reports whether what layer l has at path, a real one, is still there
// in the file system of the layers 0 to top.
func (t *tree) visible(path string, l, top int) bool {
	p := t.look(path, top)
	return p.kind != 0 && p.layer == l
}

// raw is the path in layer l's tar of what is at a real path.
func (t *tree) raw(path string, l int) string {
	if raw, ok := t.moved[l][path]; ok {
		return raw
	}
	return path
}

// move notes that layer l has what is at a real path under another in its tar.
func (t *tree) move(l int, path, raw string) {
	if t.moved[l] == nil {
		t.moved[l] = map[string]string{}
	}
	t.moved[l][path] = raw
	delete(t.memo, memoKey{path, l})
}
