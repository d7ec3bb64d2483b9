package match

import (
	"path"
	"slices"

	"github.com/assaysec/assay"
)

// headers are the names of packages that hold declarations of the kernel's, for
// building programs and modules, by their source package: "kernel6.12-devel" is Amazon's,
// "linux-api-headers" Photon's. The kernel's code, in
// which its vulnerabilities are, is in others.
var headers = map[string]struct{ sources, names []string }{
	assay.TypeDeb: {[]string{"linux", "linux-*"}, []string{"linux-libc-dev", "linux-libc-dev-*", "linux-headers-*", "linux-kbuild-*", "linux-*-headers-*"}},
	assay.TypeRPM: {
		[]string{"kernel", "kernel-*", "kernel[0-9]*", "linux-glibc-devel", "linux", "linux-api-headers", "linux-aws", "linux-esx", "linux-rt", "linux-secure"},
		[]string{"kernel-headers", "kernel-*-headers", "kernel-devel", "kernel-*-devel", "kernel-devel-*", "kernel[0-9]*-headers", "kernel[0-9]*-devel",
			"linux-glibc-devel", "linux-api-headers", "linux-devel", "linux-*-devel"},
	},
}

// headersReason says why a vulnerability of the kernel is none of its headers.
const headersReason = "the package holds headers of the kernel only, not its code; --kernel-headers counts them"

func isHeaders(p *assay.Package) bool {
	h := headers[p.Type]
	like := func(name string) func(string) bool {
		return func(glob string) bool {
			ok, err := path.Match(glob, name)
			return ok && err == nil
		}
	}
	return slices.ContainsFunc(h.sources, like(p.SourceName())) && slices.ContainsFunc(h.names, like(p.Name))
}

// withoutHeaders takes the findings of packages with headers out of the others.
func withoutHeaders(inv *assay.Inventory, findings []assay.Finding) (kept []assay.Finding, out []assay.Suppressed) {
	for _, f := range findings {
		if isHeaders(&inv.Packages[f.Package]) {
			out = append(out, assay.Suppressed{Finding: f, Suppression: assay.Suppression{As: assay.StatusNotAffected, By: assay.SuppressedByMatch, Reason: headersReason}})
		} else {
			kept = append(kept, f)
		}
	}
	return kept, out
}
