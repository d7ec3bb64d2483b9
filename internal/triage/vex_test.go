package triage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/memory"
	"github.com/assaysec/assay/internal/triage"
)

// app is an image: a program that needs two libraries, of which the second
// needs the first, a cycle that nothing needs, and a system's package that
// brought a language's.
func app() *assay.Report {
	npm := func(name string, on ...string) assay.Package {
		p := assay.Package{Type: assay.TypeNPM, Name: name, Version: "1", Path: "app/package-lock.json", PURL: "pkg:npm/" + name + "@1", Relation: assay.RelationIndirect, DependsOn: on}
		if name == "root" {
			p.Relation = assay.RelationRoot
		}
		return p
	}
	r := &assay.Report{Kind: assay.KindImage, Created: time.Now(), Release: assay.Release{ID: "rhel", CPE: "cpe:/o:redhat:enterprise_linux:9::baseos"},
		Image: assay.ImageInfo{Name: "app.tar", ID: "sha256:c0", Digest: "sha256:12", RepoTags: []string{"ghcr.io/org/app:1"}, RepoDigests: []string{"ghcr.io/org/app@sha256:34"}, Platform: assay.Platform{OS: "linux", Arch: "amd64"}},
		Packages: []assay.Package{
			npm("root", "lib@1", "mid@1"), npm("mid", "lib@1"), npm("lib"),
			npm("left", "right@1"), npm("right", "left@1"),
			{Type: assay.TypeRPM, Name: "python3-requests", Version: "2", PURL: "pkg:rpm/redhat/python3-requests@2?arch=noarch"},
			{Type: assay.TypePyPI, Name: "requests", Version: "2", Path: "usr/lib/requests", PURL: "pkg:pypi/requests@2", Owner: "pkg:rpm/redhat/python3-requests@2?arch=noarch"},
			{Type: assay.TypeMaven, Name: "g:war", Version: "1", Path: "a.war", PURL: "pkg:maven/g/war@1"},
			{Type: assay.TypeMaven, Name: "g:jar", Version: "1", Path: "a.war!/WEB-INF/lib/b.jar", PURL: "pkg:maven/g/jar@1"},
			{Type: assay.TypeGo, Name: "h.example/tool", Version: "v1.0.0", Path: "usr/bin/tool", PURL: "pkg:golang/h.example/tool@v1.0.0", Relation: assay.RelationRoot},
			{Type: assay.TypeGo, Name: "stdlib", Version: "1.22.7", Path: "usr/bin/tool", PURL: "pkg:golang/stdlib@1.22.7"},
			{Type: assay.TypeGeneric, Name: "httpd", Version: "2.4", Path: "usr/bin/httpd", CPEs: []string{"cpe:2.3:a:apache:http_server:2.4:*:*:*:*:*:*:*"}},
		}}
	for i := range r.Packages {
		r.Findings = append(r.Findings, assay.Finding{ID: "CVE-2024-1", Aliases: []string{"GHSA-aaaa"}, VendorIDs: []string{"RHSA-2024:1"}, Package: i, Status: assay.StatusAffected})
	}
	return r
}

// say makes a document of statements "STATUS VULNERABILITY PRODUCT [PART...]",
// an hour after each other.
func say(statements ...string) vex.Document {
	d := vex.Document{Format: "openvex"}
	for i, s := range statements {
		w := strings.Fields(s)
		st := vex.Statement{Status: assay.Status(w[0]), Vulnerability: w[1], Timestamp: time.Unix(int64(i)*3600, 0)}
		p := vex.Product{Subcomponents: w[3:]}
		switch {
		case strings.HasPrefix(w[2], "pkg:"):
			p.PURL = w[2]
		case strings.HasPrefix(w[2], "cpe:"):
			p.CPE = w[2]
		default:
			p.ID = w[2]
		}
		if len(w) == 3 {
			p.Subcomponents = nil
		}
		st.Products = []vex.Product{p}
		d.Statements = append(d.Statements, st)
	}
	return d
}

// suppressed applies documents and lists the packages whose findings are ruled
// out.
func suppressed(t *testing.T, r *assay.Report, docs ...vex.Document) (out []string) {
	t.Helper()
	v := &triage.VEX{}
	for i := range docs {
		v.Documents = append(v.Documents, triage.VEXDocument{Name: fmt.Sprintf("doc%d.json", i), Document: &docs[i]})
	}
	if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{v}, Order: triage.ByVulnerability}); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Suppressed {
		out = append(out, r.Packages[s.Package].Name)
	}
	return out
}

// warnings are those of documents about a report.
func warnings(t testing.TB, v *triage.VEX, r *assay.Report) ([]string, error) {
	t.Helper()
	of, err := v.ForReport(t.Context(), r)
	if err != nil {
		return nil, err
	}
	return of.Warnings(t.Context())
}

func TestVEXContract(t *testing.T) {
	d := say("not_affected CVE-2024-1 pkg:npm/mid@1", "fixed CVE-2024-1 pkg:npm/other")
	v := &triage.VEX{Documents: []triage.VEXDocument{{Name: "d", Document: &d}}, Source: func(context.Context, []string) ([]triage.VEXDocument, []assay.Gap, error) {
		return nil, []assay.Gap{{Where: "hub", What: "is old"}}, nil
	}}
	contract.Suppressor(t, v, func() *assay.Report {
		r := app()
		r.Created = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
		return r
	})
}

func TestVEX(t *testing.T) {
	all := []string{"g:jar", "g:war", "h.example/tool", "httpd", "left", "lib", "mid", "python3-requests", "requests", "right", "root", "stdlib"}
	for _, tt := range []struct {
		name string
		says []string
		want []string
	}{
		{"nothing", nil, nil},
		{"the package alone", []string{"not_affected CVE-2024-1 pkg:npm/mid@1"}, []string{"mid"}},
		{"the package in any version", []string{"fixed CVE-2024-1 pkg:npm/mid"}, []string{"mid"}},
		{"another version", []string{"not_affected CVE-2024-1 pkg:npm/mid@2"}, nil},
		{"a part of it", []string{"not_affected CVE-2024-1 pkg:npm/mid@1#lib/x.js"}, nil},
		{"a part of a part", []string{"not_affected CVE-2024-1 pkg:oci/app pkg:npm/mid@1#lib/x.js"}, nil},
		{"another vulnerability", []string{"not_affected CVE-2024-2 pkg:npm/mid@1"}, nil},
		{"an alias", []string{"not_affected GHSA-AAAA pkg:npm/mid@1"}, []string{"mid"}},
		{"a vendor's notice", []string{"not_affected RHSA-2024:1 pkg:npm/mid@1"}, []string{"mid"}},
		{"affected", []string{"affected CVE-2024-1 pkg:npm/mid@1"}, nil},
		{"under investigation", []string{"under_investigation CVE-2024-1 pkg:npm/mid@1"}, nil},
		{"restored later", []string{"not_affected CVE-2024-1 pkg:npm/mid@1", "affected CVE-2024-1 pkg:npm/mid"}, nil},
		{"investigated again", []string{"not_affected CVE-2024-1 pkg:npm/mid@1", "under_investigation GHSA-aaaa pkg:npm/mid"}, nil},
		{"affected before", []string{"affected CVE-2024-1 pkg:npm/mid", "not_affected CVE-2024-1 pkg:npm/mid@1"}, []string{"mid"}},
		{"not told is not restored", []string{"not_affected CVE-2024-1 pkg:npm/mid@1", "unknown CVE-2024-1 pkg:npm/mid"}, []string{"mid"}},

		{"a part of the root", []string{"not_affected CVE-2024-1 pkg:npm/root pkg:npm/lib"}, []string{"lib"}},
		{"the root with all in it", []string{"not_affected CVE-2024-1 pkg:npm/root"}, []string{"lib", "mid", "root"}},
		{"one way of two", []string{"not_affected CVE-2024-1 pkg:npm/mid pkg:npm/lib"}, nil},
		{"both ways", []string{"not_affected CVE-2024-1 pkg:npm/mid pkg:npm/lib", "fixed CVE-2024-1 pkg:npm/root@1 pkg:npm/lib"}, []string{"lib"}},
		{"a part that is not in it", []string{"not_affected CVE-2024-1 pkg:npm/root pkg:npm/left pkg:npm/jar"}, nil},
		{"the package as a part of itself", []string{"not_affected CVE-2024-1 pkg:npm/lib pkg:npm/lib@1"}, []string{"lib"}},
		{"within a circle that nothing needs", []string{"not_affected CVE-2024-1 pkg:npm/left pkg:npm/right"}, nil},
		{"a way restored", []string{"not_affected CVE-2024-1 pkg:npm/root", "affected CVE-2024-1 pkg:npm/root pkg:npm/lib"}, []string{"mid", "root"}},
		{"upstream says so of the library alone", []string{"not_affected CVE-2024-1 pkg:npm/root pkg:npm/lib", "affected CVE-2024-1 pkg:npm/lib"}, []string{"lib"}},

		{"brought by a package of the system", []string{"not_affected CVE-2024-1 pkg:rpm/redhat/python3-requests"}, []string{"python3-requests", "requests"}},
		{"in an archive", []string{"not_affected CVE-2024-1 pkg:maven/g/war pkg:maven/g/jar"}, []string{"g:jar"}},
		{"linked into a program", []string{"not_affected CVE-2024-1 pkg:golang/h.example/tool pkg:golang/stdlib@v1.22.7"}, []string{"stdlib"}},
		{"by CPE name", []string{"not_affected CVE-2024-1 cpe:/a:apache:http_server:2.4"}, []string{"httpd"}},
		{"by another CPE name", []string{"not_affected CVE-2024-1 cpe:/a:apache:http_server:2.2"}, nil},
		{"by CPE name of the distribution", []string{"not_affected CVE-2024-1 cpe:/o:redhat:enterprise_linux:9 pkg:rpm/redhat/python3-requests pkg:npm/lib"}, []string{"python3-requests"}},

		{"the image", []string{"not_affected CVE-2024-1 pkg:oci/app"}, all},
		{"the image in its repository", []string{"not_affected CVE-2024-1 pkg:oci/app?repository_url=ghcr.io%2Forg%2Fapp pkg:npm/left"}, []string{"left"}},
		{"the image in another", []string{"not_affected CVE-2024-1 pkg:oci/app?repository_url=ghcr.io%2Fother%2Fapp"}, nil},
		{"by digest", []string{"not_affected CVE-2024-1 pkg:oci/app@sha256:12 pkg:npm/left"}, []string{"left"}},
		{"by digest of the index", []string{"not_affected CVE-2024-1 pkg:oci/app@sha256%3A34?repository_url=ghcr.io/org/app&arch=amd64 pkg:npm/left"}, []string{"left"}},
		{"by digest of the configuration", []string{"not_affected CVE-2024-1 pkg:oci/app@sha256%3Ac0 pkg:npm/left"}, []string{"left"}},
		{"by another digest", []string{"not_affected CVE-2024-1 pkg:oci/app@sha256:56"}, nil},
		{"by tag", []string{"not_affected CVE-2024-1 pkg:oci/app?tag=1 pkg:npm/left"}, []string{"left"}},
		{"by another tag", []string{"not_affected CVE-2024-1 pkg:oci/app?tag=2"}, nil},
		{"of another architecture", []string{"not_affected CVE-2024-1 pkg:oci/app?arch=arm64"}, nil},
		{"as Docker's type", []string{"not_affected CVE-2024-1 pkg:docker/org/app@1?repository_url=ghcr.io pkg:npm/left"}, []string{"left"}},
		{"as Docker's type, of Docker Hub", []string{"not_affected CVE-2024-1 pkg:docker/org/app@1"}, nil},
		{"a part of the image", []string{"not_affected CVE-2024-1 pkg:oci/app#part"}, nil},
		{"by reference", []string{"not_affected CVE-2024-1 ghcr.io/org/app:1 pkg:npm/left"}, []string{"left"}},
		{"by another reference", []string{"not_affected CVE-2024-1 ghcr.io/org/app:2 pkg:npm/left"}, nil},
		{"by bare digest", []string{"not_affected CVE-2024-1 sha256:34 pkg:npm/left"}, []string{"left"}},
		{"by hash", []string{"not_affected CVE-2024-1 sha-256:12 pkg:npm/left"}, []string{"left"}},
		{"the image is affected after all", []string{"not_affected CVE-2024-1 pkg:npm/mid@1", "affected CVE-2024-1 pkg:oci/app pkg:npm/mid"}, nil},
		{"by a name that nobody knows", []string{"not_affected CVE-2024-1 app"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, suppressed(t, app(), say(tt.says...))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestVEXSuppressions: a suppression says what holds, who says so and why.
func TestVEXSuppressions(t *testing.T) {
	r := app()
	first, second := say("under_investigation CVE-2024-1 pkg:npm/mid"), say("affected CVE-2024-9 pkg:npm/mid", "not_affected CVE-2024-1 pkg:npm/mid")
	second.Statements[1].Justification, second.Statements[1].Impact = "vulnerable_code_not_present", "Cut out."
	if d := cmp.Diff([]string{"mid"}, suppressed(t, r, first, second)); d != "" {
		t.Fatal(d)
	}
	want := assay.Suppression{As: assay.StatusNotAffected, By: "doc1.json (statement 2)", Reason: "vulnerable_code_not_present: Cut out."}
	if d := cmp.Diff(want, r.Suppressed[0].Suppression); d != "" {
		t.Error(d)
	}
}

// TestVEXNotices: a notice of a vendor is about several vulnerabilities.
func TestVEXNotices(t *testing.T) {
	d := say("not_affected CVE-2024-9 pkg:npm/mid")
	d.Statements[0].Aliases = []string{"RHSA-2024:1"}
	if got := suppressed(t, app(), d); got != nil {
		t.Errorf("%v, for a statement on another of the notice's", got)
	}
}

// TestVEXAsOf: what was said after the day that a report is about does not count.
func TestVEXAsOf(t *testing.T) {
	d := say("not_affected CVE-2024-1 pkg:npm/mid", "affected CVE-2024-1 pkg:npm/mid") // at 0:00 and 1:00
	day := time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)
	for i := range d.Statements {
		d.Statements[i].Timestamp = day.Add(time.Duration(i) * time.Hour)
	}
	for hour, want := range []int{1, 0} {
		r := app()
		v := &triage.VEX{Documents: []triage.VEXDocument{{Name: "d", Document: &d}}}
		if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{v}, AsOf: day.Add(time.Duration(hour)*time.Hour + time.Second)}); err != nil || len(r.Suppressed) != want {
			t.Errorf("at %d:00 %d are ruled out, want %d (%v)", hour, len(r.Suppressed), want, err)
		}
	}
}

// TestVEXElsewhere: outside images only what a project holds is suppressed by
// what is said of the project, and a bill's parts are known by its references.
func TestVEXElsewhere(t *testing.T) {
	r := app()
	r.Kind = assay.KindFilesystem
	if got := suppressed(t, r, say("not_affected CVE-2024-1 pkg:oci/app")); got != nil {
		t.Errorf("%v, for an image that this is not", got)
	}
	r = app()
	r.Kind, r.Image.Repository = assay.KindRepository, assay.RepositoryInfo{URL: "git@github.com:Org/App.git", Commit: "1f0c"}
	if got := suppressed(t, r, say("not_affected CVE-2024-1 pkg:github/org/app@1f0c pkg:npm/left")); len(got) != 1 {
		t.Errorf("%v of the repository", got)
	}
	for _, tt := range []struct {
		id   string
		want int
	}{{"urn:cdx:3e67/1#lib", 1}, {"urn:cdx:3e67/2#lib", 0}, {"urn:cdx:other/1#lib", 0}, {"urn:cdx:3e67/1#pkg:npm/mid", 1}, {"urn:cdx:3e67/2#pkg:npm/mid", 0}, {"lib", 0}, {"app", 0}, {"urn:uuid:3e67", 12}, {"urn:cdx:3e67/1", 12}, {"urn:cdx:3e67/1#app", 12}} {
		r, d := app(), say("not_affected CVE-2024-1 "+tt.id)
		r.Kind = assay.KindSBOM
		v := &triage.VEX{SBOM: &vex.SBOM{Serial: "urn:uuid:3e67", Version: "1", Root: "app", PURLs: map[string]string{"lib": "pkg:npm/lib@1"}},
			Documents: []triage.VEXDocument{{Name: "d", Document: &d}}}
		if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{v}}); err != nil || len(r.Suppressed) != tt.want {
			t.Errorf("%s: %d ruled out, want %d (%v)", tt.id, len(r.Suppressed), tt.want, err)
		}
	}
}

// TestVEXNames: how a document calls things is its own business, unless it is a
// scanned bill's.
func TestVEXNames(t *testing.T) {
	const text = `{"bomFormat":"CycloneDX","serialNumber":"urn:uuid:%s","version":1,"components":[{"bom-ref":"lib","purl":"pkg:npm/other@1"},{"bom-ref":"app","name":"x"},{"bom-ref":"image"}],
"vulnerabilities":[{"id":"CVE-2024-1","analysis":{"state":"not_affected"},"affects":[{"ref":"%s"}]}]}`
	csaf := `{"document":{"csaf_version":"2.0","tracking":{"id":"urn:uuid:3e67/1"}},"product_tree":{"full_product_names":[{"product_id":"%[2]s","name":"p"}]},"vulnerabilities":[{"cve":"CVE-2024-1","product_status":{"known_not_affected":["%[2]s"]}}]}`
	for _, tt := range []struct {
		text, serial, ref string
		ofSBOM            bool
		want              []string
	}{
		{text, "1", "lib", false, nil}, {text, "1", "lib", true, nil}, {text, "1", "mid", false, nil}, {text, "1", "app", false, nil}, {text, "1", "image", false, nil},
		{text, "1", "mid", true, []string{"mid"}}, {text, "3e67", "mid", false, []string{"mid"}}, {text, "3e67", "none", false, nil},
		{text, "1", "ghcr.io/org/app:1", false, nil}, {text, "1", "sha256:12", false, nil}, {text, "1", "app.tar", false, nil},
		{text, "1", "urn:cdx:5ad1/1#pkg:npm/mid", false, nil}, {text, "1", "urn:cdx:3e67/1#pkg:npm/mid", false, []string{"mid"}}, {text, "1", "urn:cdx:3e67/1#mid", false, []string{"mid"}},
		{csaf, "1", "mid", false, nil}, {csaf, "1", "app", false, nil}, {csaf, "1", "ghcr.io/org/app:1", false, nil}, {csaf, "1", "sha256:12", false, nil}, {csaf, "1", "mid", true, nil},
		{`{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"vulnerability":{"name":"CVE-2024-1"},"products":[{"@id":"%[2]s"}],"status":"fixed"}]}`, "1", "mid", true, nil},
	} {
		d, err := vex.Read(strings.NewReader(fmt.Sprintf(tt.text, tt.serial, tt.ref)))
		if err != nil {
			t.Fatal(err)
		}
		r := app()
		v := &triage.VEX{SBOM: &vex.SBOM{Serial: "urn:uuid:3e67", Version: "1", Root: "app", PURLs: map[string]string{"lib": "pkg:npm/lib@1", "mid": "pkg:npm/mid@1"}},
			Documents: []triage.VEXDocument{{Name: "d", Document: d, OfSBOM: tt.ofSBOM}}}
		if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{v}}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range r.Suppressed {
			got = append(got, r.Packages[s.Package].Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s of %s (%t): %s", tt.ref, tt.serial, tt.ofSBOM, diff)
		}
		warned, err := warnings(t, v, r)
		if err != nil || (len(warned) == 0) != (len(got) > 0) {
			t.Errorf("%s: %q, %v", tt.ref, warned, err)
		}
	}
	for _, name := range []string{"redis:latest", "src/app"} { // files and folders
		r := app()
		r.Kind, r.Image = assay.KindFilesystem, assay.ImageInfo{Name: name}
		if got := suppressed(t, r, say("not_affected CVE-2024-1 "+name)); got != nil {
			t.Errorf("%v, for a folder's name", got)
		}
	}
}

// TestVEXRanges: what applies to a range of versions applies to those in it, and
// where that cannot be known hides nothing.
func TestVEXRanges(t *testing.T) {
	for _, tt := range []struct {
		name, within string
		status       assay.Status
		want         []string
		warned       string
	}{
		{"in it", "vers:npm/<2", assay.StatusFixed, []string{"lib"}, ""},
		{"not in it", "vers:npm/>=2", assay.StatusFixed, nil, "no statement is about"},
		{"not known", "before 2", assay.StatusNotAffected, nil, "name a range of versions that cannot be compared"},
		{"affected", "vers:npm/<2", assay.StatusAffected, nil, ""},
	} {
		d := vex.Document{Statements: []vex.Statement{{Vulnerability: "CVE-2024-1", Status: tt.status, Products: []vex.Product{{PURL: "pkg:npm/lib", Range: tt.within}}}}}
		r := app()
		if diff := cmp.Diff(tt.want, suppressed(t, r, d)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		v := &triage.VEX{Documents: []triage.VEXDocument{{Name: "d", Document: &d}}}
		if w, err := warnings(t, v, app()); err != nil || !strings.Contains(strings.Join(w, "\n"), tt.warned) || tt.warned == "" && len(w) > 0 {
			t.Errorf("%s: %q, %v", tt.name, w, err)
		}
	}
	for within, want := range map[string]int{"vers:npm/<2": 0, "before 2": 0, "vers:npm/>=2": 1} { // and is an objection
		d := say("not_affected CVE-2024-1 pkg:npm/lib", "affected CVE-2024-1 pkg:npm/lib")
		d.Statements[1].Products[0].Range = within
		if got := suppressed(t, app(), d); len(got) != want {
			t.Errorf("affected in %s: %v", within, got)
		}
	}
}

// TestVEXCSAF: relations of CSAF are products with parts.
func TestVEXCSAF(t *testing.T) {
	const text = `{"document":{"csaf_version":"2.0","category":"csaf_vex","tracking":{"id":"H-1","current_release_date":"2025-01-02T00:00:00Z"}},
"product_tree":{"full_product_names":[{"product_id":"IMAGE","name":"app","product_identification_helper":{"purl":"pkg:oci/app?repository_url=ghcr.io/org/app"}},
 {"product_id":"LIB","name":"lib","product_identification_helper":{"purl":"pkg:npm/lib@1"}}],
 "relationships":[{"category":"default_component_of","product_reference":"LIB","relates_to_product_reference":"IMAGE","full_product_name":{"product_id":"IMAGE:LIB","name":"lib in app"}}]},
"vulnerabilities":[{"cve":"CVE-2024-1","product_status":{"known_not_affected":["IMAGE:LIB"]},"flags":[{"label":"vulnerable_code_not_in_execute_path","product_ids":["IMAGE:LIB"]}],
 "threats":[{"category":"impact","details":"Not called.","product_ids":["IMAGE:LIB"]}]}]}`
	d, err := vex.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r := app()
	if d := cmp.Diff([]string{"lib"}, suppressed(t, r, *d)); d != "" || r.Suppressed[0].Reason != "vulnerable_code_not_in_execute_path: Not called." {
		t.Error(d)
	}
}

// TestVEXSource: further documents are asked for once, about what is there, and
// what could not be asked is a gap.
func TestVEXSource(t *testing.T) {
	asked := 0
	d := say("not_affected CVE-2024-1 pkg:npm/mid")
	v := &triage.VEX{Source: func(_ context.Context, names []string) ([]triage.VEXDocument, []assay.Gap, error) {
		asked++
		for _, want := range []string{"pkg:npm/mid", "pkg:oci/app", "pkg:oci/app?repository_url=ghcr.io%2Forg%2Fapp", "pkg:golang/stdlib"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s is not asked about", want)
			}
		}
		return []triage.VEXDocument{{Name: "hub", Document: &d}}, []assay.Gap{{Where: "hub", What: "is old"}}, nil
	}}
	r := app()
	if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{v}}); err != nil || asked != 1 || len(r.Suppressed) != 1 || len(r.Gaps) != 1 {
		t.Errorf("asked %d times: %d ruled out, gaps %v, %v", asked, len(r.Suppressed), r.Gaps, err)
	}
	if w, err := warnings(t, v, r); err != nil || len(w) != 0 {
		t.Error(w, err)
	}
	v.Source = func(context.Context, []string) ([]triage.VEXDocument, []assay.Gap, error) {
		return nil, nil, assay.ErrMalformed
	}
	if err := triage.Apply(t.Context(), app(), triage.Options{Suppressors: []assay.Suppressor{v}}); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
	if err := triage.Apply(t.Context(), &assay.Report{}, triage.Options{Suppressors: []assay.Suppressor{v}}); err != nil {
		t.Error("asked about no finding:", err)
	}
}

func TestVEXWarnings(t *testing.T) {
	none, obscure, used := say("fixed CVE-2024-1 pkg:npm/other"), say("fixed CVE-2024-1 P1", "fixed CVE-2024-7 pkg:npm/root pkg:npm/lib"), say("fixed CVE-2024-1 pkg:npm/lib")
	used.Statements = append(used.Statements, vex.Statement{Vulnerability: "CVE-2024-1", Status: assay.StatusFixed})
	v := &triage.VEX{}
	for name, d := range map[string]*vex.Document{"none": &none, "obscure": &obscure, "used": &used} {
		v.Documents = append(v.Documents, triage.VEXDocument{Name: name, Document: d})
	}
	got, err := warnings(t, v, app())
	text := strings.Join(got, "\n")
	parts, sboms := say("fixed CVE-2024-1 pkg:npm/lib#x", "fixed CVE-2024-1 pkg:oci/app pkg:npm/lib#x"), say("fixed CVE-2024-1 urn:cdx:3e67/1#lib")
	v = &triage.VEX{Documents: []triage.VEXDocument{{Name: "parts", Document: &parts}, {Name: "sboms", Document: &sboms}}}
	more, err2 := warnings(t, v, app())
	if all := strings.Join(more, "\n"); err2 != nil || !strings.Contains(all, "parts: 2 of 2 statements name a part of a package") || !strings.Contains(all, "sboms: 1 of 1 statements name parts of other SBOMs") {
		t.Errorf("%v\n%s", err2, all)
	}
	if err != nil || len(got) != 3 || !strings.Contains(text, "none: no statement is about app.tar or its packages") ||
		!strings.Contains(text, "obscure: 1 of 2 statements name products without a package URL") || !strings.Contains(text, "used: 1 of 2 statements name no product") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestVEXHostile: a graph of 100,000 packages, as deep and as round as can be,
// and of statements on them, is judged with work that goes with its size.
func TestVEXHostile(t *testing.T) {
	const n = 100_000
	chain := func() *assay.Report {
		r := &assay.Report{Kind: assay.KindImage}
		for i := range n {
			p := assay.Package{Type: assay.TypeNPM, Name: fmt.Sprintf("p%d", i), Version: "1", Path: "l", PURL: fmt.Sprintf("pkg:npm/p%d@1", i)}
			if i > 0 {
				p.DependsOn = []string{fmt.Sprintf("p%d@1", max(1, (i+1)%n)), fmt.Sprintf("p%d@1", i/2+1)}
			} else {
				p.DependsOn = []string{"p1@1"}
				p.Relation = assay.RelationRoot
			}
			r.Packages = append(r.Packages, p)
		}
		for i := range 1000 {
			r.Findings = append(r.Findings, assay.Finding{ID: "CVE-2024-1", Package: n - 1 - i})
		}
		return r
	}
	r := chain()
	allocated := memory.Allocated()
	if got := suppressed(t, r, say("not_affected CVE-2024-1 pkg:npm/p0", "not_affected CVE-2024-1 pkg:npm/p1")); len(got) != 1000 {
		t.Errorf("%d of 1000", len(got))
	}
	bytes := allocated()
	const most = 4 << 10 // bytes allocated for a package, all that is known of it included
	if bytes > most*n {
		t.Errorf("%d bytes allocated for %d packages", bytes, n)
	} else {
		t.Logf("%d bytes allocated for a package", bytes/n)
	}
	same := &assay.Report{Kind: assay.KindImage}
	var d vex.Document
	for range 10_000 {
		same.Packages = append(same.Packages, assay.Package{Type: assay.TypeNPM, Name: "a", Version: "1", PURL: "pkg:npm/a@1"})
		d.Statements = append(d.Statements, say("affected CVE-2024-1 pkg:npm/a").Statements...)
	}
	same.Findings = []assay.Finding{{ID: "CVE-2024-1"}}
	v := &triage.VEX{Documents: []triage.VEXDocument{{Name: "d", Document: &d}}}
	if err := triage.Apply(t.Context(), same, triage.Options{Suppressors: []assay.Suppressor{v}}); err == nil || !strings.Contains(err.Error(), "to compare") {
		t.Errorf("%v", err)
	}
}

// TestVEXManyNames: an image's names take time and memory that go with their
// number, and those beyond the bound are reported.
func TestVEXManyNames(t *testing.T) {
	r := app()
	r.Image.RepoTags = nil
	for i := range 10_100 {
		r.Image.RepoTags = append(r.Image.RepoTags, fmt.Sprintf("h.example/app:%d", i))
		r.Image.RepoDigests = append(r.Image.RepoDigests[:min(i, 3000)], fmt.Sprintf("h.example/app@sha256:%d", i))
	}
	start := time.Now()
	d := say("fixed CVE-2024-1 pkg:oci/app@sha256:2999?tag=6000&repository_url=h.example/app pkg:npm/mid", "fixed CVE-2024-1 pkg:oci/app?tag=8000 pkg:npm/left")
	if diff := cmp.Diff([]string{"mid"}, suppressed(t, r, d)); diff != "" {
		t.Error(diff)
	}
	if took := time.Since(start); took > contract.Soon {
		t.Errorf("took %v", took)
	}
	if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].What, "only the first 10000 are compared") {
		t.Errorf("%+v", r.Gaps)
	}
}

// FuzzVEX judges by documents that nobody vouches for.
func FuzzVEX(f *testing.F) {
	f.Add([]byte(`{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-2024-1","status":"fixed","products":["pkg:npm/a",{"@id":"x","identifiers":{"cpe22":"cpe:/a:b:c"},"subcomponents":[{"@id":"pkg:npm/lib"}]}]}]}`), "cpe:2.3:a:b:c:1:*:*:*:*:*:*:*")
	f.Fuzz(func(t *testing.T, b []byte, cpe string) {
		d, _, err := vex.Parse(b)
		if err != nil {
			return
		}
		r := app()
		r.Release.CPE, r.Packages[0].CPEs = cpe, []string{cpe}
		all := len(r.Findings)
		v := &triage.VEX{Documents: []triage.VEXDocument{{Name: "d", Document: d, Attached: true}}}
		if err := triage.Apply(t.Context(), r, triage.Options{Suppressors: []assay.Suppressor{v}}); err != nil {
			t.Fatal(err)
		}
		if len(r.Findings)+len(r.Suppressed) != all {
			t.Errorf("%d of %d findings are left, and %d ruled out", len(r.Findings), all, len(r.Suppressed))
		}
		for _, s := range r.Suppressed {
			if s.As != assay.StatusFixed && s.As != assay.StatusNotAffected {
				t.Errorf("ruled out as %s", s.As)
			}
		}
		if _, err := warnings(t, v, r); err != nil {
			t.Error(err)
		}
	})
}

// TestVEXByDigest: where no repository of an image is known, as for an archive or a
// layout, a package URL with its digest is about it, whatever it names.
func TestVEXByDigest(t *testing.T) {
	for _, tt := range []struct {
		product string
		want    bool
	}{
		{"pkg:oci/app@sha256:12", true}, {"pkg:oci/app@sha256%3A12?repository_url=ghcr.io/org/app", true}, {"pkg:oci/other@sha256:12?tag=7", true},
		{"pkg:oci/app@sha256:99", true}, {"pkg:oci/app@sha256:c0", true}, {"pkg:oci/app@sha256:12?arch=amd64", true},
		{"pkg:oci/app@sha256:12?arch=arm64", false}, {"pkg:oci/app@sha256:13", false}, {"pkg:oci/app", false}, {"pkg:docker/org/app@sha256:12", false}, {"pkg:oci/app@sha256:12#x", false},
	} {
		r := app()
		r.Image.RepoDigests, r.Image.RepoTags, r.Image.Indexes = nil, nil, []string{"sha256:99"}
		if got := suppressed(t, r, say("not_affected CVE-2024-1 "+tt.product)); (len(got) > 0) != tt.want {
			t.Errorf("%s: suppressed %v", tt.product, got)
		}
		r = app()
		if got := suppressed(t, r, say("not_affected CVE-2024-1 "+strings.Replace(tt.product, "app", "stranger", 1))); got != nil {
			t.Errorf("%s of an image with names: suppressed %v", tt.product, got)
		}
	}
}
