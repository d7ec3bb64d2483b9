package distro

import (
	"regexp"
	"strings"

	"github.com/assaysec/assay"
)

var debian = Family{
	ID: "debian", Title: "Debian", Package: assay.TypeDeb, Scheme: "deb", BySource: true,
	Stream: debianStream, refine: refineDebian, thirdParty: thirdPartyDeb,
}

// debianStream returns the stream of a release. woody was 3.0 and sarge 3.1; since then
// the first number is the release.
func debianStream(r assay.Release) assay.Stream {
	if strings.HasPrefix(r.Version, "3.") {
		return numbered("debian", 2)(r)
	}
	return numbered("debian", 1)(r)
}

// debianReleases maps the code names of Debian's releases to their numbers.
// https://www.debian.org/releases/ and https://wiki.debian.org/DebianReleases
// (2026-11-23); "sid" is the rolling release and has no number.
var debianReleases = map[string]string{
	"woody": "3.0", "sarge": "3.1", "etch": "4", "lenny": "5", "squeeze": "6",
	"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11",
	"bookworm": "12", "trixie": "13", "forky": "14", "duke": "15", "sid": "sid",
}

// DebianNumber returns the number of the Debian release with a code name: "bookworm" is
// "12", "sid" is itself.
func DebianNumber(codename string) (number string, ok bool) {
	number, ok = debianReleases[codename]
	return number, ok
}

// refineDebian adds the point release, and the number where os-release has none:
// testing has only VERSION_CODENAME, or "trixie/sid" in debian_version.
func refineDebian(r *assay.Release, parts []assay.Release) []assay.Gap {
	for _, p := range parts {
		if p.Path != "etc/debian_version" {
			continue
		}
		if r.Version == "" || strings.HasPrefix(p.Version, r.Version+".") {
			r.Version = p.Version // with the point release
		}
		fill(&r.Codename, p.Codename)
	}
	if r.Version == "" {
		name, _, _ := strings.Cut(r.Codename, "/")
		r.Version, _ = DebianNumber(name)
	}
	if r.Version != "sid" {
		major, _, _ := strings.Cut(r.Version, ".")
		if r.Codename == "" {
			for name, number := range debianReleases {
				if number == major {
					r.Codename = name
				}
			}
		}
	}
	return nil
}

// thirdPartyMaintainers are marks, in lower case, of vendors that publish .deb packages
// of their own (2026-11-23, from the vendors' repositories).
var thirdPartyMaintainers = []string{
	"@docker.com", "nvidia", "hashicorp", "microsoft", "mongodb", "mariadb developers",
	"nodesource", "nsolid", "@grafana.com", "@google.com", "@github.com", "@elastic.co",
	"@oracle.com", "mysql.com", "@f5.com", "nginx-packaging", "@influxdata.com", "@gitlab.com",
	"@datadoghq.com", "@redis.com", "@redis.io", "@rabbitmq", "@vmware.com", "@broadcom.com",
	"@cloudflare.com", "@amd.com", "@intel.com", "@jfrog.com", "@confluent.io", "@percona.com",
	"@azul.com", "adoptium", "@bell-sw.com", "@amazon.com", "@kubernetes.io", "kubernetes authors",
	"@hashicorp.com", "@brave.com", "@slack.com", "@zabbix.com", "@puppet.com", "@sensu.io",
}

// thirdPartyVersions are marks of repositories that rebuild Debian's packages with
// other versions.
var thirdPartyVersions = []string{".pgdg", "+deb.sury.org", "~deb.sury.org", "nodesource"}

// ownAddress matches addresses of the distributions' own maintainers: "Debian NVIDIA
// Maintainers <pkg-nvidia-devel@lists.alioth.debian.org>" is not a vendor.
var ownAddress = regexp.MustCompile(`[@.](?:debian\.(?:org|net)|ubuntu\.com|launchpad\.net)>?\s*$`)

func thirdPartyDeb(p *assay.Package) string {
	vendor := strings.ToLower(p.Vendor)
	own := ownAddress.MatchString(vendor)
	for _, mark := range thirdPartyMaintainers {
		if !own && strings.Contains(vendor, mark) {
			return "published by " + p.Vendor
		}
	}
	for _, mark := range thirdPartyVersions {
		if strings.Contains(p.Version, mark) {
			return "version " + p.Version + " is from another repository"
		}
	}
	return ""
}
