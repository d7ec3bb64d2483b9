package plan

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/bom"
	"github.com/assaysec/assay/internal/version"
)

// A task is the upgrades of one package manager in one place.
type task struct {
	manager  string
	where    string
	upgrades []*Upgrade
	packages []assay.Package // of the report
	image    bool
}

// A manager tells how its packages are upgraded; it may leave all but the note
// empty.
type manager func(t *task) Step

// managers gives them by the names that managerOf returns. What has none is
// told in a note.
var managers = map[string]manager{
	"apt": apt, "apk": apk, "opkg": opkg, "pacman": pacman,
	"dnf": rpms("dnf upgrade -y", "dnf clean all"), "yum": rpms("yum update -y", "yum clean all"), "microdnf": rpms("microdnf update -y", "microdnf clean all"),
	"tdnf": rpms("tdnf update -y", "tdnf clean all"), "zypper": rpms("zypper --non-interactive update", "zypper clean --all"),
	"npm": npm, "yarn": yarn, "pnpm": pnpm, "pip": pip, "poetry": each("poetry add", "%s@%s"), "uv": each("uv add", "%s>=%s"), "pdm": each("pdm add", "%s>=%s"), "pipenv": each("pipenv install", "%s>=%s"),
	"go": gomod, "cargo": cargo, "composer": each("composer require --with-all-dependencies", "%s:^%s"), "bundler": bundler, "gem": gems,
	"dotnet": nuget,
}

// readers gives package managers by the reader that found a package of a language.
var readers = map[string]string{
	"npm-installed": "npm", "npm-lock": "npm", "yarn-lock": "yarn", "pnpm-lock": "pnpm",
	"python-installed": "pip", "requirements": "", "poetry-lock": "poetry", "uv-lock": "uv", "pdm-lock": "pdm", "pipfile-lock": "pipenv",
	"go-mod": "go", "go-binary": "go", "cargo-lock": "cargo", "composer-lock": "composer", "composer-installed": "composer", "gemfile-lock": "bundler", "gemspec": "gem",
	"nuget-lock": "dotnet", "msbuild-project": "dotnet",
}

// rpmManagers are the packages that bring a manager of RPMs, the preferred first.
var rpmManagers = []struct{ pkg, manager string }{
	{"dnf", "dnf"}, {"dnf5", "dnf"}, {"microdnf", "microdnf"}, {"yum", "yum"}, {"tdnf", "tdnf"}, {"zypper", "zypper"},
}

// none is the manager of packages whose target has none: distroless images.
const none = ""

// managerOf is who upgrades a package of a report.
func managerOf(r *assay.Report, p *assay.Package) string {
	has := func(name string) bool {
		return slices.ContainsFunc(r.Packages, func(q assay.Package) bool { return q.Type == p.Type && q.Name == name })
	}
	switch p.Type {
	case assay.TypeDeb:
		if has("apt") {
			return "apt"
		}
	case assay.TypeApk:
		if has("apk-tools") {
			return "apk"
		}
	case assay.TypeAlpm:
		if has("pacman") {
			return "pacman"
		}
	case assay.TypeOpkg:
		if has("opkg") {
			return "opkg"
		}
	case assay.TypeRPM:
		for _, m := range rpmManagers {
			if has(m.pkg) {
				return m.manager
			}
		}
	default:
		if p.Owner == "" && !strings.Contains(p.Path, "!/") {
			return readers[p.FoundBy]
		}
	}
	return none
}

// steps groups the plan's upgrades by package manager and place.
func (p *Plan) steps(r *assay.Report) {
	var tasks []*task
	for i := range p.Upgrades {
		u := &p.Upgrades[i]
		where := u.Where
		at := slices.IndexFunc(tasks, func(t *task) bool { return t.manager == u.manager && t.where == where })
		if at < 0 {
			at = len(tasks)
			tasks = append(tasks, &task{manager: u.manager, where: where, packages: r.Packages, image: r.Kind == "" || r.Kind == assay.KindImage})
		}
		tasks[at].upgrades = append(tasks[at].upgrades, u)
	}
	for _, t := range tasks {
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
}

// order puts what is run before what is done by hand, the system's first.
func (s *Step) order() int {
	switch {
	case len(s.Commands) == 0:
		return 2
	case s.Where != "":
		return 1
	}
	return 0
}

// plain is what a name or version looks like that can stand in a command without
// quotes, and that is no option of it.
var plain = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9@%+=:,./_~^-]*$`)

// step asks the manager. Names and versions come from the target: commands are
// made of such only as no shell takes for something else.
func (t *task) step() Step {
	var odd []string
	for _, u := range t.upgrades {
		for _, s := range append([]string{u.Name, u.To}, u.Packages...) {
			if !plain.MatchString(s) {
				odd = append(odd, s)
			}
		}
	}
	if t.where != "" && !plain.MatchString(strings.TrimPrefix(t.where, ".")) && t.where != "." {
		odd = append(odd, t.where)
	}
	if len(odd) > 0 {
		return Step{Note: fmt.Sprintf("upgrade by hand: %q is nothing to put into a command", odd[0])}
	}
	if m := managers[t.manager]; m != nil {
		return m(t)
	}
	if owner := t.packages[t.upgrades[0].indices[0]].Owner; owner != "" {
		return Step{Note: "a package of the system brought it, and mends it with its own versions: " + owner}
	}
	return Step{Note: t.byHand()}
}

// byHand says what to do where no command of ours does it.
func (t *task) byHand() string {
	switch t.upgrades[0].Type {
	case assay.TypeDeb, assay.TypeApk, assay.TypeRPM, assay.TypeAlpm, assay.TypeOpkg:
		return "the image has no package manager: rebuild it on a newer build of its base image, or build it anew with these versions"
	case assay.TypeMaven:
		if strings.HasSuffix(t.where, "pom.xml") {
			return "set these versions in " + t.where + ", under dependencyManagement where another artifact asks for them"
		}
		if strings.HasSuffix(t.where, ".lockfile") {
			return "raise these versions in the build script (constraints, where another artifact asks for them), then gradle dependencies --write-locks"
		}
		return "build the archive anew with these versions: in Maven under dependencyManagement, in Gradle as constraints"
	case assay.TypeCargo:
		return "build the program anew: " + join(t.upgrades, "cargo update -p %s --precise %s", "; ")
	case assay.TypeGeneric:
		return "install or build the newer version: no package manager brought this program"
	case assay.TypePyPI:
		return "raise these versions in " + t.where
	}
	return "raise these versions where the project asks for them"
}

// join writes each upgrade's name and version.
func join(all []*Upgrade, format, sep string) string {
	var out []string
	for _, u := range all {
		out = append(out, fmt.Sprintf(format, u.Name, u.To))
	}
	return strings.Join(out, sep)
}

// run makes a step of commands that are run one after the other, the Dockerfile
// line of which ends with cleaning up.
func run(commands []string, clean ...string) Step {
	all := append(slices.Clone(commands), clean...)
	return Step{Commands: commands, Dockerfile: []string{"RUN " + strings.Join(all, " \\\n && ")}}
}

// binaries lists the binary packages of a system's upgrades.
func (t *task) binaries() (names []string) {
	for _, u := range t.upgrades {
		names = append(names, u.Packages...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// columns is how wide the lists of names in a command are.
const columns = 76

// words continues a command with words, in lines that a shell and a Dockerfile
// take for one.
func words(command string, all []string) string {
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

// satisfies is the first version of apt that can be asked for a version or a
// later one, and so ends where the repositories have none.
// https://manpages.debian.org/bookworm/apt/apt-get.8.en.html#satisfy
const satisfies = "2.0"

func apt(t *task) Step {
	commands := []string{"apt-get update"}
	var atLeast, others []string
	for _, u := range t.upgrades {
		for _, i := range u.indices {
			p := &t.packages[i]
			switch asks := "'" + p.Name + " (>= " + u.To + ")'"; {
			case p.Version != u.From: // the version of its source says nothing of its own
				others = append(others, p.Name)
			case !slices.Contains(atLeast, asks):
				atLeast = append(atLeast, asks)
			}
		}
	}
	if c, err := version.Compare(version.Deb, t.version("apt"), satisfies); err != nil || c < 0 {
		atLeast, others = nil, t.binaries()
	}
	if len(atLeast) > 0 {
		slices.Sort(atLeast)
		commands = append(commands, words("apt-get satisfy -y --no-install-recommends", atLeast))
	}
	if len(others) > 0 {
		slices.Sort(others)
		commands = append(commands, words("apt-get install -y --no-install-recommends --only-upgrade", slices.Compact(others)))
	}
	return run(commands, "rm -rf /var/lib/apt/lists/*")
}

// version is that of a package of the system.
func (t *task) version(name string) string {
	for i := range t.packages {
		if p := &t.packages[i]; p.Type == t.upgrades[0].Type && p.Name == name {
			return p.Version
		}
	}
	return ""
}

// apk's constraint makes the build end where the repository has no such version.
func apk(t *task) Step {
	var all []string
	for _, u := range t.upgrades {
		for _, name := range u.Packages {
			all = append(all, "'"+name+">="+u.To+"'")
		}
	}
	return run([]string{words("apk add --no-cache --upgrade", all)})
}

func opkg(t *task) Step {
	return run([]string{"opkg update", words("opkg upgrade", t.binaries())})
}

func pacman(t *task) Step {
	s := run([]string{"pacman -Syu --noconfirm"}, "pacman -Scc --noconfirm")
	s.Note = "Arch supports no upgrades of single packages"
	return s
}

func rpms(command, clean string) manager {
	return func(t *task) Step { return run([]string{words(command, t.binaries())}, clean) }
}

// in makes a step of commands that are run in the task's folder.
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

func each(command, format string) manager {
	return func(t *task) Step {
		var all []string
		for _, u := range t.upgrades {
			all = append(all, quoted(fmt.Sprintf(format, u.Name, u.To)))
		}
		return t.in(words(command, all))
	}
}

// quoted is a word for a shell; plain lets nothing in that needs more.
func quoted(s string) string {
	if strings.ContainsAny(s, "<>^~=") {
		return "'" + s + "'"
	}
	return s
}

// npm installs what the project asks for itself, then overrides the versions of
// what others ask for: an override that a direct dependency contradicts is refused.
// https://docs.npmjs.com/cli/configuring-npm/package-json#overrides
func npm(t *task) Step {
	t.mark()
	var install, override, commands []string
	for _, u := range t.upgrades {
		if u.Direct {
			install = append(install, u.Name+"@"+u.To)
		} else { // for those who ask for a range that has the installed version
			override = append(override, fmt.Sprintf("'overrides[%s@%s]=%s'", u.Name, u.From, u.To))
		}
	}
	if len(install) > 0 {
		commands = append(commands, words("npm install", install))
	}
	if len(override) > 0 {
		commands = append(commands, words("npm pkg set", override), "npm install")
	}
	return t.in(commands...)
}

// mark tells which of the upgrades are of what the project itself asks for. Where
// nothing tells, it is what lies in the project's own folder of packages.
func (t *task) mark() {
	on := bom.Dependencies(t.packages)
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

func yarn(t *task) Step {
	return t.in(words("yarn upgrade", names(t.upgrades, "%s@%s")))
}

func pnpm(t *task) Step {
	return t.in(words("pnpm update", names(t.upgrades, "%s@%s")))
}

func names(all []*Upgrade, format string) (out []string) {
	for _, u := range all {
		out = append(out, fmt.Sprintf(format, u.Name, u.To))
	}
	return out
}

// pip is that of the environment in whose folder the packages lie.
func pip(t *task) Step {
	python := "python3"
	if env, _, ok := strings.Cut(t.where, "/lib/python"); ok && strings.HasSuffix(t.where, "/site-packages") {
		python = "/" + env + "/bin/python3"
	}
	s := run([]string{words(python+" -m pip install --no-cache-dir --upgrade", names(t.upgrades, "%s==%s"))})
	if !t.image {
		s.Dockerfile = nil
	}
	return s
}

// gomod asks for these versions or later ones; go get would ask for just these,
// and lower what others need higher.
// https://go.dev/ref/mod#minimal-version-selection
func gomod(t *task) Step {
	var all []string
	for _, u := range t.upgrades {
		if u.Name == "stdlib" {
			all = append(all, "-go="+strings.TrimPrefix(u.To, "v"))
		} else {
			all = append(all, "-require="+u.Name+"@"+goVersion(u.To))
		}
	}
	commands := []string{words("go mod edit", all), "go mod tidy"}
	if path.Base(t.where) == "go.mod" {
		return t.in(commands...)
	}
	return Step{Commands: commands, Note: "in the source of the program, which is then to be built anew"}
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
	return t.in(words("bundle update --conservative", all))
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
