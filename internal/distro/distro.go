// Package distro contains the rules of each distribution: which stream of advisories is
// about an image, which names and versions the advisories use, and which packages are
// not the distribution's own. It has one file for each family.
package distro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A Family is a distribution, or several that share the form of their advisories.
type Family struct {
	ID       string   // os-release's ID, and the purl namespace
	Names    []string // further IDs with the same meaning
	Title    string   // for people
	Package  string   // type of its packages: assay.TypeDeb, …
	Scheme   string   // version scheme of its advisories, as named in package version
	BySource bool     // advisories name source packages, not binary ones

	// Stream returns the stream of advisories for a release; "" when the release is not
	// known well enough.
	Stream func(assay.Release) assay.Stream

	// Repositories returns the stream with the products of each repository, for
	// families whose advisories name products; "" for others.
	Repositories assay.Stream
	// Products lists the products of a release whose image does not name the
	// repositories of its packages; nil without Repositories.
	Products func(assay.Release) []string

	flavour    func(version string) string // see Flavoured; nil: all builds are one
	epochless  bool                        // versions in advisories have no epoch
	namesStems bool                        // advisories name the module of each package that has one
	fixesOnly  bool                        // see Exhaustive

	// refine adds what other files say about the release; may be nil.
	refine func(*assay.Release, []assay.Release) []assay.Gap
	// thirdParty says why a package is not the distribution's; may be nil.
	thirdParty func(*assay.Package) string
}

// families lists all families; each has a file of its own, or shares it with similar
// ones.
var families = slices.Concat(
	[]Family{debian, ubuntu, alpine, arch, openwrt},
	rolling,
	fromOSV,
	rpmFamilies,
)

// Of returns the family of a release. It does not replace an unknown derivative by its
// parent distribution, because their packages may differ.
func Of(r assay.Release) (*Family, bool) {
	id := strings.ToLower(r.ID)
	for i := range families {
		if f := &families[i]; id != "" && (f.ID == id || slices.Contains(f.Names, id)) {
			return f, true
		}
	}
	return nil, false
}

// ThirdParty says why the distribution's advisories do not cover a package; "" when
// they do.
func (f *Family) ThirdParty(p *assay.Package) string {
	if p.Type != f.Package {
		return fmt.Sprintf("a %s package on %s", p.Type, f.Title)
	}
	if _, rebuilt := f.Rebuilder(p); rebuilt || f.thirdParty == nil {
		return ""
	}
	return f.thirdParty(p)
}

// Exhaustive reports whether the advisories on a release also list what is not fixed,
// or repeat those of a distribution that does. Then a package without an advisory is
// not affected, nor are the packages that it owns. Rebuilds of Red Hat inherit fixes
// that their own errata do not list.
func (f *Family) Exhaustive(r assay.Release) bool {
	return !f.fixesOnly && (f.ID != "centos" || !isCentOSStream(r))
}

// rank orders the files that may name the release, the best first.
var rank = []string{
	"etc/os-release", "usr/lib/os-release", "etc/lsb-release",
	"etc/almalinux-release", "etc/rocky-release", "etc/oracle-release", "etc/centos-release",
	"etc/fedora-release", "etc/system-release", "usr/lib/system-release", "etc/redhat-release",
	"etc/SuSE-release", "etc/alpine-release", "etc/debian_version", "etc/arch-release",
}

// Identify combines the release data of an image's files. Gaps report contradictions
// that matter. Without parts it returns the zero Release.
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
		if p.ID == r.ID { // a second file of the same distribution fills empty fields
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
		for _, p := range parts { // Alpine images built from scratch may have no release files
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

// numbered returns a function that makes a stream of the first n numbers of a version:
// "3.20.1" with two is "alpine:3.20".
func numbered(family string, n int) func(assay.Release) assay.Stream {
	return func(r assay.Release) assay.Stream {
		if r.Version == "" {
			return ""
		}
		parts := strings.Split(r.Version, ".")
		return assay.Stream(family + ":" + strings.Join(parts[:min(n, len(parts))], "."))
	}
}

// only returns the stream of a distribution without releases.
func only(family string) func(assay.Release) assay.Stream {
	return func(assay.Release) assay.Stream { return assay.Stream(family) }
}
