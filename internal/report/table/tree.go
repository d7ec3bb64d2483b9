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
	// maxDepth and maxBranches bound what a tree shows of who needs a package.
	maxDepth    = 12
	maxBranches = 6
	// maxLines bounds a tree; the rest is counted.
	maxLines = 60
)

// trees shows for each package with findings why it is there: who needs it,
// and who needs those, up to what the project asks for.
func (p *printer) trees() {
	by := p.needers()
	var affected []int
	for i := range p.r.Findings {
		if n := p.r.Findings[i].Package; !slices.Contains(affected, n) && len(by[n]) > 0 {
			affected = append(affected, n)
		}
	}
	if len(affected) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint("Why these packages are there (what needs them is below each)", text.Bold))
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

// needers are worked out once.
func (p *printer) needers() [][]int {
	if p.by == nil {
		p.by = bom.Needers(p.r.Packages)
	}
	return p.by
}

// maxSteps is how many packages a line of who needs one has at most.
const maxSteps = 12

// way tells by which way a package of a language came, where the project does not
// ask for it itself; "" where it does, or nobody tells.
func (p *printer) way(g *summary.Group, room int) string {
	pkg := &p.r.Packages[g.Package]
	if pkg.IsSystem() || pkg.Relation == assay.RelationDirect {
		return ""
	}
	ways := bom.DependencyPaths(p.needers(), g.Package, 1, maxSteps)
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
	return " in " + printable.Text(pkg.Path)
}

type tree struct {
	p           *printer
	by          [][]int      // who needs a package
	above       map[int]bool // on the way from the root: a circle is not followed
	shown       map[int]bool // whose needs were shown in this tree
	lines, more int
}

// below shows who needs package n.
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
			line += " (in a circle)"
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
