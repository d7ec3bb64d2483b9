package snap

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	meta = `name: hello-world
version: 6.40
license: GPL-3.0
architectures: [amd64]
apps: {env: {command: bin/env}}
`
	base = `package-repositories:
- type: apt
packages:
- adduser=3.118ubuntu5
- libc6:amd64=2.35-0ubuntu3.4
- bare
`
)

func TestRead(t *testing.T) {
	facts, err := contract.Read(t, Snap{}, "snap/hello-world/29/meta/snap.yaml", meta)
	if d := cmp.Diff([]assay.Package{{Type: "snap", Name: "hello-world", Version: "6.40", Arch: "amd64", Licences: []string{"GPL-3.0"}}}, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	facts, err = contract.Read(t, Base{}, "usr/share/snappy/dpkg.yaml", base)
	if d := cmp.Diff([]assay.Package{{Type: "deb", Name: "adduser", Version: "3.118ubuntu5"}, {Type: "deb", Name: "libc6", Version: "2.35-0ubuntu3.4", Arch: "amd64"}}, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
		t.Error(d, err)
	}
	for _, in := range []string{"bogus", "[", "version: 1"} {
		if _, err := contract.Read(t, Snap{}, "meta/snap.yaml", in); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Snap{}, map[string]string{"meta/snap.yaml": meta})
	contract.Reader(t, Base{}, map[string]string{"usr/share/snappy/dpkg.yaml": base})
}

func FuzzSnap(f *testing.F) {
	f.Add(meta)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Snap{}, "meta/snap.yaml", content) })
}

func FuzzBase(f *testing.F) {
	f.Add(base)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Base{}, "usr/share/snappy/dpkg.yaml", content) })
}
