package java

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestBuild(t *testing.T) {
	const groovy = "plugins { id 'org.x' version '3.0' }\ndef v = '2.1'\ndependencies {\n  implementation \"g:a:1.0\" // api 'g:no:1'\n  api \"g:b:${v}\"\n  compile group: 'g', name: 'c', version: '1.2'\n  runtimeOnly 'g:d:1.+'\n  testImplementation('g:e:4.0:tests@jar') { exclude group: 'x' }\n  implementation platform('g:bom:5.0')\n  implementation 'g:managed'\n  implementation \"g:f:$fromProperties\"\n  implementation project(':lib')\n}\n"
	contract.Manifest(t, Build{}, []contract.Project{
		{Name: "Groovy", File: "build.gradle", Files: map[string]string{"build.gradle": groovy, "gradle.properties": "# x=1\nfromProperties = 6.0\n"},
			Want: "org.x:org.x.gradle.plugin@3.0 dev, g:a@1.0, g:b@2.1, g:c@1.2, g:e@4.0 dev, g:bom@5.0, g:f@6.0", Gap: "no lock file: 2 of 9 requirements allow several versions: g:d, g:managed"},
		{Name: "Kotlin", File: "app/build.gradle.kts", Files: map[string]string{"app/build.gradle.kts": "val v = \"1.5\"\ndependencies {\n implementation(\"g:a:$v\")\n implementation(libs.other)\n}\n"}, Want: "g:a@1.5", Gap: "1 of 2 requirements allow several versions: libs.other"},
		{Name: "a catalog", File: "app/build.gradle.kts", Files: map[string]string{"app/build.gradle.kts": "dependencies { implementation(libs.other) }\n implementation(libs.a)\n", "gradle/libs.versions.toml": ""}},
		{Name: "computed", File: "build.gradle", Files: map[string]string{"build.gradle": "dependencies {\n implementation deps.x\n}\n"}, Gap: "computes what it asks for"},
		{Name: "lock", File: "build.gradle", Files: map[string]string{"build.gradle": groovy, "gradle.lockfile": "g:a:1.0=x"}},
		{Name: "old lock", File: "build.gradle", Files: map[string]string{"build.gradle": groovy, "gradle/dependency-locks/runtimeClasspath.lockfile": "g:a:1.0"}},
		{Name: "checksums above", File: "a/b/build.gradle", Files: map[string]string{"a/b/build.gradle": groovy, "gradle/verification-metadata.xml": "<x/>"}},
		{Name: "nothing", File: "settings.gradle", Files: map[string]string{"settings.gradle": "include 'app'\n"}},
	})
}

func TestCatalog(t *testing.T) {
	const catalog = "[versions]\nv = \"1.0\"\nrich = {strictly = \"[1,2)\", prefer = \"1.5\"}\n[libraries]\na = {module = \"g:a\", version.ref = \"v\"}\nb = \"g:b:2.0\"\nc = {group = \"g\", name = \"c\", version = \"3.+\"}\nd = {module = \"g:d\", version.ref = \"rich\"}\ne = {module = \"g:e\"}\n[plugins]\np = {id = \"org.p\", version = \"4.0\"}\n"
	contract.Manifest(t, Catalog{}, []contract.Project{
		{Name: "no lock", File: "gradle/libs.versions.toml", Files: map[string]string{"gradle/libs.versions.toml": catalog}, Want: "g:a@1.0, g:b@2.0, g:d@1.5, org.p:org.p.gradle.plugin@4.0 dev", Gap: "2 of 6 requirements allow several versions: g:c, g:e"},
		{Name: "lock", File: "gradle/libs.versions.toml", Files: map[string]string{"gradle/libs.versions.toml": catalog, "gradle.lockfile": "x"}},
	})
}

func TestScala(t *testing.T) {
	contract.Manifest(t, Scala{}, []contract.Project{
		{Name: "sbt", File: "build.sbt", Files: map[string]string{"build.sbt": "val v = \"2.0\"\nThisBuild / scalaVersion := \"2.13.8\"\nlibraryDependencies += \"g\" % \"a\" % \"1.0\" // \"g\" % \"no\" % \"1\"\nlibraryDependencies ++= Seq(\n  \"g\" %% \"b\" % v,\n  \"g\" % \"c\" % \"3.0\" % Test,\n  \"g\" % \"d\" % \"latest.release\"\n)\n"},
			Want: "g:a@1.0, g:b_2.13@2.0, g:c@3.0 dev", Gap: "1 of 4 requirements allow several versions: g:d"},
		{Name: "Scala's version is elsewhere", File: "build.sbt", Files: map[string]string{"build.sbt": "libraryDependencies += \"g\" %% \"a\" % \"1.0\"\n"}, Gap: "g:a_${scala}"},
		{Name: "plug-ins", File: "project/plugins.sbt", Files: map[string]string{"project/plugins.sbt": "addSbtPlugin(\"g\" % \"p\" % \"1.0\")\n"}, Want: "g:p@1.0 dev", Gap: "no lock file"},
		{Name: "lock", File: "build.sbt", Files: map[string]string{"build.sbt": "libraryDependencies += \"g\" % \"a\" % \"1.0\"\n", "build.sbt.lock": "{}"}},
		{Name: "Mill", File: "build.sc", Files: map[string]string{"build.sc": "def scalaVersion = \"3.3.1\"\ndef ivyDeps = Agg(ivy\"g:a:1.0\", ivy\"g::b:2.0\")\n"}, Want: "g:a@1.0, g:b_3@2.0", Gap: "no lock file"},
		{Name: "Scala CLI", File: "project.scala", Files: map[string]string{"project.scala": "//> using scala 3.3.1\n//> using dep g::a:1.0\n//> using test.dep \"g:b:2.0\"\n"}, Want: "g:a_3@1.0, g:b@2.0 dev", Gap: "no lock file"},
		{Name: "computed", File: "build.sbt", Files: map[string]string{"build.sbt": "libraryDependencies ++= Dependencies.all\n"}, Gap: "computes what it asks for"},
	})
}

func TestClojure(t *testing.T) {
	contract.Manifest(t, Clojure{}, []contract.Project{
		{Name: "Leiningen", File: "project.clj", Files: map[string]string{"project.clj": "(defproject a \"1.0\"\n  :dependencies [[org.clojure/clojure \"1.10.0\"] ; [no \"1\"]\n                 [ring \"1.9.0\"]])\n"}, Want: "org.clojure:clojure@1.10.0, ring:ring@1.9.0", Gap: "no lock file"},
		{Name: "tools", File: "deps.edn", Files: map[string]string{"deps.edn": "{:deps {g/a {:mvn/version \"1.0\"} g/b {:mvn/version \"LATEST\"}}}"}, Want: "g:a@1.0", Gap: "g:b"},
		{Name: "Ivy", File: "ivy.xml", Files: map[string]string{"ivy.xml": "<ivy-module><dependencies><dependency org=\"g\" name=\"a\" rev=\"1.0\"/><dependency org='g' name='b' rev='latest.integration' conf='test->default'/></dependencies></ivy-module>"}, Want: "g:a@1.0", Gap: "g:b"},
		{Name: "nothing", File: "deps.edn", Files: map[string]string{"deps.edn": "{:paths [\"src\"]}"}},
	})
}

func FuzzBuild(f *testing.F) {
	contract.FuzzManifest(f, Build{}, "build.gradle", "def v = '1'\nimplementation \"g:a:$v\"\n")
}

func FuzzCatalog(f *testing.F) {
	contract.FuzzManifest(f, Catalog{}, "libs.versions.toml", "[libraries]\na = \"g:a:1\"\nb = {module = \"g:b\", version = \"2\"}\n")
}

func FuzzScala(f *testing.F) {
	contract.FuzzManifest(f, Scala{}, "build.sbt", "libraryDependencies += \"g\" %% \"a\" % \"1.0\"\n")
}

func FuzzClojure(f *testing.F) {
	contract.FuzzManifest(f, Clojure{}, "project.clj", ":dependencies [[a/b \"1\"]]")
}
