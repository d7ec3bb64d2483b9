package plan

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// This file has the commands of language package managers, run in the project's
// directory.

// in makes a step of commands that run in the task's directory.
func (t *task) in(commands ...string) Step {
	dir := t.where
	if dir == t.packages[t.upgrades[0].indices[0]].Path { // a lock file
		dir = path.Dir(dir)
	}
	if t.image {
		dir = "/" + strings.TrimPrefix(dir, "/")
	}
	s := run(commands)
	if dir != "." {
		s = Step{Commands: append([]string{"cd " + dir}, commands...)}
		s.Dockerfile = []string{"RUN " + strings.Join(s.Commands, " \\\n && ")}
	}
	if !t.image {
		s.Dockerfile = nil
	}
	return s
}

func oneCommandEach(command, format string) manager {
	return func(t *task) Step {
		var all []string
		for _, u := range t.upgrades {
			all = append(all, quoted(fmt.Sprintf(format, u.Name, u.To)))
		}
		return t.in(wrapArguments(command, all))
	}
}

// quoted is a word for a shell; plain lets nothing in that needs more.
func quoted(s string) string {
	if strings.ContainsAny(s, "<>^~=") {
		return "'" + s + "'"
	}
	return s
}

// npm installs new versions of direct dependencies, then overrides the versions
// of others: npm refuses an override that contradicts a direct dependency.
// https://docs.npmjs.com/cli/configuring-npm/package-json#overrides
func npm(t *task) Step {
	t.mark()
	if t.prefix() {
		return global(t)
	}
	var install, override, commands []string
	for _, u := range t.upgrades {
		if u.Direct {
			install = append(install, u.Name+"@"+u.To)
		} else { // for dependents with a range that includes the installed version
			override = append(override, fmt.Sprintf("'overrides[%s@%s]=%s'", u.Name, u.From, u.To))
		}
	}
	if len(install) > 0 {
		commands = append(commands, wrapArguments("npm install", install))
	}
	if len(override) > 0 {
		commands = append(commands, wrapArguments("npm pkg set", override), "npm install")
	}
	return t.in(commands...)
}

// prefix reports whether the directory is not a project but the target of npm
// install -g: it contains npm itself, or it is the path of Node or Debian.
// https://docs.npmjs.com/cli/configuring-npm/folders#prefix-configuration
func (t *task) prefix() bool {
	where := strings.TrimPrefix(t.where, "/")
	return where == "usr/lib" || where == "usr/local/lib" || path.Base(where) == "lib" && slices.ContainsFunc(t.packages, func(p assay.Package) bool {
		return p.Type == assay.TypeNPM && strings.TrimPrefix(p.Path, "/") == where+"/node_modules/npm/package.json"
	})
}

// global upgrades packages that are installed globally; new versions of these
// contain new versions of their dependencies.
func global(t *task) Step {
	var all []string
	for _, u := range t.upgrades {
		for _, i := range u.indices {
			_, below, _ := strings.Cut(t.packages[i].Path, "node_modules/")
			name, _, nested := strings.Cut(below, "/node_modules/")
			if word := u.Name + "@" + u.To; nested && plain.MatchString(name) {
				all = append(all, name+"@latest")
			} else if !nested {
				all = append(all, word)
			}
		}
	}
	slices.Sort(all)
	s := run([]string{wrapArguments("npm install -g", slices.Compact(all))})
	s.Note = "a package that pins an older version needs an update by its authors: scan again"
	if !t.image {
		s.Dockerfile = nil
	}
	return s
}

// mark marks the upgrades of direct dependencies. If these are unknown, they are
// the packages in the project's own package directory.
func (t *task) mark() {
	on := t.on()
	direct, known := map[string]bool{}, false
	for i := range t.packages {
		p := &t.packages[i]
		switch {
		case p.Type != t.upgrades[0].Type || home(p) != t.where:
		case p.Relation == assay.RelationRoot:
			known = known || len(p.DependsOn) > 0
			for _, j := range on[i] {
				direct[t.packages[j].Ref()] = true
			}
		case p.Relation == assay.RelationDirect:
			known = true
			direct[p.Ref()] = true
		}
	}
	for _, u := range t.upgrades {
		if u.Direct = direct[u.Name+"@"+u.From]; !known {
			u.Direct = slices.ContainsFunc(u.indices, func(i int) bool { return strings.Count(t.packages[i].Path, "node_modules/") <= 1 })
		}
	}
}

// yarn works like npm, with Yarn's resolutions.
// https://yarnpkg.com/configuration/manifest#resolutions
func yarn(t *task) Step { return t.resolved("yarn", "resolutions[%[1]s]=%[3]s") }

// https://pnpm.io/settings#overrides
func pnpm(t *task) Step { return t.resolved("pnpm", "pnpm.overrides[%[1]s@%[2]s]=%[3]s") }

// resolved adds direct dependencies, and writes the versions of others into
// package.json.
func (t *task) resolved(program, field string) Step {
	t.mark()
	var add, set, commands []string
	for _, u := range t.upgrades {
		if u.Direct {
			add = append(add, u.Name+"@"+u.To)
		} else {
			set = append(set, "'"+fmt.Sprintf(field, u.Name, u.From, u.To)+"'")
		}
	}
	if len(add) > 0 {
		commands = append(commands, wrapArguments(program+" add", add))
	}
	if len(set) > 0 {
		commands = append(commands, wrapArguments("npm pkg set", set), program+" install")
	}
	return t.in(commands...)
}

// inEnvironment finds the directory of a Python environment.
var inEnvironment = regexp.MustCompile(`^(.+)/lib(?:64)?/python[^/]*/site-packages$`)

// pip is the pip of the environment with the packages. It gets minimum versions,
// because exact versions may contradict each other.
func pip(t *task) Step {
	python := "python3"
	if m := inEnvironment.FindStringSubmatch(t.where); m != nil {
		python = "/" + strings.TrimPrefix(m[1], "/") + "/bin/python3"
	}
	var all []string
	for _, u := range t.upgrades {
		all = append(all, "'"+u.Name+">="+u.To+"'")
	}
	s := run([]string{wrapArguments(python+" -m pip install --no-cache-dir --upgrade", all)})
	if !t.image {
		s.Dockerfile = nil
	}
	return s
}

// gomod sets minimum versions; go get would set exact ones, and lower versions
// that other modules need. https://go.dev/ref/mod#minimal-version-selection
func gomod(t *task) Step {
	var all []string
	for _, u := range t.upgrades {
		if u.Name == "stdlib" {
			all = append(all, "-go="+strings.TrimPrefix(u.To, "v"))
		} else {
			all = append(all, "-require="+u.Name+"@"+goVersion(u.To))
		}
	}
	commands := []string{wrapArguments("go mod edit", all), "go mod tidy"}
	if path.Base(t.where) == "go.mod" {
		return t.in(commands...)
	}
	return Step{Commands: commands, Note: "in the source of the program; then rebuild it"}
}

func goVersion(v string) string { return "v" + strings.TrimPrefix(v, "v") }

func cargo(t *task) Step {
	var commands []string
	for _, u := range t.upgrades {
		commands = append(commands, fmt.Sprintf("cargo update -p %s@%s --precise %s", u.Name, u.From, u.To))
	}
	s := t.in(commands...)
	if slices.ContainsFunc(t.upgrades, func(u *Upgrade) bool { return u.Major }) {
		s.Note = "where the first number changes, raise the requirement in Cargo.toml first"
	}
	return s
}

func bundler(t *task) Step {
	var all []string
	for _, u := range t.upgrades {
		all = append(all, u.Name)
	}
	return t.in(wrapArguments("bundle update --conservative", all))
}

func gems(t *task) Step {
	var commands []string
	for _, u := range t.upgrades {
		commands = append(commands, fmt.Sprintf("gem install %s -v %s", u.Name, u.To), fmt.Sprintf("gem uninstall -x -I %s -v %s", u.Name, u.From))
	}
	return run(commands)
}

func nuget(t *task) Step {
	var commands []string
	for _, u := range t.upgrades {
		commands = append(commands, fmt.Sprintf("dotnet add package %s --version %s", u.Name, u.To))
	}
	return t.in(commands...)
}
