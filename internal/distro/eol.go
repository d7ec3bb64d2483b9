package distro

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// cycles maps each family to its product on endoflife.date, and to how many numbers of
// a version make a release cycle. Families without releases, or without a product
// there, are missing. https://endoflife.date/tags/linux-distribution (2026-11-23)
var cycles = map[string]struct {
	product string
	numbers int
}{
	"almalinux":     {"almalinux", 1},
	"alpine":        {"alpine-linux", 2},
	"amzn":          {"amazon-linux", 1},
	"azurelinux":    {"azure-linux", 2},
	"centos":        {"centos", 1},
	"debian":        {"debian", 1},
	"fedora":        {"fedora", 1},
	"ol":            {"oracle-linux", 1},
	"openeuler":     {"openeuler", 2},
	"opensuse-leap": {"opensuse", 2},
	"openwrt":       {"openwrt", 2},
	"photon":        {"photon", 2},
	"rhel":          {"rhel", 1},
	"rocky":         {"rocky-linux", 1},
	"sle-micro":     {"suse-linux-micro", 2},
	"sles":          {"sles", 2},
	"ubuntu":        {"ubuntu", 2},
}

const centosStreamProduct = "centos-stream"

// EndOfLife returns the product and the release cycle of a release on endoflife.date:
// "debian" and "12". ok is false for rolling releases, for unknown distributions, and
// for Ubuntu with extended security maintenance, whose end of life depends on the
// subscription.
func EndOfLife(r assay.Release) (product, cycle string, ok bool) {
	f, known := Of(r)
	if !known || r.ESM {
		return "", "", false
	}
	c, known := cycles[f.ID]
	if !known || r.Version == "" || r.Version[0] < '0' || r.Version[0] > '9' { // "edge", "sid"
		return "", "", false
	}
	numbers := strings.Split(r.Version, ".")
	n := c.numbers
	switch {
	case f.ID == "amzn" && len(numbers[0]) == 4 && numbers[0] < "2022", // by date, 2018.03
		f.ID == "debian" && numbers[0] <= "3" && len(numbers[0]) == 1: // woody was 3.0, sarge 3.1
		n = 2
	case f.ID == "centos" && isCentOSStream(r):
		c.product = centosStreamProduct
	case f.ID == "sles" && len(numbers) == 1: // before its first service pack
		numbers = append(numbers, "0")
	}
	cycle = strings.Join(numbers[:min(n, len(numbers))], ".")
	if f.ID == "openeuler" {
		cycle += servicePack(r.Name)
	}
	return c.product, cycle, true
}

// servicePack returns the suffix of openEuler's cycles for a service pack, which only
// the long name contains: "openEuler 24.03 (LTS-SP3)" is of cycle "24.03-lts-sp3".
func servicePack(name string) string {
	_, s, _ := strings.Cut(name, "(")
	s, _, ok := strings.Cut(s, ")")
	if !ok || !strings.HasPrefix(s, "LTS") {
		return ""
	}
	return "-" + strings.ToLower(s)
}

// Products lists the products that EndOfLife names, sorted.
func Products() []string {
	names := []string{centosStreamProduct}
	for _, c := range cycles {
		names = append(names, c.product)
	}
	slices.Sort(names)
	return names
}
