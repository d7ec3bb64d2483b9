package opkg

import (
	"os"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const status = "Package: busybox\nVersion: 1.36.1-r3\nDepends: libc\nStatus: install user installed\nArchitecture: x86_64\nLicense: GPL-2.0\n\nPackage: gone\nVersion: 1\nStatus: deinstall ok not-installed\n\nPackage: nover\n"

func TestStatus(t *testing.T) {
	facts, err := contract.Read(t, Reader{}, "usr/lib/opkg/status", status)
	if len(facts.Packages) != 1 || facts.Packages[0].Name != "busybox" || facts.Packages[0].Licences[0] != "GPL-2.0" || err == nil {
		t.Errorf("%+v, %v", facts.Packages, err)
	}
}

func TestConformance(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/debian/var/lib/opkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	if facts, err := contract.Read(t, Reader{}, "var/lib/opkg/status", string(b)); err != nil || len(facts.Packages) != 3 {
		t.Errorf("%d packages, %v", len(facts.Packages), err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Reader{}, map[string]string{"usr/lib/opkg/status": status, "usr/lib/opkg/info/a.list": "/usr/a\n"})
}

func FuzzRead(f *testing.F) {
	f.Add("status", status)
	f.Add("a.list", "/a\n")
	f.Fuzz(func(t *testing.T, path, content string) { contract.Read(t, Reader{}, path, content) })
}
