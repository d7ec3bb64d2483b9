package match_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// TestDistributionRules: how the advisories of each distribution are meant.
func TestDistributionRules(t *testing.T) {
	hold(t, debianRules, match.Options{})
	hold(t, apkRules, match.Options{})
	hold(t, redhatRules, match.Options{})
	hold(t, rpmRules, match.Options{})
	hold(t, rebuilderRules, match.Options{})
}

var debianRules = []rule{
	{"Debian: the source's name and version count", bookworm,
		[]assay.Package{pkg("deb", "libacl1", "2.3.1-3+b1", func(p *assay.Package) { p.Source, p.SourceVersion = "acl", "2.3.1-3" })},
		memory{adv("CVE-1", fix("debian:12", "acl", "2.3.1-3+a")), adv("CVE-2", fix("debian:12", "libacl1", ""))},
		[]string{"libacl1 CVE-1 fixed 2.3.1-3+a"}, []string{"libacl1 CVE-2 affected"}},
	{"Debian: what has no fix is found", bookworm, []assay.Package{pkg("deb", "curl", "7.88.1-10")}, memory{adv("CVE-1", fix("debian:12", "curl", ""))},
		[]string{"curl CVE-1 affected"}, nil},
	{"Debian: ignored is will_not_fix, postponed fix_deferred, and these are found", bookworm, []assay.Package{pkg("deb", "curl", "7.88.1-10")},
		memory{adv("CVE-1", fix("debian:12", "curl", "", as(assay.StatusWillNotFix))), adv("CVE-2", fix("debian:12", "curl", "", as(assay.StatusFixDeferred))), adv("CVE-3", fix("debian:12", "curl", "", as(assay.StatusEndOfLife)))},
		[]string{"curl CVE-1 will_not_fix", "curl CVE-2 fix_deferred", "curl CVE-3 end_of_life"}, []string{"curl CVE-1 affected", "curl CVE-2 affected", "curl CVE-3 affected"}},
	// Debian's tracker names source packages only, and binary packages may bear
	// the name of another source: so the binary's name is not asked too.
	{"Debian: a binary's name is not asked as if it were a source's", bookworm, []assay.Package{pkg("deb", "git", "1:2.39.5-0+deb12u2", from("git")), pkg("deb", "gnuit", "4.9.5-3", from("git-original"))},
		memory{adv("CVE-1", fix("debian:12", "gnuit", "")), adv("CVE-2", fix("debian:12", "git", "1:2.39.5-0+deb12u3"))},
		[]string{"git CVE-2 fixed 1:2.39.5-0+deb12u3"}, []string{"git CVE-2 fixed 1:2.39.5-0+deb12u3", "gnuit CVE-1 affected"}},
	{"Debian: a version at or above a backported fix is not affected", bookworm, []assay.Package{pkg("deb", "openssl", "3.0.11-1~deb12u2")},
		memory{adv("CVE-1", fix("debian:12", "openssl", "3.0.11-1~deb12u2"))}, nil, []string{"openssl CVE-1 fixed 3.0.12"}},
	{"Ubuntu: a fix of ESM is none for machines without it", release("ubuntu", "18.04"), []assay.Package{pkg("deb", "curl", "7.58.0-2ubuntu3.24")},
		memory{adv("CVE-1", fix("ubuntu:18.04", "curl", "", as(assay.StatusEndOfLife))), adv("CVE-1", fix("ubuntu-esm:18.04", "curl", "7.58.0-2ubuntu3.24+esm1"))},
		[]string{"curl CVE-1 end_of_life"}, []string{"curl CVE-1 fixed 7.58.0-2ubuntu3.24+esm1"}},
	{"Ubuntu: with ESM its fixes count", assay.Release{ID: "ubuntu", Version: "18.04", ESM: true}, []assay.Package{pkg("deb", "curl", "7.58.0-2ubuntu3.24"), pkg("deb", "libcurl4", "7.58.0-2ubuntu3.24+esm1", from("curl"))},
		memory{adv("CVE-1", fix("ubuntu:18.04", "curl", "", as(assay.StatusEndOfLife))), adv("CVE-1", fix("ubuntu-esm:18.04", "curl", "7.58.0-2ubuntu3.24+esm1"))},
		[]string{"curl CVE-1 fixed 7.58.0-2ubuntu3.24+esm1"}, []string{"curl CVE-1 end_of_life", "libcurl4 CVE-1 end_of_life"}},
	// Trivy keeps what is needed, deferred, pending or released; who asks for
	// "will not fix" wants to see what Canonical ignores.
	{"Ubuntu: ignored and needs-triage are found, with their status", release("ubuntu", "22.04"), []assay.Package{pkg("deb", "curl", "7.81.0-1")},
		memory{adv("CVE-1", fix("ubuntu:22.04", "curl", "", as(assay.StatusWillNotFix))), adv("CVE-2", fix("ubuntu:22.04", "curl", "", as(assay.StatusUnderInvestigation))), adv("CVE-3", fix("ubuntu:22.04", "curl", "", as(assay.StatusNotAffected)))},
		[]string{"curl CVE-1 will_not_fix", "curl CVE-2 under_investigation"}, nil},
	{"Ubuntu: FIPS builds are compared among themselves", release("ubuntu", "22.04"), []assay.Package{pkg("deb", "openssl", "3.0.2-0ubuntu1.10+Fips1"), pkg("deb", "libssl3", "3.0.2-0ubuntu1.15", from("openssl"))},
		memory{adv("CVE-1", fix("ubuntu:22.04", "openssl", "3.0.2-0ubuntu1.15")), adv("CVE-1", fix("ubuntu:22.04", "openssl", "3.0.2-0ubuntu1.12+Fips1", meant(assay.Qualifiers{Flavour: "fips"})))},
		[]string{"openssl CVE-1 fixed 3.0.2-0ubuntu1.12+Fips1"}, []string{"openssl CVE-1 fixed 3.0.2-0ubuntu1.15"}},
	{"Echo: all packages are its own, whoever maintains them", release("echo", "1"), []assay.Package{pkg("deb", "libmariadb3", "1:10.11", from("mariadb"), func(p *assay.Package) { p.Vendor = "MariaDB Developers" })},
		memory{adv("CVE-1", fix("echo", "mariadb", ""))}, []string{"libmariadb3 CVE-1 affected"}, nil},
	{"Third parties: packages that are not the distribution's are a gap, not matched", bookworm,
		[]assay.Package{pkg("deb", "nodejs", "20.1.0-1nodesource1", func(p *assay.Package) { p.ThirdParty = "published by nodesource" })},
		memory{adv("CVE-1", fix("debian:12", "nodejs", "18.19.0+dfsg-6~deb12u2")), adv("CVE-2", fix("debian:12", "nodejs", ""))},
		[]string{"gap: package nodejs: not the distribution's (published by nodesource), so not covered by the advisories of debian:12; 1 package is listed, not checked"}, []string{"nodejs CVE-2 affected"}},
}

var apkRules = []rule{
	{"Alpine: by the origin, else by the name", release("alpine", "3.20.3"), []assay.Package{pkg("apk", "libcrypto3", "3.3.1-r0", from("openssl")), pkg("apk", "zlib", "1.3.1-r0")},
		memory{adv("CVE-1", fix("alpine:3.20", "openssl", "3.3.2-r0")), adv("CVE-2", fix("alpine:3.20", "zlib", "1.3.1-r1")), adv("CVE-3", fix("alpine:3.20", "libcrypto3", ""))},
		[]string{"libcrypto3 CVE-1 fixed 3.3.2-r0", "zlib CVE-2 fixed 1.3.1-r1"}, []string{"libcrypto3 CVE-3 affected", "zlib CVE-2 fixed 1.3.1-r1"}},
	{"Alpine: a fix on another branch is none", release("alpine", "3.19.1"), []assay.Package{pkg("apk", "zlib", "1.3.0-r0")}, memory{adv("CVE-1", fix("alpine:3.20", "zlib", "1.3.1-r1"))},
		nil, []string{"zlib CVE-1 fixed 1.3.1-r1"}},
	{"Wolfi, Chainguard, MinimOS: they roll, so their version is of no account", release("wolfi", "20230201"), []assay.Package{pkg("apk", "curl", "8.0.0-r0")}, memory{adv("CVE-1", fix("wolfi", "curl", "8.1.0-r0"))},
		[]string{"curl CVE-1 fixed 8.1.0-r0"}, nil},
	{"Wolfi, Chainguard, MinimOS: a fix at 0 says that it never was affected", release("chainguard", ""), []assay.Package{pkg("apk", "curl", "8.0.0-r0")},
		memory{adv("CVE-1", fix("chainguard", "curl", "")), adv("CVE-1", fix("chainguard", "curl", "", as(assay.StatusNotAffected)))}, nil, []string{"curl CVE-1 affected"}},
	// Some faults have a GHSA and no CVE; Trivy's database leaves them out.
	{"Wolfi, Chainguard, MinimOS: a name that is no CVE is kept", release("minimos", ""), []assay.Package{pkg("apk", "grype", "0.1.0-r0")}, memory{adv("GHSA-x", fix("minimos", "grype", "0.2.0-r0"))},
		[]string{"grype GHSA-x fixed 0.2.0-r0"}, nil},
}

// el8 and el9 are of modules and of none.
var el8, el9 = release("rhel", "8.9"), release("rhel", "9.3")

const baseos9, usualGap = "cpe:/o:redhat:enterprise_linux:9::baseos", "gap: repositories: the image does not name the repositories of its packages; matched with the usual repositories of Red Hat Enterprise Linux"

func contents(r assay.Release, sets ...string) assay.Release { r.ContentSets = sets; return r }

func product(name string, cpes ...string) assay.Advisory {
	return adv(name, fix("rhel-cpe", name, "", meant(assay.Qualifiers{CPEs: cpes})))
}

var redhatRules = []rule{
	{"RHEL: the binary's name counts, or what is said of its source", contents(el9, "baseos"), []assay.Package{pkg("rpm", "libcurl", "7.76.1-26.el9", from("curl"), arch("x86_64"))},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-27.el9")), adv("CVE-2", fix("rhel:9", "libcurl", "7.76.1-27.el9")), adv("CVE-3", fix("rhel:9", "curl", "", meant(assay.Qualifiers{Arches: []string{"src"}})))},
		[]string{"libcurl CVE-2 fixed 7.76.1-27.el9", "libcurl CVE-3 affected"}, []string{"libcurl CVE-1 fixed 7.76.1-27.el9"}},
	{"RHEL: the repositories decide which products are meant", contents(el9, "rhel-9-for-x86_64-baseos-rpms"), []assay.Package{pkg("rpm", "curl", "7.76.1-26.el9")},
		memory{product("rhel-9-for-x86_64-baseos-rpms", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-27.el9", meant(assay.Qualifiers{CPEs: []string{baseos9}}))), adv("CVE-2", fix("rhel:9", "curl", "7.76.1-40.el9", meant(assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}})))},
		[]string{"curl CVE-1 fixed 7.76.1-27.el9"}, []string{"curl CVE-1 fixed 7.76.1-27.el9", "curl CVE-2 fixed 7.76.1-40.el9"}},
	// Trivy fails where it knows no product; a scan that tells what it supposed is of more use.
	{"RHEL: an image that does not name its repositories is matched with the usual ones, which is a gap", el9, []assay.Package{pkg("rpm", "curl", "7.76.1-26.el9")},
		memory{adv("CVE-1", fix("rhel:9", "curl", "7.76.1-27.el9", meant(assay.Qualifiers{CPEs: []string{baseos9}}))), adv("CVE-2", fix("rhel:9", "curl", "7.76.1-40.el9", meant(assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}})))},
		[]string{"curl CVE-1 fixed 7.76.1-27.el9", usualGap}, nil},
	// Which products an old image's name-version-release stands for is in no document that Red Hat publishes.
	{"RHEL: a name-version-release alone does not name the repositories", assay.Release{ID: "rhel", Version: "9.1", NVR: "ubi9-container-9.1-1782"}, []assay.Package{pkg("rpm", "curl", "7.76.1-26.el9")},
		memory{adv("CVE-1", fix("rhel:9", "curl", "7.76.1-27.el9", meant(assay.Qualifiers{CPEs: []string{baseos9}})))}, []string{"curl CVE-1 fixed 7.76.1-27.el9", usualGap}, nil},
	{"RHEL: release 10 is matched", contents(release("rhel", "10.0"), "baseos"), []assay.Package{pkg("rpm", "curl", "8.9.1-5.el10")},
		memory{product("baseos", "cpe:/o:redhat:enterprise_linux:10.0"), adv("CVE-1", fix("rhel:10", "curl", "8.9.1-6.el10", meant(assay.Qualifiers{CPEs: []string{"cpe:/o:redhat:enterprise_linux:10"}})))},
		[]string{"curl CVE-1 fixed 8.9.1-6.el10"}, nil},
	{"RHEL: of several fixes of a CVE the highest counts", contents(el9, "baseos"), []assay.Package{pkg("rpm", "curl", "7.76.1-26.el9")},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-28.el9"), notice("RHSA-1")), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-27.el9"), notice("RHSA-2"))},
		[]string{"curl CVE-1 fixed 7.76.1-28.el9 RHSA-1,RHSA-2"}, []string{"curl CVE-1 fixed 7.76.1-27.el9"}},
	{"RHEL: the architecture of a row counts", contents(el9, "baseos"), []assay.Package{pkg("rpm", "curl", "7.76.1-26.el9", arch("aarch64"))},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-28.el9", meant(assay.Qualifiers{Arches: []string{"s390x"}})))}, nil, []string{"curl CVE-1 fixed 7.76.1-28.el9"}},
	{"RHEL: a module's stream and the usual packages do not meet", contents(el8, "appstream"), []assay.Package{pkg("rpm", "nodejs", "1:18.19.0-1.module+el8.9.0+1", module("nodejs:18:8090:abc:x86_64"))},
		memory{product("appstream", "cpe:/a:redhat:enterprise_linux:8::appstream"), adv("CVE-1", fix("rhel:8", "nodejs", "1:20.1.0-1.module+el8", meant(assay.Qualifiers{Module: "nodejs:20"}))), adv("CVE-2", fix("rhel:8", "nodejs", "1:18.20.0-1.module+el8", meant(assay.Qualifiers{Module: "nodejs:18"}))), adv("CVE-3", fix("rhel:8", "nodejs", ""))},
		[]string{"nodejs CVE-2 fixed 1:18.20.0-1.module+el8"}, []string{"nodejs CVE-1 fixed 1:20.1.0-1.module+el8", "nodejs CVE-2 fixed 1:18.20.0-1.module+el8", "nodejs CVE-3 affected"}},
	{"RHEL: a build for a minor release that holds its fix is not below a later release's (EUS)", contents(el9, "baseos"), []assay.Package{pkg("rpm", "curl", "7.76.1-23.el9_2.4")},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-23.el9_2.4")), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-26.el9_3.2"))}, nil, []string{"curl CVE-1 fixed 7.76.1-26.el9_3.2"}},
	{"RHEL: kernels of 6 and 7 have no suffix, so their number says for which minor release they were built",
		contents(release("rhel", "7.9"), "server"), []assay.Package{pkg("rpm", "kernel", "3.10.0-957.27.2.el7"), pkg("rpm", "kernel", "3.10.0-957.el7"), pkg("rpm", "kernel", "3.10.0-957.1.3.el7"), pkg("rpm", "kernel", "3.10.0-862.51.1.el7")},
		memory{product("server", "cpe:/o:redhat:enterprise_linux:7::server"), adv("CVE-1", fix("rhel:7", "kernel", "3.10.0-957.5.1.el7")), adv("CVE-1", fix("rhel:7", "kernel", "3.10.0-1062.el7"))},
		[]string{"kernel CVE-1 fixed 3.10.0-1062.el7", "kernel CVE-1 fixed 3.10.0-1062.el7", "kernel CVE-1 fixed 3.10.0-1062.el7"},
		[]string{"kernel CVE-1 fixed 3.10.0-1062.el7", "kernel CVE-1 fixed 3.10.0-1062.el7", "kernel CVE-1 fixed 3.10.0-1062.el7", "kernel CVE-1 fixed 3.10.0-1062.el7"}},
	{"RHEL: a build without a suffix is not below the fix of an earlier minor release", contents(release("rhel", "6.10"), "server"), []assay.Package{pkg("rpm", "kernel", "2.6.32-754.el6")},
		memory{product("server", "cpe:/o:redhat:enterprise_linux:6::server"), adv("CVE-1", fix("rhel:6", "kernel", "2.6.32-696.30.1.el6_9")), adv("CVE-2", fix("rhel:6", "kernel", "2.6.32-754.3.5.el6"))},
		[]string{"kernel CVE-2 fixed 2.6.32-754.3.5.el6"}, nil},
	{"RHEL: a build of extended support holds its fixes, whatever repository the image names", contents(el9, "baseos"), []assay.Package{pkg("rpm", "curl", "7.76.1-23.el9_2.4"), pkg("rpm", "curl", "7.76.1-23.el9_2.2")},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-23.el9_2.4", meant(assay.Qualifiers{CPEs: []string{"cpe:/o:redhat:rhel_eus:9.2::baseos"}}))), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-26.el9_3.2", meant(assay.Qualifiers{CPEs: []string{baseos9}})))},
		[]string{"curl CVE-1 fixed 7.76.1-26.el9_3.2"}, nil},
	{"RHEL: el7 is below el7_9", contents(release("rhel", "7.9"), "server"), []assay.Package{pkg("rpm", "curl", "7.29.0-59.el7")},
		memory{product("server", "cpe:/o:redhat:enterprise_linux:7::server"), adv("CVE-1", fix("rhel:7", "curl", "7.29.0-59.el7_9.1"))}, []string{"curl CVE-1 fixed 7.29.0-59.el7_9.1"}, nil},
	{"CentOS: up to 8 it is Red Hat's", assay.Release{ID: "centos", Version: "7.9.2009", Name: "CentOS Linux 7 (Core)", ContentSets: []string{"server"}}, []assay.Package{pkg("rpm", "curl", "7.29.0-59.el7")},
		memory{product("server", "cpe:/o:redhat:enterprise_linux:7::server"), adv("CVE-1", fix("rhel:7", "curl", "7.29.0-59.el7_9.1"))}, []string{"curl CVE-1 fixed 7.29.0-59.el7_9.1"}, nil},
	{"CentOS Stream: it runs ahead of Red Hat's, whose advisories are not its", assay.Release{ID: "centos", Version: "9", Name: "CentOS Stream 9", ContentSets: []string{"baseos"}}, []assay.Package{pkg("rpm", "curl", "7.76.1-26.el9")},
		memory{product("baseos", baseos9), adv("CVE-1", fix("rhel:9", "curl", "7.76.1-27.el9"))}, nil, []string{"curl CVE-1 fixed 7.76.1-27.el9"}},
}

var rpmRules = []rule{
	{"Fedora: its updates are matched", release("fedora", "40"), []assay.Package{pkg("rpm", "curl", "8.6.0-7.fc40")}, memory{adv("CVE-1", fix("fedora:40", "curl", "8.6.0-8.fc40"))}, []string{"curl CVE-1 fixed 8.6.0-8.fc40"}, nil},
	// Trivy skips builds of a module whose database tells no label; they are the module's by their release.
	{"AlmaLinux: a module's build whose label is lost is the module's", alma, []assay.Package{pkg("rpm", "varnish", "6.0.8-1.module_el8.5.0+1"), pkg("rpm", "php", "8.0-1.el8")},
		memory{adv("CVE-1", fix("almalinux:8", "varnish", "6.0.8-2.module_el8.5.0+2")), adv("CVE-2", fix("almalinux:8", "varnish", "7.0-1.el8")), adv("CVE-3", fix("almalinux:8", "php", "8.0-2.module_el8"))},
		[]string{"varnish CVE-1 fixed 6.0.8-2.module_el8.5.0+2"}, []string{"varnish CVE-1 fixed 6.0.8-2.module_el8.5.0+2", "varnish CVE-2 fixed 7.0-1.el8", "php CVE-3 fixed 8.0-2.module_el8"}},
	{"Rocky Linux: each architecture has its own fix", release("rocky", "9.4"), []assay.Package{pkg("rpm", "a", "1-2.el9", arch("s390x")), pkg("rpm", "a", "1-2.el9", arch("x86_64"))},
		memory{adv("CVE-1", fix("rocky:9", "a", "1-2.el9", meant(assay.Qualifiers{Arches: []string{"s390x"}}))), adv("CVE-1", fix("rocky:9", "a", "2-2.el9", meant(assay.Qualifiers{Arches: []string{"x86_64"}})))},
		[]string{"a CVE-1 fixed 2-2.el9"}, []string{"a CVE-1 fixed 2-2.el9", "a CVE-1 fixed 2-2.el9"}},
	{"Oracle Linux: ksplice, FIPS and usual builds never cross", release("ol", "8.9"),
		[]assay.Package{pkg("rpm", "glibc", "2:2.28-225.ksplice1.el8"), pkg("rpm", "glibc", "2.28-230.el8"), pkg("rpm", "openssl", "10:1.1.1k-6.el8_fips"), pkg("rpm", "openssl", "1:1.1.1k-12.el8")},
		memory{adv("CVE-1", fix("oracle:8", "glibc", "2:2.28-228.ksplice1.el8", meant(assay.Qualifiers{Flavour: "ksplice"}))), adv("CVE-1", fix("oracle:8", "glibc", "2.28-228.el8")),
			adv("CVE-2", fix("oracle:8", "openssl", "10:1.1.1k-6.el8_fips", meant(assay.Qualifiers{Flavour: "fips"}))), adv("CVE-2", fix("oracle:8", "openssl", "1:1.1.1k-12.el8"))},
		[]string{"glibc CVE-1 fixed 2:2.28-228.ksplice1.el8"}, []string{"glibc CVE-1 fixed 2:2.28-228.ksplice1.el8", "glibc CVE-1 fixed 2:2.28-228.ksplice1.el8", "openssl CVE-2 fixed 10:1.1.1k-6.el8_fips"}},
	{"Amazon Linux: what is neither 2, 2022 nor 2023 is the first", release("amzn", "2017.09"), []assay.Package{pkg("rpm", "curl", "7.53.1-1.amzn1")}, memory{adv("CVE-1", fix("amazon:1", "curl", "7.53.1-2.amzn1"))},
		[]string{"curl CVE-1 fixed 7.53.1-2.amzn1"}, nil},
	// In Trivy's database a later notice takes the place of an earlier one, whichever fix is higher.
	{"Amazon Linux: of two notices the higher fix counts, not the later", release("amzn", "2"), []assay.Package{pkg("rpm", "curl", "7.79.1-5.amzn2")},
		memory{adv("CVE-1", fix("amazon:2", "curl", "7.79.1-6.amzn2"), notice("ALAS2-1")), adv("CVE-1", fix("amazon:2", "curl", "7.79.1-4.amzn2"), notice("ALAS2-2"))},
		[]string{"curl CVE-1 fixed 7.79.1-6.amzn2 ALAS2-1"}, nil},
	// No peer reads the extras' advisories.
	{"Amazon Linux: extras are compared with their own line", release("amzn", "2"), []assay.Package{pkg("rpm", "postgresql", "14.5-1.amzn2"), pkg("rpm", "postgresql-libs", "9.2.24-8.amzn2")},
		memory{adv("CVE-1", fix("amazon:2", "postgresql", "14.8-1.amzn2", meant(assay.Qualifiers{Repos: []string{"amzn2extra-postgresql14"}}))), adv("CVE-2", fix("amazon:2", "postgresql-libs", "14.8-1.amzn2", meant(assay.Qualifiers{Repos: []string{"amzn2extra-postgresql14"}})))},
		[]string{"postgresql CVE-1 fixed 14.8-1.amzn2"}, []string{"postgresql CVE-1 fixed 14.8-1.amzn2", "postgresql-libs CVE-2 fixed 14.8-1.amzn2"}},
	{"Azure Linux: the source's name and version count", release("azurelinux", "3.0.20240727"), []assay.Package{pkg("rpm", "curl-libs", "8.8.0-1.azl3", from("curl"))},
		memory{adv("CVE-1", fix("azurelinux:3.0", "curl", "8.8.0-2.azl3")), adv("CVE-2", fix("azurelinux:3.0", "curl-libs", ""))}, []string{"curl-libs CVE-1 fixed 8.8.0-2.azl3"}, []string{"curl-libs CVE-2 affected"}},
	{"Azure Linux: a version before the beginning is not affected", release("mariner", "2.0.20240301"), []assay.Package{pkg("rpm", "curl", "7.1-1.cm2")},
		memory{adv("CVE-1", row("azurelinux:2.0", "curl", assay.Range{Introduced: "7.2-1.cm2", Fixed: "8-1.cm2"}))}, nil, []string{"curl CVE-1 fixed 8-1.cm2"}},
	// Trivy calls the vulnerability by SUSE's notice, so that it counts beside the same CVE of others.
	{"SUSE: a vulnerability is its CVE, of which notices tell", release("sles", "15.5"), []assay.Package{pkg("rpm", "curl", "8.0.1-150400.5.1")},
		memory{adv("CVE-1", fix("sles:15.5", "curl", "8.0.1-150400.5.26.1"), notice("SUSE-SU-2023:1-1")), adv("CVE-1", fix("sles:15.5", "curl", "8.0.1-150400.5.29.1"), notice("SUSE-SU-2023:2-1"))},
		[]string{"curl CVE-1 fixed 8.0.1-150400.5.29.1 SUSE-SU-2023:1-1,SUSE-SU-2023:2-1"}, []string{"curl SUSE-SU-2023:1-1 fixed 8.0.1-150400.5.26.1", "curl SUSE-SU-2023:2-1 fixed 8.0.1-150400.5.29.1"}},
	{"SUSE: the service pack counts", release("sles", "15.4"), []assay.Package{pkg("rpm", "curl", "8.0.1-150400.5.1")}, memory{adv("CVE-1", fix("sles:15.5", "curl", ""))}, nil, []string{"curl CVE-1 affected"}},
	{"Photon: the source's name and version count", release("photon", "5.0"), []assay.Package{pkg("rpm", "curl-libs", "8.1.2-1.ph5", from("curl"))},
		memory{adv("CVE-1", fix("photon:5.0", "curl", "8.1.2-2.ph5")), adv("CVE-2", fix("photon:5.0", "curl-libs", ""))}, []string{"curl-libs CVE-1 fixed 8.1.2-2.ph5"}, []string{"curl-libs CVE-2 affected"}},
	{"Bottlerocket: it rolls, and a notice without a CVE is kept", release("bottlerocket", "1.20.0"), []assay.Package{pkg("rpm", "kernel-6.1", "6.1.1-1")}, memory{adv("BRSA-1", fix("bottlerocket", "kernel-6.1", "6.1.2-1"))},
		[]string{"kernel-6.1 BRSA-1 fixed 6.1.2-1"}, nil},
}

// Root's fix is below Debian's next one by dpkg's order, and above it by its own word.
var rebuilderRules = []rule{
	{"Root: its advisories decide about its own builds, the distribution's about the rest", bookworm,
		[]assay.Package{pkg("deb", "libmbedtls14", "2.28.3-1.root.io.1", from("mbedtls")), pkg("deb", "libmbedx509-1", "2.28.3-1", from("mbedtls"))},
		memory{adv("CVE-1", fix("rootio:debian:12", "mbedtls", "2.28.3-1.root.io.1")), adv("CVE-2", fix("rootio:debian:12", "mbedtls", "2.28.3-1.root.io.2")),
			adv("CVE-1", fix("debian:12", "mbedtls", "")), adv("CVE-3", fix("debian:12", "mbedtls", "2.28.8-1"))},
		[]string{"libmbedtls14 CVE-2 fixed 2.28.3-1.root.io.2", "libmbedtls14 CVE-3 fixed 2.28.8-1", "libmbedx509-1 CVE-1 affected", "libmbedx509-1 CVE-3 fixed 2.28.8-1"},
		[]string{"libmbedtls14 CVE-1 affected", "libmbedtls14 CVE-3 fixed 2.28.8-1", "libmbedx509-1 CVE-1 affected", "libmbedx509-1 CVE-3 fixed 2.28.8-1"}},
	{"Root: packages that it renamed are still the distribution's", release("ubuntu", "22.04"), []assay.Package{pkg("deb", "rootio-gnupg2", "2.2.27-3ubuntu2.3.root.io.1")},
		memory{adv("CVE-1", fix("rootio:ubuntu:22.04", "rootio-gnupg2", "2.2.27-3ubuntu2.4.root.io.1")), adv("CVE-2", fix("ubuntu:22.04", "gnupg2", ""))},
		[]string{"rootio-gnupg2 CVE-1 fixed 2.2.27-3ubuntu2.4.root.io.1", "rootio-gnupg2 CVE-2 affected"}, nil},
	{"Root: its revisions on Alpine are 007 and a number", release("alpine", "3.19.1"), []assay.Package{pkg("apk", "botan", "2.19.5-r00071"), pkg("apk", "zlib", "1.3.1-r17")},
		memory{adv("CVE-1", fix("rootio:alpine:3.19", "botan", "2.19.5-r00071")), adv("CVE-1", fix("alpine:3.19", "botan", "2.19.6-r0")), adv("CVE-2", fix("rootio:alpine:3.19", "zlib", "1.3.2-r00071"))},
		nil, []string{"botan CVE-1 fixed 2.19.6-r0"}},
	{"Seal: its packages are its own, others the distribution's", release("debian", "12"), []assay.Package{pkg("deb", "seal-glibc", "2.36-9+deb12u3+sp1"), pkg("deb", "glibc", "2.36-9+deb12u3")},
		memory{adv("CVE-1", fix("seal:debian", "seal-glibc", "2.36-9+deb12u3+sp999")), adv("CVE-2", fix("debian:12", "glibc", "2.36-9+deb12u4"))},
		[]string{"seal-glibc CVE-1 fixed 2.36-9+deb12u3+sp999", "glibc CVE-2 fixed 2.36-9+deb12u4"}, []string{"glibc CVE-2 fixed 2.36-9+deb12u4"}},
}

// TestJudgementsOfRebuilds: the rebuilder's advisory decides, and the
// distribution's has a judgement that says so.
func TestJudgementsOfRebuilds(t *testing.T) {
	inv := &assay.Inventory{Release: bookworm, Packages: []assay.Package{pkg("deb", "libmbedtls14", "2.28.3-1.root.io.1", from("mbedtls")), pkg("deb", "seal-glibc", "2.36-9+sp1")}}
	rows := memory{adv("CVE-1", fix("rootio:debian:12", "mbedtls", "2.28.3-1.root.io.2")), adv("CVE-1", fix("debian:12", "mbedtls", "2.28.3-1")),
		adv("CVE-2", fix("seal:debian", "seal-glibc", "2.36-9+sp999")), adv("CVE-2", fix("debian:12", "glibc", "")), adv("CVE-3", fix("rootio:debian:11", "mbedtls", ""))}
	all, err := match.Vulnerability(t.Context(), inv, []string{"cve-1", "CVE-2", "CVE-3"}, rows, rows, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range all {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", inv.Packages[j.Package].Name, j.ID, j.Row.Stream, j.Verdict, j.Rule))
	}
	if diff := cmp.Diff([]string{"libmbedtls14 CVE-1 debian:12 not_affected rebuilder", "libmbedtls14 CVE-1 rootio:debian:12 affected version", "seal-glibc CVE-2 seal:debian affected version"}, got); diff != "" {
		t.Error(diff)
	}
}
