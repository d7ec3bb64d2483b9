package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// This file tells which of what a package may hold the package installed does:
// it was built for one machine, and links some of its functions.

// systems names the operating systems that a row is limited to; "" for none.
// An image's packages are not known to be built for another.
func systems(q *assay.Qualifiers) string {
	all := slices.Clone(q.OS)
	if len(all) == 0 {
		for _, i := range q.Imports {
			if len(i.OS) == 0 {
				return ""
			}
			all = append(all, i.OS...)
		}
	}
	if all = cve.Set(all); len(all) == 0 {
		return ""
	}
	return "on " + strings.Join(all, ", ") + " only"
}

// machines gives architectures Go's names. Rust's are those of
// https://doc.rust-lang.org/std/env/consts/constant.ARCH.html, purls' and
// package managers' are mixed.
var machines = map[string]string{
	"386": "386", "x86": "386", "i386": "386", "i686": "386",
	"amd64": "amd64", "x86_64": "amd64", "x64": "amd64",
	"arm": "arm", "armhf": "arm", "armv7": "arm", "armv7l": "arm",
	"arm64": "arm64", "aarch64": "arm64",
	"ppc64le": "ppc64le", "powerpc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x",
}

// on reports whether a list of architectures has one, or none at all. One that
// is not told, or in words that are not known, may be any.
func on(arch string, arches []string) bool {
	own, known := machines[arch]
	return !known || len(arches) == 0 || slices.ContainsFunc(arches, func(a string) bool { return machines[a] == "" || machines[a] == own })
}

// under does the same for operating systems, in Go's words.
func under(os string, all []string) bool {
	return os == "" || len(all) == 0 || slices.Contains(all, os)
}

// meant reports whether a row may be meant for a target.
func (m *registry) meant(t *target, q *assay.Qualifiers) bool {
	if m.ecosystem == products && !t.product.meant(q, m.release) {
		return false
	}
	return on(t.Arch, q.Arches) && under(t.OS, q.OS)
}

// maxFunctions bounds the functions that a reason names; the rest is counted.
const maxFunctions = 5

// unreached says why what the advisories on a vulnerability hold to be at fault
// is not in the target, where they name it; "" when it is, or may be. What one
// publisher knows of the functions counts for what others say of the versions.
func (m *registry) unreached(t *target, v *vulnerability) string {
	imports := v.imports()
	if len(imports) == 0 {
		return ""
	}
	var elsewhere, functions []string
	for _, i := range imports {
		switch {
		case !on(t.Arch, i.Arches) || !under(t.OS, i.OS):
			elsewhere = append(elsewhere, append(slices.Clone(i.OS), i.Arches...)...)
		case m.options.AllSymbols || t.Symbols == nil || len(present(t.Symbols, &i)) > 0:
			return ""
		default:
			functions = append(functions, names(&i)...)
		}
	}
	if len(functions) == 0 {
		return fmt.Sprintf("on %s only; it was built for %s", strings.Join(cve.Set(elsewhere), ", "), strings.Trim(t.OS+"/"+t.Arch, "/"))
	}
	return "what is at fault is not linked into the binary: " + few(functions)
}

// linked names what is at fault and in the target; "" when nothing tells.
func (m *registry) linked(t *target, rows []hit) string {
	if t.Symbols == nil {
		return ""
	}
	var found []string
	for _, h := range rows {
		for i := range h.row.Qualifiers.Imports {
			found = append(found, present(t.Symbols, &h.row.Qualifiers.Imports[i])...)
		}
	}
	if found = cve.Set(found); len(found) == 0 {
		return ""
	}
	return "linked: " + few(found)
}

// few writes the first of many functions.
func few(functions []string) string {
	all := cve.Set(functions)
	if len(all) <= maxFunctions {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxFunctions], ", "), len(all)-maxFunctions)
}

// present lists what of an import a binary links.
func present(s assay.Symbols, i *assay.Import) (found []string) {
	for _, n := range names(i) {
		if s.Has(n) {
			found = append(found, n)
		}
	}
	return found
}

// names are the functions of an import as Symbols has them; the whole import
// is its path.
func names(i *assay.Import) []string {
	if len(i.Symbols) == 0 {
		return []string{i.Path}
	}
	out := make([]string, len(i.Symbols))
	for n, s := range i.Symbols {
		out[n] = i.Path + "." + s
	}
	return out
}

// imports lists what the advisories on a vulnerability hold to be at fault.
func (v *vulnerability) imports() (out []assay.Import) {
	for _, a := range v.advisories {
		for i := range a.Affected {
			out = append(out, a.Affected[i].Qualifiers.Imports...)
		}
	}
	return out
}
