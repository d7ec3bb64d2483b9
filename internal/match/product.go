package match

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/identifier/cpe"
)

// This file matches bare binaries, which are in no registry, by the CPE names that NVD
// has for them. It never matches packages of a registry this way, because different
// software shares names.

// products is NVD's dictionary as a registry.
var products = &ecosystem.Ecosystem{Stream: assay.StreamCPE, Title: "NVD's products", Scheme: "generic"}

// A product contains the parts of a CPE name besides vendor, product and version.
type product struct{ part, targetSoftware string }

// productsOf returns a target for each name that NVD has for a package.
func productsOf(p *assay.Package) (out []*target) {
	for _, s := range p.CPEs {
		n, ok := cpe.ParseFormatted(s)
		if !ok {
			continue
		}
		t := &target{pkg: p, name: productName(n), version: p.Version, product: product{n.Part, n.TargetSoftware}}
		if n.Version != "" && n.Version != "-" {
			t.version = n.Version
			if n.Update != "" && n.Update != "-" {
				t.version += ":" + n.Update
			}
		}
		t.version = javaVersion(t.name, t.version)
		if !slices.ContainsFunc(out, func(o *target) bool { return o.name == t.name }) {
			out = append(out, t)
		}
	}
	return out
}

// productName returns a product's name in its stream: "vendor:product".
func productName(n cpe.Name) string { return cmp.Or(n.Vendor, "*") + ":" + cmp.Or(n.Product, "*") }

// applies reports whether a row may be about a product in a container of a release. It
// does not apply if it is for another platform, or only for use with something that no
// container contains.
func (p product) applies(q *assay.Qualifiers, r assay.Release) bool {
	if len(q.CPEs) > 0 && !slices.ContainsFunc(q.CPEs, p.covers) {
		return false
	}
	return len(q.RunningOn) == 0 || slices.ContainsFunc(q.RunningOn, func(s string) bool { return mayRunOn(s, r) })
}

// covers reports whether a row's name may be the product's. The version is judged
// separately.
func (p product) covers(name string) bool {
	n, ok := cpe.ParseFormatted(name)
	if !ok {
		return true
	}
	software := n.TargetSoftware
	return n.Part == p.part && (software == "" || software == "-" || software == p.targetSoftware || strings.Contains(software, "linux") || strings.Contains(software, "unix"))
}

// foreignSystems lists makers of operating systems that no Linux container runs.
var foreignSystems = regexp.MustCompile(`^(microsoft|apple|google:(android|chrome_os)|freebsd|openbsd|netbsd|oracle:solaris|sun|ibm:(aix|i\b|os|z)|hp:|novell:netware|vmware:esx|cisco|juniper)`)

// mayRunOn reports whether a CPE may name part of a container of a release: of the
// operating systems, only the container's own and unknown ones.
func mayRunOn(name string, r assay.Release) bool {
	n, ok := cpe.ParseFormatted(name)
	if !ok {
		return true
	}
	switch n.Part {
	case "h":
		return false
	case "o":
		switch {
		case strings.HasSuffix(n.Product, "_firmware"), foreignSystems.MatchString(productName(n)):
			return false
		case n.Vendor == "linux" || n.Product == "linux" || r.ID == "":
			return true
		}
		makers, ok := systemMakers[n.Vendor]
		return !ok || slices.Contains(makers, strings.ToLower(r.ID))
	}
	return true
}

// systemMakers maps os-release's ID to the CPE vendor, for makers of several systems or
// with another name. Whether a container runs another maker's system is unknown.
var systemMakers = map[string][]string{
	"debian": {"debian"}, "canonical": {"ubuntu"}, "fedoraproject": {"fedora"}, "alpinelinux": {"alpine"}, "archlinux": {"arch"}, "gentoo": {"gentoo"},
	"redhat": {"rhel", "centos", "fedora"}, "centos": {"centos"}, "oracle": {"ol"}, "rockylinux": {"rocky"}, "almalinux": {"almalinux"}, "amazon": {"amzn"},
	"suse": {"sles", "sled", "sle-micro", "opensuse-leap", "opensuse-tumbleweed"}, "opensuse": {"opensuse-leap", "opensuse-tumbleweed"}, "opensuse_project": {"opensuse-leap", "opensuse-tumbleweed"}, "novell": {"sles", "sled"},
}

// normalizeVersions writes the versions of rows about a product in the form of targets'
// versions.
func normalizeVersions(product string, advisories []assay.Advisory) []assay.Advisory {
	out := slices.Clone(advisories)
	for i := range out {
		out[i].Affected = slices.Clone(out[i].Affected)
		for j := range out[i].Affected {
			row := &out[i].Affected[j]
			row.Versions, row.Ranges = slices.Clone(row.Versions), slices.Clone(row.Ranges)
			for k := range row.Versions {
				row.Versions[k] = javaVersion(product, row.Versions[k])
			}
			for k := range row.Ranges {
				r := &row.Ranges[k]
				for _, v := range []*string{&r.Introduced, &r.Fixed, &r.Before, &r.LastAffected} {
					*v = javaVersion(product, *v)
				}
			}
		}
	}
	return out
}

var javaUpdate = regexp.MustCompile(`^(?:1\.)?([5-8])(?:\.0)?(?:(?:_|:update_?|u)(\d+))?(?:-b\d+)?$`)

// javaVersion writes versions of Java before 9 in one form: "8.0.352" for
// "1.8.0_352-b08", "1.8.0:update352", "8:update352" and "8u352".
// https://openjdk.org/jeps/223
func javaVersion(product, v string) string {
	_, name, _ := strings.Cut(product, ":")
	switch name {
	case "jdk", "jre", "openjdk", "zulu", "graalvm", "java_se":
		if m := javaUpdate.FindStringSubmatch(v); m != nil {
			return m[1] + ".0." + cmp.Or(m[2], "0")
		}
	}
	return v
}
