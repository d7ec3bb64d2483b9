package inventory

import "strings"

// maxHops bounds the symbolic links followed for one path, as Linux does.
// https://man7.org/linux/man-pages/man7/path_resolution.7.html
const maxHops = 40

// A tree answers what is at a path in the file system that layers make up
// together, from what each says alone.
type tree struct {
	layers []*layerFacts
	// moved tells where a layer has a file that it wrote through a symbolic
	// link of a lower one: real path → path in the layer's tar.
	moved []map[string]string
	memo  map[memoKey]place
}

type memoKey struct {
	path string
	top  int
}

// A place is what is at a path.
type place struct {
	kind  uint64 // bitFile, bitDir, bitLink; 0: nothing that a layer mentions
	layer int
}

func newTree(layers []*layerFacts) *tree {
	return &tree{layers: layers, moved: make([]map[string]string, len(layers)), memo: map[memoKey]place{}}
}

// at tells what is at path, whose parents are real directories, in the file
// system of the layers 0 to top.
func (t *tree) at(path string, top int) place {
	key := memoKey{path, top}
	if p, ok := t.memo[key]; ok {
		return p
	}
	p := t.look(path, top)
	t.memo[key] = p
	return p
}

func (t *tree) look(path string, top int) place {
	hs := hashes(path)
	for l := top; l >= 0; l-- {
		x := t.layers[l].index
		own := x.get(hs[0])
		if own&bitKind != 0 {
			return place{own & bitKind, l}
		}
		if _, ok := t.moved[l][path]; ok {
			return place{bitFile, l}
		}
		if own&bitWhiteout != 0 {
			return place{}
		}
		for _, h := range hs[1:] {
			if x.get(h)&bitHide != 0 {
				return place{}
			}
		}
	}
	return place{}
}

// target returns where the symbolic link at path, found in layer l, leads.
func (t *tree) target(path string, l int) (string, bool) {
	s, ok := t.layers[l].links[path]
	return s, ok
}

// resolve follows the symbolic links in path, all of them or all but one in
// the last component, in the file system of the layers 0 to top. Like chroot,
// it never leaves the root. ok is false when links lead in a circle.
func (t *tree) resolve(path string, top int, last bool) (_ string, ok bool) {
	real, rest := "", path
	for hops := 0; rest != ""; {
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
		if p.kind != bitLink {
			real, rest = next, after
			continue
		}
		target, known := t.target(next, p.layer)
		if hops++; hops > maxHops || !known {
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
	p := t.at(path, top)
	return p.kind != 0 && p.layer == l
}
