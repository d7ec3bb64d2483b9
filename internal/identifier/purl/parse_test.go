package purl

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]struct{ name, version, source, release string }{
		"pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc":    {"libc6", "2.36-9+deb12u4", "glibc ", "debian 12 "},
		"pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie":                                {"curl", "7.50.3-1", " ", "debian 8 jessie"},
		"pkg:rpm/redhat/bash@5.1-6.el9?arch=x86_64&distro=redhat-9.4&epoch=1":                 {"bash", "1:5.1-6.el9", " ", "rhel 9.4 "},
		"pkg:rpm/alma/bash@5.1?distro=alma-9.4":                                               {"bash", "5.1", " ", "almalinux 9.4 "},
		"pkg:rpm/opensuse/curl@8.0?distro=opensuse-leap-15.4&upstream=curl-src-8.0-1.src.rpm": {"curl", "8.0", "curl-src 8.0-1", "opensuse-leap 15.4 "},
		"pkg:apk/wolfi/curl@8.0?distro=wolfi":                                                 {"curl", "8.0", " ", "wolfi  "},
		"pkg:apk/alpine/curl@8.0?distro=3.20.1":                                               {"curl", "8.0", " ", "alpine 3.20.1 "},
		"pkg:npm/%40babel/core@7.0.0":                                                         {"@babel/core", "7.0.0", " ", "  "},
		"pkg:maven/org.slf4j/slf4j-api@1.7":                                                   {"org.slf4j:slf4j-api", "1.7", " ", "  "},
		"pkg:deb/ubuntu/a@1?distro=jammy":                                                     {"a", "1", " ", "ubuntu 22.04 jammy"},
		"pkg:deb/ubuntu/a@1?distro=ubuntu-jammy":                                              {"a", "1", " ", "ubuntu 22.04 jammy"},
		"pkg:deb/debian/a@1?distro=debian-bookworm":                                           {"a", "1", " ", "debian 12 bookworm"},
		"pkg:deb/debian/a@1?distro=debian-trixie/sid":                                         {"a", "1", " ", "debian 13 trixie"},
		"pkg:deb/debian/a@1?distro=debian-trixie%2Fsid":                                       {"a", "1", " ", "debian 13 trixie"},
		"pkg:deb/debian/a@1?distro=sid":                                                       {"a", "1", " ", "debian sid sid"},
		"pkg:deb/debian/a@1":                                                                  {"a", "1", " ", "debian  "},
		"pkg:apk/alpine/a@1?distro=alpine-edge":                                               {"a", "1", " ", "alpine edge "},
		"pkg:apk/alpine/a@1?distro=v3.20":                                                     {"a", "1", " ", "alpine 3.20 "},
		"pkg:rpm/suse/a@1?distro=slem-5.4":                                                    {"a", "1", " ", "sle-micro 5.4 "},
		"pkg:rpm/suse/a@1?distro=suse%20linux%20enterprise%20server-15.4":                     {"a", "1", " ", "sles 15.4 "},
		"pkg:rpm/suse/a@1?distro=sles-15-SP4":                                                 {"a", "1", " ", "sles 15.4 "},
		"pkg:rpm/opensuse/a@1?distro=opensuse.leap-15.4":                                      {"a", "1", " ", "opensuse-leap 15.4 "},
		"pkg:rpm/opensuse/a@1?distro=opensuse.tumbleweed-20240101":                            {"a", "1", " ", "opensuse-tumbleweed 20240101 "},
		"pkg:rpm/amazon/a@1?distro=amazon-AMI%20release%202018.03":                            {"a", "1", " ", "amzn 2018.03 "},
		"pkg:rpm/amazon/a@1?distro=amazon-2022%20(Amazon%20Linux)":                            {"a", "1", " ", "amzn 2022 "},
		"pkg:rpm/amzn/a@1?distro=amzn-2":                                                      {"a", "1", " ", "amzn 2 "},
		"pkg:rpm/oracle/a@1?distro=oracle-8.9":                                                {"a", "1", " ", "ol 8.9 "},
		"pkg:rpm/cbl-mariner/a@1?distro=cbl-mariner-2.0.20240101":                             {"a", "1", " ", "mariner 2.0.20240101 "},
		"pkg:rpm/azurelinux/a@1?distro=azurelinux-3.0":                                        {"a", "1", " ", "azurelinux 3.0 "},
		"pkg:rpm/fedora/a@1?distro=fedora:39":                                                 {"a", "1", " ", "fedora 39 "},
		"pkg:alpm/arch/a@1?distro=archlinux":                                                  {"a", "1", " ", "arch  "},
		"pkg:apk/wolfi/a@1?distro=wolfi-20230201":                                             {"a", "1", " ", "wolfi 20230201 "},
		"pkg:deb/plan9/a@1?distro=plan9-4":                                                    {"a", "1", " ", "plan9 4 "},
	} {
		p, r, err := Parse(in)
		if got := (struct{ name, version, source, release string }{p.Name, p.Version, p.Source + " " + p.SourceVersion, r.ID + " " + r.Version + " " + r.Codename}); got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", in, got, err, want)
		}
	}
	if _, _, err := Parse("pkg:"); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}
