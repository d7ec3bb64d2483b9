package java

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

const (
	nebula = `{"compileClasspath":{"g:a":{"locked":"1.0","requested":"1.+"},"g:lib":{"project":true}},"testRuntimeClasspath":{"g:a":{"locked":"1.0"},"g:t":{"locked":"2.0","transitive":["g:a"]}}}`
	bazel2 = `{"version":"2","artifacts":{"g:a":{"shasums":{"jar":"x"},"version":"1.0"},"g:b:jar:linux":{"version":"2.0"}},"dependencies":{"g:a":["g:b:jar:linux"]}}`
	bazel1 = `{"dependency_tree":{"version":"0.1.0","dependencies":[{"coord":"g:a:1.0","directDependencies":["g:b:2.0"]},{"coord":"g:b:2.0"},{"coord":"g:a:jar:sources:1.0"}]}}`
	verify = `<?xml version="1.0"?><verification-metadata><components><component group="g" name="a" version="1.0"><artifact name="a-1.0.jar"><sha256 value="x"/></artifact><artifact name="a-1.0.pom"/></component><component group="g" name="parent" version="1"><artifact name="parent-1.pom"/></component></components></verification-metadata>`
)

func TestBuildLocks(t *testing.T) {
	one := func(name, content, want string) []contract.Project {
		return []contract.Project{
			{Name: "lock", File: name, Files: map[string]string{name: content}, Want: want},
			{Name: "broken", File: name, Files: map[string]string{name: content[:len(content)-9] + "\x00"}, Want: map[bool]string{true: want}[name == "gradle/verification-metadata.xml"], Gap: "malformed"},
		}
	}
	contract.Manifest(t, Nebula{}, one("dependencies.lock", nebula, "g:a@1.0, g:t@2.0 dev"))
	contract.Manifest(t, Bazel{}, one("maven_install.json", bazel2, "g:a@1.0, g:b@2.0"))
	contract.Manifest(t, Bazel{}, one("rules_maven_install.json", bazel1, "g:a@1.0, g:b@2.0"))
	contract.Manifest(t, Verification{}, one("gradle/verification-metadata.xml", verify, "g:a@1.0"))
	contract.Manifest(t, Verification{}, []contract.Project{{Name: "beside a lock file", File: "gradle/verification-metadata.xml", Files: map[string]string{"gradle/verification-metadata.xml": verify, "gradle.lockfile": "g:a:1.0=x"}}})
	facts, _ := contract.Read(t, Bazel{}, "maven_install.json", bazel2)
	if needs := facts.Packages[0].DependsOn; len(needs) != 1 || needs[0] != "g:b@2.0" {
		t.Error(needs)
	}
}

func FuzzNebula(f *testing.F) { contract.FuzzManifest(f, Nebula{}, "dependencies.lock", nebula) }

func FuzzBazel(f *testing.F) {
	contract.FuzzManifest(f, Bazel{}, "maven_install.json", bazel1, bazel2)
}

func FuzzVerification(f *testing.F) {
	contract.FuzzManifest(f, Verification{}, "gradle/verification-metadata.xml", verify)
}
