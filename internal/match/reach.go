package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/identifier/purl"
)

// This file judges whether an installed package contains the vulnerable code: it is
// built for one architecture, and links some functions only.

// systems names the operating systems that a row is limited to; "" for none. Whether an
// image's packages are built for one of them is unknown.
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

// machines maps architectures to Go's names. Rust's are those of
// https://doc.rust-lang.org/std/env/consts/constant.ARCH.html; purls and package
// managers mix several conventions.
var machines = map[string]string{
	"386": "386", "x86": "386", "i386": "386", "i686": "386",
	"amd64": "amd64", "x86_64": "amd64", "x64": "amd64",
	"arm": "arm", "armhf": "arm", "armv7": "arm", "armv7l": "arm",
	"arm64": "arm64", "aarch64": "arm64",
	"ppc64le": "ppc64le", "powerpc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x",
}

// hasArch reports whether a list of architectures contains one, or is empty. An unknown
// architecture matches any.
func hasArch(arch string, arches []string) bool {
	own, known := machines[arch]
	return !known || len(arches) == 0 || slices.ContainsFunc(arches, func(a string) bool { return machines[a] == "" || machines[a] == own })
}

// hasOS is hasArch for operating systems, with the values of GOOS.
func hasOS(os string, all []string) bool {
	return os == "" || len(all) == 0 || slices.Contains(all, os)
}

// applies reports whether a row may be about a target.
func (m *registryMatcher) applies(t *target, q *assay.Qualifiers) bool {
	if m.ecosystem == products && !t.product.applies(q, m.release) {
		return false
	}
	return hasArch(t.pkg.Arch, q.Arches) && hasOS(t.pkg.OS, q.OS) && hasUUID(t.pkg, q.UUID)
}

// hasUUID reports whether a package has the UUID of a row, or one of them none.
func hasUUID(p *assay.Package, uuid string) bool {
	if uuid == "" {
		return true
	}
	own := purl.UUID(p.PURL)
	return own == "" || own == uuid
}

// maxFunctions bounds the functions that a reason names; the rest is counted.
const maxFunctions = 5

// unreachable says why the target does not contain the vulnerable code, where an
// advisory on the vulnerability names it; "" when it does, or may. One publisher's
// functions also count for the rows of other publishers.
func (m *registryMatcher) unreachable(t *target, v *vulnerability) string {
	imports := v.imports()
	if len(imports) == 0 {
		return ""
	}
	var elsewhere, functions []string
	for _, i := range imports {
		switch {
		case !hasArch(t.pkg.Arch, i.Arches) || !hasOS(t.pkg.OS, i.OS):
			elsewhere = append(elsewhere, append(slices.Clone(i.OS), i.Arches...)...)
		case m.options.AllSymbols || t.pkg.Symbols == nil || len(present(t.pkg.Symbols, i)) > 0:
			return ""
		default:
			functions = append(functions, names(i)...)
		}
	}
	if len(functions) == 0 {
		return fmt.Sprintf("only %s is affected; the package was built for %s", strings.Join(cve.Set(elsewhere), ", "), strings.Trim(t.pkg.OS+"/"+t.pkg.Arch, "/"))
	}
	return "the vulnerable code is not linked into the binary: " + few(functions)
}

// linked names the vulnerable code that the target contains; "" when that is unknown.
func (m *registryMatcher) linked(t *target) string {
	if t.pkg.Symbols == nil {
		return ""
	}
	var found []string
	for k := range m.rows {
		imports := m.rows[k].Row.Qualifiers.Imports
		for i := range imports {
			found = append(found, present(t.pkg.Symbols, &imports[i])...)
		}
	}
	if found = cve.Set(found); len(found) == 0 {
		return ""
	}
	return "linked: " + few(found)
}

// few writes the first of many functions, and counts the rest.
func few(functions []string) string {
	all := cve.Set(functions)
	if len(all) <= maxFunctions {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:maxFunctions], ", "), len(all)-maxFunctions)
}

// present lists the functions of an import that a binary links.
func present(s assay.Symbols, i *assay.Import) (found []string) {
	for _, n := range names(i) {
		if s.Has(n) {
			found = append(found, n)
		}
	}
	return found
}

// names returns the functions of an import as Symbols stores them; the whole import is
// its path.
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

// imports lists the vulnerable code that the advisories on a vulnerability name.
func (v *vulnerability) imports() (out []*assay.Import) {
	for _, a := range v.advisories {
		for i := range a.Affected {
			imports := a.Affected[i].Qualifiers.Imports
			for k := range imports {
				out = append(out, &imports[k])
			}
		}
	}
	return out
}
