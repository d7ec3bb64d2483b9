package cocoapods

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const lock = `PODS:
  - AppCenter (4.2.0):
    - AppCenter/Analytics (= 4.2.0)
  - AppCenter/Analytics (4.2.0):
    - AppCenter/Core
  - AppCenter/Core (4.2.0)
  - KeychainAccess (4.2.1)
  - Mine (0.1.0):
    - "GoogleUtilities/NSData+zlib (~> 7.7)"
  - "GoogleUtilities/NSData+zlib (7.7.0)"
  - Bare

DEPENDENCIES:
  - AppCenter
  - KeychainAccess (~> 4.2)
  - Mine (from ` + "`../Mine`" + `)

SPEC REPOS:
  trunk:
    - AppCenter

EXTERNAL SOURCES:
  Mine:
    :path: "../Mine"

SPEC CHECKSUMS:
  AppCenter: 0f

PODFILE CHECKSUM: 0f

COCOAPODS: 1.12.1
`

func TestLock(t *testing.T) {
	pod := func(name, version string, r assay.Relation, needs ...string) assay.Package {
		return assay.Package{Type: "cocoapods", Name: name, Version: version, Relation: r, DependsOn: needs}
	}
	want := []assay.Package{
		pod("AppCenter", "4.2.0", "direct", "AppCenter/Analytics@4.2.0"),
		pod("AppCenter/Analytics", "4.2.0", "indirect", "AppCenter/Core@4.2.0"),
		pod("AppCenter/Core", "4.2.0", "indirect"),
		pod("KeychainAccess", "4.2.1", "direct"),
		pod("Mine", "0.1.0", "workspace", "GoogleUtilities/NSData+zlib@7.7.0"),
		pod("GoogleUtilities/NSData+zlib", "7.7.0", "indirect"),
	}
	facts, err := contract.Read(t, Lock{}, "Podfile.lock", lock)
	if d := cmp.Diff(want, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
		t.Error(d, err)
	}
	if _, err := contract.Read(t, Lock{}, "Podfile.lock", "PODS: [\x00"); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Lock{}, map[string]string{"ios/Podfile.lock": lock, "Pods/x/Podfile.lock": lock})
}

func FuzzLock(f *testing.F) {
	f.Add(lock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Lock{}, "Podfile.lock", content) })
}
