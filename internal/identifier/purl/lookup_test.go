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
		{"pkg:golang/github.com/Masterminds/goutils@v1.1.0", "go github.com/Masterminds/goutils", nil},
		{"PKG:GoLang/github.com/BurntSushi/toml", "go github.com/BurntSushi/toml", nil},
		{"pkg://golang/k8s.io/Kubernetes#cmd", "go k8s.io/Kubernetes", nil},
		{"pkg:golang", "", assay.ErrMalformed},
		{"pkg:cpan/GDT/URI-PackageURL@2.11", "cpan URI-PackageURL", nil},
		{"pkg:conan/openssl.org/openssl@3.0.3?channel=stable&user=bincrafters", "conan openssl", nil},
		{"pkg:hex/Acme/Foo@2.3", "hex acme/foo", nil},
		{"pkg:julia/Dates?uuid=ade2ca70-3891-5945-98fb-dc099432e06a", "julia Dates", nil},
		{"pkg:julia/Dates", "julia Dates", nil},
		{"pkg:nuget/EnterpriseLibrary.Common@6", "nuget enterpriselibrary.common", nil},
		{"pkg:github/Actions/Checkout@v4", "github-actions actions/checkout", nil},
		{"pkg:githubactions/Actions/Checkout@v4", "github-actions actions/checkout", nil},
		{"pkg:swift/github.com/Alamofire/Alamofire@5", "swift github.com/alamofire/alamofire", nil},
		{"pkg:cocoapods/AFNetworking@4#x", "cocoapods AFNetworking", nil},
		{"pkg:pub/Characters@1", "pub characters", nil},
		{"pkg:deb/debian/libssl3@3.0.11?distro=debian-12&upstream=openssl%403.0", "debian:12 openssl", nil},
		{"pkg:deb/debian/openssl", "debian:* openssl", nil},
		{"pkg:deb/ubuntu/openssl?distro=jammy", "ubuntu:22.04 openssl", nil},
		{"pkg:rpm/redhat/openssl?distro=redhat-9.4", "rhel:9 openssl", nil},
		{"pkg:rpm/amazon/openssl?distro=amazon-2%20(Karoo)", "amazon:2 openssl", nil},
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
