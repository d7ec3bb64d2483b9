package ecosystem

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

func TestName(t *testing.T) {
	for _, tt := range []struct {
		stream   assay.Stream
		in, want string
	}{
		{"pypi", "Zope.Interface__x", "zope-interface-x"},
		{"npm", "@Scope/Name", "@Scope/Name"},
		{"nuget", "Newtonsoft.Json", "newtonsoft.json"},
		{"packagist", "Drupal/Core", "drupal/core"},
		{"maven", "org.Apache:Core", "org.Apache:Core"},
		{"swift", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"},
		{"swift", "github.com/vapor/vapor/", "github.com/vapor/vapor"},
		{"cocoapods", "Firebase/Core", "Firebase"},
	} {
		e, ok := Of(tt.stream)
		if !ok {
			t.Errorf("%s: no such ecosystem", tt.stream)
			continue
		}
		if got := e.Name(tt.in); got != tt.want {
			t.Errorf("%s: %s is %s, want %s", tt.stream, tt.in, got, tt.want)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, tt := range []struct {
		stream         assay.Stream
		name, in, want string
	}{
		{"go", "stdlib", "go1.22.3", "1.22.3"},
		{"go", "stdlib", "go1.21.0 X:boringcrypto", "1.21.0"},
		{"go", "stdlib", "go1.22.3b7", "1.22.3"},
		{"go", "stdlib", "1.22.3b7", "1.22.3"},
		{"go", "stdlib", "1.9rc2b4", "1.9rc2"},
		{"go", "stdlib", "go1.22.3-bigcorp", "1.22.3"},
		{"go", "stdlib", "go1.22.3-1.el9", "1.22.3"},
		{"go", "stdlib", "go1.22.3 (Red Hat 1.22.3-1.el9)", "1.22.3"},
		{"go", "stdlib", "go1.22.3+auto", "1.22.3"},
		{"go", "stdlib", "go1.22-20240109-RC01 cl/597041403 +dcbe772469 X:fieldtrack", "1.22"},
		{"go", "stdlib", "1.23rc1", "1.23rc1"},
		{"go", "toolchain", "go1.22.3-fips", "1.22.3"},
		{"go", "stdlib", "devel go1.25-d524e1e", "devel go1.25-d524e1e"},
		{"go", "stdlib", "v1.22.3", "v1.22.3"},
		{"go", "example.org/m", "v1.2.3", "v1.2.3"},
		{"go", "example.org/m", "1.2.3-rc.1", "1.2.3-rc.1"},
		{"go", "example.org/m", "gopher", "gopher"},
		{"go", "stdlib", "go", "go"},
		{"npm", "n", "go1.2", "go1.2"},
		{"rubygems", "nokogiri", "1.13.9-aarch64-linux", "1.13.9"},
		{"rubygems", "nokogiri", "1.10.3-x86_64-linux", "1.10.3"},
		{"rubygems", "nokogiri", "1.10.4-aarch64-linux-gnu", "1.10.4"},
		{"rubygems", "nokogiri", "1.18.0.rc1-x86_64-linux-musl", "1.18.0.rc1"},
		{"rubygems", "nokogiri", "1.13.9-arm64-darwin-22", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-x64-mingw-ucrt", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-x64-mingw32", "1.13.9"},
		{"rubygems", "nokogiri", "1.6.0-x86-mswin32-60", "1.6.0"},
		{"rubygems", "nokogiri", "1.13.9-java", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-universal-java-11", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-x86-solaris2.10", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-arm-linux-gnueabihf", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-x86_64-darwin19", "1.13.9"},
		{"rubygems", "nokogiri", "1.13.9-ruby", "1.13.9"},
		{"rubygems", "a", "1.0-rc1", "1.0-rc1"},
		{"rubygems", "a", "1.0-linuxy", "1.0-linuxy"},
		{"rubygems", "a", "1.0", "1.0"},
		{"cocoapods", "a", "1.0-java", "1.0-java"},
		{"github-actions", "a/b", "v7", "7.x"},
		{"github-actions", "a/b", "v7.1", "7.1.x"},
		{"github-actions", "a/b", "7", "7.x"},
		{"github-actions", "a/b", "4.*.*", "4.x"},
		{"github-actions", "a/b", "v4.x", "4.x"},
		{"github-actions", "a/b", "v7.1.0", "v7.1.0"},
		{"github-actions", "a/b", "main", "main"},
	} {
		if e, ok := Of(tt.stream); !ok || e.Version(tt.name, tt.in) != tt.want {
			t.Errorf("%s: %s is %s, want %s", tt.stream, tt.in, e.Version(tt.name, tt.in), tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	if e, ok := OfOSV("PyPI"); !ok || e.Stream != "pypi" {
		t.Errorf("PyPI: %v", e)
	}
	if e, ok := OfType("cargo"); !ok || e.Stream != "crates.io" {
		t.Errorf("cargo: %v", e)
	}
	for _, none := range []string{"", "Debian"} {
		if e, ok := OfOSV(none); ok {
			t.Errorf("%q is %v", none, e)
		}
	}
	if e, ok := OfType(""); ok {
		t.Errorf("no type is %v", e)
	}
}

// TestTable checks that nothing is named twice.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range All() {
		names := append([]string{"stream " + string(e.Stream), "type " + e.Type}, e.OSV...)
		for _, n := range names {
			if n != "type " && seen[n] {
				t.Errorf("%s: twice", n)
			}
			seen[n] = true
			if n != strings.ToLower(n) {
				t.Errorf("%s: not in lower case", n)
			}
		}
		if e.Title == "" || e.Scheme == "" {
			t.Errorf("%s: no title or scheme", e.Stream)
		}
	}
	if !slices.IsSortedFunc(All(), func(a, b Ecosystem) int { return strings.Compare(string(a.Stream), string(b.Stream)) }) {
		t.Error("not by stream")
	}
}
