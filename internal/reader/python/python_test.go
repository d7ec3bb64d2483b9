package python

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// line is a package in one line: what a test compares.
func line(p assay.Package) string {
	s := p.Ref()
	if p.Type != assay.TypePyPI {
		s = p.Type + " " + s
	}
	if p.Relation != "" {
		s += " " + string(p.Relation)
	}
	if p.Dev {
		s += " dev"
	}
	if len(p.DependsOn) > 0 {
		s += " -> " + strings.Join(p.DependsOn, " ")
	}
	if len(p.Licences) > 0 {
		s += " (" + strings.Join(p.Licences, "; ") + ")"
	}
	return s
}

func lines(ps []assay.Package) (out []string) {
	for _, p := range ps {
		out = append(out, line(p))
	}
	return out
}

func check(t *testing.T, got assay.Facts, err error, want []string, wantErr string) {
	t.Helper()
	if d := cmp.Diff(want, lines(got.Packages)); d != "" {
		t.Error(d)
	}
	contract.Failed(t, err, wantErr)
}

const sampleMetadata = "Metadata-Version: 2.4\nName: some.Thing\nVersion: 1.0.post1\nSummary: x\n continued\nLicense-Expression: MIT OR Apache-2.0\nClassifier: License :: OSI Approved :: MIT License\nRequires-Dist: other>=1\nRequires-Dist: fast; extra == 'x'\n\nVersion: 9\n"

func zipped(t testing.TB, members ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, members[i+1])
	}
	w.Close()
	return b.String()
}

func TestInstalled(t *testing.T) {
	for _, tt := range []struct {
		name, path, in string
		want           []string
		err            string
	}{
		{"expression", "a.dist-info/METADATA", sampleMetadata, []string{"some.Thing@1.0.post1 -> other (MIT OR Apache-2.0)"}, ""},
		{"line ends of Windows and a mark", "METADATA", "\ufeff" + strings.ReplaceAll(sampleMetadata, "\n", "\r\n"), []string{"some.Thing@1.0.post1 -> other (MIT OR Apache-2.0)"}, ""},
		{"classifiers", "METADATA", "Name: a\nVersion: 1\nLicense: see file\nClassifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: BSD License\nClassifier: License :: Public Domain\n", []string{"a@1 (BSD License; Public Domain)"}, ""},
		{"licence", "METADATA", "Name: a\nVersion: 1\nLicense: B\xe9", []string{"a@1 (B\ufffd)"}, ""},
		{"text of a licence", "METADATA", "Name: a\nLicense: Copyright\n        all of us\nVersion: 1\n", []string{"a@1"}, ""},
		{"unknown licence", "METADATA", "Name: a\nVersion: 1\nLicense: UNKNOWN\n", []string{"a@1"}, ""},
		{"folded summary without folds", "PKG-INFO", "Name: a\nSummary: x\n<!-- y\nVersion: 1\n\nz", []string{"a@1"}, ""},
		{"version in the description only", "METADATA", "Name: a\n\nVersion: 1\n", nil, "package a has no version"},
		{"nothing", "a-1.egg-info", "", nil, "neither a name nor a version"},
		{"a bad name", "METADATA", "Name: <html>\nVersion: 1\n", nil, `"<html>"`},
		{"a bad version", "METADATA", "Name: a\nVersion: 1 or 2\n", nil, `"1 or 2"`},
		{"the interpreter", "lib/Python-3.8.egg-info", "Name: Python\nVersion: 3.8.1\n", nil, ""},
		{"egg", "a.egg", zipped(t, "a.py", "", "EGG-INFO/PKG-INFO", "Name: a\nVersion: 1\n", "x/EGG-INFO/PKG-INFO", "Name: b\nVersion: 1\n"), []string{"a@1"}, ""},
		{"egg without metadata", "a.egg", zipped(t, "a.py", ""), nil, ""},
		{"egg with bad metadata", "a.egg", zipped(t, "EGG-INFO/PKG-INFO", "x"), nil, "EGG-INFO/PKG-INFO: neither"},
		{"no egg", "a.egg", "chicken", nil, "not a zip archive"},
		{"a large header", "METADATA", "Name: a\nVersion: 1\nDescription: " + strings.Repeat("x\n  ", maxHeader/4), []string{"a@1"}, "too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Installed{}, tt.path, tt.in)
			check(t, facts, err, tt.want, tt.err)
		})
	}
}

func TestRequirements(t *testing.T) {
	wide := func(s string) string {
		out := "\xff\xfe"
		for _, u := range utf16.Encode([]rune(s)) {
			out += string([]byte{byte(u), byte(u >> 8)})
		}
		return out
	}
	for _, tt := range []struct {
		name, in string
		want     []string
		err      string
	}{
		{"pins", "a==1.0\n B.c_d === 2 # why\n\ne[x, y] == 3 ; python_version < '3'\nf (==4)\ng==5,!=6\nh==1!2.0+local", []string{"a@1.0", "B.c_d@2", "e@3", "f@4", "g@5", "h@1!2.0+local"}, ""},
		{"continued", "a==1 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\nb==\\\n2\nc==3 \\", []string{"a@1", "b@2", "c@3"}, ""},
		{"comment ends a continuation", "a==1 \\\n# b==2 \\\nc==3", []string{"a@1", "c@3"}, ""},
		{"twice", "a==1\na==1\na==2", []string{"a@1", "a@2"}, ""},
		{"options", "-i https://example.org/simple\n--extra-index-url=https://example.org\n--pre\n-e .\n--editable=./sub\n--no-binary :all:\na==1 --no-binary a", []string{"a@1"}, ""},
		{"tags of repositories", "-e git+https://example.org/a.git@v1.2.3#egg=a\nb @ git+ssh://git@example.org/b.git@2.0.1\nc @ git+https://example.org/c@98ed4a1b2c3d4e5f60718293a4b5c6d7e8f90a1b\ngit+https://u@example.org/d#egg=d\ne @ git+https://example.org/e@main ; x\n", []string{"a@1.2.3", "b@2.0.1"}, "3 packages have no version: d, c, e"},
		{"addresses", "a @ https://example.org/a-1.2-py3-none-any.whl ; x\n./wheels/b-2-py2.py3-none-any.whl\nc@https://example.org/c-3.0.tar.gz#sha256=00\n./local\n-e git+https://example.org/d.git@v1#egg=d\ngit+https://example.org/e.git", []string{"a@1.2", "b@2", "c@3.0"}, "2 packages have no version: d, git+https://example.org/e.git"},
		{"open", "a\nb>=1\nc~=1.0\nd==1.*\ne==${V}\nf!=1", nil, "6 packages have no version: a, b, c, d, e, f"},
		{"many open", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl", nil, "j and 2 more"},
		{"pinned elsewhere", "a\na==1", []string{"a@1"}, ""},
		{"prose", "a==1\nhello world\n== 3\nb=1\nc==", []string{"a@1"}, "line 2: hello"},
		{"UTF-16", wide("a==1\r\nb==2\r\n"), []string{"a@1", "b@2"}, ""},
		{"UTF-8 with a mark", "\ufeffa==1\rb==2", []string{"a@1", "b@2"}, ""},
		{"empty", "", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Requirements{}, "requirements.txt", tt.in)
			check(t, facts, err, tt.want, tt.err)
		})
	}
}

func TestIncludes(t *testing.T) {
	facts, errs := contract.ReadFiles(t, Requirements{}, map[string]string{
		"app/requirements.txt":     "-r more/base.in\n-r requirements-dev.txt\n--requirement=gone.txt\n-c ../pins.txt\nopen\nfree\nfixed==9\n-r https://example.org/x.txt\n-r ../../up.txt",
		"app/more/base.in":         "-r again.in\nbase==1\nbad line",
		"app/more/again.in":        "-r base.in\nagain==2",
		"app/requirements-dev.txt": "dev==3",
		"pins.txt":                 "Open==4\nunasked==5\nfixed==6",
		"app/requirements/x.txt":   "x==1",
	})
	check(t, facts["app/requirements.txt"], errs["app/requirements.txt"], []string{"again@2", "base@1", "fixed@9", "open@4"}, "more/base.in: line 3")
	check(t, facts["app/requirements-dev.txt"], errs["app/requirements-dev.txt"], []string{"dev@3"}, "")
	check(t, facts["app/requirements/x.txt"], errs["app/requirements/x.txt"], []string{"x@1"}, "")
	deep := map[string]string{"requirements.txt": "-r 0.in"}
	for i := range 20 {
		deep[fmt.Sprint(i, ".in")] = fmt.Sprintf("-r %d.in\np%d==1", i+1, i)
	}
	facts, errs = contract.ReadFiles(t, Requirements{}, deep)
	if n := len(facts["requirements.txt"].Packages); n != maxIncluded || !errors.Is(errs["requirements.txt"], assay.ErrTooLarge) {
		t.Errorf("%d packages, %v", n, errs)
	}
}

const (
	samplePoetry = "[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\nB_b = {version = \"^2\", optional = true}\nnone = \"*\"\n" +
		"[[package]]\nname = \"b-b\"\nversion = \"1.5\"\n[[package]]\nname = \"b-b\"\nversion = \"2.1\"\n" +
		"[[package]]\nname = \"t\"\nversion = \"3\"\ndependencies = {\"b-b\" = [{version=\"<2\", markers=\"x\"}, {version=\">=2\"}]}\n[[package]]\nname = \"bare\"\n"
	samplePipfile = `{"_meta": {"x": 1}, "default": {"a": {"version": "==1"}, "both": {"version": "==2"}, "here": {"path": ".", "editable": true}, "git": {"git": "https://example.org", "ref": "00"}, "old": "==3"},
		"develop": {"d": {"version": "==4"}, "both": {"version": "==2"}}, "docs": {"s": {"version": "===5"}}}`
	samplePDM = "[metadata]\ngroups = [\"default\", \"lint\"]\n[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"default\", \"lint\"]\ndependencies = [\"B>=1; x\"]\n" +
		"[[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"lint\"]\n[[package]]\nname = \"b\"\nversion = \"2\"\nextras = [\"x\"]\ngroups = [\"lint\"]\ndependencies = [\"b==2\", \"a\"]\n[[package]]\nname = \"here\"\npath = \".\"\n"
	sampleUV = "version = 1\n[manifest]\nmembers = [\"app\", \"lib\", \"dyn\"]\n[[package]]\nname = \"app\"\nversion = \"0.1\"\nsource = { editable = \".\" }\ndependencies = [{ name = \"lib\" }, { name = \"a\", version = \"2\" }]\n[package.optional-dependencies]\nx = [{ name = \"e\" }]\n[package.dev-dependencies]\ndev = [{ name = \"d\" }]\n" +
		"[[package]]\nname = \"lib\"\nversion = \"0.2\"\nsource = { editable = \"packages/lib\" }\n[[package]]\nname = \"dyn\"\nsource = { virtual = \"packages/dyn\" }\ndependencies = [{ name = \"c\" }]\n" +
		"[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://example.org\" }\n[[package]]\nname = \"a\"\nversion = \"2\"\n[[package]]\nname = \"c\"\nversion = \"3\"\n[[package]]\nname = \"d\"\nversion = \"4\"\ndependencies = [{ name = \"a\" }]\n[[package]]\nname = \"e\"\nversion = \"5\"\nsource = { git = \"https://example.org?rev=1\" }\n[[package]]\nname = \"tree\"\nsource = { url = \"https://example.org/x\" }\n"
	sampleScript = "version = 1\n[manifest]\nrequirements = [{ name = \"a\", specifier = \"<3\" }]\n[[package]]\nname = \"a\"\nversion = \"1\"\ndependencies = [{ name = \"b\" }]\n[[package]]\nname = \"b\"\nversion = \"2\"\n"
	samplePylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\ndependencies = [{name = \"b\", version = \"2\"}]\n[[packages]]\nname = \"b\"\nversion = \"2\"\n[[packages]]\nname = \"b\"\nversion = \"3\"\n[[packages]]\nname = \"w\"\narchive = {url = \"https://example.org/w-4.tar.gz\"}\n[[packages]]\nname = \"here\"\ndirectory = {path = \".\"}\n[[packages]]\nname = \"v\"\nvcs = {type = \"git\"}\n"
	sampleConda  = `{"build": "h_0", "files": ["a", {"b": []}], "license": "MIT", "name": "_libgcc_mutex", "version": "0.1"}`
	sampleEnv    = "name: x\ndependencies:\n  - python=3.8.1=h0\n  - conda-forge::b==1.2\n  - c 3.0 py27_0\n  - d[version='4.0']\n  - e>=1\n  - _f=0.1\n  - g=1.*\n  - pip:\n    - h==5 # x\n    - i\n"
)

func TestLocks(t *testing.T) {
	manifest := "[project]\ndependencies = [\"a>=1\", \"w\"]\n[dependency-groups]\nlint = [\"b\", {include-group = \"x\"}]\n[tool.poetry.dependencies]\npython = \"^3\"\n[tool.poetry.group.test.dependencies]\nt = \"*\"\n"
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
		beside string // as pyproject.toml, or Pipfile
		want   []string
		err    string
	}{
		{"poetry", Poetry{}, "poetry.lock", samplePoetry, "", []string{"a@1 -> b-b@2.1", "b-b@1.5", "b-b@2.1", "t@3 -> b-b@1.5 b-b@2.1"}, "1 package has no version: bare"},
		{"poetry and a manifest", Poetry{}, "poetry.lock", samplePoetry, manifest, []string{"a@1 direct -> b-b@2.1", "b-b@1.5 indirect dev", "b-b@2.1 indirect", "t@3 direct dev -> b-b@1.5 b-b@2.1"}, "bare"},
		{"poetry's categories", Poetry{}, "poetry.lock", "[[package]]\nname = \"t\"\nversion = \"1\"\ncategory = \"main\"\n[[package]]\nname = \"u\"\nversion = \"1\"\ncategory = \"dev\"\n", manifest, []string{"t@1 direct", "u@1 indirect dev"}, ""},
		{"poetry's groups", Poetry{}, "poetry.lock", "[[package]]\nname = \"t\"\nversion = \"1\"\ngroups = [\"main\", \"test\"]\n[[package]]\nname = \"u\"\nversion = \"1\"\ngroups = [\"test\"]\n", "", []string{"t@1", "u@1 dev"}, ""},
		{"a bad manifest", Poetry{}, "poetry.lock", "", "x", nil, "pyproject.toml: line 1"},
		{"pipfile", Pipfile{}, "Pipfile.lock", samplePipfile, "", []string{"a@1", "both@2", "old@3", "s@5", "d@4 dev"}, "1 package has no version: git"},
		{"pipfile and its source", Pipfile{}, "Pipfile.lock", samplePipfile, "[packages]\nA = \"*\"\n[dev-packages]\nd = \"*\"\n[scripts]\nold = \"x\"\n", []string{"a@1 direct", "both@2 indirect", "old@3 indirect", "s@5 indirect", "d@4 direct dev"}, "git"},
		{"pdm", PDM{}, "pdm.lock", samplePDM, "", []string{"a@1 -> b@2", "b@2 -> a@1"}, ""},
		{"pdm and a manifest", PDM{}, "pdm.lock", samplePDM, manifest, []string{"a@1 direct -> b@2", "b@2 direct dev -> a@1"}, ""},
		{"old pdm", PDM{}, "pdm.lock", strings.ReplaceAll(samplePDM, "groups =", "# groups ="), "[tool.pdm.dev-dependencies]\nx = [\"a\"]", []string{"a@1 direct dev -> b@2", "b@2 indirect dev -> a@1"}, ""},
		{"uv", UV{}, "uv.lock", sampleUV, "", []string{"app@0.1 root -> a@2 e@5 lib@0.2", "lib@0.2 workspace", "a@1 indirect dev", "a@2 direct", "c@3 direct", "d@4 direct dev -> a@1 a@2", "e@5 direct"}, "1 package has no version: tree"},
		{"uv's scripts", UV{}, "x.py.lock", sampleScript, "", []string{"a@1 direct -> b@2", "b@2 indirect"}, ""},
		{"pylock", Pylock{}, "pylock.dev.toml", samplePylock, "", []string{"a@1 -> b@2", "b@2", "b@3", "w@4"}, "1 package has no version: v"},
		{"pylock and a manifest", Pylock{}, "pylock.toml", samplePylock, manifest, []string{"a@1 direct -> b@2", "b@2 direct", "b@3 direct dev", "w@4 direct"}, ": v"},
		{"conda", Conda{}, "conda-meta/x.json", sampleConda, "", []string{"conda _libgcc_mutex@0.1 (MIT)"}, ""},
		{"conda without a version", Conda{}, "conda-meta/x.json", `{"name": "x"}`, "", nil, "no version: x"},
		{"conda environment", Environment{}, "environment.yml", sampleEnv, "", []string{"conda python@3.8.1", "conda b@1.2", "conda c@3.0", "conda d@4.0", "conda _f@0.1", "h@5"}, "2 packages have no version: e, g"},
		{"another environment", Environment{}, "environment.yaml", "services: {a: 1}\n", "", nil, ""},
		{"a bad name", Pipfile{}, "Pipfile.lock", `{"default": {"<a>": {"version": "==1"}, "b": {"version": "==1 2"}, "c": 5}}`, "", nil, `"<a>"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{tt.path: tt.in}
			if tt.beside != "" {
				files["pyproject.toml"], files["Pipfile"] = tt.beside, tt.beside
			}
			facts, errs := contract.ReadFiles(t, tt.reader, files)
			if _, ok := facts[tt.path]; !ok {
				t.Fatal("not wanted")
			}
			check(t, facts[tt.path], errs[tt.path], tt.want, tt.err)
		})
	}
}

func readers(t testing.TB) map[assay.Reader]map[string]string {
	return map[assay.Reader]map[string]string{
		Installed{}:    {"a.dist-info/METADATA": sampleMetadata, "a.egg": zipped(t, "EGG-INFO/PKG-INFO", sampleMetadata)},
		Requirements{}: {"requirements.txt": "a==1 \\\n --hash=x\n-r b.txt\n-e git+https://example.org#egg=x\nc[d]>=1 ; e"},
		Poetry{}:       {"poetry.lock": samplePoetry},
		Pipfile{}:      {"Pipfile.lock": samplePipfile},
		PDM{}:          {"pdm.lock": samplePDM},
		UV{}:           {"uv.lock": sampleUV, "a.py.lock": sampleScript},
		Pylock{}:       {"pylock.toml": samplePylock},
		Conda{}:        {"conda-meta/a.json": sampleConda},
		Environment{}:  {"environment.yml": sampleEnv},
	}
}

func TestContract(t *testing.T) {
	for r, samples := range readers(t) {
		t.Run(r.Name(), func(t *testing.T) { contract.Reader(t, r, samples) })
	}
}

var versioned = regexp.MustCompile(`(?m)^\[\[package\]\]\n(?:(?:category|description|marker) .*\n)*name = "(.*)"\n(?:(?:description|optional|python-versions) .*\n)*version = "(.*)"`)

// TestConformance holds that all packages of lock files are found that a plain
// search in their text finds.
func TestConformance(t *testing.T) {
	for r, names := range map[assay.Reader][]string{
		Poetry{}: {"poetry/case-sensitivity", "poetry/conflicting-with-extras", "poetry/dev-deps", "poetry/multiple-extras", "poetry/nested-extras", "poetry/simple-deps", "pypi-remote"},
		UV{}:     {"uv/conflicting-with-extras", "uv/multiple-extras", "uv/nested-extras", "uv/simple-deps", "pypi-remote"},
		PDM{}:    {"pdm-lock", "pdm-lock-extras", "pdm-lock-separate-files", "pypi-remote"},
	} {
		for _, name := range names {
			dir := corpus.Path(t, "conformance/syft/python/"+name)
			facts, errs := contract.ReadDir(t, r, dir)
			for file, f := range facts {
				b, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				var want, got []string
				for _, m := range versioned.FindAllStringSubmatch(string(b), -1) {
					want = append(want, m[1]+"@"+m[2])
				}
				for _, p := range f.Packages {
					got = append(got, p.Ref())
				}
				slices.Sort(want)
				slices.Sort(got)
				if d := cmp.Diff(slices.Compact(want), got); d != "" || errs[file] != nil || len(got) == 0 {
					t.Errorf("%s: %v\n%s", name, errs[file], d)
				}
			}
		}
	}
}

func TestConformanceInstalled(t *testing.T) {
	facts, errs := contract.ReadDir(t, Installed{}, corpus.Path(t, "conformance/syft/python"))
	got := map[string]int{}
	for file, f := range facts {
		for _, l := range lines(f.Packages) {
			got[l]++
		}
		if (len(f.Packages) == 0) != (errs[file] != nil) && file != "Python-2.7.egg-info" {
			t.Errorf("%s: %v", file, errs[file])
		}
	}
	want := map[string]int{"Pygments@2.6.1 (BSD License)": 3, "Pygments@2.6.1 -> soupsieve (BSD License)": 3, "requests@2.22.0 (Apache Software License)": 3}
	if d := cmp.Diff(want, got); d != "" || len(facts) != 17 {
		t.Errorf("%d files\n%s", len(facts), d)
	}
	facts, errs = contract.ReadDir(t, Requirements{}, corpus.Path(t, "conformance/syft/python"))
	if len(facts) != 6 {
		t.Errorf("%d requirements files", len(facts))
	}
	f := "requires/requirements.txt"
	check(t, facts[f], errs[f], []string{"flask@4.0.0", "urllib3@1.26.20", "foo@1.0.0", "SomeProject@5.4", "dots-._allowed@1.0.0", "argh@0.26.2", "argh@0.26.3", "celery@4.4.7", "GithubSampleProject@3.7.1", "FrIeNdLy-_-bArD@1.0.0", "local-version@1.2.3+gcr.2"}, "Mopidy-Dirble, requests")
}

// TestGolden holds the packages of Trivy's answers, which leave development
// out.
func TestGolden(t *testing.T) {
	for name, r := range map[string]assay.Reader{"pip": Requirements{}, "pipenv": Pipfile{}, "uv": UV{}} {
		b, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/"+name+".json.golden"))
		if err != nil {
			t.Fatal(err)
		}
		var golden struct {
			Results []struct {
				Target   string
				Packages []struct {
					Name, Version, Relationship string
					DependsOn                   []string
				}
			}
		}
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
		facts, _ := contract.ReadDir(t, r, corpus.Path(t, "conformance/trivy/repo/"+name))
		for _, result := range golden.Results {
			var want, got []string
			for _, p := range result.Packages {
				want = append(want, line(assay.Package{Type: assay.TypePyPI, Name: p.Name, Version: p.Version, Relation: assay.Relation(p.Relationship), DependsOn: p.DependsOn}))
			}
			for _, p := range facts[result.Target].Packages {
				if !p.Dev {
					got = append(got, line(p))
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s:\n%s", name, d)
			}
		}
	}
}

func fuzz(f *testing.F, r assay.Reader) {
	paths := map[string]bool{}
	for other, samples := range readers(f) {
		if other.Name() == r.Name() {
			for path, s := range samples {
				paths[path] = true
				f.Add(path, []byte(s))
			}
		}
	}
	f.Fuzz(func(t *testing.T, path string, b []byte) {
		if paths[path] {
			contract.Read(t, r, path, string(b))
		}
	})
}

func FuzzInstalled(f *testing.F)    { fuzz(f, Installed{}) }
func FuzzRequirements(f *testing.F) { fuzz(f, Requirements{}) }
func FuzzPoetry(f *testing.F)       { fuzz(f, Poetry{}) }
func FuzzPipfile(f *testing.F)      { fuzz(f, Pipfile{}) }
func FuzzPDM(f *testing.F)          { fuzz(f, PDM{}) }
func FuzzUV(f *testing.F)           { fuzz(f, UV{}) }
func FuzzPylock(f *testing.F)       { fuzz(f, Pylock{}) }
func FuzzConda(f *testing.F)        { fuzz(f, Conda{}) }
func FuzzEnvironment(f *testing.F)  { fuzz(f, Environment{}) }

// TestHostile reads what took the square of its size before it was bounded: a
// minute each.
func TestHostile(t *testing.T) {
	var keys, forks strings.Builder
	keys.WriteString("[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\n")
	for i := range 200_000 {
		fmt.Fprintf(&keys, "p%d = \"*\"\n", i)
	}
	for i := range maxForks {
		fmt.Fprintf(&forks, "[[package]]\nname = \"z\"\nversion = \"%d\"\n", i)
	}
	forks.WriteString("[[package]]\nname = \"a\"\nversion = \"1\"\ndependencies.z = [" + strings.Repeat("\">=1,<3\",", 300_000) + "]")
	for name, in := range map[string]string{
		"keys": keys.String(), "forks": forks.String(), "dots": strings.Repeat("a.", 1<<20) + "a = 1", "brackets": "a = " + strings.Repeat("[", 1<<20),
	} {
		if facts, _ := contract.Read(t, Poetry{}, "poetry.lock", in); len(facts.Packages) > maxForks+1 {
			t.Errorf("%s: %d packages", name, len(facts.Packages))
		}
	}
}
