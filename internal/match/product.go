package match

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// This file matches bare binaries, which no registry knows, by the CPE names
// under which NVD does. Packages of a registry are never matched so: names are
// shared by strangers.

// products is NVD's dictionary as a registry.
var products = &ecosystem.Ecosystem{Stream: assay.StreamCPE, Title: "NVD's products", Scheme: "generic"}

// A product is what a CPE name tells besides vendor, product and version.
// https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf
type product struct{ part, targetSoftware string }

// The places of attributes in a CPE 2.3 name.
const (
	cpePart           = 2
	cpeVendor         = 3
	cpeProduct        = 4
	cpeVersion        = 5
	cpeUpdate         = 6
	cpeTargetSoftware = 10
	cpeLength         = 13
)

// productsOf returns a target for each name that NVD has for a package.
func productsOf(p *assay.Package) (out []*target) {
	for _, name := range p.CPEs {
		parts := cutCPE(name)
		if len(parts) != cpeLength {
			continue
		}
		t := &target{pkg: p, name: plainCPE(parts[cpeVendor]) + ":" + plainCPE(parts[cpeProduct]), version: p.Version,
			product: product{parts[cpePart], parts[cpeTargetSoftware]}}
		if v := parts[cpeVersion]; v != "*" && v != "-" {
			t.version = plainCPE(v)
			if u := parts[cpeUpdate]; u != "*" && u != "-" {
				t.version += ":" + plainCPE(u)
			}
		}
		t.version = javaVersion(t.name, t.version)
		if !slices.ContainsFunc(out, func(o *target) bool { return o.name == t.name }) {
			out = append(out, t)
		}
	}
	return out
}

// applies reports whether a row may be about a product found in a container
// of a release: not one for another platform, and not one that is affected
// beside what a container cannot hold only.
func (p product) applies(q *assay.Qualifiers, r assay.Release) bool {
	if len(q.CPEs) > 0 && !slices.ContainsFunc(q.CPEs, p.covers) {
		return false
	}
	return len(q.RunningOn) == 0 || slices.ContainsFunc(q.RunningOn, func(s string) bool { return mayBe(s, r) })
}

// covers reports whether a row's name may be the product's: its version is
// judged apart.
func (p product) covers(name string) bool {
	parts := cutCPE(name)
	if len(parts) != cpeLength {
		return true
	}
	sw := parts[cpeTargetSoftware]
	return parts[cpePart] == p.part && (sw == "*" || sw == "-" || sw == p.targetSoftware || strings.Contains(sw, "linux") || strings.Contains(sw, "unix"))
}

// foreignSystems are makers of operating systems that no Linux container runs on.
var foreignSystems = regexp.MustCompile(`^(microsoft|apple|google:(android|chrome_os)|freebsd|openbsd|netbsd|oracle:solaris|sun|ibm:(aix|i\b|os|z)|hp:|novell:netware|vmware:esx|cisco|juniper)`)

// mayBe reports whether a container of a release may be what a CPE names: of
// operating systems it is its own and those that are not told apart.
func mayBe(name string, r assay.Release) bool {
	parts := cutCPE(name)
	if len(parts) != cpeLength {
		return true
	}
	vendor, what := plainCPE(parts[cpeVendor]), plainCPE(parts[cpeProduct])
	switch parts[cpePart] {
	case "h":
		return false
	case "o":
		switch {
		case strings.HasSuffix(what, "_firmware"), foreignSystems.MatchString(vendor + ":" + what):
			return false
		case vendor == "linux" || what == "linux" || r.ID == "":
			return true
		}
		makers, told := systemMakers[vendor]
		return !told || slices.Contains(makers, strings.ToLower(r.ID))
	}
	return true
}

// systemMakers lists the distributions, by os-release's ID, of those who make
// several or call themselves otherwise. Of others' it is not known what a
// container has of them.
var systemMakers = map[string][]string{
	"debian": {"debian"}, "canonical": {"ubuntu"}, "fedoraproject": {"fedora"}, "alpinelinux": {"alpine"}, "archlinux": {"arch"}, "gentoo": {"gentoo"},
	"redhat": {"rhel", "centos", "fedora"}, "centos": {"centos"}, "oracle": {"ol"}, "rockylinux": {"rocky"}, "almalinux": {"almalinux"}, "amazon": {"amzn"},
	"suse": {"sles", "sled", "sle-micro", "opensuse-leap", "opensuse-tumbleweed"}, "opensuse": {"opensuse-leap", "opensuse-tumbleweed"}, "opensuse_project": {"opensuse-leap", "opensuse-tumbleweed"}, "novell": {"sles", "sled"},
}

// cutCPE cuts a CPE 2.3 name at its colons, of which those that belong to
// values have a backslash.
func cutCPE(s string) []string {
	var parts []string
	begin := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}

func plainCPE(s string) string { return strings.ReplaceAll(s, `\`, "") }

// normalizeVersions writes the versions of rows about a product as those of targets.
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

// javaVersion writes versions of Java before 9 in one way: "8.0.352" for
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
