package bom

import (
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// maxSame bounds the packages of one name that a dependency leads to: an OS has
// one for each of its architectures.
const maxSame = 16

// Dependencies lists the packages of a report that each package depends on. OS
// packages are found by name. Others are found by Ref among the packages from
// the same file, or by the name under which an installed package loads them.
func Dependencies(packages []assay.Package) [][]int {
	at := map[string][]int{}
	for i := range packages {
		p := &packages[i]
		k := key(p, name(p))
		if len(at[k]) < maxSame {
			at[k] = append(at[k], i)
		}
		if k := installedAt(p); k != "" && len(at[k]) < maxSame {
			at[k] = append(at[k], i)
		}
	}
	out := make([][]int, len(packages))
	for i := range packages {
		p := &packages[i]
		seen := make(map[int]bool, len(p.DependsOn))
		for _, d := range p.DependsOn {
			found := at[key(p, d)]
			if len(found) == 0 {
				found = visible(p, d, at)
			}
			for _, j := range found {
				if j != i && !seen[j] {
					seen[j] = true
					out[i] = append(out[i], j)
				}
			}
		}
	}
	return out
}

// maxUp is how many parent directories an installed package searches.
const maxUp = 64

// visible finds the package that an installed package loads as name, in the
// places where its interpreter searches: the node_modules beside it and above,
// or its own site-packages.
// https://nodejs.org/api/modules.html#loading-from-node_modules-directories
func visible(p *assay.Package, name string, at map[string][]int) []int {
	if n := strings.LastIndexByte(name, '@'); n > 0 { // SBOMs have Refs
		name = name[:n]
	}
	switch p.Type {
	case assay.TypePyPI:
		if base := site(p.Path); base != "" {
			return at[packageKey(p.Type, base, name)]
		}
	case assay.TypeNPM:
		dir := path.Dir(p.Path)
		for range maxUp {
			directory := path.Join(dir, "node_modules")
			if b := path.Base(dir); b == "node_modules" || b == "nodejs" {
				directory = dir
			}
			if found := at[packageKey(p.Type, directory, name)]; len(found) > 0 {
				return found
			}
			if dir == "." || dir == "/" {
				break
			}
			dir = path.Dir(dir)
		}
	}
	return nil
}

// installedAt is the key by which other packages find an installed package; ""
// if they cannot.
func installedAt(p *assay.Package) string {
	switch p.Type {
	case assay.TypePyPI:
		if base := site(p.Path); base != "" {
			return packageKey(p.Type, base, p.Name)
		}
	case assay.TypeNPM:
		directory, ok := strings.CutSuffix(p.Path, "/package.json")
		if !ok {
			return ""
		}
		for _, root := range []string{"node_modules/", "nodejs/"} {
			if n := strings.LastIndex(directory, root); n == 0 || n > 0 && directory[n-1] == '/' {
				end := n + len(root)
				return packageKey(p.Type, directory[:end-1], directory[end:])
			}
		}
	}
	return ""
}

// site is the directory in which Python finds the package of a metadata file; ""
// if the package is not installed.
func site(file string) string {
	dir, base := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	switch {
	case base == "METADATA", base == "PKG-INFO":
		return path.Dir(dir)
	case strings.HasSuffix(base, ".egg-info"):
		return dir
	}
	return ""
}

// packageKey is the key of a package by its directory and name.
func packageKey(kind, directory, name string) string {
	if e, ok := ecosystem.OfType(kind); ok {
		name = e.Name(name)
	}
	return "in\x00" + kind + "\x00" + directory + "\x00" + name
}

// Needers lists the packages that depend on each package.
func Needers(packages []assay.Package) [][]int {
	by := make([][]int, len(packages))
	for i, on := range Dependencies(packages) {
		for _, j := range on {
			by[j] = append(by[j], i)
		}
	}
	return by
}

// DependencyPaths lists dependency paths to package n from packages that nothing depends
// on, the shortest first and at most limit; by is the result of Needers. A path
// with too many steps begins in its middle. The list is empty if nothing depends
// on n.
func DependencyPaths(by [][]int, n, most, steps int) (out [][]int) {
	type step struct {
		at, length int
		next       *step
	}
	seen := map[int]bool{n: true}
	for queue := []*step{{at: n}}; len(queue) > 0 && len(out) < most; queue = queue[1:] {
		s := queue[0]
		for _, up := range by[s.at] {
			if !seen[up] && s.length < steps {
				seen[up] = true
				queue = append(queue, &step{up, s.length + 1, s})
			}
		}
		if (len(by[s.at]) > 0 && s.length < steps) || s.at == n {
			continue
		}
		var way []int
		for x := s; x != nil; x = x.next {
			way = append(way, x.at)
		}
		out = append(out, way)
	}
	return out
}

// name is the name of a package in DependsOn.
func name(p *assay.Package) string {
	if p.IsSystem() {
		return p.Name
	}
	return p.Ref()
}

// key distinguishes a dependency from those of other files.
func key(p *assay.Package, name string) string {
	if p.IsSystem() {
		return p.Type + "\x00" + name
	}
	return p.Type + "\x00" + p.Path + "\x00" + name
}

// Depend sets DependsOn of packages from the dependencies of each.
func Depend(packages []assay.Package, on [][]int) {
	for i := range packages {
		seen := make(map[string]bool, len(on[i]))
		for _, n := range packages[i].DependsOn {
			seen[n] = true
		}
		for _, j := range on[i] {
			if n := name(&packages[j]); !seen[n] {
				seen[n] = true
				packages[i].DependsOn = append(packages[i].DependsOn, n)
			}
		}
	}
}
