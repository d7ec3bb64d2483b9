package plan

import (
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// This file has the commands of distributions' package managers.

// satisfies is the first version of apt that accepts a minimum version, and so
// fails if the repositories have none.
// https://manpages.debian.org/bookworm/apt/apt-get.8.en.html#satisfy
const satisfies = "2.0"

func apt(t *task) Step {
	commands := []string{"apt-get update"}
	var atLeast, others []string
	for _, u := range t.upgrades {
		for _, i := range u.indices {
			p := &t.packages[i]
			name := p.Name
			if own := t.osPackage("apt").Arch; p.Arch != "" && p.Arch != "all" && own != "" && p.Arch != own { // otherwise apt installs its own architecture
				name += ":" + p.Arch
			}
			switch asks := "'" + name + " (>= " + u.To + ")'"; {
			case p.Version != u.From: // the version of its source differs from its own
				others = append(others, name)
			case !slices.Contains(atLeast, asks):
				atLeast = append(atLeast, asks)
			}
		}
	}
	if c, err := version.Compare(version.Deb, t.osPackage("apt").Version, satisfies); t.osPackage("apt").Version != "" && (err != nil || c < 0) {
		atLeast, others = nil, t.binaries()
	}
	if len(atLeast) > 0 {
		slices.Sort(atLeast)
		commands = append(commands, wrapArguments("apt-get satisfy -y --no-install-recommends", atLeast))
	}
	if len(others) > 0 {
		slices.Sort(others)
		commands = append(commands, wrapArguments("apt-get install -y --no-install-recommends --only-upgrade", slices.Compact(others)))
	}
	return run(commands, "rm -rf /var/lib/apt/lists/*")
}

// osPackage is an OS package; the zero value if it is not installed.
func (t *task) osPackage(name string) (p assay.Package) {
	for i := range t.packages {
		if q := &t.packages[i]; q.Type == t.upgrades[0].Type && q.Name == name {
			return *q
		}
	}
	return p
}

// with this constraint the build fails if the repository has no such version.
func apk(t *task) Step {
	var all []string
	for _, u := range t.upgrades {
		for _, name := range u.Packages {
			all = append(all, "'"+name+">="+u.To+"'")
		}
	}
	return run([]string{wrapArguments("apk add --no-cache --upgrade", all)})
}

func opkg(t *task) Step {
	return run([]string{"opkg update", wrapArguments("opkg upgrade", t.binaries())})
}

func pacman(t *task) Step {
	s := run([]string{"pacman -Syu --noconfirm"}, "pacman -Scc --noconfirm")
	s.Note = "Arch supports no upgrades of single packages"
	return s
}

func rpms(command, clean string) manager {
	return func(t *task) Step { return run([]string{wrapArguments(command, t.binaries())}, clean) }
}
