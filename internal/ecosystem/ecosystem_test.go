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
		stream   assay.Stream
		in, want string
	}{
		{"go", "go1.22.3", "1.22.3"},
		{"go", "go1.21.0 X:boringcrypto", "1.21.0"},
		{"go", "v1.2.3", "v1.2.3"},
		{"go", "gopher", "gopher"},
		{"go", "go", "go"},
		{"npm", "go1.2", "go1.2"},
	} {
		if e, ok := Of(tt.stream); !ok || e.Version(tt.in) != tt.want {
			t.Errorf("%s: %s is %s, want %s", tt.stream, tt.in, e.Version(tt.in), tt.want)
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
