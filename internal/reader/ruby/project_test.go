package ruby

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const gemfile = "source 'https://example.org'\ngem \"a\", \"4.0.0\"\ngem 'b', '~> 1.0' # gem 'no', '1'\ngem('c', '= 2.0', require: false)\ngem 'here', path: './here'\n  gem 'd', \"1.0\", '< 2'\ngroup :test do\n  gem 'e', '5.0'\nend\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "Gemfile", File: "Gemfile", Files: map[string]string{"Gemfile": gemfile}, Want: "a@4.0.0, c@2.0, d@1.0, e@5.0 dev", Gap: "no lock file: 1 of 5 requirements allow several versions: b"},
		{Name: "lock", File: "Gemfile", Files: map[string]string{"Gemfile": gemfile, "Gemfile.lock": "GEM"}},
		{Name: "gems.rb", File: "gems.rb", Files: map[string]string{"gems.rb": "gem 'a', '1.0'"}, Want: "a@1.0", Gap: "no lock file"},
		{Name: "computed", File: "Gemfile", Files: map[string]string{"Gemfile": "gem NAME\n"}, Gap: "computes what it asks for"},
		{Name: "another file", File: "Gemfile", Files: map[string]string{"Gemfile": "eval_gemfile '../Gemfile'\n"}, Gap: "computes what it asks for"},
		{Name: "nothing", File: "Gemfile", Files: map[string]string{"Gemfile": "source 'https://example.org'\n"}},
		{Name: "gemspec", File: "a.gemspec", Files: map[string]string{"a.gemspec": "Gem::Specification.new do |s|\n  s.add_dependency \"a\", \"= 1.0\"\n  s.add_runtime_dependency('b', '>= 1')\n  s.add_development_dependency(%q<x>)\n  s.add_development_dependency 'c', '3.0'\nend\n"}, Want: "a@1.0, c@3.0 dev", Gap: "1 of 3 requirements allow several versions: b"},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "Gemfile", "gem 'a', '1.0', '< 2'\n")
}

func FuzzProjectGemspec(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "a.gemspec", "s.add_dependency 'a', '1.0'\n")
}
