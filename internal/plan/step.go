package plan

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/bom"
	"github.com/assaysec/assay/internal/version"
)

// A task is the upgrades of one package manager in one place.
type task struct {
	manager  string
	where    string
	odd      bool // names and versions are nothing to put into a command
	upgrades []*Upgrade
	packages []assay.Package // of the report
	on       func() [][]int  // what each of those depends on
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

// usual are the managers of reports that list no packages but those with findings,
// as Trivy's may, by type, and where several have the type by distribution.
var usual = map[string]string{
	assay.TypeDeb: "apt", assay.TypeApk: "apk", assay.TypeAlpm: "pacman", assay.TypeOpkg: "opkg", assay.TypeRPM: "dnf",
	"sles": "zypper", "opensuse-leap": "zypper", "opensuse-tumbleweed": "zypper", "photon": "tdnf", "azurelinux": "tdnf", "mariner": "tdnf",
}

// own are the packages that bring the manager of a type, the preferred first.
var own = map[string][]struct{ pkg, manager string }{
	assay.TypeDeb: {{"apt", "apt"}}, assay.TypeApk: {{"apk-tools", "apk"}}, assay.TypeAlpm: {{"pacman", "pacman"}}, assay.TypeOpkg: {{"opkg", "opkg"}},
	assay.TypeRPM: {{"dnf", "dnf"}, {"dnf5", "dnf"}, {"microdnf", "microdnf"}, {"yum", "yum"}, {"tdnf", "tdnf"}, {"zypper", "zypper"}},
}

// none is the manager of packages whose target has none: distroless images.
const none = ""

// managersOf tells who upgrades a report's packages of the system, by type.
func managersOf(r *assay.Report) map[string]string {
	affected := map[int]bool{}
	for i := range r.Findings {
		affected[r.Findings[i].Package] = true
	}
	partial := len(affected) == len(r.Packages) && r.Tool.Name != "assay"
	out := map[string]string{}
	for kind, all := range own {
		for _, m := range all {
			if out[kind] == "" && slices.ContainsFunc(r.Packages, func(q assay.Package) bool { return q.Type == kind && q.Name == m.pkg }) {
				out[kind] = m.manager
			}
		}
		if out[kind] == "" && partial {
			if out[kind] = usual[kind]; kind == assay.TypeRPM && usual[r.Release.ID] != "" {
				out[kind] = usual[r.Release.ID]
			}
		}
	}
	return out
}

// managerOf is who upgrades a package.
func managerOf(p *assay.Package, system map[string]string) string {
	switch {
	case p.IsSystem():
		return system[p.Type]
	case p.Owner != "", strings.Contains(p.Path, "!/"):
		return none
	}
	return readers[p.FoundBy]
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
			t = &task{manager: u.manager, where: u.Where, odd: k.odd, packages: r.Packages, on: on, image: r.Kind == "" || r.Kind == assay.KindImage}
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

// plain reports whether commands can be made of an upgrade: names and versions
// come from the target, and none may be something else to a shell.
func (u *Upgrade) plain() bool {
	return plain.MatchString(u.Name) && plain.MatchString(u.From) && plain.MatchString(u.To) && (u.Where == "" || u.Where == "." || plain.MatchString(u.Where)) &&
		!slices.ContainsFunc(u.Packages, func(s string) bool { return !plain.MatchString(s) })
}

// step asks the manager.
func (t *task) step() Step {
	if t.odd {
		return Step{Note: "upgrade by hand: a name or a version of it, or the place, is nothing to put into a command"}
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
			name := p.Name
			if own := t.own("apt").Arch; p.Arch != "" && p.Arch != "all" && own != "" && p.Arch != own { // else apt installs its own architecture's
				name += ":" + p.Arch
			}
			switch asks := "'" + name + " (>= " + u.To + ")'"; {
			case p.Version != u.From: // the version of its source says nothing of its own
				others = append(others, name)
			case !slices.Contains(atLeast, asks):
				atLeast = append(atLeast, asks)
			}
		}
	}
	if c, err := version.Compare(version.Deb, t.own("apt").Version, satisfies); t.own("apt").Version != "" && (err != nil || c < 0) {
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

// own is a package of the system; the zero value where it is not installed.
func (t *task) own(name string) (p assay.Package) {
	for i := range t.packages {
		if q := &t.packages[i]; q.Type == t.upgrades[0].Type && q.Name == name {
			return *q
		}
	}
	return p
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
	if path.Base(t.where) == "lib" { // no project: what npm install -g brought
		return global(t)
	}
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

// global upgrades packages that are installed for all: those that others of them
// hold come with newer ones of these.
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
	s := run([]string{words("npm install -g", slices.Compact(all))})
	s.Note = "of what others hold it is for these to take a newer one: scan again"
	if !t.image {
		s.Dockerfile = nil
	}
	return s
}

// mark tells which of the upgrades are of what the project itself asks for. Where
// nothing tells, it is what lies in the project's own folder of packages.
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

// yarn does as npm, with what Yarn calls resolutions.
// https://yarnpkg.com/configuration/manifest#resolutions
func yarn(t *task) Step { return t.resolved("yarn", "resolutions[%[1]s]=%[3]s") }

// https://pnpm.io/settings#overrides
func pnpm(t *task) Step { return t.resolved("pnpm", "pnpm.overrides[%[1]s@%[2]s]=%[3]s") }

// resolved adds what the project asks for itself, and writes the versions of what
// others ask for into package.json.
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
		commands = append(commands, words(program+" add", add))
	}
	if len(set) > 0 {
		commands = append(commands, words("npm pkg set", set), program+" install")
	}
	return t.in(commands...)
}

// inEnvironment finds the folder of a Python environment.
var inEnvironment = regexp.MustCompile(`^(.+)/lib(?:64)?/python[^/]*/site-packages$`)

// pip is that of the environment in whose folder the packages lie. It is asked for
// these versions or later ones: just these may contradict each other.
func pip(t *task) Step {
	python := "python3"
	if m := inEnvironment.FindStringSubmatch(t.where); m != nil {
		python = "/" + strings.TrimPrefix(m[1], "/") + "/bin/python3"
	}
	var all []string
	for _, u := range t.upgrades {
		all = append(all, "'"+u.Name+">="+u.To+"'")
	}
	s := run([]string{words(python+" -m pip install --no-cache-dir --upgrade", all)})
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
