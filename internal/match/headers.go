package match

import (
	"path"
	"slices"

	"github.com/assaysec/assay"
)

// headers lists the packages with the kernel's headers, which serve to build programs
// and modules, by source package: "kernel6.12-devel" is Amazon's, "linux-api-headers"
// Photon's. The vulnerable code of the kernel is in other packages.
var headers = map[string]struct{ sources, names []string }{
	assay.TypeDeb: {[]string{"linux", "linux-*"}, []string{"linux-libc-dev", "linux-libc-dev-*", "linux-headers-*", "linux-kbuild-*", "linux-*-headers-*"}},
	assay.TypeRPM: {
		[]string{"kernel", "kernel-*", "kernel[0-9]*", "linux-glibc-devel", "linux", "linux-api-headers", "linux-aws", "linux-esx", "linux-rt", "linux-secure"},
		[]string{"kernel-headers", "kernel-*-headers", "kernel-devel", "kernel-*-devel", "kernel-devel-*", "kernel[0-9]*-headers", "kernel[0-9]*-devel",
			"linux-glibc-devel", "linux-api-headers", "linux-devel", "linux-*-devel"},
	},
}

// headersReason says why a vulnerability of the kernel does not affect its headers.
const headersReason = "the package contains only kernel headers, not the kernel's code (--kernel-headers counts them)"

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
