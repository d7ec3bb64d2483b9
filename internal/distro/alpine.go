package distro

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

var alpine = Family{
	ID: "alpine", Title: "Alpine Linux", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true,
	Stream: func(r assay.Release) assay.Stream {
		if r.Version == "edge" {
			return "alpine:edge"
		}
		return numbered("alpine", 2)(r)
	},
	refine: refineAlpine,
}

// rolling lists the apk distributions without releases. Their advisories name origin
// packages, as Alpine's do.
var rolling = []Family{
	{ID: "wolfi", Title: "Wolfi", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true, Stream: only("wolfi")},
	{ID: "chainguard", Title: "Chainguard", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true, Stream: only("chainguard")},
	{ID: "minimos", Title: "MinimOS", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true, Stream: only("minimos")},
	{ID: "secureos", Title: "SecureOS", Package: assay.TypeApk, Scheme: "apk", BySource: true, fixesOnly: true, Stream: only("secureos")},
}

// refineAlpine takes the release from the branch of the package repositories, because
// packages come from there. In a system that was upgraded to edge, or built from
// another branch, alpine-release names only the original release. Of several branches
// the newest wins.
func refineAlpine(r *assay.Release, parts []assay.Release) []assay.Gap {
	if strings.Contains(r.Version, "_alpha") { // edge claims the version of the next release's snapshot
		r.Version = "edge"
	}
	best := ""
	for _, p := range parts {
		for _, branch := range p.Repos {
			if newerBranch(branch, best) {
				best = branch
			}
		}
	}
	r.Repos = nil
	version := strings.TrimPrefix(best, "v")
	if best == "" || version == r.Version || strings.HasPrefix(r.Version, version+".") {
		return nil
	}
	var gaps []assay.Gap
	if r.Version != "" {
		gaps = append(gaps, assay.Gap{Where: r.Path, What: fmt.Sprintf(
			"names release %s, but packages come from %s (etc/apk/repositories); matched with %[2]s", r.Version, best)})
	}
	r.Version = version
	return gaps
}

// newerBranch orders "", "v3.9", "v3.20", "edge".
func newerBranch(a, b string) bool {
	return branchRank(a) > branchRank(b)
}

func branchRank(b string) int {
	if b == "edge" {
		return 1 << 30
	}
	major, minor, _ := strings.Cut(strings.TrimPrefix(b, "v"), ".")
	x, err1 := strconv.Atoi(major)
	y, err2 := strconv.Atoi(minor)
	if err1 != nil || err2 != nil {
		return -1
	}
	return x<<16 + y
}
