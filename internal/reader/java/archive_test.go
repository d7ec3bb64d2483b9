package java

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// jar makes an archive of names and contents; archives within are stored, the
// rest is deflated.
func jar(t testing.TB, members ...string) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		h := &zip.FileHeader{Name: members[i], Method: zip.Deflate}
		if isArchive(strings.TrimPrefix(path.Ext(h.Name), ".")) && !strings.Contains(h.Name, "deflated") {
			h.Method = zip.Store
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, members[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// built is an archive as Maven makes it.
func built(t testing.TB, group, artifact, version string, more ...string) string {
	return jar(t, append([]string{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n", "a.class", "",
		"META-INF/maven/" + group + "/" + artifact + "/pom.properties", "groupId=" + group + "\nartifactId=" + artifact + "\nversion=" + version + "\n"}, more...)...)
}

// show lists packages: Ref, path inside the archive, "#" where there is a digest.
func show(ps []assay.Package) (out []string) {
	for _, p := range ps {
		s := p.Ref()
		if _, inner, ok := strings.Cut(p.Path, "!/"); ok {
			s += " in " + inner
		}
		if p.Digest != "" {
			s += " #"
		}
		out = append(out, s)
	}
	return out
}

func TestArchive(t *testing.T) {
	lib := built(t, "org.lib", "lib", "1.0")
	manifest := func(lines ...string) []string {
		return []string{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n", "a.class", ""}
	}
	for _, tt := range []struct {
		name, path, content string
		want                []string
		err                 string
	}{
		{"by Maven", "a/lib-1.0.jar", lib, []string{"org.lib:lib@1.0"}, ""},
		{"renamed", "a/app.jar", lib, []string{"org.lib:lib@1.0"}, ""},
		{"shaded", "a/fat-2.0.jar", lib, []string{"org.lib:lib@1.0", "fat@2.0 #"}, ""},
		{"shaded, and itself", "a/lib-1.0-all.jar", built(t, "org.lib", "lib", "1.0", "META-INF/maven/o/other/pom.properties", "groupId:o\nartifactId : other\nversion 3\n"), []string{"org.lib:lib@1.0", "o:other@3"}, ""},
		{"no properties", "a/lib.jar", jar(t, "META-INF/maven/g/lib/pom.xml", `<project><parent><groupId>g</groupId><version>4</version></parent><artifactId>lib</artifactId><version>${project.parent.version}.1</version><licenses><license><name>MIT</name></license></licenses></project>`), []string{"g:lib@4.1 #"}, ""},
		{"no version", "a/app.war", jar(t, "META-INF/maven/g/a/pom.properties", "artifactId=a\n"), nil, "1 artifact has no version: g:a"},
		{"manifest", "a/thing-1.2.jar", jar(t, manifest("Bundle-SymbolicName: org.some.thing-core;singleton:=true", "Implementation-Version: 1.2", "Implementation-Vendor-Id: org.some", "Bundle-License: MIT;link=x,Apache-2.0")...), []string{"org.some:thing@1.2 #"}, ""},
		{"an entry's section", "a/thing.jar", jar(t, manifest("Bundle-License: MIT", "", "Name: org/other/", "Implementation-Title: other", "Implementation-Version: 1.2", "Implementation-Vendor-Id: org.other")...), []string{"thing@ #"}, ""},
		{"a section only", "a/thing-2.jar", jar(t, manifest("", "Name: org/other/", "Implementation-Title: other-thing", "Implementation-Version: 1.2")...), []string{"thing@2 #"}, ""},
		{"Jenkins", "p/gradle.hpi", jar(t, manifest("Group-Id: org.jenkins-ci.plugins", "Short-Name: gradle", "Plugin-Version: 2.11 (private)")...), []string{"org.jenkins-ci.plugins:gradle@2.11 #"}, ""},
		{"name only", "a/some-lib-1.2.3-linux-x86_64.jar", jar(t, "a.class", ""), []string{"some-lib@1.2.3 #"}, ""},
		{"nothing", "a/App.JAR", jar(t, "a.class", ""), []string{"App@ #"}, ""},
		{"no software", "a/data.jar", jar(t, "a.txt", ""), nil, ""},
		{"sources", "a/lib-1.0-sources.jar", jar(t, "META-INF/MANIFEST.MF", "", "META-INF/maven/g/lib/pom.properties", "version=1.0"), []string{"g:lib@1.0"}, ""},
		{"documentation", "a/app.war", jar(t, "lib/lib-1.0-javadoc.jar", lib), nil, ""},
		{"RAR", "a/a.rar", "Rar!\x1a\a\x01\x00", nil, ""},
		{"empty", "a/a.jar", "", nil, "no zip archive"},
		{"within", "a/app.war", jar(t, "WEB-INF/lib/lib.jar", lib, "WEB-INF/lib/deflated.jar", lib, "WEB-INF/x.EAR", jar(t, "y.jar", lib)),
			[]string{"org.lib:lib@1.0 in WEB-INF/lib/lib.jar", "org.lib:lib@1.0 in WEB-INF/lib/deflated.jar", "org.lib:lib@1.0 in WEB-INF/x.EAR!/y.jar"}, ""},
		{"leads out", "a/app.war", jar(t, "../../x.jar", lib, "lib/lib.jar", lib), []string{"org.lib:lib@1.0 in lib/lib.jar"}, "../../x.jar: the name points outside"},
		{"broken within", "a/app.war", jar(t, "lib/x.jar", "rubbish", "lib/y.jar", lib), []string{"org.lib:lib@1.0 in lib/y.jar"}, "lib/x.jar: no zip archive"},
		{"bomb", "a/app.war", jar(t, "lib/deflated.jar", strings.Repeat("\x00", 8<<20), "lib/y.jar", lib), []string{"org.lib:lib@1.0 in lib/y.jar"}, "lib/deflated.jar: compressed to less than 1/100"},
	} {
		facts, err := contract.Read(t, Archive{}, tt.path, tt.content)
		if d := cmp.Diff(tt.want, show(facts.Packages)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
	}
	facts, _ := contract.Read(t, Archive{}, "a/thing-1.2.jar", jar(t, manifest("Bundle-License: \"MIT\";link=x,Apache-2.0")...))
	if d := cmp.Diff([]string{"MIT", "Apache-2.0"}, facts.Packages[0].Licences); d != "" {
		t.Error(d)
	}
}

// TestClassRoot holds that an archive without a group has the Java package that contains
// all its classes, if there is one.
func TestClassRoot(t *testing.T) {
	const log4j = "org/apache/logging/log4j/core/"
	for _, tt := range []struct {
		name    string
		members []string
		want    string
	}{
		{"one directory", []string{log4j + "A.class"}, "org.apache.logging.log4j.core"},
		{"several", []string{log4j + "net/A.class", log4j + "net/ssl/B.class", log4j + "C.class"}, "org.apache.logging.log4j.core"},
		{"beside each other", []string{log4j + "net/A.class", log4j + "netty/B.class"}, "org.apache.logging.log4j.core"},
		{"other versions of Java, a module", []string{"META-INF/versions/9/module-info.class", "module-info.class", "META-INF/versions/9/org/apache/B.class", log4j + "A.class"}, "org.apache.logging.log4j.core"},
		{"something packed into it", []string{log4j + "A.class", "org/slf4j/B.class"}, ""},
		{"something else packed into it", []string{log4j + "A.class", "com/lmax/B.class"}, ""},
		{"an application", []string{"BOOT-INF/classes/org/some/A.class"}, ""},
		{"no package", []string{"A.class", log4j + "A.class"}, ""},
		{"no classes", []string{"a.properties"}, ""},
	} {
		members := []string{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"}
		for _, m := range tt.members {
			members = append(members, m, "")
		}
		facts, err := contract.Read(t, Archive{}, "a/log4j-core-2.14.1.jar", jar(t, members...))
		if err != nil || len(facts.Packages) != 1 || facts.Packages[0].ClassRoot != tt.want {
			t.Errorf("%s: %+v, %v; want %q", tt.name, facts.Packages, err, tt.want)
		}
		facts, err = contract.Read(t, Archive{}, "a/log4j-core-2.14.1.jar", built(t, "org.apache.logging.log4j", "log4j-core", "2.14.1", members[2:]...))
		if err != nil || len(facts.Packages) != 1 || facts.Packages[0].ClassRoot != "" {
			t.Errorf("%s, with its group: %+v, %v", tt.name, facts.Packages, err)
		}
	}
}

func TestDepth(t *testing.T) {
	content := built(t, "g", "innermost", "1")
	for range 20 {
		content = built(t, "g", "a", "1", "lib/n.jar", content)
	}
	facts, err := contract.Read(t, Archive{}, "a.jar", content)
	if len(facts.Packages) != maxDepth+1 || !errors.Is(err, assay.ErrTooLarge) || !strings.Contains(err.Error(), "lib/n.jar!/lib/n.jar!/lib/n.jar") {
		t.Errorf("%d packages, %v", len(facts.Packages), err)
	}
}

// TestWork holds that what may be spent on a file has an end, after which what
// costs little is told all the same.
func TestWork(t *testing.T) {
	lib := built(t, "g", "lib", "1", "x", strings.Repeat("x", 2000))
	content := jar(t, "deflated1.jar", lib, "deflated2.jar", lib, "stored.jar", lib)
	for _, tt := range []struct {
		name                   string
		work                   int64
		nested, members, found int
	}{
		{"enough", 10_000, 9, 99, 3},
		{"bytes", 1_000, 9, 99, 2},
		{"archives", 10_000, 1, 99, 1},
		{"members", 10_000, 9, 4, 1},
	} {
		w := &walk{ctx: t.Context(), root: "a.jar", work: tt.work, text: tt.work, nested: tt.nested, members: tt.members, seen: map[sighting]int{}}
		err := w.archive(strings.NewReader(content), int64(len(content)), place{name: "a.jar"})
		if err == nil {
			err = w.errs.Err()
		}
		if len(w.facts.Packages) != tt.found || (tt.found < 3) != errors.Is(err, assay.ErrTooLarge) {
			t.Errorf("%s: %v, %v", tt.name, show(w.facts.Packages), err)
		}
	}
}

// directory makes an archive of a directory of the shared data.
func folder(t *testing.T, dir string) string {
	var members []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		members = append(members, path, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return jar(t, members...)
}

func TestMetadata(t *testing.T) {
	for name, want := range map[string][]string{
		"opensaml-core-3.4.6":                            {"org.opensaml:opensaml-core@3.4.6"},
		"com.fasterxml.jackson.core.jackson-core-2.15.2": {"com.fasterxml.jackson.core:jackson-core@2.15.2 #"},
		"jackson-core-2.15.2":                            {"com.fasterxml.jackson.core:jackson-core@2.15.2 #"},
		"spring-instrumentation-4.3.0-1.0":               {"spring-instrumentation-4.3.0@1.0 #"},
		"jenkins-plugins/gradle/2.11":                    {"org.jenkins-ci.plugins:gradle@2.11 #"},
		"api-all-2.0.0-sources":                          {"org.apache.directory.api:api-all@2.0.0", "org.apache.directory.api:api-asn1-api@2.0.0"},
		"org.multiple-thename":                           {"com.multiple:thename@10.11.12", "org.multiple:thename@10.11.12"},
		"commons-lang3-3.12.0":                           {"org.apache.commons:commons-lang3@3.12.0 #"},
		"multiple-matching-2.11.5":                       {"org.multiple:multiple-matching-1@2.11.5", "org.multiple:multiple-matching-2@2.11.5", "org.multiple:multiple-matching-3@2.11.5", "multiple-matching@2.11.5 #"},
		"micronaut-aop-4.9.11":                           {"io.micronaut:micronaut-aop@4.9.11 #"},
	} {
		content := folder(t, corpus.Path(t, "conformance/syft/java/jar-metadata/"+name))
		facts, err := contract.Read(t, Archive{}, "a/"+path.Base(name)+".jar", content)
		if d := cmp.Diff(want, show(facts.Packages)); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

// TestManifests reads the manifests and properties of the archives of a real
// application.
func TestManifests(t *testing.T) {
	others := map[string]string{
		"apache-cassandra-4.0.0.jar": "org.apache.cassandra:cassandra-all@4.0.0 #", "asm-7.1.jar": "org.ow2.asm:asm@7.1 #",
		"caffeine-2.3.5.jar": "com.github.ben-manes.caffeine:caffeine@2.3.5 #", "commons-cli-1.1.jar": "commons-cli:commons-cli@1.1 #",
		"ecj-4.6.1.jar": "org.eclipse.jdt:ecj@4.6.1 #", "fqltool.jar": "fqltool@ #", "stress.jar": "stress@ #", "jamm-0.3.2.jar": "jamm@0.3.2 #",
		"jna-5.6.0.jar": "net.java.dev.jna:jna@5.6.0 #", "json-simple-1.1.jar": "com.googlecode.json-simple:json-simple@1.1 #",
		"lz4-java-1.7.1.jar": "org.lz4:lz4-java@1.7.1 #", "sigar-1.6.4.jar": "org.fusesource:sigar@1.6.4 #",
		"snappy-java-1.1.2.6.jar": "org.xerial.snappy:snappy-java@1.1.2.6 #", "snowball-stemmer-1.3.0.581.1.jar": "snowball-stemmer@1.3.0.581.1 #",
		"zstd-jni-1.3.8-5.jar": "com.github.luben:zstd-jni@1.3.8-5 #", "cassandra-driver-core-3.11.0-shaded.jar": "cassandra-driver-core@3.11.0 #",
	}
	dir := corpus.Path(t, "conformance/claircore/jar")
	files, err := filepath.Glob(filepath.Join(dir, "manifest", "*.jar"))
	if err != nil || len(files) < 60 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		members := []string{"META-INF/MANIFEST.MF", string(b)}
		var want []string
		if b, err := os.ReadFile(filepath.Join(dir, "properties", name)); err == nil {
			members = append(members, "META-INF/maven/x/y/pom.properties", string(b))
			props := map[string]string{}
			for line := range strings.Lines(string(b)) {
				k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
				props[k] = v
			}
			want = append(want, props["groupId"]+":"+props["artifactId"]+"@"+props["version"])
		}
		if w := others[name]; w != "" {
			want = append(want, w)
		}
		facts, err := contract.Read(t, Archive{}, "lib/"+name, jar(t, members...))
		if d := cmp.Diff(want, show(facts.Packages)); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	for _, name := range []string{"empty", "bad-header", "no-version"} {
		b, err := os.ReadFile(filepath.Join(dir, "malformed-manifests", name))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, Archive{}, "lib/hello.jar", jar(t, "META-INF/MANIFEST.MF", string(b)))
		if d := cmp.Diff([]string{"hello@ #"}, show(facts.Packages)); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

func TestInner(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/claircore/jar/inner/inner.jar"))
	if err != nil {
		t.Fatal(err)
	}
	facts, err := contract.Read(t, Archive{}, "inner.jar", string(b))
	want := []string{"inner@ #", "jackson-annotations@2.13.0 in BOOT-INF/lib/jackson-annotations-2.13.0.jar #", "log4j-api@2.14 in BOOT-INF/lib/log4j-api-2.14.jar #",
		"log4j:log4j@2.14.0 in BOOT-INF/lib/log4j-api-2.14.jar!/META-INF/inner-jar/log4j-2.14.0.jar #", "something-invalid@ in BOOT-INF/lib/log4j-api-2.14.jar!/META-INF/inner-jar/something-invalid.jar #"}
	if d := cmp.Diff(want, show(facts.Packages)); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}

// TestImage compares with what zipinfo finds in Debian's archives.
func TestImage(t *testing.T) {
	b, err := os.ReadFile(corpus.Image(t, "java.truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth struct {
		Jar []struct {
			Path string
			Pom  [][3]string
		}
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]bool{}
	for _, j := range truth.Jar {
		p := strings.ReplaceAll(strings.TrimPrefix(j.Path, "/"), "!", "!/")
		want[p] = map[string]bool{}
		for _, g := range j.Pom {
			want[p][g[0]+":"+g[1]+"@"+g[2]] = true
		}
	}
	for name, content := range layersOf(t, corpus.Image(t, "java.docker.tar")) {
		if !isArchive(strings.TrimPrefix(path.Ext(name), ".")) {
			continue
		}
		facts, err := contract.Read(t, Archive{}, name, content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range facts.Packages {
			at := p.Path
			if at == "" {
				at = name
			}
			if !want[at][p.Ref()] && p.Digest == "" {
				t.Errorf("%s: %s is not there", at, p.Ref())
			}
			delete(want[at], p.Ref())
		}
	}
	for p, missing := range want {
		for ref := range missing {
			t.Errorf("%s: no %s", p, ref)
		}
	}
}

// TestHostile reads archives made to cost time and memory.
func TestHostile(t *testing.T) {
	for image, want := range map[string]int{"jar-bomb": 1, "jar-overlap": 0, "jar-quine-like": 0, "jar-traversal": 1, "nested-jar-20": 9} {
		found := 0
		for name, content := range layersOf(t, corpus.Image(t, "adversarial/"+image+".docker.tar")) {
			facts, err := contract.Read(t, Archive{}, name, content)
			if found += len(facts.Packages); err == nil {
				t.Errorf("%s: %s: no error", image, name)
			}
		}
		if found != want {
			t.Errorf("%s: %d packages, want %d", image, found, want)
		}
	}
}

func TestCorrupt(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/java/corrupt/example.jar"))
	if err != nil {
		t.Fatal(err)
	}
	if facts, err := contract.Read(t, Archive{}, "example.jar", string(b)); !errors.Is(err, assay.ErrMalformed) || len(facts.Packages) > 0 {
		t.Errorf("%v, %v", facts, err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Archive{}, map[string]string{"a/app.war": jar(t, "META-INF/MANIFEST.MF", "Implementation-Version: 1\n", "a.class", "", "lib/lib.jar", built(t, "g", "a", "1"))})
	contract.Reader(t, Machine{}, map[string]string{"opt/java/release": "JAVA_VERSION=\"21.0.4\"\n"})
	contract.Reader(t, Pom{}, map[string]string{"pom.xml": project1})
	contract.Reader(t, Gradle{}, map[string]string{"gradle.lockfile": "a:b:1=x\n"})
	contract.Reader(t, SBT{}, map[string]string{"build.sbt.lock": `{"dependencies":[{"org":"a","name":"b","version":"1"}]}`})
}

func FuzzArchive(f *testing.F) {
	f.Add([]byte(jar(f, "META-INF/MANIFEST.MF", "Implementation-Version: 1\nBundle-SymbolicName: a.b\n", "a.class", "", "lib/lib.jar", built(f, "g", "a", "1"))))
	f.Fuzz(func(t *testing.T, b []byte) { contract.Read(t, Archive{}, "a/lib-1.0.jar", string(b)) })
}

func FuzzIdentity(f *testing.F) {
	f.Add("guava-31.1-jre", "Bundle-SymbolicName: com.google.guava\nImplementation-Version: 31.1-jre")
	f.Fuzz(func(t *testing.T, name, text string) {
		if c := self(name, parseManifest([]byte(text))); c.artifact == "" && name != "" {
			t.Errorf("%q: %+v", name, c)
		}
		parseProperties([]byte(text))
	})
}
