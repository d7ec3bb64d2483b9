package ruby

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const written = `# -*- encoding: utf-8 -*-
# stub: small-gem 1.2.3 x86_64-linux lib
# stub: ext/small/extconf.rb

Gem::Specification.new do |s|
  s.name = "small-gem".freeze
  s.version = "1.2.3"
  s.platform = "x86_64-linux".freeze
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.files = ["lib/name.rb".freeze]
  s.add_runtime_dependency(%q<rack>.freeze, ["~> 2.0"])
end
`

func TestInstalled(t *testing.T) {
	for _, tt := range []struct {
		name, path, in string
		want           string
		fails          bool
	}{
		{"as RubyGems writes it", "", written, "small-gem@1.2.3 [MIT Ruby]", false},
		{"before 2.0", "", "Gem::Specification.new do |s|\n  s.name = %q{old}\n  s.version = \"0.9.0\"\n  s.description = %q{s.version = \"7\"}\n  s.license = %q{MIT}\nend", "old@0.9.0 [MIT]", false},
		{"before 1.0", "", "Gem::Specification.new do |gem|\r\n  gem.name = 'older'.freeze\r\n  gem.version = Gem::Version.new(\"0.1.a\")\r\nend", "older@0.1.a []", false},
		{"words", "", "X.new { |spec|\n spec.name='w'\n spec.version='1'\n spec.licenses = %w[ MIT Apache-2.0 ]", "w@1 [MIT Apache-2.0]", false},
		{"a list over lines", "", "s.name='w'\ns.version='1'\ns.licenses = [ # two\n 'MIT',\n 'It\\'s',\n]", "w@1 [MIT It's]", false},
		{"a computed version", "specifications/calc-2.0.1-java.gemspec", "s.name = 'calc'\ns.version = Calc::VERSION", "calc@2.0.1 []", false},
		{"an interpolated version", "specifications/calc-2.0.1.gemspec", "s.name = 'calc'\ns.version = \"#{a}.1\"", "calc@2.0.1 []", false},
		{"a version in pieces", "specifications/calc-2.0.1.gemspec", "s.name = 'calc'\ns.version = '2.0' + x", "calc@2.0.1 []", false},
		{"no version", "", "s.name = 'calc'", "", true},
		{"nothing", "", "", "", true},
		{"bogus", "", "bogus", "", true},
		{"Bundler's", "app/vendor/bundle/ruby/3.1.0/bundler/gems/small-0f0f/small.gemspec", written, "small-gem@1.2.3 [MIT Ruby]", false},
		{"not Bundler's", "app/vendor/bundle/ruby/3.1.0/bundler/gems/small-0f0f/test/x.gemspec", "s.name = 'x'\ns.version='1'", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.path == "" {
				tt.path = "specifications/x.gemspec"
			}
			facts, err := contract.Read(t, Installed{}, tt.path, tt.in)
			got := ""
			for _, p := range facts.Packages {
				got += p.Ref() + " " + fmt.Sprint(p.Licences)
			}
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestConformanceSpecs(t *testing.T) {
	dir := corpus.Path(t, "conformance/syft/ruby")
	for file, want := range map[string]string{"bundler.gemspec": "bundler@2.1.4", "formatador.gemspec": "formatador@1.1.0"} {
		b, err := os.ReadFile(path.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, Installed{}, "specifications/"+file, string(b))
		if err != nil || len(facts.Packages) != 1 || facts.Packages[0].Ref() != want || !slices.Equal(facts.Packages[0].Licences, []string{"MIT"}) {
			t.Error(facts, err)
		}
	}
	for _, r := range []assay.Reader{Installed{}, Lock{}} {
		_, errs := contract.ReadDir(t, r, path.Join(dir, "glob-paths"))
		for _, err := range errs {
			if !errors.Is(err, assay.ErrMalformed) {
				t.Errorf("%s: %v", r.Name(), errs)
			}
		}
		if len(errs) != 2 {
			t.Errorf("%s wants %v", r.Name(), errs)
		}
	}
}

// TestImage reads an image of Debian with 139 gems, of which the image's truth
// lists the files.
func TestImage(t *testing.T) {
	b, err := os.ReadFile(corpus.Image(t, "polyglot.truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth struct{ Gem []string }
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	image, err := os.Open(corpus.Image(t, "polyglot.docker.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	found := map[string]bool{}
	outer := tar.NewReader(image)
	for h, err := outer.Next(); err == nil; h, err = outer.Next() {
		if !strings.HasSuffix(h.Name, ".tar") {
			continue
		}
		layer := tar.NewReader(outer)
		for h, err := layer.Next(); err == nil; h, err = layer.Next() {
			if !strings.HasSuffix(h.Name, ".gemspec") {
				continue
			}
			b, err := io.ReadAll(layer)
			if err != nil {
				t.Fatal(err)
			}
			facts, err := contract.Read(t, Installed{}, h.Name, string(b))
			if err != nil || len(facts.Packages) != 1 {
				t.Fatalf("%s: %v, %v", h.Name, facts, err)
			}
			p := facts.Packages[0]
			if base := path.Base(h.Name); base != p.Name+"-"+p.Version+".gemspec" || len(p.Licences) == 0 && p.Name != "hike" {
				t.Errorf("%s is %+v", h.Name, p)
			}
			found["/"+path.Clean(h.Name)] = true
		}
	}
	for _, file := range truth.Gem {
		if !found[file] {
			t.Errorf("%s was not read", file)
		}
	}
	if len(found) != len(truth.Gem) {
		t.Errorf("%d gems, want %d", len(found), len(truth.Gem))
	}
}

const locked = `PATH
  remote: .
  specs:
    mine (0.1.0)
      rack (>= 2)

GIT
  remote: https://example.org/fork.git
  revision: 80216ce9d89920bf073709405e3fce6d0a3ccd9a
  branch: main
  specs:
    fork (3.0.0)
      rack

PLUGIN SOURCE
  remote: https://example.org
  type: special
  specs:
    plugged (0.2)

GEM
  remote: https://rubygems.org/
  specs:
    nokogiri (1.16.0-arm64-darwin)
      racc (~> 1.4)
    nokogiri (1.16.0-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.3)
    racc (1.7.3-java)
    rack (3.0.0.beta1)
    rspec (3.12.0)
      rspec-core (~> 3.12.0)
      bundler (>= 1)
    rspec-core (3.12.2)
    loose

PLATFORMS
  arm64-darwin
  x86_64-linux

DEPENDENCIES
  fork!
  mine!
  nokogiri
  plugged (~> 0.1)!
  rspec (~> 3.12)

CHECKSUMS
  rack (3.0.0.beta1) sha256=00

RUBY VERSION
   ruby 3.2.2p53

BUNDLED WITH
   2.4.10
`

func TestLock(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Gemfile.lock": locked,
		"Gemfile": `source "https://rubygems.org"
gemspec
gem "nokogiri"
if ENV["X"]
  gem "fork", git: "https://example.org/fork.git"
end
group :development, :test do
  gem "rspec", "~> 3.12" # tests
end
`,
	} {
		if err := os.WriteFile(path.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Lock{}, dir)
	gem := func(ref string, relation assay.Relation, dev bool, needs ...string) assay.Package {
		name, version, _ := strings.Cut(ref, "@")
		return assay.Package{Type: "gem", Name: name, Version: version, Relation: relation, Dev: dev, DependsOn: needs}
	}
	want := []assay.Package{
		gem("mine@0.1.0", assay.RelationWorkspace, false, "rack@3.0.0.beta1"),
		gem("fork@3.0.0", assay.RelationDirect, false, "rack@3.0.0.beta1"),
		gem("plugged@0.2", assay.RelationDirect, false),
		gem("nokogiri@1.16.0", assay.RelationDirect, false, "racc@1.7.3"),
		gem("racc@1.7.3", assay.RelationIndirect, false),
		gem("rack@3.0.0.beta1", assay.RelationDirect, false),
		gem("rspec@3.12.0", assay.RelationDirect, true, "rspec-core@3.12.2"),
		gem("rspec-core@3.12.2", assay.RelationIndirect, true),
	}
	if d := cmp.Diff(want, facts["Gemfile.lock"].Packages); d != "" {
		t.Error(d)
	}
	if err := errs["Gemfile.lock"]; err == nil || !strings.Contains(err.Error(), "1 package has no version: loose") {
		t.Error(err)
	}
}

func TestConformanceLock(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/ruby/Gemfile.lock"))
	if err != nil {
		t.Fatal(err)
	}
	facts, err := contract.Read(t, Lock{}, "Gemfile.lock", string(b))
	if err != nil {
		t.Fatal(err)
	}
	var want []string                                     // every line of a gem, by another way than the reader's
	good, _, _ := strings.Cut(string(b), "\nBAD-SECTION") // one that Bundler does not know
	for line := range strings.Lines(good) {
		if rest, ok := strings.CutPrefix(line, "    "); ok && rest[0] != ' ' {
			want = append(want, strings.NewReplacer(" (", "@", ")", "").Replace(strings.TrimSpace(rest)))
		}
	}
	var got []string
	for _, p := range facts.Packages {
		got = append(got, p.Ref())
	}
	if d := cmp.Diff(want, got); d != "" || len(got) < 50 {
		t.Error(d)
	}
}

func TestGroups(t *testing.T) {
	got := groups(`
gem 'a', group: :test
gem "b", :group => [:development, :production]
gem("c", "1", groups: %i[test])
group "test", optional: true do
  platforms :mri do
    gem "d"
  end
  gem 'e'
end
gem 'e'
gem 'f', require: false, group: 'development'
`)
	want := map[string]bool{"a": true, "b": false, "c": false, "d": true, "e": false, "f": true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLockMalformed(t *testing.T) {
	for in, want := range map[string]error{"": nil, "\n\n": nil, "bogus": assay.ErrMalformed, "GEM\n  specs:\n<<<<<<< HEAD\n    a (1)\n": assay.ErrMalformed} {
		if _, err := contract.Read(t, Lock{}, "Gemfile.lock", in); !errors.Is(err, want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Installed{}, map[string]string{"specifications/x.gemspec": written})
	contract.Reader(t, Lock{}, map[string]string{"Gemfile.lock": locked, "app/vendor/bundle/x/Gemfile.lock": locked})
}

func FuzzInstalled(f *testing.F) {
	f.Add(written)
	f.Add("s.name = %q{a}\ns.version = Gem::Version.new('1')\ns.licenses=[%w(a b), 'x\\'', \"\\u00e9#{x}\"]")
	f.Fuzz(func(t *testing.T, content string) {
		contract.Read(t, Installed{}, "specifications/a-1.gemspec", content)
	})
}

func FuzzLock(f *testing.F) {
	f.Add(locked)
	f.Fuzz(func(t *testing.T, content string) {
		groups(content)
		contract.Read(t, Lock{}, "Gemfile.lock", content)
	})
}
