package triage

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/bom"
)

// maxHolders bounds the packages of one archive that count as containing its
// other packages: an archive that bundles others' classes lists all of them.
const maxHolders = 16

// A graph records which packages of a report depend on, or contain, which
// others. Cycles are allowed, and depth needs no stack.
type graph struct {
	parents, children [][]int32
	top               []bool // contained only by the target
}

// newGraph builds the graph of packages. Its edges are: dependencies; language
// packages owned by OS packages; packages inside an archive; packages linked
// into a program; and packages of a project whose file has no more details. A
// dependency of an OS package on another is no edge, because any program may
// load its library.
func newGraph(packages []assay.Package) *graph {
	g := &graph{parents: make([][]int32, len(packages)), children: make([][]int32, len(packages)), top: make([]bool, len(packages))}
	dependencies := bom.Dependencies(packages)
	for i, all := range dependencies {
		for _, j := range all {
			if !packages[i].IsSystem() || !packages[j].IsSystem() {
				g.edge(i, j)
			}
		}
	}
	g.findTops(packages, g.addHeld(packages, dependencies))
	return g
}

func (g *graph) edge(parent, child int) {
	g.parents[child] = append(g.parents[child], int32(parent))
	g.children[parent] = append(g.children[parent], int32(child))
}

// A place is a file that lists packages of one type.
type place struct{ kind, path string }

// A holder finds packages that may contain others.
type holder struct {
	owners   map[string]int   // OS packages by PURL
	roots    map[place][]int  // projects by the file that names them
	archives map[string][]int // packages by their file, which may contain others
}

func newHolder(packages []assay.Package) *holder {
	h := &holder{owners: map[string]int{}, roots: map[place][]int{}, archives: map[string][]int{}}
	for i := range packages {
		p := &packages[i]
		if p.PURL != "" && p.IsSystem() {
			h.owners[p.PURL] = i
		}
		if p.Path == "" || p.IsSystem() {
			continue
		}
		h.archives[p.Path] = append(h.archives[p.Path], i)
		if p.Relation == assay.RelationRoot {
			h.roots[place{p.Type, p.Path}] = append(h.roots[place{p.Type, p.Path}], i)
		}
	}
	return h
}

// containersOf lists the containers of a package outside its file: its owner, and the
// packages of its archive.
func (h *holder) containersOf(p *assay.Package, i int) (all []int) {
	if o, ok := h.owners[p.Owner]; ok && p.Owner != "" && o != i && !p.IsSystem() {
		all = append(all, o)
	}
	if at := strings.LastIndex(p.Path, "!/"); at > 0 {
		if in := h.archives[p.Path[:at]]; len(in) <= maxHolders {
			all = append(all, in...)
		}
	}
	return all
}

// root is the project of a package in its file; ok is false if there is none, or
// if the file lists the package's dependents.
func (h *holder) root(p *assay.Package, i int, dependencies [][]int) (root int, ok bool) {
	roots := h.roots[place{p.Type, p.Path}]
	if len(roots) != 1 || roots[0] == i {
		return 0, false
	}
	switch p.Relation {
	case "":
		return roots[0], true
	case assay.RelationDirect, assay.RelationWorkspace:
		return roots[0], len(dependencies[roots[0]]) == 0
	}
	return 0, false
}

// addHeld adds edges to packages that others contain without depending on them.
// It reports which packages have a container outside their own file.
func (g *graph) addHeld(packages []assay.Package, dependencies [][]int) []bool {
	h, contained := newHolder(packages), make([]bool, len(packages))
	for i := range packages {
		p := &packages[i]
		for _, o := range h.containersOf(p, i) {
			g.edge(o, i)
			contained[i] = true
		}
		if root, ok := h.root(p, i, dependencies); ok {
			g.edge(root, i)
		}
	}
	return contained
}

// inside reports whether an installed package is in a place where only its
// container finds it.
// https://nodejs.org/api/modules.html#loading-from-node_modules-folders
func inside(p *assay.Package) bool { return strings.Count(p.Path, "node_modules/") > 1 }

// findTops finds the packages that the target uses directly: packages that nothing
// contains, except packages of the same cycle; and packages that may be used by
// a project outside the graph, or by any program of the target.
func (g *graph) findTops(packages []assay.Package, contained []bool) {
	type file struct {
		packages int
		root     bool
	}
	files := map[place]*file{}
	for i := range packages {
		at := place{packages[i].Type, packages[i].Path}
		if files[at] == nil {
			files[at] = &file{}
		}
		files[at].packages++
		files[at].root = files[at].root || packages[i].Relation == assay.RelationRoot
	}
	roots := make([]bool, len(packages))
	for i := range packages {
		roots[i] = packages[i].Relation == assay.RelationRoot
	}
	reached := g.walk(roots, nil)
	for i := range packages {
		p := &packages[i]
		asked := false
		switch p.Relation {
		case assay.RelationRoot, assay.RelationDirect, assay.RelationWorkspace:
			asked = true
		case "": // an installed package has its own file: any program may load it, unless a project lists its dependencies, or it is inside another
			f := files[place{p.Type, p.Path}]
			asked = !p.IsSystem() && !f.root && (f.packages > 1 || !reached[i] && !inside(p))
		}
		g.top[i] = len(g.parents[i]) == 0 || asked && !contained[i] && !slices.ContainsFunc(g.parents[i], func(n int32) bool {
			q := &packages[n]
			return q.Relation == assay.RelationRoot && q.Type == p.Type && q.Path == p.Path
		})
	}
	for i, ok := range g.reachable(nil) {
		if !ok {
			g.top[i] = true
		}
	}
}

// searchAbove searches upwards from a package that is not blocked. It reports whether
// a path from the target to the package passes no blocked one, and the nearest
// blocked package, -1 without one. It visits at most most packages; ok is false
// if there are more.
func (g *graph) searchAbove(n int, blocked map[int]bool, most int) (free bool, nearest int, ok bool) {
	nearest = -1
	seen, todo := map[int32]bool{int32(n): true}, []int32{int32(n)}
	for at := 0; at < len(todo); at++ {
		i := todo[at]
		if g.top[i] {
			return true, nearest, true
		}
		for _, p := range g.parents[i] {
			switch {
			case blocked[int(p)]:
				if nearest < 0 {
					nearest = int(p)
				}
			case !seen[p]:
				if len(todo) == most {
					return false, -1, false
				}
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	return false, nearest, true
}

// reachable reports which packages have a path from the target that passes no
// blocked one. It is linear in the number of edges.
func (g *graph) reachable(blocked map[int]bool) []bool { return g.walk(g.top, blocked) }

// walk reports which packages have a path from some of them that passes no
// blocked one.
func (g *graph) walk(from []bool, blocked map[int]bool) []bool {
	seen := make([]bool, len(from))
	var todo []int32
	visit := func(i int32) {
		if !seen[i] && !blocked[int(i)] {
			seen[i] = true
			todo = append(todo, i)
		}
	}
	for i, ok := range from {
		if ok {
			visit(int32(i))
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range g.children[i] {
			visit(c)
		}
	}
	return seen
}

// nearest returns for each package the nearest blocked one that contains it, or
// is it; -1 without one. It is linear in the number of edges.
func (g *graph) nearest(blocked map[int]bool) []int32 {
	from := make([]int32, len(g.top))
	for i := range from {
		from[i] = -1
	}
	var todo []int32
	for _, b := range slices.Sorted(maps.Keys(blocked)) {
		if b < len(from) {
			from[b], todo = int32(b), append(todo, int32(b))
		}
	}
	for at := 0; at < len(todo); at++ {
		for _, c := range g.children[todo[at]] {
			if from[c] < 0 {
				from[c], todo = from[todo[at]], append(todo, c)
			}
		}
	}
	return from
}
