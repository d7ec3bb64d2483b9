package purl

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]struct{ name, version, source, release string }{
		"pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc":    {"libc6", "2.36-9+deb12u4", "glibc ", "debian 12 "},
		"pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie":                                {"curl", "7.50.3-1", " ", "debian  jessie"},
		"pkg:rpm/redhat/bash@5.1-6.el9?arch=x86_64&distro=redhat-9.4&epoch=1":                 {"bash", "1:5.1-6.el9", " ", "rhel 9.4 "},
		"pkg:rpm/alma/bash@5.1?distro=alma-9.4":                                               {"bash", "5.1", " ", "almalinux 9.4 "},
		"pkg:rpm/opensuse/curl@8.0?distro=opensuse-leap-15.4&upstream=curl-src-8.0-1.src.rpm": {"curl", "8.0", "curl-src 8.0-1", "opensuse-leap 15.4 "},
		"pkg:apk/wolfi/curl@8.0?distro=wolfi":                                                 {"curl", "8.0", " ", "wolfi  "},
		"pkg:apk/alpine/curl@8.0?distro=3.20.1":                                               {"curl", "8.0", " ", "alpine 3.20.1 "},
		"pkg:npm/%40babel/core@7.0.0":                                                         {"@babel/core", "7.0.0", " ", "  "},
		"pkg:maven/org.slf4j/slf4j-api@1.7":                                                   {"org.slf4j:slf4j-api", "1.7", " ", "  "},
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
