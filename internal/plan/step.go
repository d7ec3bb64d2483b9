package plan

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/bom"
)

// A task is the upgrades of one package manager in one place.
type task struct {
	manager  string
	where    string
	odd      bool // names and versions are not safe in a command
	upgrades []*Upgrade
	packages []assay.Package // of the report
	on       func() [][]int  // their dependencies
	image    bool
}

// steps groups the plan's upgrades by package manager and place.
func (p *Plan) steps(ctx context.Context, r *assay.Report) error {
	type place struct {
		manager, where string
		odd            bool
	}
	var tasks []*task
	at := map[place]*task{}
	on := sync.OnceValue(func() [][]int { return bom.Dependencies(r.Packages) })
	for i := range p.Upgrades {
		u := &p.Upgrades[i]
		k := place{u.manager, u.Where, !u.plain()}
		t := at[k]
		if t == nil {
			t = &task{manager: u.manager, where: u.Where, odd: k.odd, packages: r.Packages, on: on, image: r.Kind.IsImage()}
			at[k] = t
			tasks = append(tasks, t)
		}
		t.upgrades = append(t.upgrades, u)
	}
	for _, t := range tasks {
		if err := ctx.Err(); err != nil {
			return err
		}
		slices.SortStableFunc(t.upgrades, func(a, b *Upgrade) int { return strings.Compare(a.Name, b.Name) })
		s := t.step()
		s.Manager, s.Where = t.manager, t.where
		for _, u := range t.upgrades {
			s.Upgrades = append(s.Upgrades, fmt.Sprintf("%s %s → %s", u.Name, u.From, u.To))
		}
		p.Steps = append(p.Steps, s)
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.order(), b.order()) })
	p.dockerfile(r)
	return nil
}

// order puts commands before manual steps, OS packages first.
func (s *Step) order() int {
	switch {
	case len(s.Commands) == 0:
		return 2
	case s.Where != "":
		return 1
	}
	return 0
}

// plain matches names and versions that need no quotes in a command and are not
// options.
var plain = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9@%+=:,./_~^-]*$`)

// plain reports whether an upgrade can be in a command: names and versions come
// from the target, and must have no meaning to a shell.
func (u *Upgrade) plain() bool {
	return plain.MatchString(u.Name) && plain.MatchString(u.From) && plain.MatchString(u.To) && (u.Where == "" || u.Where == "." || plain.MatchString(u.Where)) &&
		!slices.ContainsFunc(u.Packages, func(s string) bool { return !plain.MatchString(s) })
}

// step builds the step with the task's manager.
func (t *task) step() Step {
	if t.odd {
		return Step{Note: "upgrade by hand: its name, version or path is not safe in a command"}
	}
	if m := managers[t.manager]; m != nil {
		return m(t)
	}
	if owner := t.packages[t.upgrades[0].indices[0]].Owner; owner != "" {
		return Step{Note: "owned by an OS package, whose versions fix it: " + owner}
	}
	return Step{Note: t.byHand()}
}

// byHand describes the manual step if there is no command.
func (t *task) byHand() string {
	switch t.upgrades[0].Type {
	case assay.TypeDeb, assay.TypeApk, assay.TypeRPM, assay.TypeAlpm, assay.TypeOpkg:
		return "the image has no package manager: rebuild it on a newer build of its base image, or build the image again with these versions"
	case assay.TypeMaven:
		if strings.HasSuffix(t.where, "pom.xml") {
			return "set these versions in " + t.where + ", under dependencyManagement where another artifact asks for them"
		}
		if strings.HasSuffix(t.where, ".lockfile") {
			return "raise these versions in the build script (constraints, where another artifact asks for them), then gradle dependencies --write-locks"
		}
		return "rebuild the archive with these versions: in Maven under dependencyManagement, in Gradle as constraints"
	case assay.TypeCargo:
		return "rebuild the program: " + join(t.upgrades, "cargo update -p %s --precise %s", "; ")
	case assay.TypeGeneric:
		return "install or build the newer version: no package manager owns this program"
	case assay.TypePyPI:
		return "raise these versions in " + t.where
	}
	return "raise these versions where the project asks for them"
}

// join lists the names and versions of the upgrades.
func join(all []*Upgrade, format, sep string) string {
	var out []string
	for _, u := range all {
		out = append(out, fmt.Sprintf(format, u.Name, u.To))
	}
	return strings.Join(out, sep)
}

// run makes a step of commands; the Dockerfile line ends with cleaning up.
func run(commands []string, clean ...string) Step {
	all := append(slices.Clone(commands), clean...)
	return Step{Commands: commands, Dockerfile: []string{"RUN " + strings.Join(all, " \\\n && ")}}
}

// binaries lists the OS binary packages of upgrades.
func (t *task) binaries() (names []string) {
	for _, u := range t.upgrades {
		names = append(names, u.Packages...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// columns is the width of lists of names in a command.
const columns = 76

// wrapArguments continues a command with arguments, in lines that work in a shell and in
// a Dockerfile.
func wrapArguments(command string, all []string) string {
	var b strings.Builder
	b.WriteString(command)
	width := len(command)
	for _, w := range all {
		if width+1+len(w) > columns {
			b.WriteString(" \\\n     ")
			width = len("     ")
		}
		b.WriteString(" " + w)
		width += 1 + len(w)
	}
	return b.String()
}
