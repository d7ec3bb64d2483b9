package purl

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
)

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		err      error
	}{
		{"pkg:npm/%40scope/name@1.0.0", "npm @scope/name", nil},
		{"pkg:maven/org.apache/core@1", "maven org.apache:core", nil},
		{"pkg:pypi/Zope.Interface", "pypi zope-interface", nil},
		{"pkg:golang/golang.org/x/text@v0.3.7", "go golang.org/x/text", nil},
		{"pkg:composer/Drupal/core", "packagist drupal/core", nil},
		{"pkg:deb/debian/libssl3@3.0.11?distro=debian-12&upstream=openssl%403.0", "debian:12 openssl", nil},
		{"pkg:deb/debian/openssl", "debian:* openssl", nil},
		{"pkg:rpm/almalinux/openssl-libs?distro=almalinux-9.3", "almalinux:9 openssl-libs", nil},
		{"pkg:apk/alpine/curl?distro=alpine-3.20.1", "alpine:3.20 curl", nil},
		{"pkg:deb/plan9/x", "", assay.ErrUnsupported},
		{"pkg:", "", assay.ErrMalformed},
	} {
		stream, name, err := Lookup(tt.in)
		got := ""
		if err == nil {
			got = string(stream) + " " + name
		}
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}
