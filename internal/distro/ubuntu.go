package distro

import (
	"cmp"
	"maps"
	"slices"

	"github.com/assaysec/assay"
)

// Ubuntu's advisories for machines with extended security maintenance are a stream of
// their own, because their fixes are not available to others.
// https://ubuntu.com/security/esm
var ubuntu = Family{
	ID: "ubuntu", Title: "Ubuntu", Package: assay.TypeDeb, Scheme: "deb", BySource: true, flavour: Flavour,
	Stream: func(r assay.Release) assay.Stream {
		if r.ESM {
			return numbered("ubuntu-esm", 2)(r)
		}
		return numbered("ubuntu", 2)(r)
	},
	thirdParty: thirdPartyDeb,
}

// ubuntuReleases maps the code names of Ubuntu's releases to their numbers.
// https://wiki.ubuntu.com/Releases and https://salsa.debian.org/debian/distro-info-data
// (2026-11-23)
var ubuntuReleases = map[string]string{
	"warty": "4.10", "hoary": "5.04", "breezy": "5.10", "dapper": "6.06", "edgy": "6.10", "feisty": "7.04",
	"gutsy": "7.10", "hardy": "8.04", "intrepid": "8.10", "jaunty": "9.04", "karmic": "9.10", "lucid": "10.04",
	"maverick": "10.10", "natty": "11.04", "oneiric": "11.10", "precise": "12.04", "quantal": "12.10", "raring": "13.04",
	"saucy": "13.10", "trusty": "14.04", "utopic": "14.10", "vivid": "15.04", "wily": "15.10", "xenial": "16.04",
	"yakkety": "16.10", "zesty": "17.04", "artful": "17.10", "bionic": "18.04", "cosmic": "18.10", "disco": "19.04",
	"eoan": "19.10", "focal": "20.04", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10", "jammy": "22.04",
	"kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04", "oracular": "24.10", "plucky": "25.04",
	"questing": "25.10", "resolute": "26.04", "stonking": "26.10",
}

// UbuntuNumber returns the number of the Ubuntu release with a code name: "jammy" is
// "22.04".
func UbuntuNumber(codename string) (number string, ok bool) {
	number, ok = ubuntuReleases[codename]
	return number, ok
}

// UbuntuCodenames lists the code names of the releases, the oldest first.
func UbuntuCodenames() []string {
	return slices.SortedFunc(maps.Keys(ubuntuReleases), func(a, b string) int {
		x, y := ubuntuReleases[a], ubuntuReleases[b]
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}
