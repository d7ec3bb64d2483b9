package vex

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, purl string
		want                bool
	}{
		{"equal", "pkg:apk/wolfi/git@2.39.0-r1?arch=armv7", "pkg:apk/wolfi/git@2.39.0-r1?arch=armv7", true},
		{"any version", "pkg:golang/golang.org/x/net", "pkg:golang/golang.org/x/net@v0.23.0", true},
		{"another version", "pkg:golang/golang.org/x/net@v0.22.0", "pkg:golang/golang.org/x/net@v0.23.0", false},
		{"a version where none is known", "pkg:golang/golang.org/x/net@v0.22.0", "pkg:golang/golang.org/x/net", false},
		{"versions are words", "pkg:golang/golang.org/x/net@0.23.0", "pkg:golang/golang.org/x/net@v0.23.0", false},
		{"any qualifier", "pkg:deb/debian/curl@7.50", "pkg:deb/debian/curl@7.50?arch=arm64&distro=debian-12", true},
		{"one qualifier of two", "pkg:deb/debian/curl?arch=arm64", "pkg:deb/debian/curl@7.50?arch=arm64&distro=debian-12", true},
		{"another qualifier", "pkg:deb/debian/curl?arch=amd64", "pkg:deb/debian/curl@7.50?arch=arm64", false},
		{"a qualifier that is not there", "pkg:deb/debian/curl?distro=debian-12", "pkg:deb/debian/curl@7.50?arch=arm64", false},
		{"an image", "pkg:oci/alpine@sha256%3A124c", "pkg:oci/alpine@sha256:124c?arch=amd64&repository_url=index.docker.io/library/alpine", true},
		{"an image elsewhere", "pkg:oci/trivy?repository_url=ghcr.io%2Faquasecurity%2Ftrivy", "pkg:oci/trivy@sha256:124c?repository_url=h.example/trivy", false},
		{"another type", "pkg:npm/curl", "pkg:pypi/curl", false},
		{"another namespace", "pkg:apk/alpine/curl", "pkg:apk/wolfi/curl", false},
		{"no namespace", "pkg:npm/core", "pkg:npm/%40angular/core@1", false},
		{"another name", "pkg:npm/curl", "pkg:npm/curly", false},
		{"subpath of the pattern", "pkg:golang/h.example/a#cmd/x", "pkg:golang/h.example/a@v1", false},
		{"the same subpath", "pkg:golang/h.example/a#cmd/x", "pkg:golang/h.example/a@v1#cmd/x", true},
		{"subpath of the package", "pkg:golang/h.example/a", "pkg:golang/h.example/a@v1#cmd/x", true},
		{"spelling", "pkg:PyPI/Some_Thing", "pkg:pypi/some-thing@1", true},
		{"no purl", "curl", "curl", false},
		{"no purl to match", "pkg:npm/curl", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := matches(tt.pattern, tt.purl); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		name, purl string
		want       []string
		qualifiers map[string]string
	}{
		{"package", "pkg:deb/debian/curl@7.50?arch=arm64#x", []string{"pkg:deb/debian/curl"}, map[string]string{"arch": "arm64"}},
		{"image", "pkg:oci/trivy@sha256%3A12?arch=arm64&repository_url=ghcr.io/aquasecurity/trivy",
			[]string{"pkg:oci/trivy?repository_url=ghcr.io%2Faquasecurity%2Ftrivy", "pkg:oci/trivy"}, map[string]string{"arch": "arm64"}},
		{"image anywhere", "pkg:oci/trivy@sha256:12", []string{"pkg:oci/trivy"}, map[string]string{}},
		{"repository of something else", "pkg:maven/g/a@1?repository_url=h.example", []string{"pkg:maven/g/a"}, map[string]string{"repository_url": "h.example"}},
		{"spelling", "pkg:golang/github.com/Altinity/clickhouse-backup/v2", []string{"pkg:golang/github.com/altinity/clickhouse-backup/v2"}, map[string]string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := ParsePURL(tt.purl)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, u.Names()); diff != "" || u.Name() != tt.want[0] {
				t.Error(u.Name(), diff)
			}
			if diff := cmp.Diff(tt.qualifiers, u.Qualifiers()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := ParsePURL("pkg:golang/" + strings.Repeat("%zz", 1000)); !errors.Is(err, assay.ErrMalformed) || len(err.Error()) > 1000 {
		t.Errorf("%.2000v", err)
	}
}

// matches reports whether a pattern applies to a package; what is no package URL matches
// nothing.
func matches(pattern, purl string) bool {
	p, err := ParsePURL(pattern)
	if err != nil {
		return false
	}
	of, err := ParsePURL(purl)
	return err == nil && p.Matches(of)
}
