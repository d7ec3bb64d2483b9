package java

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

// published is a registry: poms by "group:artifact@version".
type published struct {
	poms   map[string]string
	asked  []string
	rounds int
}

func (p *published) Manifests(_ context.Context, packages []assay.PublishedPackage) (out []assay.Manifest) {
	p.rounds++
	for _, q := range packages {
		ref := q.Name + "@" + q.Version
		for _, r := range q.Repositories {
			ref += " " + r.URL
		}
		p.asked = append(p.asked, ref)
		if text, ok := p.poms[q.Name+"@"+q.Version]; ok {
			out = append(out, assay.Manifest{Content: []byte(text)})
		} else {
			out = append(out, assay.Manifest{Err: fmt.Errorf("%s: %w", ref, assay.ErrNotFound)})
		}
	}
	return out
}

func (p *published) Versions(_ context.Context, q assay.PublishedPackage) (out []string, _ error) {
	for ref := range p.poms {
		if v, ok := strings.CutPrefix(ref, q.Name+"@"); ok {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return nil, assay.ErrNotFound
	}
	return out, nil
}

// asking is the reader with a registry.
type asking struct {
	Pom
	registry assay.PackageRegistry
}

func (a asking) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	f.Registry = a.registry
	return a.Pom.Read(ctx, f)
}

// repo writes poms: "group:artifact:version: its content", or only its dependencies in
// the short form of deps.
func repo(lines ...string) *published {
	p := &published{poms: map[string]string{}}
	for _, line := range lines {
		name, content, _ := strings.Cut(line, ": ")
		c := strings.Split(name, ":")
		if !strings.HasPrefix(content, "<") {
			content = deps(content)
		}
		p.poms[c[0]+":"+c[1]+"@"+c[2]] = "<project><groupId>" + c[0] + "</groupId><artifactId>" + c[1] + "</artifactId><version>" + c[2] + "</version>" + content + "</project>"
	}
	return p
}

// deps are dependencies: "g:a:1", "g:a" without a version, "g:a:1:test", "g:a:1?" optional,
// "g:a:1-x:y" with an exclusion, divided by spaces.
func deps(text string) string {
	var b strings.Builder
	b.WriteString("<dependencies>")
	for _, d := range strings.Fields(text) {
		d, optional := strings.CutSuffix(d, "?")
		d, exclusion, _ := strings.Cut(d, "!")
		parts := append(strings.Split(d, ":"), "", "")
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId>", parts[0], parts[1])
		if parts[2] != "" {
			fmt.Fprintf(&b, "<version>%s</version>", parts[2])
		}
		if parts[3] != "" {
			fmt.Fprintf(&b, "<scope>%s</scope>", parts[3])
		}
		if optional {
			b.WriteString("<optional>true</optional>")
		}
		if exclusion != "" {
			g, a, _ := strings.Cut(exclusion, ":")
			fmt.Fprintf(&b, "<exclusions><exclusion><groupId>%s</groupId><artifactId>%s</artifactId></exclusion></exclusions>", g, a)
		}
		b.WriteString("</dependency>")
	}
	b.WriteString("</dependencies>")
	return b.String()
}

func managed(text string) string {
	return "<dependencyManagement>" + deps(text) + "</dependencyManagement>"
}

func bom(g, a, v string) string {
	return fmt.Sprintf("<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version><type>pom</type><scope>import</scope></dependency>", g, a, v)
}

// A build is a project and what a registry has for it.
type build struct {
	name string
	repo []string // as for the function repo
	pom  string
	want []string
	err  string
}

// resolution are builds, and what they need. TestMavenAgrees compares with Maven itself.
var resolution = []build{
	{name: "nearest wins", repo: []string{"g:a:1: g:b:1", "g:b:1: g:x:1", "g:c:1: g:x:2", "g:x:1: g:old:1", "g:x:2: g:new:1", "g:new:1: ", "g:old:1: "},
		pom: deps("g:a:1 g:c:1"), want: []string{"g:a@1 direct", "g:c@1 direct", "g:b@1 indirect", "g:x@2 indirect", "g:new@1 indirect"}},
	{name: "first wins among equals", repo: []string{"g:a:1: g:x:1", "g:b:1: g:x:2", "g:x:1: ", "g:x:2: "},
		pom: deps("g:a:1 g:b:1"), want: []string{"g:a@1 direct", "g:b@1 direct", "g:x@1 indirect"}},
	{name: "direct wins", repo: []string{"g:a:1: g:x:1", "g:x:1: ", "g:x:3: "},
		pom: deps("g:a:1 g:x:3"), want: []string{"g:a@1 direct", "g:x@3 direct"}},
	{name: "scopes", repo: []string{"g:a:1: g:c:1 g:r:1:runtime g:t:1:test g:p:1:provided g:o:1?", "g:c:1: ", "g:r:1: ", "g:t:1: ", "g:p:1: ", "g:o:1: "},
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:c@1 indirect", "g:r@1 indirect"}},
	{name: "of tests", repo: []string{"g:a:1: g:both:1", "g:t:1: g:only:1 g:both:1", "g:both:1: g:deep:1", "g:only:1: ", "g:deep:1: "},
		pom: deps("g:t:1:test g:a:1"), want: []string{"g:t@1 direct dev", "g:a@1 direct", "g:only@1 indirect dev", "g:both@1 indirect", "g:deep@1 indirect"}},
	{name: "tests choose the version", repo: []string{"g:a:1: g:b:1", "g:b:1: g:x:2", "g:t:1: g:x:1", "g:x:1: ", "g:x:2: "},
		pom: deps("g:t:1:test g:a:1"), want: []string{"g:t@1 direct dev", "g:a@1 direct", "g:x@1 indirect", "g:b@1 indirect"}},
	{name: "direct test stays", repo: []string{"g:a:1: g:x:1", "g:x:1: "},
		pom: deps("g:x:1:test g:a:1"), want: []string{"g:x@1 direct dev", "g:a@1 direct"}},
	{name: "exclusion", repo: []string{"g:a:1: g:b:1", "g:b:1: g:x:1 h:y:1", "g:x:1: ", "h:y:1: "},
		pom: deps("g:a:1!g:x"), want: []string{"g:a@1 direct", "g:b@1 indirect", "h:y@1 indirect"}},
	{name: "exclusion of all", repo: []string{"g:a:1: g:b:1", "g:b:1: "},
		pom: deps("g:a:1!*:*"), want: []string{"g:a@1 direct"}},
	{name: "exclusion of one way", repo: []string{"g:a:1: g:x:1", "g:b:1: g:c:1", "g:c:1: g:x:2", "g:x:1: ", "g:x:2: "},
		pom: deps("g:a:1!g:x g:b:1"), want: []string{"g:a@1 direct", "g:b@1 direct", "g:c@1 indirect", "g:x@2 indirect"}},
	{name: "exclusion in a dependency", repo: []string{"g:a:1: g:b:1!g:x", "g:b:1: g:x:1", "g:x:1: "},
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:b@1 indirect"}},
	{name: "management overrides", repo: []string{"g:a:1: g:x:1", "g:x:1: ", "g:x:9: g:y:1", "g:y:1: "},
		pom: managed("g:x:9") + deps("g:a:1"), want: []string{"g:a@1 direct", "g:x@9 indirect", "g:y@1 indirect"}},
	{name: "management excludes", repo: []string{"g:a:1: g:x:1", "g:x:1: g:y:1", "g:y:1: "},
		pom: managed("g:x:1!g:y") + deps("g:a:1"), want: []string{"g:a@1 direct", "g:x@1 indirect"}},
	{name: "management of a dependency is its own", repo: []string{"g:a:1: " + managed("g:x:2 g:z:7") + deps("g:x g:b:1"), "g:b:1: g:z:1", "g:x:2: ", "g:z:1: ", "g:z:7: "},
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:x@2 indirect", "g:b@1 indirect", "g:z@1 indirect"}},
	{name: "management of scope", repo: []string{"g:a:1: g:x:1", "g:x:1: "},
		pom: managed("g:x:1:test") + deps("g:a:1"), want: []string{"g:a@1 direct", "g:x@1 indirect dev"}},
	{name: "published parent", repo: []string{"p:p:1: <packaging>pom</packaging><properties><v>4</v></properties>" + managed("g:a:${v}") + deps("g:b:2"), "g:a:4: ", "g:b:2: ", "g:a:5: "},
		pom: "<parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent><properties><v>5</v></properties>" + deps("g:a"), want: []string{"g:a@5 direct", "g:b@2 direct"}},
	{name: "parents of dependencies", repo: []string{"q:q:1: <packaging>pom</packaging><properties><v>4</v></properties>" + managed("g:x:${v}") + deps("g:y:1"), "p:p:1: <packaging>pom</packaging><parent><groupId>q</groupId><artifactId>q</artifactId><version>1</version></parent>",
		"g:a:1: <parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent>" + deps("g:x"), "g:x:4: ", "g:y:1: "},
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:x@4 indirect", "g:y@1 indirect"}},
	{name: "imported lists", repo: []string{"b:one:1: <packaging>pom</packaging><dependencyManagement><dependencies>" + bom("b", "two", "1") + strings.TrimSuffix(strings.TrimPrefix(deps("g:a:1"), "<dependencies>"), "</dependencies>") + "</dependencies></dependencyManagement>",
		"b:two:1: <packaging>pom</packaging>" + managed("g:a:2 g:b:2"), "b:three:1: <packaging>pom</packaging>" + managed("g:b:3 g:c:3"), "g:a:1: ", "g:b:2: ", "g:c:3: g:d:1", "g:d:1: "},
		pom: "<dependencyManagement><dependencies>" + bom("b", "one", "1") + bom("b", "three", "1") + "</dependencies></dependencyManagement>" + deps("g:a g:b g:c"), want: []string{"g:a@1 direct", "g:b@2 direct", "g:c@3 direct", "g:d@1 indirect"}},
	{name: "list imported by a dependency", repo: []string{"b:one:1: <packaging>pom</packaging>" + managed("g:x:6"), "g:a:1: <dependencyManagement><dependencies>" + bom("b", "one", "1") + "</dependencies></dependencyManagement>" + deps("g:x"), "g:x:6: "},
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:x@6 indirect"}},
	{name: "ranges", repo: []string{"g:a:1.0: ", "g:a:1.9: g:x:[1,)", "g:a:2.0: ", "g:x:1: ", "g:x:1.10: ", "g:x:1.9: "},
		pom: deps("g:a:[1.0,2.0)"), want: []string{"g:a@1.9 direct", "g:x@1.10 indirect"}},
	{name: "another name", repo: []string{"old:a:1: <distributionManagement><relocation><groupId>new</groupId></relocation></distributionManagement>", "new:a:1: g:x:1", "g:x:1: "},
		pom: deps("old:a:1"), want: []string{"new:a@1 direct", "g:x@1 indirect"}},
	{name: "system file", err: "", pom: deps("g:a:1:system"), want: []string{"g:a@1 direct dev"}},
	{name: "cycle of dependencies", repo: []string{"g:a:1: g:b:1", "g:b:1: g:a:1 g:b:1"},
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:b@1 indirect"}},
	{name: "missing project", repo: []string{"g:a:1: g:gone:1"}, err: "what 1 dependency needs in turn is unknown, because no Maven repository gave the pom.xml: g:gone@1",
		pom: deps("g:a:1"), want: []string{"g:a@1 direct", "g:gone@1 indirect"}},
	{name: "missing parent and list", err: "1 dependency has no version: g:a; pom.xml neither in this directory tree nor in a Maven repository: p:p@1, b:b@2",
		pom: "<parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent><dependencyManagement><dependencies>" + bom("b", "b", "2") + "</dependencies></dependencyManagement>" + deps("g:a")},
	{name: "missing range", repo: []string{"g:a:3: ", "g:b:1: g:c:[9]"}, err: "1 dependency has no version: g:a [1,2)",
		pom: deps("g:a:[1,2) g:b:1"), want: []string{"g:b@1 direct", "g:c@9 indirect"}},
	{name: "missing version of a dependency's", repo: []string{"g:a:1: g:x"}, err: "1 indirect dependency has no version: g:x", pom: deps("g:a:1"), want: []string{"g:a@1 direct"}},
	{name: "cycle of parents", repo: []string{"p:p:1: <parent><groupId>q</groupId><artifactId>q</artifactId><version>1</version></parent>", "q:q:1: <parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent>", "g:a:1: "},
		err: "p:p@1: the parents form a cycle", pom: "<parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent>" + deps("g:a:1"), want: []string{"g:a@1 direct"}},
	{name: "cycle of lists", repo: []string{"b:b:1: <dependencyManagement><dependencies>" + bom("b", "c", "1") + "</dependencies></dependencyManagement>", "b:c:1: <dependencyManagement><dependencies>" + bom("b", "b", "1") + "</dependencies></dependencyManagement>", "g:a:1: "},
		err: "", pom: "<dependencyManagement><dependencies>" + bom("b", "b", "1") + "</dependencies></dependencyManagement>" + deps("g:a:1"), want: []string{"g:a@1 direct"}},
}

const thisBuild = "<project><modelVersion>4.0.0</modelVersion><groupId>this</groupId><artifactId>build</artifactId><version>1</version>"

func TestResolution(t *testing.T) {
	for _, tt := range resolution {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, asking{registry: repo(tt.repo...)}, "pom.xml", thisBuild+tt.pom+"</project>")
			if d := cmp.Diff(append([]string{"this:build@1 root"}, tt.want...), relations(facts.Packages)); d != "" {
				t.Error(d)
			}
			switch {
			case tt.err == "" && err != nil && !strings.HasPrefix(tt.name, "missing"), tt.err != "" && err == nil:
				t.Errorf("error %v", err)
			case err != nil && !strings.Contains(err.Error(), tt.err):
				t.Errorf("%v, want %q", err, tt.err)
			}
		})
	}
}

func TestDependencyPaths(t *testing.T) {
	facts, err := contract.Read(t, asking{registry: repo("g:a:1: g:b:1 g:x:1", "g:b:1: g:x:2", "g:x:1: ")}, "pom.xml", thisBuild+deps("g:a:1")+"</project>")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, p := range facts.Packages {
		got[p.Ref()] = p.DependsOn
	}
	want := map[string][]string{"this:build@1": {"g:a@1"}, "g:a@1": {"g:b@1", "g:x@1"}, "g:b@1": {"g:x@1"}, "g:x@1": nil}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestRepositoriesOfBuild: the build and its parents name repositories, dependencies do not.
func TestRepositoriesOfBuild(t *testing.T) {
	named := func(url string) string {
		return "<repositories><repository><id>x</id><url>" + url + "</url></repository></repositories>"
	}
	r := repo("p:p:1: "+named("https://parent.example"), "g:a:1: "+named("https://dependency.example")+deps("g:b:1"), "g:b:1: ")
	pom := thisBuild + "<parent><groupId>p</groupId><artifactId>p</artifactId><version>1</version></parent><properties><host>own.example</host></properties>" + named("https://${host}") + deps("g:a:1") + "</project>"
	if _, err := contract.Read(t, asking{registry: r}, "pom.xml", pom); err != nil {
		t.Fatal(err)
	}
	want := []string{"p:p@1 https://own.example", "g:a@1 https://own.example https://parent.example", "g:b@1 https://own.example https://parent.example"}
	if d := cmp.Diff(want, slices.Compact(r.asked)); d != "" {
		t.Error(d)
	}
}

// TestModules: modules of the tree are not asked for, and what they need is.
func TestModules(t *testing.T) {
	r := repo("x:y:1: x:z:1", "x:z:1: ")
	parent := "<parent><groupId>g</groupId><artifactId>root</artifactId><version>1</version></parent>"
	dir := tree(t, map[string]string{
		"pom.xml":     "<project><groupId>g</groupId><artifactId>root</artifactId><version>1</version><modules><module>app</module><module>lib</module></modules></project>",
		"app/pom.xml": "<project>" + parent + "<artifactId>app</artifactId>" + deps("g:lib:${project.version}") + "</project>",
		"lib/pom.xml": "<project>" + parent + "<artifactId>lib</artifactId>" + deps("x:y:1") + "</project>",
	})
	facts, errs := contract.ReadDir(t, asking{registry: r}, dir)
	if d := cmp.Diff([]string{"g:app@1 root", "g:lib@1 workspace", "x:y@1 indirect", "x:z@1 indirect"}, relations(facts["app/pom.xml"].Packages)); d != "" || errs["app/pom.xml"] != nil {
		t.Error(errs, d)
	}
	for _, a := range r.asked {
		if strings.HasPrefix(a, "g:") {
			t.Errorf("asked for %s", a)
		}
	}
}

func TestManyDependencies(t *testing.T) {
	r := &endless{}
	facts, err := contract.Read(t, asking{registry: r}, "pom.xml", thisBuild+deps("g:a0:1")+"</project>")
	if err == nil || !strings.Contains(err.Error(), "too") && !strings.Contains(err.Error(), "no Maven repository gave") || len(facts.Packages) > maxNodes+1 {
		t.Errorf("%d packages, %v", len(facts.Packages), err)
	}
}

// endless is a registry in which each project needs ten others.
type endless struct{ published }

func (e *endless) Manifests(_ context.Context, packages []assay.PublishedPackage) (out []assay.Manifest) {
	for _, q := range packages {
		var names []string
		for i := range 10 {
			names = append(names, fmt.Sprintf("%s%d:1", q.Name, i))
		}
		out = append(out, assay.Manifest{Content: []byte("<project><artifactId>a</artifactId>" + deps(strings.Join(names, " ")) + "</project>")})
	}
	return out
}

func TestInRange(t *testing.T) {
	for _, tt := range []struct {
		requirement, in, out string
	}{
		{"[1.0,2.0)", "1.0 1.5 1.9.9", "0.9 2.0 2.1"}, {"(1.0,2.0]", "1.1 2.0", "1.0 2.1"}, {"(,1.0]", "0.1 1.0", "1.1"}, {"[1.5,)", "1.5 9", "1.4"},
		{"(,1.0],[1.2,)", "0.9 1.0 1.2 3", "1.1"}, {"(,1.1),(1.1,)", "1.0 1.2", "1.1"}, {"[1.1]", "1.1", "1.2"}, {"1.0", "", "1.0"}, {"[", "", "1"}, {"[1,2", "", "1"}, {"", "", "1"},
	} {
		for _, v := range strings.Fields(tt.in) {
			if !inRange(v, tt.requirement) {
				t.Errorf("%s is not in %s", v, tt.requirement)
			}
		}
		for _, v := range strings.Fields(tt.out) {
			if inRange(v, tt.requirement) {
				t.Errorf("%s is in %s", v, tt.requirement)
			}
		}
	}
	versions := []string{"1.0", "1.10", "1.9", "2.0-SNAPSHOT", "../x", ""}
	if h := highest(versions, "LATEST") + " " + highest(versions, "RELEASE") + " " + highest(versions, "[1,1.9]") + " " + highest(nil, "LATEST"); h != "2.0-SNAPSHOT 1.10 1.9 " {
		t.Error(h)
	}
}

func FuzzResolution(f *testing.F) {
	for _, tt := range resolution {
		f.Add(tt.pom, strings.Join(tt.repo, "\n"))
	}
	f.Fuzz(func(t *testing.T, pom, lines string) {
		p := &published{poms: map[string]string{}}
		for line := range strings.SplitSeq(lines, "\n") {
			c, content, _ := strings.Cut(line, ": ")
			if parts := strings.Split(c, ":"); len(parts) == 3 {
				p.poms[parts[0]+":"+parts[1]+"@"+parts[2]] = "<project>" + content + "</project>"
			}
		}
		contract.Read(t, asking{registry: p}, "pom.xml", thisBuild+pom+"</project>")
	})
}
