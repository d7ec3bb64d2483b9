package conan

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	gocmp "github.com/google/go-cmp/cmp"
)

const (
	lock1 = `{"graph_lock": {"nodes": {
 "0": {"ref": "mine/0.1", "requires": ["1"], "build_requires": ["10"], "path": "conanfile.py", "context": "host"},
 "1": {"ref": "poco/1.9.4@user/stable#0f%1.0", "requires": ["2"], "context": "host"},
 "2": {"pref": "zlib/1.2.12:76f8#0", "context": "host"},
 "10": {"ref": "cmake/3.24.0", "context": "build"}}}, "version": "0.4"}`
	lock2 = `{"version": "0.5", "requires": ["zlib/1.2.13#13c9%1667396813.987", "bare/[>1]"], "build_requires": ["cmake/3.25.3#0f%1"], "python_requires": ["tools/0.2#0f"]}`
	file  = `[requires]
poco/1.9.4
zlib/1.2.13#revision1
fmt/[>=8.0 <9]@user/channel # a range
[tool_requires]
cmake/3.25.3

[generators]
CMakeDeps
`
	info = `[settings]
    arch=x86_64
[requires]
    zlib/1.Y.Z
[full_requires]
    zlib/1.2.11:6af9cc7cb931c5ad942174fd7838eb655717c709
[recipe_hash]
    0f
`
)

func pkg(ref string, r assay.Relation, dev bool, needs ...string) assay.Package {
	name, version, _ := strings.Cut(ref, "@")
	return assay.Package{Type: "conan", Name: name, Version: version, Relation: r, Dev: dev, DependsOn: needs}
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name     string
		r        assay.Reader
		path, in string
		want     []assay.Package
		err      error
	}{
		{"Conan 1", Lock{}, "conan.lock", lock1, []assay.Package{
			pkg("mine@0.1", "root", false, "poco@1.9.4"), pkg("poco@1.9.4", "direct", false, "zlib@1.2.12"), pkg("zlib@1.2.12", "indirect", false), pkg("cmake@3.24.0", "direct", true)}, nil},
		{"Conan 2", Lock{}, "conan.lock", lock2, []assay.Package{pkg("zlib@1.2.13", "", false), pkg("cmake@3.25.3", "", true), pkg("tools@0.2", "", true)}, assay.ErrUnsupported},
		{"conanfile.txt", File{}, "conanfile.txt", file, []assay.Package{pkg("poco@1.9.4", "direct", false), pkg("zlib@1.2.13", "direct", false), pkg("cmake@3.25.3", "direct", true)}, assay.ErrUnsupported},
		{"info of Conan 1", Info{}, "root/.conan/data/expat/2.4.8/_/_/package/0f/conaninfo.txt", info, []assay.Package{pkg("expat@2.4.8", "", false, "zlib@1.2.11"), pkg("zlib@1.2.11", "", false)}, nil},
		{"info of Conan 2", Info{}, "root/.conan2/p/b/x/p/conaninfo.txt", "[requires]\nzlib/1.2.13#0f:0f\nbzip2/1.0.Z\n", []assay.Package{pkg("zlib@1.2.13", "", false)}, nil},
		{"bogus lock", Lock{}, "conan.lock", "bogus", nil, assay.ErrMalformed},
		{"bogus conanfile.txt", File{}, "conanfile.txt", "bogus", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, tt.r, tt.path, tt.in)
			if d := gocmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestGolden(t *testing.T) {
	facts, errs := contract.ReadDir(t, Lock{}, corpus.Path(t, "conformance/trivy/repo/conan"))
	got := facts["conan.lock"].Packages
	slices.SortFunc(got, func(a, b assay.Package) int { return cmp.Compare(a.Name, b.Name) })
	want := []assay.Package{
		pkg("bzip2@1.0.8", "indirect", false),
		pkg("expat@2.4.8", "indirect", false),
		pkg("openssl@1.1.1q", "indirect", false),
		pkg("pcre@8.43", "indirect", false, "bzip2@1.0.8", "zlib@1.2.12"),
		pkg("poco@1.9.4", "direct", false, "expat@2.4.8", "openssl@1.1.1q", "pcre@8.43", "sqlite3@3.39.2", "zlib@1.2.12"),
		pkg("sqlite3@3.39.2", "indirect", false),
		pkg("zlib@1.2.12", "indirect", false),
	}
	if d := gocmp.Diff(want, got); d != "" || errs["conan.lock"] != nil {
		t.Error(d, errs)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Lock{}, map[string]string{"conan.lock": lock1, "a/conan.lock": lock2})
	contract.Reader(t, File{}, map[string]string{"conanfile.txt": file})
	contract.Reader(t, Info{}, map[string]string{"a/conaninfo.txt": info})
}

func FuzzLock(f *testing.F) {
	f.Add(lock1)
	f.Add(lock2)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Lock{}, "conan.lock", content) })
}

func FuzzFile(f *testing.F) {
	f.Add(file)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, File{}, "conanfile.txt", content) })
}

func FuzzInfo(f *testing.F) {
	f.Add(info)
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Info{}, "data/a/1/_/_/package/0f/conaninfo.txt", content)
	})
}
