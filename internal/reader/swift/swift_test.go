package swift

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const (
	version1 = `{"object": {"pins": [
 {"package": "A", "repositoryURL": "https://example.org/x/A.git", "state": {"branch": null, "revision": "0f", "version": "1.1.0"}},
 {"package": "B", "repositoryURL": "git@example.org:x/b.git", "state": {"branch": "main", "revision": "0f", "version": null}}]}, "version": 1}`
	version3 = `{"originHash": "0", "pins": [
 {"identity": "a", "kind": "remoteSourceControl", "location": "ssh://git@example.org/x/a", "state": {"revision": "0f", "version": "2.0.0"}},
 {"identity": "mona.list", "kind": "registry", "location": "", "state": {"version": "3.0.0"}},
 {"identity": "here", "kind": "localSourceControl", "location": "/home/x/here", "state": {"revision": "0f"}},
 {"identity": "none", "kind": "remoteSourceControl", "location": "https://example.org/none/", "state": {}}], "version": 3}`
)

func read(t *testing.T, in string) (refs []string, err error) {
	t.Helper()
	facts, err := contract.Read(t, Resolved{}, "Package.resolved", in)
	for _, p := range facts.Packages {
		refs = append(refs, p.Ref())
	}
	return refs, err
}

func TestResolved(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		err      error
	}{
		{"version 1", version1, []string{"example.org/x/A@1.1.0", "example.org/x/b@main"}, nil},
		{"version 3", version3, []string{"example.org/x/a@2.0.0", "mona.list@3.0.0", "here@0f"}, assay.ErrUnsupported},
		{"empty", "", nil, nil},
		{"bogus", "bogus", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, tt.in)
			if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestGolden(t *testing.T) {
	facts, errs := contract.ReadDir(t, Resolved{}, corpus.Path(t, "conformance/trivy/repo/swift"))
	want := []assay.Package{
		{Type: "swift", Name: "github.com/apple/swift-atomics", Version: "1.1.0"},
		{Type: "swift", Name: "github.com/apple/swift-nio", Version: "2.41.0"},
	}
	if d := cmp.Diff(want, facts["Package.resolved"].Packages); d != "" || errs["Package.resolved"] != nil {
		t.Error(d, errs)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Resolved{}, map[string]string{"Package.resolved": version1, "a/.build/checkouts/b/Package.resolved": version3, ".package.resolved": version3})
}

func FuzzResolved(f *testing.F) {
	f.Add(version1)
	f.Add(version3)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Resolved{}, "Package.resolved", content) })
}
