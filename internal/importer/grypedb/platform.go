package grypedb

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/ecosystem"
)

// A system is a release of a distribution.
type system struct {
	label  string // for people: "debian 12"
	stream assay.Stream
	scheme string
	cpes   []string // CPEs of products, if the release is limited to their repositories
	why    string   // the release is left out

	maintained assay.Stream // the release with extended security maintenance
}

// systems lists the streams of distributions.
var systems = []assay.Stream{"alpaquita:*", "almalinux:*", "alpine:*", "amazon:*", "arch", "azurelinux:*", "bottlerocket", "chainguard", "debian:*", "echo", "fedora:*", "minimos",
	"openeuler:*", "opensuse-leap:*", "opensuse-tumbleweed", "oracle:*", "photon:*", "rhel:*", "rocky:*", "rootio:*", "secureos", "sle-micro:*", "sles:*", "ubuntu:*", "ubuntu-esm:*", "wolfi"}

// releaseIDs maps Grype's names to os-release identifiers, if they differ.
var releaseIDs = map[string]string{"redhat": "rhel", "amazonlinux": "amzn", "oraclelinux": "ol", "archlinux": "arch", "rockylinux": "rocky", "suse": "sles"}

// release is a row of operating_systems.
type release struct{ name, id, major, minor, label, codename, channel string }

func (r release) system() system {
	id := strings.ToLower(r.name)
	if to, ok := releaseIDs[id]; ok {
		id = to
	}
	s := system{label: strings.Join(strings.Fields(r.name+" "+r.major+" "+r.minor+" "+r.label+" "+r.channel), " ")}
	os := assay.Release{ID: id, Version: r.version(id), Codename: r.codename}
	f, ok := distro.Of(os)
	if !ok {
		s.why = whySystem
		return s
	}
	switch channel := strings.ToLower(r.channel); {
	case channel == "esm" && f.ID == "ubuntu":
		os.ESM = true
	case channel == "eus" && f.ID == "rhel" && r.minor != "":
		for _, part := range []string{"a", "o"} {
			s.cpes = append(s.cpes, fmt.Sprintf("cpe:/%s:redhat:rhel_eus:%s.%s", part, r.major, r.minor))
		}
	case channel != "":
		s.why = whyChannel
	case f.ID == "rhel" && r.minor != "":
		s.why = whyMinor
	}
	s.stream, s.scheme = f.Stream(os), f.Scheme
	switch {
	case s.stream == "" && s.why == "":
		s.why = whySystem
	case longTerm.MatchString(string(s.stream)):
		os.ESM = true
		s.maintained = f.Stream(os)
	}
	return s
}

// longTerm are Ubuntu's releases with extended security maintenance.
var longTerm = regexp.MustCompile(`^ubuntu:[0-9]*[02468]\.04$`)

// version is the release's version as in os-release. Grype drops leading zeros,
// and a number that is only zero: 22.04 is 22 and 4; 3.0 is 3 and nothing.
func (r release) version(id string) string {
	switch {
	case r.label == "unstable" && id == "debian":
		return "sid"
	case r.label != "":
		return r.label
	case r.major == "":
		return ""
	case id == "ubuntu" && len(r.minor) == 1:
		return r.major + ".0" + r.minor
	case id == "azurelinux" || id == "mariner" || id == "photon" || id == "alpine":
		if r.minor == "" {
			return r.major + ".0"
		}
	}
	return strings.TrimSuffix(r.major+"."+r.minor, ".")
}

// languages maps Syft's package types to ecosystems, if their names differ.
var languages = map[string]assay.Stream{
	"cpan": "cpan", "dart-pub": "pub", "dotnet": "nuget", "erlang-otp": "hex", "gem": "rubygems", "github-action": "github-actions", "go-module": "go",
	"java-archive": "maven", "opam": "opam", "php-composer": "packagist", "pod": "cocoapods", "python": "pypi", "r-package": "cran", "rust-crate": "crates.io",
	"vscode-extension": "vscode",
}

// language is the ecosystem of a package, by its type, the type of its purls, or
// OSV's name.
func language(name string) (*ecosystem.Ecosystem, bool) {
	name = strings.ToLower(name)
	if s, ok := languages[name]; ok {
		return ecosystem.Of(s)
	}
	if e, ok := ecosystem.OfType(name); ok {
		return e, true
	}
	return ecosystem.OfOSV(name)
}

// streams are those that such a database may have.
func streams() []assay.Stream {
	out := append([]assay.Stream{assay.StreamDetails + ":*", assay.StreamCPE, assay.StreamKEV, assay.StreamEPSS}, systems...)
	for _, e := range ecosystem.All() {
		out = append(out, e.Stream)
	}
	return out
}
