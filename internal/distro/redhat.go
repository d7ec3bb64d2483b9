package distro

import (
	"strings"

	"github.com/assaysec/assay"
)

// redhat adds what only Red Hat has: its advisories name products, which follow from
// the repositories of the packages, and always name a module.
// https://www.redhat.com/en/blog/vulnerability-exploitability-exchange-vex-beta-files-now-available
func redhat(f Family) Family {
	f.Repositories, f.namesStems = assay.StreamRHELCPE, true
	f.Products = func(r assay.Release) []string {
		major, _, _ := strings.Cut(r.Version, ".")
		if major == "" || isCentOSStream(r) {
			return nil
		}
		o, a := "cpe:/o:redhat:enterprise_linux:"+major, "cpe:/a:redhat:enterprise_linux:"+major
		return []string{o, o + "::baseos", a + "::appstream", a + "::crb", o + "::server", o + "::client", o + "::workstation"}
	}
	return f
}

// ContentSet returns the name by which a repository's products are listed:
// "rhel-8-for-x86_64-baseos-rpms__8" is a tool's copy of the repository before "__".
func ContentSet(name string) string {
	base, tail, ok := strings.Cut(name, "__")
	if ok && tail != "" && strings.Trim(tail, "0123456789") == "" {
		return base
	}
	return name
}
