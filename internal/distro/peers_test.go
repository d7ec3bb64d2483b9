package distro_test

import (
	"slices"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// TestDetectionRules: which distribution and release an image is judged by,
// called as docs/accuracy.md calls them. Each goes wrong without the rule.
func TestDetectionRules(t *testing.T) {
	const osRelease, redhat, debianVersion = "etc/os-release", "etc/redhat-release", "etc/debian_version"
	esm := assay.Release{Path: "var/lib/ubuntu-advantage/status.json", ESM: true}
	for _, tt := range []struct {
		name  string
		parts []assay.Release
		want  assay.Stream
		naive assay.Stream // without the rule
	}{
		{"Detection: os-release comes before other files", []assay.Release{part(redhat, "rhel", "9.1"), part(osRelease, "rocky", "9.3")}, "rocky:9", "rhel:9"},
		{"Detection: of other files the more specific wins over Red Hat's", []assay.Release{part(redhat, "rhel", "6.10"), part("etc/oracle-release", "ol", "6.10")}, "oracle:6", "rhel:6"},
		{"Detection: Ubuntu is not Debian, whose version file it has", []assay.Release{part(debianVersion, "debian", "", codename("bookworm")), part("etc/lsb-release", "ubuntu", "22.04", codename("jammy"))}, "ubuntu:22.04", "debian:12"},
		{"Detection: Amazon Linux by its system-release", []assay.Release{part("etc/system-release", "amzn", "2018.03")}, "amazon:1", ""},
		{"Detection: repositories of apk alone make it Alpine", []assay.Release{repos("v3.18")}, "alpine:3.18", ""},
		// Trivy takes Debian's version file for what it says.
		{"Detection: a derivative is not its parent", []assay.Release{part(osRelease, "kali", "2024.1"), part(debianVersion, "debian", "12.4")}, "", "debian:12"},
		{"Alpine: the repositories' release beats os-release", []assay.Release{part(osRelease, "alpine", "3.19.1"), repos("v3.20")}, "alpine:3.20", "alpine:3.19"},
		{"Alpine: the newest of several repositories counts, as numbers", []assay.Release{part(osRelease, "alpine", "3.9.0"), repos("v3.9", "v3.10")}, "alpine:3.10", "alpine:3.9"},
		{"Alpine: any edge is edge", []assay.Release{part(osRelease, "alpine", "3.20.1"), repos("edge", "v3.20")}, "alpine:edge", "alpine:3.20"},
		{"Alpine: a snapshot of edge is not the release that it leads to", []assay.Release{part(osRelease, "alpine", "3.21.0_alpha20240923")}, "alpine:edge", "alpine:3.21"},
		{"Wolfi, Chainguard: repositories of Alpine's do not make them Alpine", []assay.Release{part(osRelease, "wolfi", "20230201"), repos("v3.20")}, "wolfi", "alpine:3.20"},
		{"Debian: the major number is the release", []assay.Release{part(osRelease, "debian", "12"), part(debianVersion, "debian", "12.5")}, "debian:12", "debian:12.5"},
		// Trivy looks for a release called "trixie/sid", and finds nothing.
		{"Debian: trixie/sid is the release of that name", []assay.Release{part(osRelease, "debian", "", codename("trixie")), part(debianVersion, "debian", "", codename("trixie/sid"))}, "debian:13", ""},
		{"Debian: sid is a release", []assay.Release{part(osRelease, "debian", "", codename("sid"))}, "debian:sid", ""},
		{"Ubuntu: the full number is the release", []assay.Release{part(osRelease, "ubuntu", "22.04")}, "ubuntu:22.04", "ubuntu:22"},
		{"Ubuntu: ESM where esm-infra is on", []assay.Release{part(osRelease, "ubuntu", "18.04"), esm}, "ubuntu-esm:18.04", "ubuntu:18.04"},
		{"RHEL: the major number is the release", []assay.Release{part(osRelease, "rhel", "9.4")}, "rhel:9", "rhel:9.4"},
		{"SUSE: the service pack is the release", []assay.Release{part(osRelease, "sles", "15.5")}, "sles:15.5", "sles:15"},
		{"Azure Linux: two numbers are the release, CBL-Mariner is its former name", []assay.Release{part(osRelease, "mariner", "2.0.20240301")}, "azurelinux:2.0", "azurelinux:2.0.20240301"},
		{"Photon: the full number is the release", []assay.Release{part(osRelease, "photon", "5.0")}, "photon:5.0", "photon:5"},
		{"Bottlerocket: its advisories know no release", []assay.Release{part("x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release", "bottlerocket", "1.20.0")}, "bottlerocket", "bottlerocket:1.20"},
		{"Distroless: it is Debian by os-release", []assay.Release{part("usr/lib/os-release", "debian", "12", name("Distroless"))}, "debian:12", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // whatever order the files are in
				r, _ := distro.Identify(tt.parts)
				var got assay.Stream
				if f, ok := distro.Of(r); ok {
					got = f.Stream(r)
				}
				if got != tt.want || got == tt.naive {
					t.Errorf("%+v: %q, want %q", r, got, tt.want)
				}
				slices.Reverse(tt.parts)
			}
		})
	}
}

// TestContentSets: "RHEL: __9 is a copy of the repository, __9_DOT_2 is one of its own".
func TestContentSets(t *testing.T) {
	for in, want := range map[string]string{
		"rhel-9-for-x86_64-baseos-rpms":              "rhel-9-for-x86_64-baseos-rpms",
		"rhel-9-for-x86_64-baseos-rpms__9":           "rhel-9-for-x86_64-baseos-rpms",
		"rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2": "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2",
		"rhel-9-for-x86_64-baseos-rpms__":            "rhel-9-for-x86_64-baseos-rpms__",
	} {
		if got := distro.ContentSet(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestThirdPartyRules: whose packages the distribution's advisories speak of.
func TestThirdPartyRules(t *testing.T) {
	rpm := func(vendor string) assay.Package {
		return assay.Package{Type: "rpm", Name: "a", Version: "1-1", Vendor: vendor}
	}
	deb := func(version, maintainer string) assay.Package {
		return assay.Package{Type: "deb", Name: "a", Version: version, Vendor: maintainer}
	}
	renamed := deb("2.36-9+sp1", "Seal Security <x@hashicorp.example>")
	renamed.Name = "seal-glibc"
	for _, tt := range []struct {
		name   string
		distro string
		p      assay.Package
		third  bool
	}{
		{"Third parties: an rpm of another vendor (EPEL, Remi)", "almalinux", rpm("Fedora Project"), true},
		{"Third parties: an rpm of the distribution's vendor", "almalinux", rpm("AlmaLinux"), false},
		// Trivy drops what has no vendor, and so all that was rebuilt; missing a fault is worse.
		{"Third parties: an rpm without a vendor is the distribution's", "rocky", rpm(""), false},
		{"Third parties: a deb of a vendor's (Docker)", "debian", deb("5:24.0.7-1~debian.12", "Docker <support@docker.com>"), true},
		{"Third parties: a deb of Debian's with a maintainer of that name", "debian", deb("1.1", "Debian MariaDB Maintainers <x@lists.debian.org>"), false},
		// Trivy takes these for the vendor's own, whose name is in the maintainers'.
		{"Third parties: a deb of Debian's about a vendor's product", "debian", deb("535.1", "Debian NVIDIA Maintainers <pkg-nvidia-devel@lists.alioth.debian.org>"), false},
		{"Third parties: a deb of a vendor's about its product", "debian", deb("535.1", "NVIDIA <cudatools@nvidia.com>"), true},
		{"Third parties: a deb rebuilt by another repository under Debian's maintainer", "debian", deb("15.5-1.pgdg120+1", "Debian PostgreSQL Maintainers <x@lists.debian.org>"), true},
		{"Third parties: Echo's packages are Echo's", "echo", deb("1.1", "Docker <support@docker.com>"), false},
		{"Third parties: a rebuilder of a distribution's packages is not one", "debian", renamed, false},
		{"Third parties: a package of another manager", "alpine", deb("1", ""), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, ok := distro.Of(assay.Release{ID: tt.distro})
			if why := f.ThirdParty(&tt.p); !ok || (why != "") != tt.third {
				t.Errorf("%+v: %q", tt.p, why)
			}
		})
	}
}

func TestMender(t *testing.T) {
	for _, tt := range []struct {
		distro string
		p      assay.Package
		want   assay.Stream
	}{
		{"debian", assay.Package{Version: "2.28.3-1.root.io.1"}, "rootio:debian:12"},
		{"debian", assay.Package{Version: "2.28.3-1+deb12u1"}, ""},
		{"debian", assay.Package{Name: "libc6", Source: "seal-glibc", Version: "1"}, "seal:debian"},
		{"ubuntu", assay.Package{Name: "rootio-gnupg2", Version: "1"}, "rootio:ubuntu:12"},
		{"alpine", assay.Package{Version: "2.19.5-r00071"}, "rootio:alpine:12"},
		{"alpine", assay.Package{Version: "2.19.5-r17"}, ""},
		{"rhel", assay.Package{Name: "seal-expat", Version: "1"}, "seal:rhel:12"},
		{"rhel", assay.Package{Name: "a", Version: "1-1.root.io.1"}, ""},
		{"fedora", assay.Package{Name: "seal-expat", Version: "1"}, ""},
	} {
		r := assay.Release{ID: tt.distro, Version: "12"}
		f, _ := distro.Of(r)
		var got assay.Stream
		if m, ok := f.Rebuilder(&tt.p); ok {
			got = m.Stream(f, r)
			if by, ok := distro.RebuilderOf(got); !ok || by != m {
				t.Errorf("%s is of %+v", got, by)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %+v: %q, want %q", tt.distro, tt.p, got, tt.want)
		}
	}
	if by, ok := distro.RebuilderOf("debian:12"); ok {
		t.Errorf("debian:12 is of %q", by.Title)
	}
}
