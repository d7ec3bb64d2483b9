// Package relation tells what packages are to the project whose lock file lists
// them: asked for or needed by others, and for what.
package relation

import "github.com/assaysec/assay"

// Mark sets Relation and Dev of packages that have their DependsOn, given the
// Refs of those that the project asks for, and that it asks for to develop
// with. A package that has a Relation keeps it. Dev is what only development
// needs. Graphs with circles are as good as others.
func Mark(ps []assay.Package, direct, dev []string) {
	at := Index(ps)
	needed, forDev := Reach(ps, at, direct), Reach(ps, at, dev)
	asked := map[int]bool{}
	for _, refs := range [][]string{direct, dev} {
		for _, ref := range refs {
			if i, ok := at[ref]; ok {
				asked[i] = true
			}
		}
	}
	for i := range ps {
		p := &ps[i]
		if p.Relation == "" {
			p.Relation = assay.RelationIndirect
			if asked[i] {
				p.Relation = assay.RelationDirect
			}
		}
		p.Dev = p.Dev || forDev[i] && !needed[i]
	}
}

// Index finds packages by Ref; of several of one Ref it is the first.
func Index(ps []assay.Package) map[string]int {
	at := make(map[string]int, len(ps))
	for i := range ps {
		if _, ok := at[ps[i].Ref()]; !ok {
			at[ps[i].Ref()] = i
		}
	}
	return at
}

// Reach tells which packages the given ones need, themselves among them.
func Reach(ps []assay.Package, at map[string]int, from []string) []bool {
	reached := make([]bool, len(ps))
	var todo []int
	visit := func(refs []string) {
		for _, ref := range refs {
			if i, ok := at[ref]; ok && !reached[i] {
				reached[i] = true
				todo = append(todo, i)
			}
		}
	}
	visit(from)
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(ps[i].DependsOn)
	}
	return reached
}
