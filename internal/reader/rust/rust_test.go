package rust

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const auditable = `{"packages":[
 {"name":"app","version":"0.1.0","source":"local","dependencies":[1,2,4],"root":true},
 {"name":"libc","version":"0.2.100","source":"crates.io"},
 {"name":"helper","version":"0.1.0","source":"local","dependencies":[3]},
 {"name":"memchr","version":"2.7.4","source":"git","kind":"runtime"},
 {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build","dependencies":[1]}
],"format":1}`

func zip(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// machO makes an executable with the content in the section.
func machO(section string, content []byte) string {
	le := binary.LittleEndian
	b := make([]byte, 184, 184+len(content))
	le.PutUint32(b, 0xfeedfacf)
	le.PutUint32(b[20:], 152)
	le.PutUint32(b[32:], 0x19)
	le.PutUint32(b[36:], 152)
	copy(b[104:], section)
	copy(b[120:], "__DATA")
	le.PutUint64(b[144:], uint64(len(content)))
	le.PutUint32(b[152:], 184)
	return string(append(b, content...))
}

func TestAuditable(t *testing.T) {
	facts, err := contract.Read(t, Auditable{}, "app", machO(".dep-v0", zip(t, auditable)))
	if err != nil {
		t.Fatal(err)
	}
	want := []assay.Package{
		{Type: "cargo", Name: "app", Version: "0.1.0", Relation: "root", DependsOn: []string{"libc@0.2.100", "helper@0.1.0"}},
		{Type: "cargo", Name: "libc", Version: "0.2.100", Relation: "direct"},
		{Type: "cargo", Name: "helper", Version: "0.1.0", Relation: "workspace", DependsOn: []string{"memchr@2.7.4"}},
		{Type: "cargo", Name: "memchr", Version: "2.7.4", Relation: "indirect"},
	}
	if d := cmp.Diff(want, facts.Packages); d != "" {
		t.Error(d)
	}
}

func TestAuditableDamaged(t *testing.T) {
	whole := zip(t, auditable)
	for _, tt := range []struct {
		name string
		in   string
		want error
		n    int
	}{
		{"not compressed", machO(".dep-v0", []byte("xx")), assay.ErrMalformed, 0},
		{"cut off", machO(".dep-v0", whole[:len(whole)/2]), assay.ErrMalformed, 0},
		{"not JSON", machO(".dep-v0", zip(t, "{")), assay.ErrMalformed, 0},
		{"a bomb", machO(".dep-v0", zip(t, strings.Repeat(" ", maxList+1))), assay.ErrTooLarge, 0},
		{"no version, an odd number", machO(".dep-v0", zip(t, `{"packages":[{"name":"a"},{"name":"b","version":"1","dependencies":[7,-1]}]}`)), assay.ErrMalformed, 1},
		{"another section", machO(".text", whole), nil, 0},
		{"a script", "#!/bin/sh", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Auditable{}, "app", tt.in)
			if !errors.Is(err, tt.want) || len(facts.Packages) != tt.n {
				t.Errorf("%+v, %v", facts.Packages, err)
			}
		})
	}
}

const (
	lockV4 = `version = 4

[[package]]
name = "app"
version = "1.0.0"
dependencies = [
 "core",
 "rand 0.8.5",
 "renamed",
]

[[package]]
name = "core"
version = "0.1.0"
dependencies = [
 "proptest",
 "rand 0.7.3 (registry+https://github.com/rust-lang/crates.io-index)",
]

[[package]]
name = "libc"
version = "0.2.100"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "proptest"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["quick", "libc"]

[[package]]
name = "quick"
version = "0.9.0"
source = "sparse+https://crates.example.org/"

[[package]]
name = "rand"
version = "0.7.3"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "rand"
version = "0.8.5"
source = "git+https://git.example.org/rand?rev=abc#abc"
dependencies = ["libc"]

[[package]]
name = "renamed"
version = "3.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
`
	lockV1 = `[root]
name = "app"
version = "0.1.0"
dependencies = ["a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[metadata]
"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)" = "00"
`
)

// rows writes packages down, one a line.
func rows(ps []assay.Package) []string {
	var rows []string
	for _, p := range ps {
		row := p.Ref() + " " + string(p.Relation)
		if p.Dev {
			row += " dev"
		}
		for _, d := range p.DependsOn {
			row += " >" + d
		}
		rows = append(rows, row)
	}
	return rows
}

func TestLock(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"4", lockV4, []string{
			"app@1.0.0 workspace >core@0.1.0 >rand@0.8.5 >renamed@3.0.0", "core@0.1.0 workspace >proptest@1.0.0 >rand@0.7.3", "libc@0.2.100 indirect",
			"proptest@1.0.0 direct >libc@0.2.100 >quick@0.9.0", "quick@0.9.0 indirect", "rand@0.7.3 direct", "rand@0.8.5 direct >libc@0.2.100", "renamed@3.0.0 direct"}},
		{"1", lockV1, []string{"app@0.1.0 root >a@1.0.0", "a@1.0.0 direct"}},
		{"empty", "version = 3\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Lock{}, "Cargo.lock", tt.in)
			if d := cmp.Diff(tt.want, rows(facts.Packages)); d != "" || err != nil {
				t.Error(err, d)
			}
		})
	}
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Cargo.lock": lockV4,
		"Cargo.toml": "[package]\nname = \"app\"\nlicense = \"MIT OR Apache-2.0\"\n[dependencies]\ncore = { path = \"crates/core\" }\nother = { package = \"renamed\", version = \"3\" }\n[dev-dependencies]\nrand = \"0.8\"\nrenamed = \"3\"\n" +
			"[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\npt = { package = \"proptest\", version = \"1\" }\n",
		"crates/core/Cargo.toml": "[package]\nname = \"core\"\nlicense.workspace = true\n[target.'cfg(unix)'.dependencies]\nrand = \"0.7\"\n[dev-dependencies]\npt = { workspace = true }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Lock{}, dir)
	ps := facts["Cargo.lock"].Packages
	want := []string{
		"app@1.0.0 root >core@0.1.0 >rand@0.8.5 >renamed@3.0.0", "core@0.1.0 workspace >proptest@1.0.0 >rand@0.7.3", "libc@0.2.100 indirect dev",
		"proptest@1.0.0 direct dev >libc@0.2.100 >quick@0.9.0", "quick@0.9.0 indirect dev", "rand@0.7.3 direct", "rand@0.8.5 direct dev >libc@0.2.100", "renamed@3.0.0 direct"}
	if d := cmp.Diff(want, rows(ps)); d != "" || errs["Cargo.lock"] != nil {
		t.Error(errs["Cargo.lock"], d)
	}
	if !slices.Equal(ps[0].Licences, []string{"MIT OR Apache-2.0"}) {
		t.Errorf("licences %q", ps[0].Licences)
	}
}

func TestLockDamaged(t *testing.T) {
	facts, err := contract.Read(t, Lock{}, "Cargo.lock", "[[package]]\nname = \"a\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\ndependencies = [\"gone\", \"\"]\n")
	if len(facts.Packages) != 1 || !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "no version: a") {
		t.Errorf("%+v, %v", facts.Packages, err)
	}
	if facts, err := contract.Read(t, Lock{}, "Cargo.lock", lockV1+"[[package"); len(facts.Packages) != 2 || !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("%+v, %v", facts.Packages, err)
	}
	if _, err := contract.Read(t, Lock{}, "Cargo.lock", "[[package"); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		file string
		want int
		root string
	}{
		{"syft/rust/Cargo.lock", 0, ""}, {"syft/rust/Cargo.lock-with-git-deps", 9, "hello_world"}, {"syft/rust/path-deps/Cargo.lock", 3, ""},
		{"syft/rust/image-audit/Cargo.lock", 0, "hello_world"}, {"trivy/repo/trivy-ci-test/Cargo.lock", 0, ""},
	} {
		t.Run(tt.file, func(t *testing.T) {
			b, err := os.ReadFile(corpus.Path(t, "conformance/"+tt.file))
			if err != nil {
				t.Fatal(err)
			}
			facts, err := contract.Read(t, Lock{}, "Cargo.lock", string(b))
			if err != nil {
				t.Error(err)
			}
			want := strings.Count(string(b), "[[package]]")
			if tt.want != 0 {
				want = tt.want // some come from several sources
			}
			if len(facts.Packages) != want {
				t.Errorf("%d packages, want %d", len(facts.Packages), want)
			}
			refs := map[string]bool{}
			for _, p := range facts.Packages {
				refs[p.Ref()] = true
				if (p.Name == tt.root) != (p.Relation == assay.RelationRoot) && tt.root != "" {
					t.Errorf("%s is %s", p.Ref(), p.Relation)
				}
			}
			for _, p := range facts.Packages {
				for _, d := range p.DependsOn {
					if !refs[d] && d != "ammonia@2.0.0" { // that file was edited by hand
						t.Errorf("%s needs %s, which is not there", p.Ref(), d)
					}
				}
			}
		})
	}
}

// TestTrivy holds that what Trivy finds vulnerable is among the packages.
func TestTrivy(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/test-repo.json.golden"))
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
	facts, _ := contract.ReadDir(t, Lock{}, corpus.Path(t, "conformance/trivy/repo/trivy-ci-test"))
	for _, r := range golden.Results {
		if r.Target != "Cargo.lock" {
			continue
		}
		for _, v := range r.Vulnerabilities {
			if !slices.ContainsFunc(facts["Cargo.lock"].Packages, func(p assay.Package) bool { return p.Ref() == v.PkgID }) {
				t.Errorf("no %s", v.PkgID)
			}
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Auditable{}, map[string]string{"app": machO(".dep-v0", zip(t, auditable))})
	contract.Reader(t, Lock{}, map[string]string{"Cargo.lock": lockV4})
}

func FuzzLock(f *testing.F) {
	f.Add(lockV4)
	f.Add(lockV1)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Lock{}, "Cargo.lock", content) })
}

func FuzzAuditable(f *testing.F) {
	f.Add(zip(f, auditable))
	f.Fuzz(func(t *testing.T, section []byte) { contract.Read(t, Auditable{}, "app", machO(".dep-v0", section)) })
}

func FuzzList(f *testing.F) {
	f.Add(auditable)
	f.Fuzz(func(t *testing.T, text string) {
		var list listed
		if json.Unmarshal([]byte(text), &list) != nil {
			return
		}
		if facts, err := list.facts(); err == nil && len(facts.Packages) > len(list.Packages) {
			t.Errorf("%d packages", len(facts.Packages))
		}
	})
}
