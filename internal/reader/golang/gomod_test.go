package golang

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

func buildinfoModule(path, version string) *debug.Module {
	return &debug.Module{Path: path, Version: version}
}

func testInfo() *debug.BuildInfo {
	return &debug.BuildInfo{
		GoVersion: "go1.22.3 X:boringcrypto", Path: "app.org/cmd", Main: debug.Module{Path: "app.org", Version: "(devel)"},
		Deps: []*debug.Module{
			buildinfoModule("a.org/x", "v1.0.0"), buildinfoModule("a.org/x/y", "v1.1.0"),
			{Path: "b.org/old", Version: "v1.0.0", Replace: buildinfoModule("b.org/new", "v2.0.0")},
			{Path: "c.org/local", Version: "v1.0.0", Replace: buildinfoModule("../local", "(devel)")},
			buildinfoModule("d.org/workspace", "(devel)"), buildinfoModule("a.org/x", "v1.0.0"), nil,
		},
	}
}

const gomod = `// about
module "example.org/app" // Deprecated: x

go 1.21.0
toolchain go1.22.3-corp

require a.org/one v1.0.0
require (
	a.org/two v2.0.0+incompatible // indirect
	` + "`a.org/three`" + ` v0.0.0-20200101000000-0123456789ab//indirect
	//a.org/ignored v1.0.0
	a.org/four v1.4.0 // indirect; why
	a.org/five v1.5.0 // not indirect
	a.org/six v1.6.0
)
require ()

replace a.org/four => b.org/four/v2 v2.4.0
replace (
	a.org/five v1.5.0 => ../five
	a.org/one v0.9.0 => a.org/one v0.9.1
)
exclude a.org/six v1.6.0
retract [v1.0.0, v1.1.0]
godebug default=go1.21
tool a.org/one/cmd
ignore ./x
`

func TestMod(t *testing.T) {
	facts, err := contract.Read(t, Mod{}, "go.mod", gomod)
	if err == nil || !strings.Contains(err.Error(), "a.org/six v1.6.0") || strings.Contains(err.Error(), "line") {
		t.Error(err)
	}
	direct, indirect := assay.RelationDirect, assay.RelationIndirect
	want := []assay.Package{
		{Type: "golang", Name: "example.org/app", Relation: "root", DependsOn: []string{"a.org/one@v1.0.0", "a.org/five@", "stdlib@1.22.3"}},
		{Type: "golang", Name: "a.org/one", Version: "v1.0.0", Relation: direct},
		{Type: "golang", Name: "a.org/two", Version: "v2.0.0+incompatible", Relation: indirect},
		{Type: "golang", Name: "a.org/three", Version: "v0.0.0-20200101000000-0123456789ab", Relation: indirect},
		{Type: "golang", Name: "b.org/four/v2", Version: "v2.4.0", Relation: indirect},
		{Type: "golang", Name: "a.org/five", Relation: assay.RelationWorkspace},
		{Type: "golang", Name: "stdlib", Version: "1.22.3", Relation: direct},
	}
	if d := cmp.Diff(want, facts.Packages); d != "" {
		t.Error(d)
	}
}

func TestModDamaged(t *testing.T) {
	facts, err := contract.Read(t, Mod{}, "go.mod", "module a.org/x\nrequire a.org/y\nruire (\n b v1\n)\nreplace a.org/z v1\nrequire \"a.org\nrequire a.org/ok v1.0.0\nreplace => x\nrequire (\n a.org/last v1.0.0")
	if len(facts.Packages) != 3 {
		t.Errorf("%+v", facts.Packages)
	}
	for _, want := range []string{"line 2: require", `line 3: unknown directive "ruire"`, "line 6: invalid replace", "line 7: unterminated quote", "line 9: invalid replace", "require: no closing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestSum(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module a.org/x\ngo 1.16\nrequire a.org/y v1.0.0\nreplace a.org/r => b.org/r v1.1.0\n",
		"go.sum": "a.org/y v1.0.0 h1:x\na.org/y v0.9.0 h1:x\na.org/z v1.9.0 h1:x\na.org/z v1.10.0 h1:x\na.org/z v1.11.0/go.mod h1:x\nodd\na.org/r v1.0.0 h1:x\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Mod{}, dir)
	var got []string
	for _, p := range facts["go.mod"].Packages {
		got = append(got, p.Ref()+" "+string(p.Relation))
	}
	if d := cmp.Diff([]string{"a.org/x@ root", "a.org/y@v1.0.0 direct", "b.org/r@v1.1.0 indirect", "a.org/z@v1.10.0 indirect"}, got); d != "" || errs["go.mod"] != nil {
		t.Error(errs["go.mod"], d)
	}
}

// TestTrivy holds that what Trivy finds vulnerable is among the packages.
func TestTrivy(t *testing.T) {
	facts, errs := contract.ReadDir(t, Mod{}, corpus.Path(t, "conformance/trivy/repo/gomod"))
	b, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/gomod.json.golden"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Results []struct {
			Target          string
			Vulnerabilities []struct{ PkgID string }
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if len(facts) != 3 {
		t.Fatalf("%d files", len(facts))
	}
	for _, r := range golden.Results {
		if errs[r.Target] != nil {
			t.Error(errs[r.Target])
		}
		for _, v := range r.Vulnerabilities {
			if !slices.ContainsFunc(facts[r.Target].Packages, func(p assay.Package) bool { return p.Ref() == v.PkgID }) {
				t.Errorf("%s: no %s", r.Target, v.PkgID)
			}
		}
	}
	for path, want := range map[string]int{"go.mod": 19, "submod/go.mod": 6, "submod2/go.mod": 7} {
		if n := len(facts[path].Packages); n != want {
			t.Errorf("%s: %d packages, want %d", path, n, want)
		}
	}
}

func TestSyft(t *testing.T) {
	for _, tt := range []struct {
		file  string
		want  int
		fails bool
	}{
		{"go-mod-fixtures/one-package", 2, false}, {"go-mod-fixtures/many-packages", 7, true}, {"go-mod-fixtures/relative-replace", 2, false},
		{"corrupt", 1, true}, {"go-source-replacements", 4, false}, {"image-small", 12, false},
	} {
		t.Run(tt.file, func(t *testing.T) {
			facts, errs := contract.ReadDir(t, Mod{}, corpus.Path(t, "conformance/syft/golang/"+tt.file))
			if n := len(facts["go.mod"].Packages); n != tt.want || (errs["go.mod"] != nil) != tt.fails {
				t.Errorf("%d packages, want %d; %v; %+v", n, tt.want, errs["go.mod"], facts["go.mod"].Packages)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Mod{}, map[string]string{"go.mod": gomod})
}

func FuzzMod(f *testing.F) {
	f.Add(gomod)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Mod{}, "go.mod", content) })
}
