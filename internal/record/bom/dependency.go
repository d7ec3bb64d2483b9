package bom

import (
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// maxSame bounds the packages of one name that a dependency leads to: a system has
// one for each of its architectures.
const maxSame = 16

// Dependencies lists for each package of a report those that it depends on, as
// far as they are in the report: of the system by name, of others by Ref among
// those that the same file tells of, or by the name under which an installed
// package finds them.
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

// maxUp is how many directories up an installed package looks for what it needs.
const maxUp = 64

// visible finds what an installed package calls name where its interpreter looks
// for it: in the node_modules beside it and above, in its own site-packages.
// https://nodejs.org/api/modules.html#loading-from-node_modules-directories
func visible(p *assay.Package, name string, at map[string][]int) []int {
	if n := strings.LastIndexByte(name, '@'); n > 0 { // SBOMs have Refs
		name = name[:n]
	}
	switch p.Type {
	case assay.TypePyPI:
		if base := site(p.Path); base != "" {
			return at[place(p.Type, base, name)]
		}
	case assay.TypeNPM:
		dir := path.Dir(p.Path)
		for range maxUp {
			folder := path.Join(dir, "node_modules")
			if b := path.Base(dir); b == "node_modules" || b == "nodejs" {
				folder = dir
			}
			if found := at[place(p.Type, folder, name)]; len(found) > 0 {
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

// installedAt is the place of an installed package by which others find it; ""
// for what is not found so.
func installedAt(p *assay.Package) string {
	switch p.Type {
	case assay.TypePyPI:
		if base := site(p.Path); base != "" {
			return place(p.Type, base, p.Name)
		}
	case assay.TypeNPM:
		folder, ok := strings.CutSuffix(p.Path, "/package.json")
		if !ok {
			return ""
		}
		for _, root := range []string{"node_modules/", "nodejs/"} {
			if n := strings.LastIndex(folder, root); n == 0 || n > 0 && folder[n-1] == '/' {
				end := n + len(root)
				return place(p.Type, folder[:end-1], folder[end:])
			}
		}
	}
	return ""
}

// site is the directory in which Python finds the package that a file of metadata
// is of; "" where that is none of an installed one.
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

// place is the key of a package by its directory and name.
func place(kind, folder, name string) string {
	if e, ok := ecosystem.OfType(kind); ok {
		name = e.Name(name)
	}
	return "in\x00" + kind + "\x00" + folder + "\x00" + name
}

// Needers lists for each package those that depend on it.
func Needers(packages []assay.Package) [][]int {
	by := make([][]int, len(packages))
	for i, on := range Dependencies(packages) {
		for _, j := range on {
			by[j] = append(by[j], i)
		}
	}
	return by
}

// Ways lists ways, at most so many, from packages that nobody needs down to
// package n, the shortest first; by is what Needers gives. A way of more steps
// than that begins in its middle. None leads to what nobody needs.
func Ways(by [][]int, n, most, steps int) (out [][]int) {
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

// name is what DependsOn calls a package.
func name(p *assay.Package) string {
	if p.IsSystem() {
		return p.Name
	}
	return p.Ref()
}

// key tells a dependency apart from those of other files.
func key(p *assay.Package, name string) string {
	if p.IsSystem() {
		return p.Type + "\x00" + name
	}
	return p.Type + "\x00" + p.Path + "\x00" + name
}

// Depend sets DependsOn of packages by what each depends on.
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
