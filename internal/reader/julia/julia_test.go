package julia

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/purl"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	version2 = `julia_version = "1.9.0"
manifest_format = "2.0"
project_hash = "0f"

[[deps.A]]
deps = ["B", "Dates"]
git-tree-sha1 = "0f"
uuid = "a0000000-0000-0000-0000-000000000000"
version = "1.10.2"

    [deps.A.weakdeps]
    X = "00000000-0000-0000-0000-00000000000f"

[[deps.B]]
git-tree-sha1 = "1f"
uuid = "b1000000-0000-0000-0000-000000000000"
version = "1.0.0"

[[deps.B]]
git-tree-sha1 = "2f"
uuid = "b2000000-0000-0000-0000-000000000000"
version = "2.0.0"

[[deps.C]]
uuid = "c0000000-0000-0000-0000-000000000000"
version = "0.1.0"
path = "../C"

    [deps.C.deps]
    B = "b2000000-0000-0000-0000-000000000000"

[[deps.Dates]]
deps = ["Printf"]
uuid = "ade2ca70-3891-5945-98fb-dc099432e06a"
`
	version1 = `# This file is machine-generated - editing it directly is not advised

[[Dates]]
uuid = "ade2ca70-3891-5945-98fb-dc099432e06a"

[[Pinned]]
deps = ["Dates"]
git-tree-sha1 = "0f"
uuid = "d0000000-0000-0000-0000-000000000000"
version = "0.1.2+0"
`
)

// uuids are those of the manifests' packages.
var uuids = map[string]string{
	"A1.10.2": "a0000000-0000-0000-0000-000000000000", "B1.0.0": "b1000000-0000-0000-0000-000000000000", "B2.0.0": "b2000000-0000-0000-0000-000000000000",
	"C0.1.0": "c0000000-0000-0000-0000-000000000000", "Dates1.9.0": "ade2ca70-3891-5945-98fb-dc099432e06a", "Pinned0.1.2+0": "d0000000-0000-0000-0000-000000000000",
}

func jl(name, version string, r assay.Relation, needs ...string) assay.Package {
	return assay.Package{Type: "julia", Name: name, Version: version, PURL: purl.OfJulia(name, version, uuids[name+version]), Relation: r, DependsOn: needs}
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"Manifest.toml": version2, "Project.toml": "name = \"X\"\n[deps]\nA = \"a0000000-0000-0000-0000-000000000000\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Manifest{}, dir)
	want := []assay.Package{
		jl("A", "1.10.2", "direct", "B@1.0.0", "B@2.0.0", "Dates@1.9.0"),
		jl("B", "1.0.0", "indirect"),
		jl("B", "2.0.0", "indirect"),
		jl("C", "0.1.0", "workspace", "B@2.0.0"),
		jl("Dates", "1.9.0", "indirect"),
	}
	if d := cmp.Diff(want, facts["Manifest.toml"].Packages); d != "" || errs["Manifest.toml"] != nil {
		t.Error(d, errs)
	}
	facts1, err := contract.Read(t, Manifest{}, "Manifest-v1.6.toml", version1)
	if d := cmp.Diff([]assay.Package{jl("Pinned", "0.1.2+0", "")}, facts1.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	for in, want := range map[string]error{"": nil, "bogus": assay.ErrMalformed, "[package]\nname = 'x'\n[[deps]]\nuuid = 1": nil, "manifest_format = '2.0'\n[[deps.X]]\nuuid='0'\ngit-tree-sha1='1'": assay.ErrUnsupported} {
		if facts, err := contract.Read(t, Manifest{}, "Manifest.toml", in); !errors.Is(err, want) || facts.Packages != nil {
			t.Errorf("%q: %v, %v", in, facts, err)
		}
	}
}

// TestSameName holds that packages of one name and version with other UUIDs are several, of
// which each is needed by its own UUID and matched with its own advisories.
func TestSameName(t *testing.T) {
	entry := func(name, uuid, more string) string {
		return "[[deps." + name + "]]\ngit-tree-sha1 = \"0\"\nuuid = \"" + uuid + "\"\nversion = \"1.0.0\"\n" + more
	}
	in := "manifest_format = \"2.0\"\n" + entry("A", "a1", "") + entry("A", "a2", "") + entry("A", "A2", "") + entry("B", "b1", "    [deps.B.deps]\n    A = \"a2\"\n")
	facts, err := contract.Read(t, Manifest{}, "Manifest.toml", in)
	var got []string
	for _, p := range facts.Packages {
		got = append(got, p.PURL)
	}
	if d := cmp.Diff([]string{"pkg:julia/A@1.0.0?uuid=a1", "pkg:julia/A@1.0.0?uuid=a2", "pkg:julia/B@1.0.0?uuid=b1"}, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Manifest{}, map[string]string{"Manifest.toml": version2, "JuliaManifest.toml": version1})
}

func FuzzManifest(f *testing.F) {
	f.Add(version1)
	f.Add(version2)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Manifest{}, "Manifest.toml", content) })
}
