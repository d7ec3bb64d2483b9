package distro_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/version"
)

// part is what a release file says.
func part(path, id, version string, more ...func(*assay.Release)) assay.Release {
	r := assay.Release{Path: path, ID: id, Version: version}
	for _, m := range more {
		m(&r)
	}
	return r
}

func name(s string) func(*assay.Release)     { return func(r *assay.Release) { r.Name = s } }
func codename(s string) func(*assay.Release) { return func(r *assay.Release) { r.Codename = s } }

// repos is what etc/apk/repositories says.
func repos(branches ...string) assay.Release {
	return assay.Release{Path: "etc/apk/repositories", Repos: branches}
}

func TestIdentify(t *testing.T) {
	const osRelease = "etc/os-release"
	tests := []struct {
		name  string
		parts []assay.Release
		want  string // ID, version and codename
		gap   string
	}{
		{"nothing", nil, "  ", ""},
		{"one file", []assay.Release{part(osRelease, "fedora", "40")}, "fedora 40 ", ""},
		{"the better file wins", []assay.Release{part("etc/redhat-release", "rhel", "9.1"), part("usr/lib/os-release", "rocky", "9.2"), part(osRelease, "rocky", "9.3")}, "rocky 9.3 ", ""},
		{"a second file fills", []assay.Release{part(osRelease, "centos", ""), part("etc/centos-release", "centos", "7.9.2009")}, "centos 7.9.2009 ", ""},
		{"another distribution's file does not", []assay.Release{part(osRelease, "centos", ""), part("etc/redhat-release", "rhel", "7.9")}, "centos  ", ""},

		{"Debian's point release", []assay.Release{part(osRelease, "debian", "12", codename("bookworm")), part("etc/debian_version", "debian", "12.5")}, "debian 12.5 bookworm", ""},
		{"Debian of another number", []assay.Release{part(osRelease, "debian", "12", codename("bookworm")), part("etc/debian_version", "debian", "13.1")}, "debian 12 bookworm", ""},
		{"Debian testing", []assay.Release{part(osRelease, "debian", "", codename("trixie")), part("etc/debian_version", "debian", "", codename("trixie"))}, "debian 13 trixie", ""},
		{"Debian unstable", []assay.Release{part(osRelease, "debian", "", codename("sid"))}, "debian sid sid", ""},
		{"Debian by its version file", []assay.Release{part("etc/debian_version", "debian", "11.9")}, "debian 11.9 bullseye", ""},
		{"Debian of an unknown name", []assay.Release{part(osRelease, "debian", "", codename("zurg"))}, "debian  zurg", ""},
		{"Ubuntu has a debian_version", []assay.Release{part(osRelease, "ubuntu", "22.04", codename("jammy")), part("etc/debian_version", "debian", "", codename("bookworm"))}, "ubuntu 22.04 jammy", ""},

		{"Alpine", []assay.Release{part(osRelease, "alpine", "3.20.3"), repos("v3.20")}, "alpine 3.20.3 ", ""},
		{"Alpine without repositories", []assay.Release{part(osRelease, "alpine", "3.20.3")}, "alpine 3.20.3 ", ""},
		{"Alpine upgraded to edge", []assay.Release{part(osRelease, "alpine", "3.20.3"), repos("v3.20", "edge")}, "alpine edge ", "etc/os-release: names release 3.20.3, but packages come from edge"},
		{"Alpine of a newer branch", []assay.Release{part(osRelease, "alpine", "3.9.6"), repos("v3.9", "v3.10")}, "alpine 3.10 ", "etc/os-release: names release 3.9.6, but packages come from v3.10"},
		{"a branch is no prefix", []assay.Release{part(osRelease, "alpine", "3.20.0"), repos("v3.2")}, "alpine 3.2 ", "etc/os-release: names release 3.20.0, but packages come from v3.2"},
		{"an edge snapshot", []assay.Release{part(osRelease, "alpine", "3.21.0_alpha20240923"), repos("edge")}, "alpine edge ", ""},
		{"an edge snapshot alone", []assay.Release{part(osRelease, "alpine", "3.21.0_alpha20240923")}, "alpine edge ", ""},
		{"repositories alone", []assay.Release{repos("v3.18")}, "alpine 3.18 ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.parts)
			for range 2 { // in any order
				r, gaps := distro.Identify(tt.parts)
				if got := r.ID + " " + r.Version + " " + r.Codename; got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
				var gap string
				for _, g := range gaps {
					gap += g.String()
				}
				if !strings.HasPrefix(gap, tt.gap) || (gap == "") != (tt.gap == "") {
					t.Errorf("gap %q, want %q", gap, tt.gap)
				}
				if !slices.EqualFunc(before, tt.parts, func(a, b assay.Release) bool { return a.Path == b.Path }) {
					t.Error("the parts were moved")
				}
				slices.Reverse(tt.parts)
				slices.Reverse(before)
			}
		})
	}
}

func TestIdentifyRefined(t *testing.T) {
	r, _ := distro.Identify([]assay.Release{
		part("etc/os-release", "ubuntu", "20.04"), {Path: "var/lib/ubuntu-advantage/status.json", ESM: true},
		{Path: "root/buildinfo/content_manifests/a.json", ContentSets: []string{"a", "b"}}, {Path: "root/buildinfo/Dockerfile-ubi8-8.9-1", NVR: "ubi8-8.9-1"},
	})
	if !r.ESM || len(r.ContentSets) != 2 || r.NVR != "ubi8-8.9-1" {
		t.Errorf("%+v", r)
	}
}

// TestStreams holds, for releases as they call themselves, the stream and the
// cycle of endoflife.date.
func TestStreams(t *testing.T) {
	tests := []struct {
		id, version string
		more        func(*assay.Release)
		stream      assay.Stream
		cycle       string
	}{
		{"debian", "12.4", nil, "debian:12", "debian 12"},
		{"debian", "sid", nil, "debian:sid", ""},
		{"debian", "3.1", nil, "debian:3.1", "debian 3.1"},
		{"debian", "", nil, "", ""},
		{"ubuntu", "22.04", nil, "ubuntu:22.04", "ubuntu 22.04"},
		{"ubuntu", "18.04", func(r *assay.Release) { r.ESM = true }, "ubuntu-esm:18.04", ""},
		{"alpine", "3.18.2", nil, "alpine:3.18", "alpine-linux 3.18"},
		{"alpine", "edge", nil, "alpine:edge", ""},
		{"wolfi", "20230201", nil, "wolfi", ""},
		{"chainguard", "20230214", nil, "chainguard", ""},
		{"arch", "", nil, "arch", ""},
		{"archlinux", "", nil, "arch", ""},
		{"openwrt", "23.05.3", nil, "openwrt:23.05", "openwrt 23.05"},
		{"almalinux", "9.3", nil, "almalinux:9", "almalinux 9"},
		{"AlmaLinux", "9.3", nil, "almalinux:9", "almalinux 9"},
		{"rocky", "9.3", nil, "rocky:9", "rocky-linux 9"},
		{"rhel", "8.10", nil, "rhel:8", "rhel 8"},
		{"centos", "7.9.2009", name("CentOS Linux 7 (Core)"), "rhel:7", "centos 7"},
		{"centos", "9", name("CentOS Stream 9"), "centos-stream:9", "centos-stream 9"},
		{"fedora", "40", nil, "fedora:40", "fedora 40"},
		{"ol", "8.9", nil, "oracle:8", "oracle-linux 8"},
		{"amzn", "2018.03", nil, "amazon:1", "amazon-linux 2018.03"},
		{"amzn", "2", nil, "amazon:2", "amazon-linux 2"},
		{"amzn", "2023", nil, "amazon:2023", "amazon-linux 2023"},
		{"amzn", "", nil, "", ""},
		{"sles", "15.3", nil, "sles:15.3", "sles 15.3"},
		{"sles", "15", nil, "sles:15", "sles 15.0"},
		{"sle-micro", "5.5", nil, "sle-micro:5.5", "suse-linux-micro 5.5"},
		{"opensuse-leap", "15.5", nil, "opensuse-leap:15.5", "opensuse 15.5"},
		{"opensuse-tumbleweed", "20240101", nil, "opensuse-tumbleweed", ""},
		{"openeuler", "24.03", name("openEuler 24.03 (LTS-SP3)"), "openeuler:24.03", "openeuler 24.03-lts-sp3"},
		{"openeuler", "25.09", name("openEuler 25.09"), "openeuler:25.09", "openeuler 25.09"},
		{"photon", "5.0", nil, "photon:5.0", "photon 5.0"},
		{"mariner", "2.0.20240301", nil, "azurelinux:2.0", "azure-linux 2.0"},
		{"azurelinux", "3.0.20240727", nil, "azurelinux:3.0", "azure-linux 3.0"},
		{"bottlerocket", "1.20.0", nil, "bottlerocket", ""},
		{"kali", "2024.1", nil, "", ""},
		{"", "", nil, "", ""},
	}
	named := map[string]bool{}
	for _, tt := range tests {
		r := assay.Release{ID: tt.id, Version: tt.version}
		if tt.more != nil {
			tt.more(&r)
		}
		f, ok := distro.Of(r)
		var stream assay.Stream
		if ok {
			stream = f.Stream(r)
			named[f.ID] = true
			if _, ok := version.ByName(f.Scheme); !ok {
				t.Errorf("%s: no version scheme %q", f.ID, f.Scheme)
			}
		} else if tt.stream != "" {
			t.Errorf("%s: not known", tt.id)
		}
		if stream != tt.stream {
			t.Errorf("%s %s: stream %q, want %q", tt.id, tt.version, stream, tt.stream)
		}
		product, cycle, ok := distro.EndOfLife(r)
		if got := strings.TrimSpace(product + " " + cycle); got != tt.cycle || ok != (got != "") {
			t.Errorf("%s %s: cycle %q, want %q", tt.id, tt.version, got, tt.cycle)
		}
		if ok && !slices.Contains(distro.Products(), product) {
			t.Errorf("%s is none of Products", product)
		}
	}
	if len(named) < 22 {
		t.Errorf("only %d families have an example", len(named))
	}
	if n, ok := distro.DebianNumber("bookworm"); n != "12" || !ok {
		t.Errorf("bookworm is %q", n)
	}
	if n, ok := distro.UbuntuNumber("jammy"); n != "22.04" || !ok {
		t.Errorf("jammy is %q", n)
	}
	if all := distro.UbuntuCodenames(); all[0] != "warty" || all[len(all)-1] != "stonking" {
		t.Errorf("%v", all)
	}
}

func TestThirdParty(t *testing.T) {
	tests := []struct {
		distro string
		p      assay.Package
		want   string
	}{
		{"debian", assay.Package{Type: "deb", Version: "1.1.1n-0+deb11u5", Vendor: "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>"}, ""},
		{"debian", assay.Package{Type: "deb", Version: "5:24.0.7-1~debian.12", Vendor: "Docker <support@docker.com>"}, "published by Docker <support@docker.com>"},
		{"debian", assay.Package{Type: "deb", Version: "12.2.140-1", Vendor: "cudatools <cudatools@NVIDIA.com>"}, "published by cudatools <cudatools@NVIDIA.com>"},
		{"debian", assay.Package{Type: "deb", Version: "15.5-1.pgdg120+1", Vendor: "Debian PostgreSQL Maintainers"}, "version 15.5-1.pgdg120+1 is from another repository"},
		{"ubuntu", assay.Package{Type: "deb", Version: "8.3.1-1+deb.sury.org~22.04", Vendor: "Debian PHP Maintainers"}, "version 8.3.1-1+deb.sury.org~22.04 is from another repository"},
		{"debian", assay.Package{Type: "rpm", Version: "1"}, "a rpm package on Debian"},
		{"alpine", assay.Package{Type: "apk", Version: "1", Vendor: "anyone"}, ""},
		{"alpine", assay.Package{Type: "deb", Version: "1"}, "a deb package on Alpine Linux"},
		{"almalinux", assay.Package{Type: "rpm", Vendor: "AlmaLinux"}, ""},
		{"almalinux", assay.Package{Type: "rpm", Vendor: "Fedora Project"}, "published by Fedora Project"}, // EPEL
		{"almalinux", assay.Package{Type: "rpm", Vendor: "(none)"}, ""},
		{"almalinux", assay.Package{Type: "rpm"}, ""},
		{"rocky", assay.Package{Type: "rpm", Vendor: "Rocky Enterprise Software Foundation"}, ""},
		{"rhel", assay.Package{Type: "rpm", Vendor: "Red Hat, Inc."}, ""},
		{"centos", assay.Package{Type: "rpm", Vendor: "CentOS"}, ""},
		{"centos", assay.Package{Type: "rpm", Vendor: "Remi's RPM repository <https://rpms.remirepo.net/>"}, "published by Remi's RPM repository <https://rpms.remirepo.net/>"},
		{"ol", assay.Package{Type: "rpm", Vendor: "Oracle America"}, ""},
		{"amzn", assay.Package{Type: "rpm", Vendor: "Amazon Linux"}, ""},
		{"sles", assay.Package{Type: "rpm", Vendor: "SUSE LLC <https://www.suse.com/>"}, ""},
		{"opensuse-leap", assay.Package{Type: "rpm", Vendor: "openSUSE"}, ""},
		{"opensuse-leap", assay.Package{Type: "rpm", Vendor: "obs://build.opensuse.org/home:someone"}, "published by obs://build.opensuse.org/home:someone"},
		{"photon", assay.Package{Type: "rpm", Vendor: "VMware, Inc."}, ""},
		{"mariner", assay.Package{Type: "rpm", Vendor: "Microsoft Corporation"}, ""},
	}
	for _, tt := range tests {
		f, ok := distro.Of(assay.Release{ID: tt.distro})
		if !ok {
			t.Fatalf("%s: not known", tt.distro)
		}
		if got := f.ThirdParty(&tt.p); got != tt.want {
			t.Errorf("%s: %+v: %q, want %q", tt.distro, tt.p, got, tt.want)
		}
	}
}

func TestApplies(t *testing.T) {
	const label = "nodejs:18:8090020240101:489197e6:x86_64"
	fix := func(v string) []assay.Range { return []assay.Range{{Fixed: v}} }
	tests := []struct {
		name string
		id   string
		p    assay.Package
		a    assay.Affected
		want bool

		products []string
	}{
		{"no limits", "debian", assay.Package{Arch: "amd64"}, assay.Affected{}, true, nil},
		{"architecture", "rocky", assay.Package{Arch: "x86_64"}, assay.Affected{Qualifiers: assay.Qualifiers{Arches: []string{"aarch64", "x86_64"}}}, true, nil},
		{"another architecture", "rocky", assay.Package{Arch: "s390x"}, assay.Affected{Qualifiers: assay.Qualifiers{Arches: []string{"aarch64"}}}, false, nil},
		{"no architecture's package", "ol", assay.Package{Arch: "noarch"}, assay.Affected{Qualifiers: assay.Qualifiers{Arches: []string{"aarch64"}}}, true, nil},
		{"architecture not told", "rocky", assay.Package{}, assay.Affected{Qualifiers: assay.Qualifiers{Arches: []string{"aarch64"}}}, true, nil},
		{"module", "rocky", assay.Package{Module: label}, assay.Affected{Qualifiers: assay.Qualifiers{Module: "nodejs:18"}}, true, nil},
		{"another stream of it", "rocky", assay.Package{Module: label}, assay.Affected{Qualifiers: assay.Qualifiers{Module: "nodejs:1"}}, false, nil},
		{"no module", "rocky", assay.Package{}, assay.Affected{Qualifiers: assay.Qualifiers{Module: "nodejs:18"}}, false, nil},
		{"a label that is none", "rocky", assay.Package{Module: "nodejs"}, assay.Affected{Qualifiers: assay.Qualifiers{Module: "nodejs:18"}}, false, nil},
		{"a fix outside modules", "rocky", assay.Package{Module: label}, assay.Affected{Ranges: fix("1-1.el8")}, false, nil},
		{"a module's fix, stream not told", "rocky", assay.Package{Module: label}, assay.Affected{Ranges: fix("1-1.module+el8.9.0+1+abc")}, true, nil},
		{"a build without label", "rocky", assay.Package{Version: "1-0.module+el8.9.0+1+abc"}, assay.Affected{Ranges: fix("1-1.module+el8.9.0+1+abc")}, true, nil},
		{"a flavour", "ol", assay.Package{Version: "2:2.28-1.ksplice1.el8"}, assay.Affected{Qualifiers: assay.Qualifiers{Flavour: "ksplice"}}, true, nil},
		{"a plain build of what has a flavour", "ol", assay.Package{Version: "2.28-1.el8"}, assay.Affected{Qualifiers: assay.Qualifiers{Flavour: "ksplice"}}, false, nil},
		{"a flavour of what is plain", "ol", assay.Package{Version: "10:1.1.1k-5.el8_5_fips"}, assay.Affected{}, false, nil},
		{"Ubuntu's flavour", "ubuntu", assay.Package{Version: "3.0.2-0ubuntu1.10+Fips1"}, assay.Affected{Qualifiers: assay.Qualifiers{Flavour: "fips"}}, true, nil},
		{"a distribution without flavours", "rocky", assay.Package{Version: "1-1_fips"}, assay.Affected{}, true, nil},
		{"Red Hat's product", "rhel", assay.Package{}, assay.Affected{Qualifiers: assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}}}, true, []string{"cpe:/a:redhat:openshift:4.14::el9"}},
		{"another product", "rhel", assay.Package{}, assay.Affected{Qualifiers: assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4.1"}}}, false, []string{"cpe:/a:redhat:openshift:4.14::el9"}},
		{"products not told", "rhel", assay.Package{}, assay.Affected{Qualifiers: assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}}}, true, nil},
		{"a source package's row", "rhel", assay.Package{Arch: "x86_64"}, assay.Affected{Qualifiers: assay.Qualifiers{Arches: []string{"src"}}}, true, nil},
		{"Red Hat names modules always", "rhel", assay.Package{Module: label}, assay.Affected{Ranges: []assay.Range{{}}}, false, nil},
		{"a service pack of openEuler", "openeuler", assay.Package{Version: "1-2.oe2203sp3"}, assay.Affected{Qualifiers: assay.Qualifiers{Flavour: "oe2203sp3"}}, true, nil},
		{"another service pack", "openeuler", assay.Package{Version: "1-2.oe2203sp1"}, assay.Affected{Qualifiers: assay.Qualifiers{Flavour: "oe2203sp3"}}, false, nil},
		{"no fix", "rocky", assay.Package{Module: label}, assay.Affected{Ranges: []assay.Range{{}}}, true, nil},
	}
	for _, tt := range tests {
		f, _ := distro.Of(assay.Release{ID: tt.id})
		if got := f.Applies(&tt.p, &tt.a, tt.products); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestCoversCPE(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"cpe:/o:redhat:enterprise_linux:9", "cpe:/o:redhat:enterprise_linux:9::baseos", true},
		{"cpe:/o:redhat:enterprise_linux:9::baseos", "cpe:/o:redhat:enterprise_linux:9::baseos", true},
		{"cpe:/o:redhat:enterprise_linux:9::baseos", "cpe:/o:redhat:enterprise_linux:9", false},
		{"cpe:/a:redhat:openshift:4.1", "cpe:/a:redhat:openshift:4.14::el9", false},
		{"cpe:/a:redhat:openshift:4", "cpe:/a:redhat:openshift:4.14::el9", true},
		{"cpe:/a:redhat:openshift:4:*", "cpe:/a:redhat:openshift:4.14::el9", true},
		{"cpe:/a:redhat:openshift", "cpe:/a:redhat:openshift_do:1.0::el7", false},
	} {
		if got := distro.CoversCPE(tt.a, tt.b); got != tt.want {
			t.Errorf("%s covers %s: %v", tt.a, tt.b, got)
		}
	}
}
