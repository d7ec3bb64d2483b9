package distro

import "github.com/assaysec/assay"

// Ubuntu's advisories for machines with extended security maintenance are a
// stream of their own: they name fixes that others do not get.
// https://ubuntu.com/security/esm
var ubuntu = Family{
	ID: "ubuntu", Title: "Ubuntu", Package: assay.TypeDeb, Scheme: "deb", BySource: true,
	Stream: func(r assay.Release) assay.Stream {
		if r.ESM {
			return numbered("ubuntu-esm", 2)(r)
		}
		return numbered("ubuntu", 2)(r)
	},
	thirdParty: thirdPartyDeb,
}
