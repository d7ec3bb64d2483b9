package php

import (
	"encoding/json"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const lock = `{
 "packages": [
  {"name": "Laravel/Framework", "version": "v9.1.0", "license": ["MIT"], "require": {"php": "^8", "ext-json": "*", "psr/log": "^1"}, "replace": {"illuminate/support": "self.version"}},
  {"name": "psr/log", "version": "1.1.4", "license": "MIT", "require": []},
  {"name": "acme/app", "version": "dev-main", "require": {"Illuminate/Support": "^9"}}
 ],
 "packages-dev": [
  {"name": "phpunit/phpunit", "version": "9.5.0", "license": ["BSD-3-Clause"], "require": {"psr/log": "*"}}
 ]
}`

func pkg(ref string, relation assay.Relation, dev bool, licence string, needs ...string) assay.Package {
	name, version, _ := strings.Cut(ref, "@")
	p := assay.Package{Type: "composer", Name: name, Version: version, Relation: relation, Dev: dev, DependsOn: needs}
	if licence != "" {
		p.Licences = []string{licence}
	}
	return p
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"composer.lock": lock,
		"composer.json": `{"require": {"php": ">=8", "acme/app": "@dev"}, "require-dev": {"PHPUnit/phpunit": "^9"}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Lock{}, dir)
	want := []assay.Package{
		pkg("Laravel/Framework@v9.1.0", "indirect", false, "MIT", "psr/log@1.1.4"),
		pkg("psr/log@1.1.4", "indirect", false, "MIT"),
		pkg("acme/app@dev-main", "direct", false, "", "Laravel/Framework@v9.1.0"),
		pkg("phpunit/phpunit@9.5.0", "direct", true, "BSD-3-Clause", "psr/log@1.1.4"),
	}
	if d := cmp.Diff(want, facts["composer.lock"].Packages); d != "" || errs["composer.lock"] != nil {
		t.Error(d, errs)
	}
	for _, file := range []string{"vendor/a/b/composer.lock", "app/vendor/a/b/composer.lock"} {
		if facts, err := contract.Read(t, Lock{}, file, lock); len(facts.Packages) > 0 || err != nil {
			t.Error(file, facts, err)
		}
	}
}

const installed1 = `[{"name": "a/b", "version": "1.0.0", "license": ["MIT"], "require": {"c/d": "*"}}, {"name": "c/d", "version": "v2", "license": [7]}]`

const installed2 = `{"packages": ` + installed1 + `, "dev": true, "dev-package-names": ["C/d"]}`

func TestInstalled(t *testing.T) {
	one := []assay.Package{pkg("a/b@1.0.0", "", false, "MIT", "c/d@v2"), pkg("c/d@v2", "", false, "")}
	two := []assay.Package{one[0], pkg("c/d@v2", "", true, "")}
	for _, tt := range []struct {
		name, path, in string
		want           []assay.Package
		fails          bool
	}{
		{"version 1", "vendor/composer/installed.json", installed1, one, false},
		{"version 2", "vendor/composer/installed.json", installed2, two, false},
		{"elsewhere", "srv/installed.json", installed2, two, false},
		{"none installed", "vendor/composer/installed.json", "[]", nil, false},
		{"empty", "vendor/composer/installed.json", "", nil, false},
		{"bogus", "vendor/composer/installed.json", "bogus", nil, true},
		{"damaged", "vendor/composer/installed.json", installed1[:50], nil, true},
		{"no version", "vendor/composer/installed.json", `[{"name": "a/b"}]`, nil, true},
		{"another's", "srv/installed.json", `{"packages": [{"name": "x", "version": "1"}]}`, nil, false},
		{"another's list", "srv/installed.json", `["a", 1]`, nil, false},
		{"bogus elsewhere", "srv/installed.json", "bogus", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Installed{}, tt.path, tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || (err != nil) != tt.fails {
				t.Error(d, err)
			}
		})
	}
}

const registered = `a:6:{s:7:"attribs";a:1:{s:7:"version";s:3:"2.0";}s:4:"name";s:9:"memcached";s:7:"channel";s:12:"pecl.php.net";s:7:"version";a:2:{s:7:"release";s:5:"3.2.0";s:3:"api";s:3:"1.0";}s:7:"license";a:2:{s:7:"attribs";a:1:{s:3:"uri";s:1:"x";}s:8:"_content";s:3:"PHP";}s:13:"_lastmodified";i:1641911000;}`

func TestPEAR(t *testing.T) {
	old := `a:4:{s:7:"package";s:11:"Archive_Tar";s:7:"version";s:3:"1.1";s:15:"release_license";s:3:"BSD";s:5:"extra";a:3:{i:0;b:1;i:1;d:0.5;i:2;N;}}`
	for _, tt := range []struct {
		name, path, in, want string
		fails                bool
	}{
		{"package.xml 2", "usr/share/php/.registry/.channel.pecl.php.net/memcached.reg", registered, "pecl.php.net/memcached@3.2.0 PHP", false},
		{"package.xml 1", "usr/share/php/.registry/archive_tar.reg", old, "pear.php.net/Archive_Tar@1.1 BSD", false},
		{"the folder's channel", "x/.registry/.channel.pear.example.org/a.reg", old, "pear.example.org/Archive_Tar@1.1 BSD", false},
		{"damaged behind it", "x/.registry/a.reg", strings.Replace(old, "i:0;", "x", 1), "pear.php.net/Archive_Tar@1.1 BSD", true},
		{"nothing in it", "x/.registry/a.reg", "a:0:{}", "", true},
		{"bogus", "x/.registry/a.reg", "a:1{}", "", true},
		{"deep", "x/.registry/a.reg", strings.Repeat("a:1:{i:0;", 9999), "", true},
		{"a length that lies", "x/.registry/a.reg", `a:1:{s:999999999:"x";}`, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, PEAR{}, tt.path, tt.in)
			got := ""
			for _, p := range facts.Packages {
				got = p.Ref() + " " + strings.Join(p.Licences, ",")
			}
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	dir := corpus.Path(t, "conformance/syft/php")
	for file, want := range map[string]string{"memcached-v5-format.reg": "pecl.php.net/memcached@3.2.0", "memcached-v6-format.reg": "pecl.php.net/memcached@3.2.0"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, PEAR{}, ".registry/.channel.pecl.php.net/"+file, string(b))
		if err != nil || len(facts.Packages) != 1 || facts.Packages[0].Ref() != want || facts.Packages[0].Licences[0] != "PHP License" {
			t.Error(facts, err)
		}
	}
	for _, r := range []assay.Reader{Lock{}, Installed{}, PEAR{}} {
		facts, errs := contract.ReadDir(t, r, dir)
		for file, f := range facts {
			if bad := strings.HasPrefix(file, "glob-paths"); bad != (errs[file] != nil) && path.Base(file) != "installed.json" {
				t.Errorf("%s: %v", file, errs[file])
			} else if want := refs(t, filepath.Join(dir, file)); !bad && !cmp.Equal(want, got(f)) {
				t.Errorf("%s: %v", file, cmp.Diff(want, got(f)))
			}
		}
		if len(facts) == 0 {
			t.Errorf("%s wants none", r.Name())
		}
	}
}

func got(f assay.Facts) (refs []string) {
	for _, p := range f.Packages {
		refs = append(refs, p.Ref())
	}
	return refs
}

// refs reads a file in the plainest way.
func refs(t *testing.T, file string) (refs []string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type list []struct{ Name, Version string }
	var v struct {
		Packages list
		Dev      list `json:"packages-dev"`
	}
	if json.Unmarshal(b, &v) != nil && json.Unmarshal(b, &v.Packages) != nil {
		return nil
	}
	for _, p := range append(v.Packages, v.Dev...) {
		refs = append(refs, p.Name+"@"+p.Version)
	}
	return refs
}

func TestGolden(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/composer.lock.json.golden"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Results []struct {
			Packages []struct {
				Name, Version string
				Licenses      []string
				Relationship  assay.Relation
				DependsOn     []string
			}
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	var want []assay.Package
	for _, p := range golden.Results[0].Packages {
		want = append(want, assay.Package{Type: "composer", Name: p.Name, Version: p.Version, Licences: p.Licenses, Relation: p.Relationship, DependsOn: p.DependsOn})
	}
	facts, errs := contract.ReadDir(t, Lock{}, corpus.Path(t, "conformance/trivy/repo/composer"))
	if d := cmp.Diff(want, facts["composer.lock"].Packages); d != "" || errs["composer.lock"] != nil {
		t.Error(d, errs)
	}
}

func TestMalformed(t *testing.T) {
	if facts, err := contract.Read(t, Lock{}, "composer.lock", "bogus"); !errors.Is(err, assay.ErrMalformed) || facts.Packages != nil {
		t.Error(facts, err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Lock{}, map[string]string{"composer.lock": lock})
	contract.Reader(t, Installed{}, map[string]string{"vendor/composer/installed.json": installed2, "installed.json": installed1})
	contract.Reader(t, PEAR{}, map[string]string{"a/.registry/x.reg": registered})
}

func FuzzLock(f *testing.F) {
	f.Add(lock)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Lock{}, "composer.lock", content) })
}

func FuzzInstalled(f *testing.F) {
	f.Add(installed1)
	f.Add(installed2)
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Installed{}, "vendor/composer/installed.json", content)
	})
}

func FuzzPEAR(f *testing.F) {
	f.Add(registered)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, PEAR{}, ".registry/x.reg", content) })
}
