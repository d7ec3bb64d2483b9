package report_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	reference "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report"
)

// sarifSchema is OASIS's schema of SARIF 2.1.0, which a module has in its source.
func sarifSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no schema of SARIF: ", err)
		}
		t.Skip("no schema of SARIF: ", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(out)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && text == "" {
			text, err = strconv.Unquote(l.Value)
		}
		return err == nil
	})
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const id = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, text string) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func TestSARIFSchema(t *testing.T) {
	s := sarifSchema(t)
	if err := validate(s, `{"version": "2.1.0", "runs": [{"tool": {}}]}`); err == nil {
		t.Fatal("the schema holds for what is no SARIF")
	}
	repo := billed()
	repo.Kind, repo.Image.Repository = assay.KindRepository, assay.RepositoryInfo{URL: "https://example.org/a.git", Commit: "0a", Branch: "main"}
	for name, r := range map[string]*assay.Report{"small": small(), "evil": evil(), "empty": {}, "packages": billed(), "repository": repo, "ruled": ruled()} {
		for _, suppressed := range []bool{false, true} {
			text := write(t, "sarif", r, assay.FormatOptions{Suppressed: suppressed})
			if err := validate(s, text); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if back, err := reference.FromString(text); err != nil || len(back.Runs) != 1 {
				t.Errorf("%s: another reader: %v", name, err)
			}
		}
	}
}

// ruled is small with a finding that somebody suppressed.
func ruled() *assay.Report {
	r := small()
	out := r.Findings[0]
	out.ID, out.Severity, out.Detail.CVSS = "CVE-2022-0003", assay.SeverityHigh, nil
	r.Suppressed = []assay.Suppressed{{Finding: out, Suppression: assay.Suppression{As: assay.StatusNotAffected, By: ".assayignore:3", Reason: "not reached"}}}
	return r
}

// sarif is what the tests look at.
type sarif struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Rules []struct {
					ID               string
					ShortDescription struct{ Text string }
					FullDescription  struct{ Text string }
					HelpURI          string
					Help             struct{ Text, Markdown string }
					Properties       map[string]any
				}
			}
		}
		Invocations []struct {
			ExecutionSuccessful        bool
			ToolExecutionNotifications []struct {
				Level   string
				Message struct{ Text string }
			}
		}
		OriginalURIBaseIDs       map[string]any
		VersionControlProvenance []struct{ RepositoryURI, RevisionID, Branch string }
		Results                  []struct {
			RuleID    string
			RuleIndex int
			Level     string
			Rank      float64
			Message   struct{ Text string }
			Locations []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI, URIBaseID string }
					Region           struct{ StartLine int }
				}
			}
			PartialFingerprints map[string]string
			Suppressions        *[]struct{ Kind, Status, Justification string }
		}
	}
}

func sarifOf(t testing.TB, r *assay.Report, o assay.FormatOptions) (s sarif) {
	t.Helper()
	var b bytes.Buffer
	if err := format(t, "sarif").Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	if err := stdjson.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func format(t testing.TB, name string) assay.Format {
	t.Helper()
	for _, f := range report.All() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %s", name)
	return assay.Format{}
}

func TestSARIF(t *testing.T) {
	run := sarifOf(t, ruled(), assay.FormatOptions{Suppressed: true}).Runs[0]
	rules := run.Tool.Driver.Rules
	if len(rules) != 3 || rules[0].ID != "CVE-2022-0001" || rules[0].HelpURI != "https://security-tracker.debian.org/tracker/CVE-2022-0001" || rules[0].FullDescription.Text != "Long." ||
		!strings.HasPrefix(rules[0].ShortDescription.Text, "A title") || !strings.Contains(rules[0].Help.Markdown, "**Vulnerability [CVE-2022-0001](https://security-tracker") || !strings.Contains(rules[0].Help.Text, "CVSS: 9.8 (3.1, nvd)") {
		t.Errorf("%+v", rules)
	}
	var ranks []any
	for _, r := range rules {
		ranks = append(ranks, r.Properties["security-severity"])
	}
	if diff := cmp.Diff([]any{"9.8", "0.1", "8.0"}, ranks); diff != "" { // a score; none for negligible; none at all
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"vulnerability", "security", "CRITICAL", "external/cwe/cwe-79"}, rules[0].Properties["tags"]); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, r := range run.Results {
		l := r.Locations[0].PhysicalLocation
		why := "no suppressions"
		if r.Suppressions != nil {
			why = fmt.Sprint(*r.Suppressions)
		}
		got = append(got, fmt.Sprintf("%s %d %s %g %s %d %s", r.RuleID, r.RuleIndex, r.Level, r.Rank, l.ArtifactLocation.URI, l.Region.StartLine, why))
	}
	want := []string{
		"CVE-2022-0001 0 error 20.3 app%3A1/var/lib/dpkg/status 1 []",
		"CVE-2022-0002 1 note 0 app%3A1 1 []",
		"CVE-2022-0003 2 error 20.3 app%3A1/var/lib/dpkg/status 1 [{external accepted not_affected by .assayignore:3: not reached}]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{"libssl1.1 1.1.1n-0+deb10u3: CVE-2022-0001 (CRITICAL).\n", "\nInstalled version: 1.1.1n-0+deb10u3\n", "\nFixed in: 1.1.1n-0+deb10u4\n", "\nSeverity: CRITICAL\n", "\nLayer: layer 1: apt-get install -y openssl\n"} {
		if !strings.Contains(run.Results[0].Message.Text, part) {
			t.Errorf("no %q in %q", part, run.Results[0].Message.Text)
		}
	}
	i := run.Invocations[0]
	if !i.ExecutionSuccessful || len(i.ToolExecutionNotifications) != 2 || i.ToolExecutionNotifications[1].Message.Text != "Not read or not judged: layer 1: opt/a: malformed" || !strings.Contains(i.ToolExecutionNotifications[0].Message.Text, "end of life") {
		t.Errorf("%+v", i)
	}
	if plain := sarifOf(t, ruled(), assay.FormatOptions{}).Runs[0]; len(plain.Results) != 2 || plain.Results[0].Suppressions != nil {
		t.Errorf("suppressed ones without being asked for: %+v", plain.Results)
	}
}

func TestSARIFPlaces(t *testing.T) {
	tests := []struct {
		name   string
		kind   assay.TargetKind
		target string
		path   string
		want   string
		base   string
	}{
		{"image", assay.KindImage, "example.org:5000/team/app:1.4@sha256:ab", "usr/lib/a b%c.json", "example.org%3A5000/team/app%3A1.4@sha256%3Aab/usr/lib/a%20b%25c.json", ""},
		{"image of an archive", assay.KindImage, "/tmp/x/app.tar", "var/lib/dpkg/status", "app.tar/var/lib/dpkg/status", ""},
		{"archive beside", assay.KindImage, "../app.tar", "a", "app.tar/a", ""},
		{"in an archive", assay.KindImage, "app:1", "opt/a.war!/WEB-INF/lib/b.jar", "app%3A1/opt/a.war", ""},
		{"no path", assay.KindImage, "app", "", "app", ""},
		{"nothing", assay.KindImage, "", "", "unknown", ""},
		{"folder", assay.KindFilesystem, ".", "web/package-lock.json", "web/package-lock.json", "%SRCROOT%"},
		{"folder below", assay.KindFilesystem, "./services/web", "package-lock.json", "services/web/package-lock.json", "%SRCROOT%"},
		{"folder elsewhere", assay.KindFilesystem, "/home/me/app", "package-lock.json", "package-lock.json", "%SRCROOT%"},
		{"folder beside", assay.KindFilesystem, "../app", "package-lock.json", "package-lock.json", "%SRCROOT%"},
		{"file", assay.KindFilesystem, "web/package-lock.json", "package-lock.json", "web/package-lock.json", "%SRCROOT%"},
		{"repository", assay.KindRepository, "https://example.org/a", "go.mod", "go.mod", "%SRCROOT%"},
		{"bill", assay.KindSBOM, "out/bom.json", "bom.json", "out/bom.json", ""},
		{"upwards", assay.KindFilesystem, ".", "../../etc/passwd", "etc/passwd", "%SRCROOT%"},
		{"bytes", assay.KindImage, "a", "x\xff\x00é", "a/x%FF%00%C3%A9", ""},
	}
	for _, tt := range tests {
		r := small()
		r.Kind, r.Image.Name, r.Packages[0].Path = tt.kind, tt.target, tt.path
		run := sarifOf(t, r, assay.FormatOptions{}).Runs[0]
		l := run.Results[0].Locations[0].PhysicalLocation.ArtifactLocation
		if l.URI != tt.want || l.URIBaseID != tt.base || (run.OriginalURIBaseIDs[tt.base] != nil) != (tt.base != "") {
			t.Errorf("%s: %+v", tt.name, l)
		}
		if u, err := url.Parse(l.URI); err != nil || u.IsAbs() {
			t.Errorf("%s: %v, %v", tt.name, u, err)
		}
	}
}

// TestSARIFFingerprints: a finding has the same whichever version is there and
// whatever else was found, and no two have the same.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(r *assay.Report) (out []string) {
		for _, x := range sarifOf(t, r, assay.FormatOptions{}).Runs[0].Results {
			if x.PartialFingerprints["assay/v1"] != x.PartialFingerprints["primaryLocationLineHash"] {
				t.Errorf("%v", x.PartialFingerprints)
			}
			out = append(out, x.PartialFingerprints["assay/v1"])
		}
		return out
	}
	a := prints(small())
	later := small()
	later.Image.Name, later.Packages[0].Version, later.Findings[0].FixedIn = "app:2", "1.1.1n-0+deb10u9", ""
	later.Findings[0], later.Findings[1] = later.Findings[1], later.Findings[0]
	b := prints(later)
	if a[0] != b[1] || a[1] != b[0] || a[0] == a[1] {
		t.Errorf("%q and then %q", a, b)
	}
	twice := small()
	twice.Findings = append(twice.Findings, twice.Findings[0])
	if c := prints(twice); c[0] != a[0] || c[2] == c[0] {
		t.Errorf("%q", c)
	}
}

// TestSARIFVersion: a validator compares the tool's versions by their number.
func TestSARIFVersion(t *testing.T) {
	for version, want := range map[string][2]string{
		"1.2.3": {"1.2.3", "1.2.3"}, "v1.2.3-rc.1+x": {"1.2.3-rc.1+x", "1.2.3-rc.1+x"}, "v1.2": {"1.2", ""}, "dev": {"0.0.0-dev", "0.0.0-dev"}, "": {"", ""}, "v": {"", ""},
	} {
		r := small()
		r.Tool.Version = version
		var doc struct {
			Runs []struct {
				Tool struct {
					Driver struct{ Version, SemanticVersion string }
				}
			}
		}
		if err := stdjson.Unmarshal([]byte(write(t, "sarif", r, assay.FormatOptions{})), &doc); err != nil {
			t.Fatal(err)
		}
		if d := doc.Runs[0].Tool.Driver; d.Version != want[0] || d.SemanticVersion != want[1] {
			t.Errorf("%s: %q, want %q", version, d, want)
		}
	}
}
