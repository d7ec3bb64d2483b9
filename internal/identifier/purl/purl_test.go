package purl

import (
	"testing"

	"github.com/assaysec/assay"
)

func TestOf(t *testing.T) {
	debian := assay.Release{ID: "debian", Version: "12"}
	for _, tt := range []struct {
		name string
		p    assay.Package
		r    assay.Release
		want string
	}{
		{"deb", assay.Package{Type: "deb", Name: "libc6", Version: "2.36-9+deb12u4", Arch: "amd64", Source: "glibc"}, debian,
			"pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc"},
		{"deb with an epoch and another source version", assay.Package{Type: "deb", Name: "a", Version: "1:2-1+b1", Source: "s", SourceVersion: "1:2-1"}, debian,
			"pkg:deb/debian/a@1:2-1%2Bb1?distro=debian-12&upstream=s%401:2-1"},
		{"rpm", assay.Package{Type: "rpm", Name: "perl", Version: "4:5.26-1.el8", Arch: "x86_64", Module: "perl:5.26:1:abc:x86_64"}, assay.Release{ID: "almalinux", Version: "8.9"},
			"pkg:rpm/almalinux/perl@5.26-1.el8?arch=x86_64&distro=almalinux-8.9&epoch=4&rpmmod=perl:5.26"},
		{"npm", assay.Package{Type: "npm", Name: "@babel/core", Version: "7.0.0"}, debian, "pkg:npm/%40babel/core@7.0.0"},
		{"maven", assay.Package{Type: "maven", Name: "org.slf4j:slf4j-api", Version: "1.7"}, debian, "pkg:maven/org.slf4j/slf4j-api@1.7"},
		{"maven without a group", assay.Package{Type: "maven", Name: "asm", Version: "9"}, debian, "pkg:maven/asm@9"},
		{"pypi", assay.Package{Type: "pypi", Name: "Oauth2_client", Version: "4.0"}, debian, "pkg:pypi/oauth2-client@4.0"},
		{"go", assay.Package{Type: "golang", Name: "github.com/a/b/v2", Version: "v2.0.1"}, debian, "pkg:golang/github.com/a/b/v2@v2.0.1"},
		{"go with capitals", assay.Package{Type: "golang", Name: "github.com/Masterminds/goutils", Version: "v1.1.0"}, debian, "pkg:golang/github.com/Masterminds/goutils@v1.1.0"},
		{"composer", assay.Package{Type: "composer", Name: "Drupal/Core", Version: "v1.0"}, debian, "pkg:composer/drupal/core@v1.0"},
		{"nuget", assay.Package{Type: "nuget", Name: "Newtonsoft.Json", Version: "1.0"}, debian, "pkg:nuget/Newtonsoft.Json@1.0"},
		{"cargo", assay.Package{Type: "cargo", Name: "Inflector", Version: "1.0.0+a"}, debian, "pkg:cargo/Inflector@1.0.0%2Ba"},
		{"gem", assay.Package{Type: "gem", Name: "RedCloth", Version: "4.2.9"}, debian, "pkg:gem/RedCloth@4.2.9"},
		{"hex", assay.Package{Type: "hex", Name: "Acme/Foo", Version: "2.3"}, debian, "pkg:hex/acme/foo@2.3"},
		{"pub", assay.Package{Type: "pub", Name: "Characters", Version: "1.2"}, debian, "pkg:pub/characters@1.2"},
		{"swift", assay.Package{Type: "swift", Name: "github.com/Alamofire/Alamofire", Version: "5.4.3"}, debian, "pkg:swift/github.com/Alamofire/Alamofire@5.4.3"},
		{"cocoapods", assay.Package{Type: "cocoapods", Name: "AFNetworking", Version: "4.0.1"}, debian, "pkg:cocoapods/AFNetworking@4.0.1"},
		{"cran", assay.Package{Type: "cran", Name: "A3", Version: "1.0"}, debian, "pkg:cran/A3@1.0"},
		{"cpan", assay.Package{Type: "cpan", Name: "URI-PackageURL", Version: "2.11"}, debian, "pkg:cpan/URI-PackageURL@2.11"},
		{"hackage", assay.Package{Type: "hackage", Name: "AC-HalfInteger", Version: "1.2.1"}, debian, "pkg:hackage/AC-HalfInteger@1.2.1"},
		{"an action", assay.Package{Type: "githubactions", Name: "Actions/Checkout", Version: "v4"}, debian, "pkg:github/actions/checkout@v4"},
		{"no release", assay.Package{Type: "apk", Name: "musl", Version: "1.2-r0"}, assay.Release{}, "pkg:apk/musl@1.2-r0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Of(&tt.p, tt.r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestJulia(t *testing.T) {
	const dates = "ade2ca70-3891-5945-98fb-dc099432e06a"
	if got := OfJulia("Dates", "1.9.0+1", "ADE2ca70-3891-5945-98fb-dc099432e06a"); got != "pkg:julia/Dates@1.9.0%2B1?uuid="+dates {
		t.Error(got)
	}
	for in, want := range map[string]string{OfJulia("Dates", "1", dates): dates, OfJulia("Dates", "1", ""): "", "pkg:npm/uuid@1?uuid=2": "", "uuid": "", "pkg:julia/uuid@1": ""} {
		if got := UUID(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
