package inventory

import (
	"context"
	"strings"
)

// maxHops bounds the symbolic links followed for one path, as Linux does.
// https://man7.org/linux/man-pages/man7/path_resolution.7.html
const maxHops = 40

// A tree resolves paths in the file system that the layers make up together, from the
// index of each layer.
type tree struct {
	ctx    context.Context
	layers []*layerFacts
	// moved maps the files that a layer wrote through a symbolic link of a lower layer:
	// real path → path in the layer's tar.
	moved []map[string]string
	memo  map[memoKey]place
	bytes int // bytes in memo, about
	looks int // look-ups without memo, for each layer: the work done

	dir       string     // the directory of the last look-up: many files are in few directories
	directory []pathHash // of it and of its parents, itself first
	above     []uint16   // by layer, what it does to these; 0 when not looked up yet
}

// maxMemo bounds the memo in bytes; dropped entries are looked up again.
const maxMemo = 32 << 20

type memoKey struct {
	path string
	top  int
}

// A place is what a path refers to.
type place struct {
	kind    uint8 // bitFile, bitDir, bitLink; 0: nothing that a layer mentions
	layer   int
	implied bool // a layer has something below it
}

func newTree(ctx context.Context, layers []*layerFacts) *tree {
	return &tree{ctx: ctx, layers: layers, moved: make([]map[string]string, len(layers)), above: make([]uint16, len(layers)), memo: map[memoKey]place{}}
}

// at returns what is at path, whose parents are real directories, in the file system of
// the layers 0 to top.
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

// look is at without the memo.
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
		case own&bitKind != 0 && above&bitFile == 0: // a file replaced its directory
			return place{own & bitKind, l, implied}
		case moved && !t.deleted(raw, l, top):
			return place{bitFile, l, implied}
		case own&bitWhiteout != 0 || above&bitHide != 0:
			return place{implied: implied}
		}
	}
	return place{implied: implied}
}

// deleted reports whether a layer from l+1 to top deletes what l wrote under a name
// that goes through a link; the whiteout goes through the same link.
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

// enter makes dir the directory of hidden.
func (t *tree) enter(dir string) {
	if dir == t.dir && t.directory != nil {
		return
	}
	t.dir, t.directory = dir, []pathHash{{}}
	if dir != "" {
		t.directory = hashes(dir)
	}
	clear(t.above)
}

// hidden returns what layer l does to the directory and to its parents.
func (t *tree) hidden(l int) uint16 {
	const known = 1 << 8
	if t.above[l] == 0 {
		t.above[l] = known
		if t.dir != "" {
			for _, h := range t.directory {
				t.above[l] |= uint16(t.layers[l].Index.get(h))
			}
		}
	}
	return t.above[l]
}

// linkTarget returns the target of the symbolic link at path in layer l.
func (t *tree) linkTarget(path string, l int) (string, bool) {
	s, ok := t.layers[l].Links[path]
	return s, ok
}

// resolve follows the symbolic links in path, including or excluding the last
// component, in the file system of the layers 0 to top. Like chroot, it never leaves
// the root. ok is false when links form a cycle or make the path too long.
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
			return clean(join(next, after)), true // nothing exists there or below
		}
		if p.kind != bitLink {
			real, rest = next, after
			continue
		}
		target, known := t.linkTarget(next, p.layer)
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

// visible reports whether what layer l has at a real path is still visible in the file
// system of the layers 0 to top.
func (t *tree) visible(path string, l, top int) bool {
	p := t.look(path, top)
	return p.kind != 0 && p.layer == l
}

// raw returns the path in layer l's tar of what is at a real path.
func (t *tree) raw(path string, l int) string {
	if raw, ok := t.moved[l][path]; ok {
		return raw
	}
	return path
}

// move records that layer l has what is at a real path under another path in its tar.
func (t *tree) move(l int, path, raw string) {
	if t.moved[l] == nil {
		t.moved[l] = map[string]string{}
	}
	t.moved[l][path] = raw
	delete(t.memo, memoKey{path, l})
}
