package distro

import "github.com/assaysec/assay"

var arch = Family{
	ID: "arch", Names: []string{"archlinux"}, Title: "Arch Linux", Package: assay.TypeAlpm, Scheme: "pacman",
	Stream: only("arch"),
}

var openwrt = Family{
	ID: "openwrt", Title: "OpenWrt", Package: assay.TypeOpkg, Scheme: "deb", fixesOnly: true, // no advisories at all
	Stream: numbered("openwrt", 2),
}
