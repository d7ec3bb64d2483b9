package osvdump

import (
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/record/osv"
)

// Reasons why a package's ecosystem is not used.
const (
	whyRelease = "distribution without a known release"
	whyProduct = "product other than a distribution's release"
)

// distributions maps OSV's ecosystems to identifiers of distributions.
// https://ossf.github.io/osv-schema/#defined-ecosystems
var distributions = map[string]string{
	"AlmaLinux": "almalinux", "Alpaquita": "alpaquita", "Alpine": "alpine", "Azure Linux": "azurelinux", "BellSoft Hardened Containers": "bellsoft-hardened-containers",
	"Chainguard": "chainguard", "Debian": "debian", "Echo": "echo", "Mageia": "mageia", "MinimOS": "minimos", "Photon OS": "photon", "Rocky Linux": "rocky",
	"Ubuntu": "ubuntu", "Wolfi": "wolfi", "openEuler": "openeuler",
}

// systems lists the streams of distributions.
var systems = []assay.Stream{"almalinux:*", "alpaquita:*", "alpine:*", "azurelinux:*", "bellsoft-hardened-containers:*", "chainguard", "debian:*", "echo", "mageia:*", "minimos",
	"openeuler:*", "opensuse-leap:*", "opensuse-tumbleweed", "photon:*", "rhel:*", "rocky:*", "rootio:*", "sle-micro:*", "sles:*", "ubuntu:*", "ubuntu-esm:*", "wolfi"}

// ofSystem reports whether a stream is a distribution's.
func ofSystem(s assay.Stream) bool {
	return slices.ContainsFunc(systems, func(p assay.Stream) bool { return p.Covers(s) })
}

func streams() []assay.Stream {
	out := slices.Clone(systems)
	for _, e := range ecosystem.All() {
		out = append(out, e.Stream)
	}
	return out
}

// placeOf finds the stream, name and version scheme of a package.
func placeOf(eco, name string) (_ osv.Place, why string) {
	if p, ok := osv.OfLanguage(eco, name); ok {
		return p, ""
	}
	kind, suffix := osv.Ecosystem(eco)
	if kind == "Root" {
		return ofRoot(suffix, name)
	}
	r, why := releaseOf(kind, suffix)
	if why != "" {
		return osv.Place{}, why
	}
	f, ok := distro.Of(r)
	if !ok {
		return osv.Place{}, osv.WhyForeign
	}
	s := f.Stream(r)
	if s == "" || !ofSystem(s) {
		return osv.Place{}, whyRelease
	}
	return osv.Place{Stream: s, Name: name, Scheme: f.Scheme}, ""
}

// ofRoot is the place of Root's own build of a package: "Root:Debian:12",
// "Root:npm".
func ofRoot(of, name string) (osv.Place, string) {
	p, why := placeOf(of, name)
	if why == "" && ofSystem(p.Stream) {
		p.Stream = "rootio:" + p.Stream
	}
	return p, why
}

var (
	number   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)
	ubuntu   = regexp.MustCompile(`^(Pro:)?([0-9]+\.[0-9]+)(:LTS)?$`)
	euler    = regexp.MustCompile(`^([0-9]+\.[0-9]+)(?:-(LTS(?:-SP[0-9]+)?))?$`)
	redhat   = regexp.MustCompile(`^enterprise_linux:([0-9]+)(?:\.[0-9]+)?(?:::[a-z]+)?$`)
	suse     = regexp.MustCompile(`^Linux Enterprise (Server|Module for .+|Micro) ([0-9]+)(?:\.([0-9]+)| SP([0-9]+))?$`)
	opensuse = regexp.MustCompile(`^(Leap|Tumbleweed)(?: ([0-9]+\.[0-9]+))?$`)
)

// releaseOf is the release for an ecosystem's name and suffix.
func releaseOf(name, suffix string) (r assay.Release, why string) {
	switch name {
	case "Red Hat":
		m := redhat.FindStringSubmatch(suffix)
		if m == nil {
			return r, whyProduct
		}
		return assay.Release{ID: "rhel", Version: m[1]}, ""
	case "SUSE":
		m := suse.FindStringSubmatch(suffix)
		if m == nil {
			return r, whyProduct
		}
		r = assay.Release{ID: "sles", Version: strings.TrimSuffix(m[2]+"."+m[3]+m[4], ".")}
		if m[1] == "Micro" {
			r.ID = "sle-micro"
		}
		return r, ""
	case "openSUSE":
		m := opensuse.FindStringSubmatch(suffix)
		if m == nil {
			return r, whyProduct
		}
		return assay.Release{ID: "opensuse-" + strings.ToLower(m[1]), Version: m[2]}, ""
	}
	id, ok := distributions[name]
	if !ok {
		return r, osv.WhyForeign
	}
	return numbered(id, suffix)
}

// numbered is the release at the end of an ecosystem's name.
func numbered(id, suffix string) (r assay.Release, why string) {
	r = assay.Release{ID: id, Version: suffix}
	switch id {
	case "ubuntu":
		m := ubuntu.FindStringSubmatch(suffix)
		if m == nil {
			return r, whyProduct
		}
		r.ESM, r.Version = m[1] != "", m[2]
	case "openeuler":
		m := euler.FindStringSubmatch(suffix)
		if m == nil {
			return r, whyProduct
		}
		r.Version, r.Name = m[1], "openEuler "+m[1]+" ("+m[2]+")"
	case "alpine":
		r.Version = strings.TrimPrefix(suffix, "v")
	case "azurelinux", "photon":
		if number.MatchString(suffix) && !strings.Contains(suffix, ".") {
			r.Version += ".0"
		}
	}
	if r.Version != "" && !number.MatchString(r.Version) && r.Version != "edge" && r.Version != "stream" {
		return r, whyRelease
	}
	return r, ""
}

var longTerm = regexp.MustCompile(`^ubuntu:([0-9]*[02468]\.04)$`)

// maintained adds the rows for machines with Ubuntu's extended security
// maintenance, which are judged by its stream alone. A package without such rows
// gets those for everybody.
func maintained(rows []assay.Affected) []assay.Affected {
	own := map[[2]string]bool{}
	for _, r := range rows {
		own[[2]string{string(r.Stream), r.Name}] = true
	}
	for _, r := range rows {
		m := longTerm.FindStringSubmatch(string(r.Stream))
		if m == nil {
			continue
		}
		r.Stream = assay.Stream("ubuntu-esm:" + m[1])
		if !own[[2]string{string(r.Stream), r.Name}] {
			rows = append(rows, r)
		}
	}
	return rows
}
