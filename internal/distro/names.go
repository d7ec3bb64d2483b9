package distro

import (
	"regexp"
	"strings"

	"github.com/assaysec/assay"
)

// otherNames maps names of distributions that other programs write, in lower case and
// with single spaces for all separators, to os-release's ID. Trivy's are in
// pkg/fanal/types/const.go, Grype's in grype/distro/type.go (2026-11).
var otherNames = map[string]string{
	"alma": "almalinux", "alma linux": "almalinux", "almalinux os": "almalinux",
	"alpine linux": "alpine", "alpinelinux": "alpine",
	"amazon": "amzn", "amazon linux": "amzn", "amazon linux ami": "amzn", "amazonlinux": "amzn",
	"arch linux": "arch", "archlinux": "arch",
	"azure": "azurelinux", "azure linux": "azurelinux", "cbl mariner": "mariner", "microsoft azure linux": "azurelinux",
	"centos linux": "centos", "centos stream": "centos",
	"debian gnu/linux": "debian", "debian linux": "debian",
	"fedora linux": "fedora", "fedoralinux": "fedora",
	"opensuse leap": "opensuse-leap", "opensuse tumbleweed": "opensuse-tumbleweed",
	"oracle": "ol", "oracle linux": "ol", "oracle linux server": "ol", "oraclelinux": "ol",
	"photon os": "photon", "vmware photon": "photon", "vmware photon os": "photon",
	"redhat": "rhel", "red hat": "rhel", "red hat enterprise linux": "rhel", "redhat enterprise linux": "rhel", "red hat enterprise linux server": "rhel",
	"rocky linux": "rocky", "rockylinux": "rocky",
	"sle micro": "sle-micro", "slem": "sle-micro", "sl micro": "sl-micro", "slemicro": "sle-micro",
	"suse": "sles", "sle": "sles", "suse linux enterprise": "sles", "suse linux enterprise server": "sles", "suse linux enterprise micro": "sle-micro", "suse linux micro": "sl-micro",
	"ubuntu linux": "ubuntu", "wolfi os": "wolfi", "chainguard os": "chainguard",
}

// nameSeparators divide the words of names, which programs write differently:
// "opensuse.leap", "cbl-mariner".
var nameSeparators = strings.NewReplacer("-", " ", "_", " ", ".", " ")

// ID returns os-release's ID of a distribution that other programs name differently.
func ID(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if id, ok := otherNames[strings.Join(strings.Fields(nameSeparators.Replace(name)), " ")]; ok {
		return id
	}
	return name
}

var (
	// withServicePack is SUSE's "15-SP4", which os-release writes as "15.4".
	withServicePack = regexp.MustCompile(`(?i)^([0-9]+)[-. ]?sp([0-9]+)`)
	// number is a version in a text: "2" in "2 (Karoo)", "2018.03" in "AMI release 2018.03".
	number = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)*`)
)

// Named returns the release of a distribution from its name and version as other
// programs write them: "amazon" and "2 (Karoo)", "debian" and "trixie/sid", "ubuntu"
// and "jammy", "alpine" and "v3.20".
func Named(name, version string) assay.Release {
	r := assay.Release{ID: ID(name)}
	if r.ID == "centos" && strings.Contains(strings.ToLower(name), "stream") {
		r.Name = "CentOS Stream"
	}
	r.Version, r.Codename = versionIn(r.ID, strings.ToLower(strings.TrimSpace(version)))
	return r
}

// versionIn finds the version of a release in a text in lower case: the number that it
// starts with, that of a code name, or the first number.
func versionIn(id, text string) (version, codename string) {
	if m := withServicePack.FindStringSubmatch(text); m != nil {
		return m[1] + "." + m[2], ""
	}
	words := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" ():/,", c) })
	if len(words) == 0 {
		return "", ""
	}
	first := words[0]
	if v := strings.TrimPrefix(first, "v"); v != "" && v[0] >= '0' && v[0] <= '9' {
		v, _, _ = strings.Cut(v, "-") // "24.03-LTS-SP3"
		return v, ""
	}
	for _, w := range words {
		switch {
		case id == debian.ID && w == "unstable":
			return "sid", "sid"
		case id == debian.ID && debianReleases[w] != "":
			return debianReleases[w], w
		case id == ubuntu.ID && ubuntuReleases[w] != "":
			return ubuntuReleases[w], w
		}
	}
	if first == "edge" || first == "stream" {
		return first, ""
	}
	if n := number.FindString(text); n != "" {
		return n, ""
	}
	return "", first
}
