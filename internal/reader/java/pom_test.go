package java

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const project1 = `<?xml version="1.0" encoding="ISO-8859-1"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>g</groupId><artifactId>root</artifactId><version>1.0</version></parent>
  <artifactId>app</artifactId>
  <name>H` + "\xe9" + `ros &copy;</name>
  <properties><own>${inherited}.1</own><loop>${loop}</loop></properties>
  <dependencies>
    <dependency><groupId>a</groupId><artifactId>plain</artifactId><version> 1.1 </version></dependency>
    <dependency><groupId>a</groupId><artifactId>own</artifactId><version>${own}</version><scope>runtime</scope></dependency>
    <dependency><groupId>a</groupId><artifactId>managed</artifactId></dependency>
    <dependency><groupId>a</groupId><artifactId>listed</artifactId></dependency>
    <dependency><groupId>a</groupId><artifactId>exact</artifactId><version>[2.0]</version></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
    <dependency><groupId>a</groupId><artifactId>unknown</artifactId><version>${unknown}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>loop</artifactId><version>${loop}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>away</artifactId></dependency>
  </dependencies>
  <profiles><profile><activation><activeByDefault>true</activeByDefault></activation><dependencies>
    <dependency><groupId>a</groupId><artifactId>profile</artifactId><version>9</version><scope>provided</scope></dependency>
  </dependencies></profile><profile><id>other</id><dependencies>
    <dependency><groupId>a</groupId><artifactId>inactive</artifactId><version>9</version></dependency>
  </dependencies></profile></profiles>
</project>`

const project0 = `<project>
  <groupId>g</groupId><artifactId>root</artifactId><version>1.0</version><packaging>pom</packaging>
  <properties><inherited>3</inherited></properties>
  <modules><module>app</module><module>sibling/pom.xml</module><module>bom</module><module>gone</module></modules>
  <dependencyManagement><dependencies>
    <dependency><groupId>a</groupId><artifactId>managed</artifactId><version>5.0</version><scope>test</scope></dependency>
    <dependency><groupId>g</groupId><artifactId>bom</artifactId><version>${project.version}</version><type>pom</type><scope>import</scope></dependency>
    <dependency><groupId>far</groupId><artifactId>bom</artifactId><version>7</version><type>pom</type><scope>import</scope></dependency>
  </dependencies></dependencyManagement>
  <dependencies><dependency><groupId>a</groupId><artifactId>common</artifactId><version>8.0</version></dependency></dependencies>
</project>`

func tree(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// relations lists packages with their relation and whether they are Dev.
func relations(ps []assay.Package) (out []string) {
	for _, p := range ps {
		s := p.Ref() + " " + string(p.Relation)
		if p.Dev {
			s += " dev"
		}
		out = append(out, s)
	}
	return out
}

func TestPom(t *testing.T) {
	dir := tree(t, map[string]string{
		"pom.xml": project0, "app/pom.xml": project1,
		"sibling/pom.xml": `<project><parent><groupId>g</groupId><artifactId>root</artifactId><version>1.0</version></parent><artifactId>sibling</artifactId></project>`,
		"bom/pom.xml":     `<project><groupId>g</groupId><artifactId>bom</artifactId><version>1.0</version><properties><v>6.0</v></properties><dependencyManagement><dependencies><dependency><groupId>a</groupId><artifactId>listed</artifactId><version>${v}</version></dependency></dependencies></dependencyManagement></project>`,
	})
	facts, errs := contract.ReadDir(t, Pom{}, dir)
	if d := cmp.Diff([]string{"g:app@1.0 root", "a:plain@1.1 direct", "a:own@3.1 direct", "a:managed@5.0 direct dev", "a:listed@6.0 direct",
		"a:exact@2.0 direct", "g:sibling@1.0 workspace", "a:profile@9 direct dev", "a:common@8.0 direct"}, relations(facts["app/pom.xml"].Packages)); d != "" {
		t.Error(d)
	}
	err := errs["app/pom.xml"]
	for _, want := range []string{"4 dependencies have no version: a:range [1,2), a:unknown ${unknown}, a:loop ${loop}, a:away", "pom.xml missing from this directory tree: far:bom@7", "what 7 dependencies need in turn"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if d := cmp.Diff([]string{"g:root@1.0 root", "g:app@1.0 workspace", "g:sibling@1.0 workspace", "g:bom@1.0 workspace", "a:common@8.0 direct"}, relations(facts["pom.xml"].Packages)); d != "" {
		t.Error(d)
	}
}

func TestPomAlone(t *testing.T) {
	for _, tt := range []struct {
		name, content, err string
		want               []string
	}{
		{"no dependencies", `<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version></project>`, "", []string{"g:a@1 root"}},
		{"parent away", `<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>2</version><relativePath/></parent><artifactId>a</artifactId></project>`, "pom.xml missing from this directory tree: g:p@2", []string{"g:a@2 root"}},
		{"expansion", `<project><groupId>g</groupId><artifactId>a</artifactId><version>${x}</version><properties><x>${y}${y}${y}${y}</x><y>${z}${z}${z}${z}</y><z>${x}</z></properties></project>`, "", []string{"g:a@"}},
		{"another document", `<html/>`, "<html> instead of", nil},
		{"cut", `<project><artifactId>a`, "malformed", nil},
		{"no artifact", `<project/>`, "artifact name is missing", nil},
	} {
		facts, err := contract.Read(t, Pom{}, "pom.xml", tt.content)
		got := relations(facts.Packages)
		if len(got) != len(tt.want) || len(got) > 0 && !strings.HasPrefix(got[0], tt.want[0]) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
	}
}

func TestPomConformance(t *testing.T) {
	for file, want := range map[string][]string{
		"trivy/repo/pom/pom.xml": {"com.example:log4shell@1.0-SNAPSHOT root", "javax.servlet:javax.servlet-api@4.0.1 direct dev", "org.junit.jupiter:junit-jupiter-api@5.7.1 direct dev",
			"org.junit.jupiter:junit-jupiter-engine@5.7.1 direct dev", "com.fasterxml.jackson.core:jackson-databind@2.9.1 direct"},
		"syft/java/pom/transitive-top-level/pom.xml":   {"my.other.group:transitive-top-level@99 root", "my.org:child-one@1.3.6 direct", "my.org:child-two@2.1.90 direct dev"},
		"syft/java/pom/example-java-app-maven/pom.xml": {"org.anchore:example-java-app-maven@0.1.0 root", "com.joda:joda-time@2.9.2 direct", "junit:junit@4.12 direct dev"},
		"syft/java/java-builds/example-sb-app/pom.xml": {"com.example:spring-boot@0.0.1-SNAPSHOT root"},
		"syft/java/corrupt/pom.xml":                    nil,
	} {
		b, err := os.ReadFile(corpus.Path(t, "conformance/"+file))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, Pom{}, "pom.xml", string(b))
		if d := cmp.Diff(want, relations(facts.Packages)); d != "" {
			t.Errorf("%s: %v %s", file, err, d)
		}
		if err == nil {
			t.Errorf("%s: no error", file)
		}
		if want == nil && !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestProperties(t *testing.T) {
	for file, want := range map[string]gav{
		"small":                        {"org.anchore", "example-java-app-maven", "0.1.0"},
		"extra":                        {"org.anchore", "example-java-app-maven", "0.1.0"},
		"colon-delimited":              {"org.anchore", "example-java-app-maven", "0.1.0"},
		"colon-delimited-with-equals":  {"org.anchore", "example-java=app-maven", "0.1.0=something"},
		"equals-delimited-with-colons": {"org.anchore", "example-java:app-maven", "0.1.0:something"},
	} {
		b, err := os.ReadFile(corpus.Path(t, "conformance/syft/java/pom/"+file+".pom.properties"))
		if err != nil {
			t.Fatal(err)
		}
		p := parseProperties(b)
		if got := (gav{p["groupId"], p["artifactId"], p["version"]}); got != want {
			t.Errorf("%s: %+v", file, got)
		}
	}
	got := parseProperties([]byte("! comment\r\n  a\\:b = c\\\n   d\r\nversion 1\\u002e2\nlast"))
	if d := cmp.Diff(map[string]string{"a:b": "cd", "version": "1.2", "last": ""}, got); d != "" {
		t.Error(d)
	}
}

func TestGradle(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/java/gradle/gradle.lockfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, content, err string
		want               []string
	}{
		{"gradle.lockfile", string(b), "", []string{"joda-time:joda-time@2.2 ", "junit:junit@4.12  dev", "org.hamcrest:hamcrest-core@1.3  dev", "org.apache.commons:commons-text@1.8 "}},
		{"gradle/dependency-locks/testCompileClasspath.lockfile", "a:b:1\n", "", []string{"a:b@1  dev"}},
		{"gradle/dependency-locks/compileClasspath.lockfile", "a:b:1\n", "", []string{"a:b@1 "}},
		{"gradle.lockfile", "# c\na:b:1=testA,debugAndroidTestB\na:b:1=runtimeClasspath\nrubbish=x\na::1=x\n", "line 4: want group:artifact:version", []string{"a:b@1 "}},
		{"gradle.lockfile", "", "", nil},
	} {
		facts, err := contract.Read(t, Gradle{}, tt.path, tt.content)
		if d := cmp.Diff(tt.want, relations(facts.Packages)); d != "" || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v %s", tt.path, err, d)
		}
	}
}

func TestSBT(t *testing.T) {
	facts, err := contract.Read(t, SBT{}, "build.sbt.lock", `{"lockVersion": 1, "dependencies": [
		{"org": "com.typesafe", "name": "config", "version": "1.4.2", "artifacts": [{"name": "config.jar", "hash": "sha1:1"}], "configurations": ["test", "compile"]},
		{"org": "org.scalatest", "name": "scalatest_2.13", "version": "3.2", "configurations": ["test"]}, {"org": "a", "name": "b"}]}`)
	if d := cmp.Diff([]string{"com.typesafe:config@1.4.2 ", "org.scalatest:scalatest_2.13@3.2  dev"}, relations(facts.Packages)); d != "" || err == nil {
		t.Errorf("%v %s", err, d)
	}
}

func TestMachine(t *testing.T) {
	for _, tt := range []struct{ path, name, version, cpe string }{
		{"syft/java/jvm-installs/valid-post-jep223/jvm/openjdk/release", "openjdk", "21.0.4+7-LTS", "cpe:2.3:a:oracle:openjdk:21.0.4:*:*:*:*:*:*:*"},
		{"syft/java/jvm-installs/oracle-jdk-se-8/usr/lib/jvm/jdk-1.8-oracle-x64/release", "oracle-jdk", "1.8.0_411-b25", "cpe:2.3:a:oracle:jdk:1.8.0:update411:*:*:*:*:*:*"},
	} {
		b, err := os.ReadFile(corpus.Path(t, "conformance/"+tt.path))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, Machine{}, tt.path, string(b))
		if err != nil || len(facts.Packages) != 1 {
			t.Fatal(facts, err)
		}
		if p := facts.Packages[0]; p.Name != tt.name || p.Version != tt.version || p.CPEs[0] != tt.cpe || p.Type != assay.TypeGeneric {
			t.Errorf("%+v", p)
		}
	}
	if facts, err := contract.Read(t, Machine{}, "etc/release", "Some Linux 1.0\n"); err != nil || len(facts.Packages) > 0 {
		t.Errorf("something else: %v %v", facts, err)
	}
}

func FuzzPom(f *testing.F) {
	f.Add(project0)
	f.Add(project1)
	f.Fuzz(func(t *testing.T, s string) { contract.Read(t, Pom{}, "pom.xml", s) })
}

func FuzzLock(f *testing.F) {
	f.Add("a:b:1=x\nempty=\n")
	f.Add(`{"dependencies":[{"org":"a","name":"b","version":"1"}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		contract.Read(t, Gradle{}, "gradle.lockfile", s)
		contract.Read(t, SBT{}, "build.sbt.lock", s)
		contract.Read(t, Machine{}, "release", s)
	})
}
