package table

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/record/bom"
	"github.com/assaysec/assay/internal/report/internal/summary"
	"github.com/jedib0t/go-pretty/v6/text"
)

const (
	// maxDepth and maxBranches bound the tree of packages that need a package.
	maxDepth    = 12
	maxBranches = 6
	// maxLines bounds a tree; further lines are counted.
	maxLines = 60
)

// trees shows the dependency paths of each package with findings: the packages that
// need it, those that need these, and so on up to the project's direct dependencies.
func (p *printer) trees() {
	by := p.neededBy()
	var affected []int
	for i := range p.r.Findings {
		if n := p.r.Findings[i].Package; !slices.Contains(affected, n) && len(by[n]) > 0 {
			affected = append(affected, n)
		}
	}
	if len(affected) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint("Dependency paths (below each package: the packages that need it)", text.Bold))
	for _, n := range affected {
		pkg := &p.r.Packages[n]
		p.printf("%s\n", cut(p.paint(printable.Text(pkg.Name), text.Bold)+" "+printable.Text(pkg.Version)+place(pkg), p.o.Width))
		t := &tree{p: p, by: by, above: map[int]bool{n: true}, shown: map[int]bool{}}
		t.below(n, "", 0)
		if t.more > 0 {
			p.printf("  … and %d more\n", t.more)
		}
	}
}

// neededBy lists for each package the packages that need it. It is computed once.
func (p *printer) neededBy() [][]int {
	if p.by == nil {
		p.by = bom.Needers(p.r.Packages)
	}
	return p.by
}

// maxSteps bounds the packages of a dependency path in one line.
const maxSteps = 12

// dependencyPath writes one dependency path of a language package; "" for a direct
// dependency, and where dependencies are unknown.
func (p *printer) dependencyPath(g *summary.Group, room int) string {
	pkg := &p.r.Packages[g.Package]
	if pkg.IsSystem() || pkg.Relation == assay.RelationDirect {
		return ""
	}
	ways := bom.DependencyPaths(p.neededBy(), g.Package, 1, maxSteps)
	if len(ways) == 0 {
		return ""
	}
	var names []string
	for _, n := range ways[0][:len(ways[0])-1] {
		if q := &p.r.Packages[n]; q.Relation != assay.RelationRoot {
			names = append(names, printable.Text(q.Name)+" "+printable.Text(q.Version))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return cut("needed by "+strings.Join(names, " → "), room)
}

func place(pkg *assay.Package) string {
	if pkg.IsSystem() || pkg.Path == "" {
		return ""
	}
	return " in " + printable.Text(pkg.Place())
}

type tree struct {
	p           *printer
	by          [][]int      // by package: the packages that need it
	above       map[int]bool // on the path from the root of the tree; a cycle ends there
	shown       map[int]bool // packages whose branches were shown in this tree
	lines, more int
}

// below shows the packages that need package n.
func (t *tree) below(n int, indent string, depth int) {
	all := t.by[n]
	for i, m := range all {
		if t.lines >= maxLines {
			t.more++
			continue
		}
		last := i == len(all)-1 || i == maxBranches
		mark, next := "├── ", "│   "
		if last {
			mark, next = "└── ", "    "
		}
		if i == maxBranches && len(all) > maxBranches+1 {
			t.print(indent + mark + fmt.Sprintf("… %d more", len(all)-i))
			return
		}
		pkg := &t.p.r.Packages[m]
		line := indent + mark + printable.Text(pkg.Name) + " " + printable.Text(pkg.Version)
		if pkg.Relation == assay.RelationDirect || pkg.Relation == assay.RelationRoot {
			line += " (" + string(pkg.Relation) + ")"
		}
		again := t.shown[m] && len(t.by[m]) > 0
		switch {
		case t.above[m]:
			line += " (cycle)"
		case again:
			line += " (see above)"
		case depth == maxDepth && len(t.by[m]) > 0:
			line += " …"
		}
		t.print(line)
		if !again && !t.above[m] && depth < maxDepth && pkg.Relation != assay.RelationRoot {
			t.above[m], t.shown[m] = true, true
			t.below(m, indent+next, depth+1)
			delete(t.above, m)
		}
	}
}

func (t *tree) print(line string) {
	t.lines++
	t.p.printf("%s\n", strings.TrimRight(cut("  "+line, t.p.o.Width), " "))
}
