// Package relation determines what packages are to the project whose lock file lists
// them: direct or indirect dependencies, of development or not.
package relation

import "github.com/assaysec/assay"

// Mark sets Relation and Dev of packages with DependsOn, given the Refs of the
// project's direct dependencies and of its direct development dependencies. A package
// that has a Relation keeps it. Dev marks packages that only development needs. Cycles
// are allowed.
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

// Index maps Refs to packages; of several with one Ref to the first.
func Index(ps []assay.Package) map[string]int {
	at := make(map[string]int, len(ps))
	for i := range ps {
		if _, ok := at[ps[i].Ref()]; !ok {
			at[ps[i].Ref()] = i
		}
	}
	return at
}

// Reach returns the packages that the given ones need, including themselves.
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
