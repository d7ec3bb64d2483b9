package vcpkg

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	status = `Package: zlib
Version: 1.2.13
Port-Version: 1
Architecture: x64-linux
Multi-Arch: same
Abi: 0f
Description: A compression library
Status: install ok installed

Package: curl
Version: 8.4.0
Depends: zlib, vcpkg-cmake:x64-linux, absent
Architecture: x64-linux
Status: install ok installed

Package: curl
Feature: ssl
Depends: openssl
Architecture: x64-linux
Status: install ok installed

Package: gone
Version: 1
Architecture: x64-linux
Status: install ok installed

Package: gone
Version: 1
Architecture: x64-linux
Status: purge ok not-installed
`
	manifest = `{"name": "mine", "version": "1.0", "dependencies": ["fmt", {"name": "zlib", "version>=": "1.2.11#9"}, {"name": "tool", "host": true}],
 "overrides": [{"name": "zlib", "version": "1.2.12", "port-version": 2}, {"name": "tool", "version-date": "2023-01-01"}, {"name": "deep", "version-string": "r5"}]}`
)

func TestRead(t *testing.T) {
	facts, err := contract.Read(t, Status{}, "vcpkg_installed/vcpkg/status", status)
	want := []assay.Package{
		{Type: "vcpkg", Name: "zlib", Version: "1.2.13#1", Arch: "x64"},
		{Type: "vcpkg", Name: "curl", Version: "8.4.0", Arch: "x64", DependsOn: []string{"zlib@1.2.13#1"}},
	}
	if d := cmp.Diff(want, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	facts, err = contract.Read(t, Manifest{}, "vcpkg.json", manifest)
	want = []assay.Package{
		{Type: "vcpkg", Name: "zlib", Version: "1.2.12#2", Relation: "direct"},
		{Type: "vcpkg", Name: "tool", Version: "2023-01-01", Relation: "direct", Dev: true},
		{Type: "vcpkg", Name: "deep", Version: "r5", Relation: "indirect"},
	}
	if d := cmp.Diff(want, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
		t.Error(d, err)
	}
	for _, r := range []assay.Reader{Status{}, Manifest{}} {
		if _, err := contract.Read(t, r, "x", "bogus"); !errors.Is(err, assay.ErrMalformed) {
			t.Error(r.Name(), err)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Status{}, map[string]string{"vcpkg/status": status})
	contract.Reader(t, Manifest{}, map[string]string{"vcpkg.json": manifest, "ports/zlib/vcpkg.json": manifest})
}

func FuzzStatus(f *testing.F) {
	f.Add(status)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Status{}, "vcpkg/status", content) })
}

func FuzzManifest(f *testing.F) {
	f.Add(manifest)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Manifest{}, "vcpkg.json", content) })
}
