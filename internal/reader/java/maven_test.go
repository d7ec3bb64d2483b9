package java

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

// lister is a plugin of Maven that writes what a project needs.
const lister = `
package local;
import java.io.*;
import org.apache.maven.artifact.Artifact;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.project.MavenProject;
public class Lister extends AbstractMojo {
	private MavenProject project;
	public void execute() {
		try (PrintWriter w = new PrintWriter(new File(project.getBasedir(), "needs.txt"))) {
			for (Artifact a : project.getArtifacts()) w.println(a.getGroupId() + ":" + a.getArtifactId() + "@" + a.getVersion() + " " + a.getScope());
		} catch (IOException e) { throw new RuntimeException(e); }
	}
}`

const listerPlugin = `<plugin><name>lister</name><groupId>local</groupId><artifactId>lister</artifactId><version>1</version><goalPrefix>lister</goalPrefix><mojos><mojo>
<goal>list</goal><requiresDependencyResolution>test</requiresDependencyResolution><requiresProject>true</requiresProject><implementation>local.Lister</implementation><language>java</language><instantiationStrategy>per-lookup</instantiationStrategy><executionStrategy>once-per-session</executionStrategy>
<parameters><parameter><name>project</name><type>org.apache.maven.project.MavenProject</type><required>true</required><editable>false</editable></parameter></parameters>
<configuration><project implementation="org.apache.maven.project.MavenProject" default-value="${project}"/></configuration></mojo></mojos></plugin>`

var groupElement = regexp.MustCompile(`<groupId>([^<*]+)</groupId>`)

// TestMavenAgrees compares the builds of TestResolution with Maven itself, in one run.
func TestMavenAgrees(t *testing.T) {
	mvn, err := exec.LookPath("mvn")
	if err != nil || testing.Short() {
		t.Skip("no second opinion: mvn is not installed, or -short was given")
	}
	javac, err := exec.LookPath("javac")
	if err != nil {
		t.Skip("no second opinion: javac is not installed")
	}
	dir, repository := t.TempDir(), t.TempDir()
	installLister(t, javac, mvn, repository)
	apart := func(i int, text string) string { // each build has its own names
		return groupElement.ReplaceAllStringFunc(text, func(s string) string {
			if strings.Contains(s, ">this<") {
				return s
			}
			return strings.Replace(s, ">", fmt.Sprintf(">c%d.", i), 1)
		})
	}
	modules, versions := "", map[string][]string{}
	builds := slices.DeleteFunc(slices.Clone(resolution), func(b build) bool { return b.err != "" || b.name == "cycle of lists" || b.name == "system file" }) // Maven refuses these
	builds = append(builds, randomBuilds(30)...)
	for i, tt := range builds {
		for ref, text := range repo(tt.repo...).poms {
			group, rest, _ := strings.Cut(ref, ":")
			artifact, version, _ := strings.Cut(rest, "@")
			place := filepath.Join(repository, fmt.Sprintf("c%d", i), group, artifact)
			base := filepath.Join(place, version, artifact+"-"+version)
			write(t, base+".pom", strings.Replace(apart(i, text), "<project>", "<project><modelVersion>4.0.0</modelVersion>", 1))
			write(t, base+".jar", "")
			versions[place] = append(versions[place], version)
		}
		module := fmt.Sprintf("m%d", i)
		modules += "<module>" + module + "</module>"
		build := strings.Replace(thisBuild, "<artifactId>build<", "<artifactId>"+module+"<", 1)
		write(t, filepath.Join(dir, module, "pom.xml"), apart(i, build+strings.Replace(tt.pom, "</parent>", "<relativePath/></parent>", 1)+"</project>"))
	}
	for place, list := range versions {
		write(t, filepath.Join(place, "maven-metadata.xml"), "<metadata><versioning><versions><version>"+strings.Join(list, "</version><version>")+"</version></versions></versioning></metadata>")
	}
	write(t, filepath.Join(dir, "pom.xml"), thisBuild+"<packaging>pom</packaging><modules>"+modules+"</modules></project>")
	write(t, filepath.Join(dir, "settings.xml"), "<settings><mirrors><mirror><id>all</id><mirrorOf>*</mirrorOf><url>file://"+repository+"</url></mirror></mirrors></settings>")
	cmd := exec.Command(mvn, "-B", "-q", "-fae", "-s", "settings.xml", "-Dmaven.repo.local="+t.TempDir(), "local:lister:1:list")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for i, tt := range builds {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("m%d", i), "needs.txt"))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var want []string
		for line := range strings.Lines(string(b)) {
			ref, scope, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, fmt.Sprintf("c%d.", i))), " ")
			if notNeeded(scope) {
				ref += " dev"
			}
			want = append(want, ref)
		}
		facts, _ := contract.Read(t, asking{registry: repo(tt.repo...)}, "pom.xml", thisBuild+tt.pom+"</project>")
		var got []string
		for _, r := range relations(facts.Packages)[1:] {
			got = append(got, strings.NewReplacer(" direct", "", " indirect", "").Replace(r))
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: Maven has (-), assay has (+): %s\n%s\n%s", tt.name, d, strings.Join(tt.repo, "\n"), tt.pom)
		}
	}
}

// randomBuilds are builds of a few projects that need each other, the same in each run.
// None has a cycle: what Maven chooses there depends on where it begins.
func randomBuilds(n int) (out []build) {
	r := rand.New(rand.NewPCG(1, 2))
	const names, versions = "abcdefgh", 3
	some := func(most int, own string) string {
		var list []string
		for _, i := range r.Perm(len(names))[:r.IntN(most+1)] {
			if name := names[i : i+1]; name > own {
				d := fmt.Sprintf("g:%s:%d", name, 1+r.IntN(versions))
				switch r.IntN(8) {
				case 0:
					d += ":test"
				case 1:
					d += ":runtime"
				case 2:
					d += "?"
				case 3:
					x := r.IntN(len(names))
					d += "!g:" + names[x:x+1]
				}
				list = append(list, d)
			}
		}
		return strings.Join(list, " ")
	}
	all := func() string { // a version of each, as a list of versions has it
		var list []string
		for i := range names {
			list = append(list, fmt.Sprintf("g:%s:%d", names[i:i+1], 1+r.IntN(versions)))
		}
		return managed(strings.Join(list, " "))
	}
	version := regexp.MustCompile(`:\d`)
	imported := "<dependencyManagement><dependencies>" + bom("b", "b", "1") + "</dependencies></dependencyManagement>"
	parent := "<parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent>"
	for i := range n {
		b := build{name: fmt.Sprintf("random %d", i), repo: []string{"b:b:1: <packaging>pom</packaging>" + all(), "p:p:1: <packaging>pom</packaging>" + all() + deps(some(1, "f"))}}
		for j := range names {
			for v := 1; v <= versions; v++ {
				needs := some(3, names[j:j+1])
				content := deps(needs)
				switch r.IntN(4) * (len(names) - j) / len(names) { // the last ones have no parent, whose dependencies would be cycles
				case 1:
					content = imported + deps(version.ReplaceAllString(needs, ":"))
				case 2:
					if names[j:j+1] < "f" {
						content = parent + deps(version.ReplaceAllString(needs, ":"))
					}
				}
				b.repo = append(b.repo, fmt.Sprintf("g:%s:%d: %s", names[j:j+1], v, content))
			}
		}
		needs := some(4, "")
		b.pom = deps(needs)
		switch r.IntN(4) {
		case 0:
			b.pom += managed(some(3, ""))
		case 1:
			b.pom = imported + deps(version.ReplaceAllString(needs, ":"))
		case 2:
			b.pom = parent + deps(version.ReplaceAllString(needs, ":"))
		}
		out = append(out, b)
	}
	return out
}

// installLister compiles the plugin and puts it in a repository.
func installLister(t *testing.T, javac, mvn, repository string) {
	t.Helper()
	real, err := filepath.EvalSymlinks(mvn)
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "Lister.java")
	write(t, source, lister)
	out, err := exec.Command(javac, "-proc:none", "-cp", filepath.Join(filepath.Dir(filepath.Dir(real)), "lib", "*"), source).CombinedOutput()
	if err != nil {
		t.Skipf("no second opinion: the plugin cannot be compiled: %v\n%s", err, out)
	}
	class, err := os.ReadFile(strings.TrimSuffix(source, ".java") + ".class")
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	for name, content := range map[string]string{"local/Lister.class": string(class), "META-INF/maven/plugin.xml": listerPlugin} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	utils := filepath.Join(repository, "org", "codehaus", "plexus", "plexus-utils", "1.1", "plexus-utils-1.1") // which Maven gives each plugin
	write(t, utils+".jar", "PK\x05\x06"+strings.Repeat("\x00", 18))                                            // an empty archive
	write(t, utils+".pom", "<project><modelVersion>4.0.0</modelVersion><groupId>org.codehaus.plexus</groupId><artifactId>plexus-utils</artifactId><version>1.1</version></project>")
	base := filepath.Join(repository, "local", "lister", "1", "lister-1")
	write(t, base+".jar", jar.String())
	write(t, base+".pom", "<project><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>lister</artifactId><version>1</version><packaging>maven-plugin</packaging></project>")
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
