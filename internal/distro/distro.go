// Package distro knows the distributions: which stream of advisories is about an
// image, which names and versions the advisories use, and which packages are not
// the distribution's own. It has one file a family.
package distro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A Family is a distribution, or several that share their advisories' form.
type Family struct {
	ID       string   // as os-release's ID, and the purl namespace
	Names    []string // further IDs that mean the same
	Title    string   // for people
	Package  string   // type of its packages: assay.TypeDeb, …
	Scheme   string   // version scheme of its advisories, as named in package version
	BySource bool     // advisories name source packages, not binary ones

	// Stream is the stream of advisories for a release; "" when the release
	// does not say enough.
	Stream func(assay.Release) assay.Stream

	// Repositories is the stream with the products of each repository, for
	// families whose advisories name products; "" for others.
	Repositories assay.Stream
	// Products lists the products of a release whose image does not say where
	// its packages come from; nil without Repositories.
	Products func(assay.Release) []string

	flavour    func(version string) string // see Flavoured; nil: all builds are one
	epochless  bool                        // versions in advisories have no epoch
	namesStems bool                        // advisories name the module of each package that has one
	fixesOnly  bool                        // see Exhaustive

	// refine sets what other files know better than os-release; may be nil.
	refine func(*assay.Release, []assay.Release) []assay.Gap
	// thirdParty says why a package is not the distribution's; may be nil.
	thirdParty func(*assay.Package) string
}

// families lists all, each in a file of its own or with similar ones.
var families = slices.Concat(
	[]Family{debian, ubuntu, alpine, arch, openwrt},
	rolling,
	fromOSV,
	rpmFamilies,
)

// Of returns the family of a release. A derivative that is not known by its
// own ID is not taken for what it is like: its packages may be others.
func Of(r assay.Release) (*Family, bool) {
	id := strings.ToLower(r.ID)
	for i := range families {
		if f := &families[i]; id != "" && (f.ID == id || slices.Contains(f.Names, id)) {
			return f, true
		}
	}
	return nil, false
}

// ThirdParty says why the distribution's advisories do not cover a package; ""
// when they do.
func (f *Family) ThirdParty(p *assay.Package) string {
	if p.Type != f.Package {
		return fmt.Sprintf("a %s package on %s", p.Type, f.Title)
	}
	if _, rebuilt := f.Rebuilder(p); rebuilt || f.thirdParty == nil {
		return ""
	}
	return f.thirdParty(p)
}

// Exhaustive reports whether the advisories on a release also list what is not
// fixed, or repeat those of a distribution that does: then a package without an
// advisory is not affected, nor is what it owns. Distributions that rebuild Red
// Hat's inherit fixes that their own errata do not list.
func (f *Family) Exhaustive(r assay.Release) bool {
	return !f.fixesOnly && (f.ID != "centos" || !isCentOSStream(r))
}

// rank orders the files that may name the release, best first.
var rank = []string{
	"etc/os-release", "usr/lib/os-release", "etc/lsb-release",
	"etc/almalinux-release", "etc/rocky-release", "etc/oracle-release", "etc/centos-release",
	"etc/fedora-release", "etc/system-release", "usr/lib/system-release", "etc/redhat-release",
	"etc/SuSE-release", "etc/alpine-release", "etc/debian_version", "etc/arch-release",
}

// Identify puts together what the files of an image say of its release. Gaps
// report where they contradict each other in a way that matters. No release in
// parts is the zero Release.
func Identify(parts []assay.Release) (assay.Release, []assay.Gap) {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b assay.Release) int { return rankOf(a.Path) - rankOf(b.Path) })
	var r assay.Release
	for _, p := range parts {
		if p.ID == "" {
			continue
		}
		if r.ID == "" {
			r = p
			continue
		}
		if p.ID == r.ID { // a second file of the same distribution fills what the first leaves open
			fill(&r.Version, p.Version)
			fill(&r.Codename, p.Codename)
			fill(&r.Name, p.Name)
			fill(&r.CPE, p.CPE)
			fill(&r.Variant, p.Variant)
		}
	}
	for _, p := range parts {
		r.ContentSets = append(r.ContentSets, p.ContentSets...)
		fill(&r.NVR, p.NVR)
		r.ESM = r.ESM || p.ESM
	}
	if r.ID == "" {
		for _, p := range parts { // Alpine without release files, as some build from scratch
			if len(p.Repos) > 0 {
				r = assay.Release{ID: alpine.ID, Name: "Alpine Linux", Path: p.Path}
			}
		}
	}
	var gaps []assay.Gap
	if f, ok := Of(r); ok {
		if f.refine != nil {
			gaps = f.refine(&r, parts)
		}
	}
	return r, gaps
}

func rankOf(path string) int {
	if i := slices.Index(rank, path); i >= 0 {
		return i
	}
	return len(rank)
}

func fill(to *string, from string) {
	if *to == "" {
		*to = from
	}
}

// numbered makes a stream of the first n numbers of a version: "3.20.1" with
// two is "alpine:3.20".
func numbered(family string, n int) func(assay.Release) assay.Stream {
	return func(r assay.Release) assay.Stream {
		if r.Version == "" {
			return ""
		}
		parts := strings.Split(r.Version, ".")
		return assay.Stream(family + ":" + strings.Join(parts[:min(n, len(parts))], "."))
	}
}

// only makes the stream of a distribution without releases.
func only(family string) func(assay.Release) assay.Stream {
	return func(assay.Release) assay.Stream { return assay.Stream(family) }
}
