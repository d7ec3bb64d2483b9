package distro

import "strings"

// ID returns os-release's ID of a distribution that other programs name differently.
func ID(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "alma":
		return "almalinux"
	case "redhat":
		return "rhel"
	case "oracle":
		return "ol"
	case "amazon":
		return "amzn"
	case "cbl-mariner":
		return "mariner"
	case "opensuse.leap", "opensuse-leap":
		return "opensuse-leap"
	case "suse linux enterprise server":
		return "sles"
	}
	return name
}
