package match_test

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// TestEcosystemRules: how packages of each kind are matched.
func TestEcosystemRules(t *testing.T) {
	hold(t, languageRules, match.Options{})
	hold(t, systemRules, match.Options{})
	hold(t, goRules, match.Options{})
	hold(t, productRules, match.Options{})
	hold(t, overlapRules, match.Options{})
	hold(t, noiseRules, match.Options{})
}

// of is a package of a language.
func of(kind, name, version string, change ...func(*assay.Package)) assay.Package {
	p := assay.Package{Type: kind, Name: name, Version: version}
	for _, c := range change {
		c(&p)
	}
	return p
}

func span(from, to string) assay.Range { return assay.Range{Introduced: from, Fixed: to} }

var none assay.Release

var languageRules = []rule{
	{"Languages: names are spelled as their registry does", none, []assay.Package{of("pypi", "Zope.Interface", "1.0"), of("nuget", "Newtonsoft.Json", "9.0.1"), of("maven", "org.Apache:log4j", "1.0"), of("composer", "Drupal/Core", "9.0.0")},
		memory{adv("CVE-1", row("pypi", "zope-interface", span("", "2"))), adv("CVE-2", row("nuget", "newtonsoft.json", span("", "13.0.1"))), adv("CVE-3", row("maven", "org.apache:log4j", span("", "2"))), adv("CVE-4", row("packagist", "drupal/core", span("", "10.0.0")))},
		[]string{"Newtonsoft.Json CVE-2 fixed 13.0.1", "Drupal/Core CVE-4 fixed 10.0.0", "Zope.Interface CVE-1 fixed 2"}, []string{"org.Apache:log4j CVE-3 fixed 2"}},
	{"Languages: not affected by any publisher wins, by ID or alias", none, []assay.Package{of("npm", "lodash", "1.0.0")},
		memory{adv("GHSA-1", row("npm", "lodash", span("", "2.0.0")), aliases("CVE-1")), adv("CVE-1", with(row("npm", "lodash", span("", "")), as(assay.StatusNotAffected))), adv("GHSA-2", row("npm", "lodash", span("", "2.0.0")))},
		[]string{"lodash GHSA-2 fixed 2.0.0"}, []string{"lodash CVE-1 fixed 2.0.0", "lodash GHSA-2 fixed 2.0.0"}},
	{"Languages: what was withdrawn does not count", none, []assay.Package{of("npm", "lodash", "1.0.0")}, memory{adv("CVE-1", row("npm", "lodash", span("", "2.0.0")), withdrawn)}, nil, []string{"lodash CVE-1 fixed 2.0.0"}},
	{"Languages: a CVE, a GHSA and a vendor's notice of one vulnerability are one finding", none, []assay.Package{of("pypi", "requests", "2.0")},
		memory{adv("PYSEC-1", row("pypi", "requests", span("", "2.1")), aliases("CVE-1", "GHSA-1")), adv("GHSA-1", row("pypi", "requests", span("", "2.1")), aliases("CVE-1")), adv("CVE-1", row("pypi", "requests", span("", "2.1")), notice("N-1"))},
		[]string{"requests CVE-1 fixed 2.1 N-1"}, []string{"requests PYSEC-1 fixed 2.1", "requests GHSA-1 fixed 2.1", "requests CVE-1 fixed 2.1 N-1"}},
	{"Python: PEP 440's order", none, []assay.Package{of("pypi", "a", "1.0"), of("pypi", "b", "1.0.post1"), of("pypi", "c", "1.0rc1")},
		memory{adv("CVE-1", row("pypi", "a", span("", "1.0.post1"))), adv("CVE-2", row("pypi", "b", span("", "1.0"))), adv("CVE-3", row("pypi", "c", span("", "1.0")))},
		[]string{"a CVE-1 fixed 1.0.post1", "c CVE-3 fixed 1.0"}, []string{"a CVE-1 fixed 1.0.post1", "b CVE-2 fixed 1.0"}},
	{"Java: Maven's order, by group and artifact", none, []assay.Package{of("maven", "g:a", "2.9.10-rc1"), of("maven", "h:a", "1.0"), of("maven", "g:b", "1.0.Final")},
		memory{adv("CVE-1", row("maven", "g:a", span("", "2.9.10"))), adv("CVE-2", row("maven", "g:b", span("", "1.0")))}, []string{"g:a CVE-1 fixed 2.9.10"}, []string{"g:a CVE-1 fixed 2.9.10", "h:a CVE-1 fixed 2.9.10", "g:b CVE-2 fixed 1.0"}},
	{"Ruby: gem's order, in which letters are before the release", none, []assay.Package{of("gem", "rails", "7.0.0.rc1"), of("gem", "rack", "2.10.0")},
		memory{adv("CVE-1", row("rubygems", "rails", span("", "7.0.0"))), adv("CVE-2", row("rubygems", "rack", span("", "2.9.1")))}, []string{"rails CVE-1 fixed 7.0.0"}, []string{"rack CVE-2 fixed 2.9.1"}},
	{"npm, Rust, Hex: semantic versions, in which a build is of no account", none, []assay.Package{of("cargo", "c", "1.0.0-alpha"), of("npm", "n", "1.0.0+build"), of("hex", "h", "0.9.0")},
		memory{adv("CVE-1", row("crates.io", "c", span("", "1.0.0"))), adv("CVE-2", row("npm", "n", span("", "1.0.0"))), adv("CVE-3", row("hex", "h", span("", "0.10.0")))}, []string{"c CVE-1 fixed 1.0.0", "h CVE-3 fixed 0.10.0"}, []string{"c CVE-1 fixed 1.0.0", "n CVE-2 fixed 1.0.0"}},
	{".NET: four numbers, names in any case", none, []assay.Package{of("nuget", "A.B", "1.0.0.1")}, memory{adv("CVE-1", row("nuget", "a.b", span("", "1.0.0.2"))), adv("CVE-2", row("nuget", "a.b", span("", "1.0")))},
		[]string{"A.B CVE-1 fixed 1.0.0.2"}, nil},
	{"Bitnami: the revision counts, and the names are its own", none, []assay.Package{of("bitnami", "apache", "2.4.46-1")}, memory{adv("CVE-1", row("bitnami", "apache", span("", "2.4.46-10"))), adv("CVE-2", row(assay.StreamCPE, "apache:http_server", span("", "2.4.50")))},
		[]string{"apache CVE-1 fixed 2.4.46-10"}, []string{"apache CVE-2 fixed 2.4.50"}},
	// Gentoo's advisories are read; packages of its type are matched with none of them yet, which is told.
	{"Portage, KB articles: packages without advisories are reported as a gap", none, []assay.Package{of("ebuild", "dev-libs/openssl", "3.0.0")}, nil,
		[]string{"gap: packages of type ebuild: no advisories for this package type; 1 package is listed, not checked"}, nil},
}

var systemRules = []rule{
	// Grype adds NVD's products to Alpine's advisories: flock(1) gets the faults of a browser.
	{"apk: NVD's products are not asked (flock is not the Flock browser)", release("alpine", "3.20.1"), []assay.Package{pkg("apk", "flock", "2.40.1-r0", from("util-linux"))},
		memory{adv("CVE-1", row(assay.StreamCPE, "flock:flock", span("", ""))), adv("CVE-2", fix("alpine:3.20", "util-linux", "2.40.2-r0"))}, []string{"flock CVE-2 fixed 2.40.2-r0"}, []string{"flock CVE-1 affected", "flock CVE-2 fixed 2.40.2-r0"}},
	{"pacman: by the binary's name, in its order", release("arch", ""), []assay.Package{pkg("alpm", "openssl", "3.1.0-1"), pkg("alpm", "curl", "1:8.0-1")},
		memory{adv("CVE-1", fix("arch", "openssl", "3.1.0-2")), adv("CVE-2", fix("arch", "curl", "8.1-1"))}, []string{"openssl CVE-1 fixed 3.1.0-2"}, []string{"openssl CVE-1 fixed 3.1.0-2", "curl CVE-2 fixed 8.1-1"}},
	{"rpm: a missing epoch is 0", alma, []assay.Package{pkg("rpm", "a", "1.0-1.el8"), pkg("rpm", "b", "0:1.0-2.el8")}, memory{adv("CVE-1", fix("almalinux:8", "a", "0:1.0-2.el8")), adv("CVE-1", fix("almalinux:8", "b", "1.0-2.el8"))},
		[]string{"a CVE-1 fixed 0:1.0-2.el8"}, nil},
	{"rpm: an epoch comes before all else", alma, []assay.Package{pkg("rpm", "bind", "32:9.11.36-3.el8"), pkg("rpm", "tar", "1.30-9.el8")}, memory{adv("CVE-1", fix("almalinux:8", "bind", "9.16.1-1.el8")), adv("CVE-2", fix("almalinux:8", "tar", "2:1.30-5.el8"))},
		[]string{"tar CVE-2 fixed 2:1.30-5.el8"}, []string{"bind CVE-1 fixed 9.16.1-1.el8"}},
	// Names of source packages have no epoch, so what is said of a source is compared without one.
	{"rpm: where advisories have no epoch it is dropped", release("sles", "15.5"), []assay.Package{pkg("rpm", "bind", "1:9.16.40-150500.1")}, memory{adv("CVE-1", fix("sles:15.5", "bind", "9.16.50-150500.8.18.1"))},
		[]string{"bind CVE-1 fixed 9.16.50-150500.8.18.1"}, nil},
	{"rpm: a source's row is for all that was built of it, on any architecture", contents(el9, "baseos"), []assay.Package{pkg("rpm", "openssl-libs", "1:3.0.7-1.el9", from("openssl"), arch("x86_64"))},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "openssl", "", meant(assay.Qualifiers{Arches: []string{"src"}})))}, []string{"openssl-libs CVE-1 affected"}, nil},
	{"rpm: the modularity qualifier", alma, []assay.Package{pkg("rpm", "npm", "1-1.module_el8", module("nodejs:20:8090:abc:x86_64"))},
		memory{adv("CVE-1", fix("almalinux:8", "npm", "1-2.module_el8", meant(assay.Qualifiers{Module: "nodejs:18"})))}, nil, []string{"npm CVE-1 fixed 1-2.module_el8"}},
	{"rpm: the architecture qualifier", alma, []assay.Package{pkg("rpm", "a", "1-1.el8", arch("aarch64")), pkg("rpm", "b", "1-1.el8", arch("noarch"))},
		memory{adv("CVE-1", fix("almalinux:8", "a", "1-2.el8", meant(assay.Qualifiers{Arches: []string{"x86_64"}}))), adv("CVE-1", fix("almalinux:8", "b", "1-2.el8", meant(assay.Qualifiers{Arches: []string{"x86_64"}})))},
		[]string{"b CVE-1 fixed 1-2.el8"}, []string{"a CVE-1 fixed 1-2.el8", "b CVE-1 fixed 1-2.el8"}},
	// Grype takes Red Hat's disclosures for AlmaLinux; whose builds differ, so its own errata alone decide here.
	{"AlmaLinux: Red Hat's rows are not its", alma, []assay.Package{pkg("rpm", "a", "1-1.el8")}, memory{adv("CVE-1", fix("rhel:8", "a", ""))}, nil, []string{"a CVE-1 affected"}},
}

var noiseRules = []rule{
	{"Noise: headers of the kernel, as Red Hat's kin call them", alma, []assay.Package{pkg("rpm", "kernel-core", "4.18.0-500.el8", from("kernel")), pkg("rpm", "kernel-headers", "4.18.0-500.el8", from("kernel")), pkg("rpm", "kernel-devel", "4.18.0-500.el8", from("kernel"))},
		memory{adv("CVE-1", fix("almalinux:8", "kernel-core", "4.18.0-513.el8")), adv("CVE-1", fix("almalinux:8", "kernel-headers", "4.18.0-513.el8")), adv("CVE-1", fix("almalinux:8", "kernel-devel", "4.18.0-513.el8"))},
		[]string{"kernel-core CVE-1 fixed 4.18.0-513.el8", "not: kernel-headers CVE-1", "not: kernel-devel CVE-1"}, []string{"kernel-core CVE-1 fixed 4.18.0-513.el8", "kernel-headers CVE-1 fixed 4.18.0-513.el8", "kernel-devel CVE-1 fixed 4.18.0-513.el8"}},
	{"Noise: headers of the kernel, as Amazon calls them", release("amzn", "2023"), []assay.Package{pkg("rpm", "kernel6.12-devel", "6.12.1-1.amzn2023", from("kernel6.12"))}, memory{adv("CVE-1", fix("amazon:2023", "kernel6.12-devel", "6.12.2-1.amzn2023"))},
		[]string{"not: kernel6.12-devel CVE-1"}, []string{"kernel6.12-devel CVE-1 fixed 6.12.2-1.amzn2023"}},
	{"Noise: headers of the kernel, as Photon calls them", release("photon", "5.0"), []assay.Package{pkg("rpm", "linux-api-headers", "6.1.1-1.ph5", from("linux")), pkg("rpm", "linux-atm-libs-devel", "2.5.1-1.ph5", from("linux-atm"))},
		memory{adv("CVE-1", fix("photon:5.0", "linux", "6.1.2-1.ph5")), adv("CVE-2", fix("photon:5.0", "linux-atm", ""))}, []string{"linux-atm-libs-devel CVE-2 affected", "not: linux-api-headers CVE-1"}, []string{"not: linux-atm-libs-devel CVE-2"}},
	{"Noise: headers of the kernel, as SUSE calls them", release("sles", "15.5"), []assay.Package{pkg("rpm", "linux-glibc-devel", "5.14-150500.1"), pkg("rpm", "kernel-default-devel", "5.14.21-150500.1", from("kernel-default"))},
		memory{adv("CVE-1", fix("sles:15.5", "linux-glibc-devel", "")), adv("CVE-1", fix("sles:15.5", "kernel-default-devel", ""))}, []string{"not: linux-glibc-devel CVE-1", "not: kernel-default-devel CVE-1"}, []string{"linux-glibc-devel CVE-1 affected", "kernel-default-devel CVE-1 affected"}},
	{"Noise: headers of the kernel, as Debian and Ubuntu call them", release("ubuntu", "22.04"), []assay.Package{pkg("deb", "linux-libc-dev", "5.15.0-91.101", from("linux")), pkg("deb", "linux-hwe-6.5-headers-6.5.0-14", "6.5.0-14.14~22.04.1", from("linux-hwe-6.5")), pkg("deb", "linux-image-5.15.0-91-generic", "5.15.0-91.101", from("linux"))},
		memory{adv("CVE-1", fix("ubuntu:22.04", "linux", "")), adv("CVE-2", fix("ubuntu:22.04", "linux-hwe-6.5", ""))}, []string{"linux-image-5.15.0-91-generic CVE-1 affected", "not: linux-libc-dev CVE-1", "not: linux-hwe-6.5-headers-6.5.0-14 CVE-2"}, nil},
}

var goRules = []rule{
	{"Go: a main module with a (devel) version is a gap, not matched", none, []assay.Package{of("golang", "x/y", "(devel)")}, memory{adv("CVE-1", row("go", "x/y", span("", "1.0.0")))},
		[]string{`gap: package x/y (devel): its version cannot be compared with 1 of the 1 known vulnerabilities of x/y: semver version "(devel)": does not start with a number: malformed`}, []string{"x/y CVE-1 fixed 1.0.0"}},
	{"Go: a main module of unknown version is not below every fix", none, []assay.Package{of("golang", "x/y", "")}, memory{adv("CVE-1", row("go", "x/y", span("", "1.0.0")))},
		[]string{"gap: package x/y: its version cannot be compared with 1 of the 1 known vulnerabilities of x/y: the version is unknown"}, []string{"x/y CVE-1 fixed 1.0.0"}},
	{"Go: a module that has only pseudo-versions is matched", none, []assay.Package{of("golang", "golang.org/x/crypto", "v0.0.0-20200101000000-0123456789ab")}, memory{adv("CVE-1", row("go", "golang.org/x/crypto", span("", "0.0.0-20220314234659-1baeb1ce4c0b")))},
		[]string{"golang.org/x/crypto CVE-1 fixed 0.0.0-20220314234659-1baeb1ce4c0b"}, nil},
	{"Go: the standard library is matched, without what an experiment adds to its version", none, []assay.Package{of("golang", "stdlib", "go1.22.3 X:boringcrypto")}, memory{adv("CVE-1", row("go", "stdlib", span("1.22.0-0", "1.22.4")))},
		[]string{"stdlib CVE-1 fixed 1.22.4"}, nil},
	{"Go: a vulnerability of functions that are not linked is suppressed", none, []assay.Package{of("golang", "x/y", "v1.0.0", func(p *assay.Package) { p.Symbols = symbols("x/y.Other") })},
		memory{adv("CVE-1", with(row("go", "x/y", span("", "1.1.0")), func(r *assay.Affected) {
			r.Qualifiers.Imports = []assay.Import{{Path: "x/y", Symbols: []string{"Bad"}}}
		}))}, []string{"not: x/y CVE-1"}, []string{"x/y CVE-1 fixed 1.1.0"}},
	{"Go: the system and machine of a record count", none, []assay.Package{of("golang", "x/y", "v1.0.0", func(p *assay.Package) { p.OS, p.Arch = "linux", "amd64" })},
		memory{adv("CVE-1", with(row("go", "x/y", span("", "1.1.0")), meant(assay.Qualifiers{OS: []string{"windows"}})))}, nil, []string{"x/y CVE-1 fixed 1.1.0"}},
}

// program is a bare binary that NVD knows by CPE names.
func program(name, version string, cpes ...string) assay.Package {
	return assay.Package{Type: assay.TypeGeneric, Name: name, Version: version, CPEs: cpes}
}

const httpd, jdk = "cpe:2.3:a:apache:http_server:2.4.54:*:*:*:*:*:*:*", "cpe:2.3:a:oracle:openjdk:1.8.0_352-b08:*:*:*:*:*:*:*"

var productRules = []rule{
	{"CPE: bare binaries are matched by NVD's name of them, with the name's version", none, []assay.Package{program("httpd", "Apache/2.4.54", httpd)}, memory{adv("CVE-1", row(assay.StreamCPE, "apache:http_server", span("2.4.0", "2.4.55")))},
		[]string{"httpd CVE-1 fixed 2.4.55"}, nil},
	{"CPE: packages of registries are never matched by CPE", none, []assay.Package{of("npm", "http_server", "2.4.54", func(p *assay.Package) { p.CPEs = []string{httpd} })}, memory{adv("CVE-1", row(assay.StreamCPE, "apache:http_server", span("2.4.0", "2.4.55")))},
		nil, []string{"http_server CVE-1 fixed 2.4.55"}},
	{"CPE: rows for another target software do not apply", none, []assay.Package{program("httpd", "2.4.54", httpd)},
		memory{adv("CVE-1", with(row(assay.StreamCPE, "apache:http_server", span("", "2.4.55")), meant(assay.Qualifiers{CPEs: []string{"cpe:2.3:a:apache:http_server:*:*:*:*:*:windows:*:*"}})))}, nil, []string{"httpd CVE-1 fixed 2.4.55"}},
	{"CPE: rows for another platform only do not apply (platform CPE)", bookworm, []assay.Package{program("httpd", "2.4.54", httpd)},
		memory{adv("CVE-1", with(row(assay.StreamCPE, "apache:http_server", span("", "2.4.55")), meant(assay.Qualifiers{RunningOn: []string{"cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*"}}))),
			adv("CVE-2", with(row(assay.StreamCPE, "apache:http_server", span("", "2.4.55")), meant(assay.Qualifiers{RunningOn: []string{"cpe:2.3:o:debian:debian_linux:12.0:*:*:*:*:*:*:*"}})))},
		[]string{"httpd CVE-2 fixed 2.4.55"}, []string{"httpd CVE-1 fixed 2.4.55", "httpd CVE-2 fixed 2.4.55"}},
	{"CPE: one vulnerability under two names is one finding", none, []assay.Package{program("nginx", "1.20.0", "cpe:2.3:a:f5:nginx:1.20.0:*:*:*:*:*:*:*", "cpe:2.3:a:nginx:nginx:1.20.0:*:*:*:*:*:*:*")},
		memory{adv("CVE-1", row(assay.StreamCPE, "f5:nginx", span("", "1.20.1"))), adv("CVE-1", row(assay.StreamCPE, "nginx:nginx", span("", "1.20.1")))}, []string{"nginx CVE-1 fixed 1.20.1"}, []string{"nginx CVE-1 fixed 1.20.1", "nginx CVE-1 fixed 1.20.1"}},
	{"JVM: updates of Java are compared as numbers", none, []assay.Package{program("openjdk", "1.8.0_352-b08", jdk)},
		memory{adv("CVE-1", with(row(assay.StreamCPE, "oracle:openjdk"), func(r *assay.Affected) { r.Versions = []string{"1.8.0:update352"} })), adv("CVE-2", row(assay.StreamCPE, "oracle:openjdk", assay.Range{Introduced: "8", LastAffected: "8:update61"}))},
		[]string{"openjdk CVE-1 affected"}, []string{"openjdk CVE-2 affected"}},
}

func owned(by assay.Package) func(*assay.Package) {
	return func(p *assay.Package) { p.Owner = by.PURL }
}

var (
	debRequests = pkg("deb", "python3-requests", "2.28.1+dfsg-1", from("requests"))
	apkRequests = pkg("apk", "py3-requests", "2.28.1-r1", from("py3-requests"))
	rpmRequests = pkg("rpm", "python3-requests", "2.25.1-1.amzn2023")
	streamRPM   = pkg("rpm", "python3-requests", "2.25.1-8.el9")
)

var overlapRules = []rule{
	{"Overlap: what an OS package owns is fixed by a backport, which the registry does not know", bookworm, []assay.Package{debRequests, of("pypi", "requests", "2.28.1", owned(debRequests))},
		memory{adv("CVE-1", row("pypi", "requests", span("", "2.31.0")), aliases("GHSA-1")), adv("CVE-1", fix("debian:12", "requests", "2.28.1+dfsg-1"))}, nil, []string{"requests CVE-1 fixed 2.31.0"}},
	{"Overlap: what lies beside it is matched on its own", bookworm, []assay.Package{debRequests, of("pypi", "requests", "2.28.1", owned(debRequests)), of("pypi", "requests", "2.28.1")},
		memory{adv("CVE-1", row("pypi", "requests", span("", "2.31.0"))), adv("CVE-1", fix("debian:12", "requests", "2.28.1+dfsg-1"))}, []string{"requests CVE-1 fixed 2.31.0"}, []string{"requests CVE-1 fixed 2.31.0", "requests CVE-1 fixed 2.31.0"}},
	{"Overlap: where a distribution publishes fixes only, the registry decides about what it does not name", release("alpine", "3.18.4"), []assay.Package{apkRequests, of("pypi", "requests", "2.28.1", owned(apkRequests))},
		memory{adv("CVE-1", row("pypi", "requests", span("", "2.31.0")), aliases("GHSA-1")), adv("CVE-2", row("pypi", "requests", span("", "2.32.0"))), adv("GHSA-1", fix("alpine:3.18", "py3-requests", "2.28.1-r1"))},
		[]string{"requests CVE-2 fixed 2.32.0", "not: requests CVE-1"}, nil},
	{"Overlap: a vulnerability that the distribution and the registry name is the owner's alone", release("amzn", "2023"), []assay.Package{rpmRequests, of("pypi", "requests", "2.25.1", owned(rpmRequests))},
		memory{adv("CVE-1", row("pypi", "requests", span("", "2.31.0"))), adv("CVE-1", fix("amazon:2023", "python3-requests", "2.25.1-2.amzn2023"))},
		[]string{"python3-requests CVE-1 fixed 2.25.1-2.amzn2023"}, []string{"python3-requests CVE-1 fixed 2.25.1-2.amzn2023", "requests CVE-1 fixed 2.31.0"}},
	{"Overlap: never affected by the distribution counts for what its package owns", release("wolfi", ""), []assay.Package{apkRequests, of("pypi", "requests", "2.28.1", owned(apkRequests))},
		memory{adv("CVE-1", row("pypi", "requests", span("", "2.31.0"))), adv("CVE-1", fix("wolfi", "py3-requests", "", as(assay.StatusNotAffected)))}, []string{"not: requests CVE-1"}, []string{"requests CVE-1 fixed 2.31.0"}},
	{"Overlap: where there are no advisories of the distribution's, the registry's count", assay.Release{ID: "centos", Version: "9", Name: "CentOS Stream 9"}, []assay.Package{streamRPM, of("pypi", "requests", "2.25.1", owned(streamRPM))},
		memory{adv("CVE-1", row("pypi", "requests", span("", "2.31.0")))}, []string{"requests CVE-1 fixed 2.31.0"}, nil},
	{"Overlap: a bare binary that an OS package owns is the distribution's", release("alpine", "3.18.4"), []assay.Package{apkRequests, {Type: assay.TypeGeneric, Name: "httpd", Version: "2.4.54", CPEs: []string{httpd}, Owner: apkRequests.PURL}},
		memory{adv("CVE-1", row(assay.StreamCPE, "apache:http_server", span("", "2.4.55")))}, nil, []string{"httpd CVE-1 fixed 2.4.55"}},
}
