package triage

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/bom"
)

// maxHolders bounds the packages of one archive that count as holding what is
// inside it: an archive that bundles others' classes tells of all of them.
const maxHolders = 16

// A graph says which packages of a report need, or hold, which others. Circles
// are as good as others, and depth costs no stack.
type graph struct {
	parents, children [][]int32
	top               []bool // nothing holds it but the target
}

// newGraph reads the graph off packages: what they depend on, what packages of
// the system brought, what lies in an archive, and what is linked into a
// program or asked for by a project whose file tells of no more.
func newGraph(packages []assay.Package) *graph {
	g := &graph{parents: make([][]int32, len(packages)), children: make([][]int32, len(packages)), top: make([]bool, len(packages))}
	on := bom.Dependencies(packages)
	for i, all := range on {
		for _, j := range all {
			g.edge(i, j)
		}
	}
	g.held(packages, on)
	g.tops()
	return g
}

func (g *graph) edge(parent, child int) {
	g.parents[child] = append(g.parents[child], int32(parent))
	g.children[parent] = append(g.children[parent], int32(child))
}

// held adds what packages hold without that they depend on it.
func (g *graph) held(packages []assay.Package, on [][]int) {
	type place struct{ kind, path string }
	owners, roots, archives := map[string]int{}, map[place][]int{}, map[string][]int{}
	for i := range packages {
		p := &packages[i]
		if p.PURL != "" && p.IsSystem() {
			owners[p.PURL] = i
		}
		if p.Path != "" && !p.IsSystem() {
			archives[p.Path] = append(archives[p.Path], i)
			if p.Relation == assay.RelationRoot {
				roots[place{p.Type, p.Path}] = append(roots[place{p.Type, p.Path}], i)
			}
		}
	}
	for i := range packages {
		p := &packages[i]
		if o, ok := owners[p.Owner]; ok && p.Owner != "" && o != i {
			g.edge(o, i)
		}
		if at := strings.LastIndex(p.Path, "!/"); at > 0 {
			if holders := archives[p.Path[:at]]; len(holders) <= maxHolders {
				for _, h := range holders {
					g.edge(h, i)
				}
			}
		}
		root := roots[place{p.Type, p.Path}]
		if len(root) != 1 || root[0] == i {
			continue
		}
		if p.Relation == "" || (p.Relation == assay.RelationDirect || p.Relation == assay.RelationWorkspace) && len(on[root[0]]) == 0 {
			g.edge(root[0], i)
		}
	}
}

// tops finds what nothing holds, or only what is in one circle with it: it is
// the target's own.
func (g *graph) tops() {
	for i := range g.parents {
		g.top[i] = len(g.parents[i]) == 0
	}
	for i, ok := range g.reach(nil) {
		if !ok {
			g.top[i] = true
		}
	}
}

// reach tells which packages a way leads to from the target that does not pass
// a blocked one. It is linear in the edges.
func (g *graph) reach(blocked map[int]bool) []bool {
	seen := make([]bool, len(g.top))
	var todo []int32
	visit := func(i int32) {
		if !seen[i] && !blocked[int(i)] {
			seen[i] = true
			todo = append(todo, i)
		}
	}
	for i, top := range g.top {
		if top {
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

// nearest gives for each package the nearest blocked one that holds it, or is
// it; -1 where none does. It is linear in the edges.
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
