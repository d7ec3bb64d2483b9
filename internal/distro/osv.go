package distro

import (
	"strings"

	"github.com/assaysec/assay"
)

// fromOSV lists the distributions whose advisories are only in the Open Source
// Vulnerability database, and Echo, which consists of Debian's packages. The
// identifiers are those of their purls there (November 2026).
var fromOSV = []Family{
	{ID: "alpaquita", Title: "Alpaquita Linux", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true, Stream: bellSoft("alpaquita")},
	{ID: "bellsoft-hardened-containers", Title: "BellSoft Hardened Containers", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true, Stream: bellSoft("bellsoft-hardened-containers")},
	fixesOnly(bySource(rpm("mageia", "Mageia", numbered("mageia", 1), "mageia"))),
	{ID: "echo", Title: "Echo", Package: assay.TypeDeb, Scheme: "deb", BySource: true, Stream: only("echo")},
}

// bellSoft returns the stream of a release, which has the number of a year; the rolling
// one is "stream".
func bellSoft(family string) func(assay.Release) assay.Stream {
	return func(r assay.Release) assay.Stream {
		if r.Version == "" || strings.Contains(strings.ToLower(r.Version+" "+r.Name), "stream") {
			return assay.Stream(family + ":stream")
		}
		return numbered(family, 1)(r)
	}
}
