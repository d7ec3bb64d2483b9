package dotnet

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const application = `{
  "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64", "signature": ""},
  "targets": {
    ".NETCoreApp,Version=v8.0": {},
    ".NETCoreApp,Version=v8.0/linux-x64": {
      "App/1.2.0": {"dependencies": {"Meta": "2.0.0", "Lib": "3.0.0", "Compiler": "4.0.0", "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64": "8.0.4"}, "runtime": {"App.dll": {}}},
      "Meta/2.0.0": {"dependencies": {"Meta.Core": "2.0.1"}},
      "Meta.Core/2.0.1": {"runtime": {"lib/Meta.Core.dll": {}}},
      "Lib/3.0.0": {"dependencies": {"framework.only": "1.0.0"}, "runtime": {"Lib.dll": {}}},
      "Framework.Only/1.0.0": {},
      "Compiler/4.0.0": {"compile": {"Compiler.dll": {}}},
      "Native/5.0.0": {"native": {"libnative.so": {}}},
      "Shared/1.0.0": {"runtime": {"Shared.dll": {}}},
      "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.4": {"runtime": {"System.Runtime.dll": {}}}
    }
  },
  "libraries": {
    "App/1.2.0": {"type": "project"}, "Shared/1.0.0": {"type": "project"},
    "Meta/2.0.0": {"type": "package"}, "Meta.Core/2.0.1": {"type": "package"}, "Lib/3.0.0": {"type": "Package"},
    "Framework.Only/1.0.0": {"type": "package"}, "Compiler/4.0.0": {"type": "package"}, "Native/5.0.0": {"type": "package"},
    "Some.Reference/1.0.0.0": {"type": "reference"}, "broken": {"type": "project"},
    "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.4": {"type": "runtimepack"}
  }
}`

func show(ps []assay.Package) (out []string) {
	for _, p := range ps {
		s := p.Ref() + " " + string(p.Relation)
		if p.Dev {
			s += " dev"
		}
		if len(p.DependsOn) > 0 {
			s += " → " + strings.Join(p.DependsOn, ", ")
		}
		out = append(out, s)
	}
	return out
}

func TestDeps(t *testing.T) {
	facts, err := contract.Read(t, Deps{}, "app/App.deps.json", application)
	if err == nil || !strings.Contains(err.Error(), `"broken"`) {
		t.Errorf("%v", err)
	}
	want := []string{
		"App@1.2.0 root → Lib@3.0.0, Meta@2.0.0, Microsoft.NETCore.App.Runtime.linux-x64@8.0.4",
		"Lib@3.0.0 direct",
		"Meta.Core@2.0.1 indirect",
		"Meta@2.0.0 direct → Meta.Core@2.0.1",
		"Microsoft.NETCore.App.Runtime.linux-x64@8.0.4 direct",
		"Native@5.0.0 indirect",
		"Shared@1.0.0 workspace",
	}
	if d := cmp.Diff(want, show(facts.Packages)); d != "" {
		t.Error(d)
	}
}

func TestDepsConformance(t *testing.T) {
	for _, tt := range []struct {
		file string
		want []string
		none []string
	}{
		{"trivy/repo/dotnet/datacollector.deps.json", []string{"Microsoft.VisualStudio.TestPlatform.Common@17.2.0-release-20220408-11 root", "Newtonsoft.Json@9.0.1 "}, nil},
		{"syft/dotnet/deps-with-referenceassembly/MyApp.deps.json", []string{"MyApp@1.0.0 root → Newtonsoft.Json@13.0.3", "Newtonsoft.Json@13.0.3 direct"}, []string{"Microsoft.AspNetCore.DataProtection@10.0.0.0"}},
	} {
		b, err := os.ReadFile(corpus.Path(t, "conformance/"+tt.file))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, Deps{}, tt.file, string(b))
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(tt.want, show(facts.Packages)); d != "" {
			t.Errorf("%s: %s", tt.file, d)
		}
	}
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/dotnet/dir-example-1/TestLibrary.deps.json"))
	if err != nil {
		t.Fatal(err)
	}
	facts, err := contract.Read(t, Deps{}, "TestLibrary.deps.json", string(b))
	if err != nil || len(facts.Packages) < 5 {
		t.Errorf("%v %v", show(facts.Packages), err)
	}
}

func TestLock(t *testing.T) {
	facts, err := contract.Read(t, Lock{}, "packages.lock.json", `{"version": 2, "dependencies": {
		"net6.0": {"A": {"type": "Direct", "resolved": "1.0", "dependencies": {"b": "1.0"}}, "B": {"type": "Transitive", "resolved": "1.5"}, "sibling": {"type": "Project", "dependencies": {"C": "1"}}, "C": {"type": "CentralTransitive", "resolved": "3.0"}},
		"net8.0": {"A": {"type": "Direct", "resolved": "2.0", "dependencies": {"B": "1.0"}}, "B": {"type": "Direct", "resolved": "1.5"}},
		"net8.0/linux-x64": {"R": {"type": "Transitive", "resolved": "1.0", "dependencies": {"A": "2.0"}}, "bad": {"type": "Transitive"}}}}`)
	if err == nil || !strings.Contains(err.Error(), "1 package has no version: bad") {
		t.Errorf("%v", err)
	}
	want := []string{"A@1.0 direct → B@1.5", "A@2.0 direct → B@1.5", "B@1.5 direct", "C@3.0 indirect", "R@1.0 indirect → A@2.0"}
	if d := cmp.Diff(want, show(facts.Packages)); d != "" {
		t.Error(d)
	}
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/dotnet/packages.lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	facts, err = contract.Read(t, Lock{}, "packages.lock.json", string(b))
	direct := 0
	for _, p := range facts.Packages {
		if p.Relation == assay.RelationDirect {
			direct++
		}
	}
	if err != nil || len(facts.Packages) != 9 || direct != 5 {
		t.Errorf("%v, %v", show(facts.Packages), err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Deps{}, map[string]string{"App.deps.json": application})
	contract.Reader(t, Lock{}, map[string]string{"packages.lock.json": `{"dependencies": {"net8.0": {"A": {"type": "Direct", "resolved": "1.0"}}}}`})
	contract.Reader(t, Config{}, map[string]string{"packages.config": `<packages><package id="A" version="1.0"/></packages>`})
	contract.Reader(t, Props{}, map[string]string{"Directory.Packages.props": props})
	contract.Reader(t, Project{}, map[string]string{"a.csproj": csproj})
	contract.Reader(t, Assembly{}, map[string]string{"a.dll": library("Lib", "Company", "Product", "1.2.3+abc")})
	contract.Reader(t, Bundle{}, map[string]string{"app": bundle(6, application)})
}

func FuzzDeps(f *testing.F) {
	f.Add(application)
	f.Fuzz(func(t *testing.T, s string) { contract.Read(t, Deps{}, "App.deps.json", s) })
}

func FuzzLock(f *testing.F) {
	f.Add(`{"dependencies": {"net8.0": {"A": {"type": "Direct", "resolved": "1.0"}}}}`)
	f.Fuzz(func(t *testing.T, s string) { contract.Read(t, Lock{}, "packages.lock.json", s) })
}

func FuzzProject(f *testing.F) {
	f.Add(csproj)
	f.Add(props)
	f.Add(`<packages><package id="A" version="1.0"/></packages>`)
	f.Fuzz(func(t *testing.T, s string) {
		contract.Read(t, Project{}, "a.csproj", s)
		contract.Read(t, Props{}, "Directory.Packages.props", s)
		contract.Read(t, Config{}, "packages.config", s)
	})
}

func FuzzExecutable(f *testing.F) {
	f.Add([]byte(library("Lib", "Company", "Product", "1.2.3")))
	f.Add([]byte(bundle(1, application)))
	f.Add([]byte(bundle(6, application)))
	f.Fuzz(func(t *testing.T, b []byte) {
		contract.Read(t, Assembly{}, "a.dll", string(b))
		contract.Read(t, Bundle{}, "a", string(b))
	})
}
