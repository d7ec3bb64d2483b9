package distro

import (
	"strings"

	"github.com/assaysec/assay"
)

// rpmFamilies lists the distributions with rpm packages. Their advisories name binary
// packages, except Azure Linux's and Photon's.
var rpmFamilies = []Family{
	rpm("almalinux", "AlmaLinux", numbered("almalinux", 1), "almalinux", "cloudlinux"),
	rpm("rocky", "Rocky Linux", numbered("rocky", 1), "rocky"),
	redhat(rpm("rhel", "Red Hat Enterprise Linux", numbered("rhel", 1), "red hat")),
	redhat(rpm("centos", "CentOS", centosStream, "centos", "red hat")),
	fixesOnly(rpm("fedora", "Fedora", numbered("fedora", 1), "fedora")),
	flavoured(rpm("ol", "Oracle Linux", numbered("oracle", 1), "oracle"), Flavour),
	fixesOnly(rpm("amzn", "Amazon Linux", amazonStream, "amazon")),
	named(epochless(rpm("sles", "SUSE Linux Enterprise Server", numbered("sles", 2), "suse")), "sles_sap", "sled"),
	named(epochless(rpm("sle-micro", "SUSE Linux Enterprise Micro", numbered("sle-micro", 2), "suse")), "sl-micro", "suse-microos", "sle-micro-rancher"),
	named(epochless(rpm("opensuse-leap", "openSUSE Leap", numbered("opensuse-leap", 2), "opensuse", "suse")), "opensuse"),
	epochless(rpm("opensuse-tumbleweed", "openSUSE Tumbleweed", only("opensuse-tumbleweed"), "opensuse", "suse")),
	fixesOnly(flavoured(epochless(rpm("openeuler", "openEuler", numbered("openeuler", 2), "openeuler", "http://openeuler.org")), openEulerTag)),
	bySource(rpm("photon", "Photon OS", numbered("photon", 2), "vmware", "broadcom")),
	named(bySource(rpm("azurelinux", "Azure Linux", numbered("azurelinux", 2), "microsoft")), "mariner"),
	fixesOnly(rpm("bottlerocket", "Bottlerocket", only("bottlerocket"))),
}

func rpm(id, title string, stream func(assay.Release) assay.Stream, vendors ...string) Family {
	return Family{
		ID: id, Title: title, Package: assay.TypeRPM, Scheme: "rpm", Stream: stream,
		thirdParty: func(p *assay.Package) string { return thirdPartyRPM(p, vendors) },
	}
}

func bySource(f Family) Family { f.BySource = true; return f }

func flavoured(f Family, of func(version string) string) Family { f.flavour = of; return f }

func epochless(f Family) Family { f.epochless = true; return f }

func fixesOnly(f Family) Family { f.fixesOnly = true; return f }

func named(f Family, names ...string) Family { f.Names = names; return f }

// thirdPartyRPM decides by the vendor that signed the package. A package without a
// vendor counts as the distribution's, because a missed vulnerability is worse.
func thirdPartyRPM(p *assay.Package, vendors []string) string {
	vendor := strings.ToLower(p.Vendor)
	if vendor == "" || vendor == "(none)" || len(vendors) == 0 {
		return ""
	}
	for _, v := range vendors {
		if strings.HasPrefix(vendor, v) {
			return ""
		}
	}
	return "published by " + p.Vendor
}

// centosStream returns Red Hat's stream for CentOS up to 8, a rebuild of it. CentOS
// Stream is ahead of Red Hat and has no advisories of its own.
func centosStream(r assay.Release) assay.Stream {
	if isCentOSStream(r) {
		return numbered("centos-stream", 1)(r)
	}
	return numbered("rhel", 1)(r)
}

func isCentOSStream(r assay.Release) bool { return strings.Contains(r.Name, "Stream") }

// amazonStream returns the stream of Amazon Linux, whose first release is numbered by
// date, 2018.03.
func amazonStream(r assay.Release) assay.Stream {
	switch major, _, _ := strings.Cut(r.Version, "."); major {
	case "2", "2022", "2023":
		return assay.Stream("amazon:" + major)
	case "":
		return ""
	}
	return "amazon:1"
}
