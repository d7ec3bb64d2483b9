package report_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func TestAll(t *testing.T) {
	var names []string
	for _, f := range report.All() {
		if f.About == "" {
			t.Errorf("%s: nothing about it", f.Name)
		}
		names = append(names, f.Name)
	}
	if names[0] != "table" {
		t.Errorf("the first, which is the default, is %s, want table", names[0])
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
}

// hostile is text that would move a terminal's cursor or end a string.
const hostile = "x\x1b[31m\u009b2J\r\n\u202e\xff\"</script>\t日本語]]>|`[a](javascript:b)`&lt;<!--@team#1\x00\\"

// small is a report with a bit of everything.
func small() *assay.Report {
	day := time.Date(2024, 7, 2, 10, 0, 0, 0, time.UTC)
	layer := assay.LayerRef{Index: 1, DiffID: "sha256:11", Digest: "sha256:22", CreatedBy: "/bin/sh -c apt-get install -y openssl"}
	return &assay.Report{
		Schema: assay.ReportSchema, Tool: assay.Tool{Name: "assay", Version: "1"}, Created: day,
		Image: assay.ImageInfo{Name: "app:1", Source: "test", ID: "sha256:33", RepoTags: []string{"example.org/app:1"}, Platform: assay.Platform{OS: "linux", Arch: "amd64"},
			Size: 3000, Layers: []assay.LayerInfo{{DiffID: "sha256:00"}, {DiffID: "sha256:11", Digest: "sha256:22", Size: 3000, CreatedBy: layer.CreatedBy}}, Config: stdjson.RawMessage(`{"os":"linux"}`)},
		Release: assay.Release{ID: "debian", Version: "10.13", EOL: "2024-06-30"},
		Packages: []assay.Package{
			{Type: "deb", Name: "libssl1.1", Version: "1.1.1n-0+deb10u3", Arch: "amd64", Source: "openssl", PURL: "pkg:deb/debian/libssl1.1@1.1.1n-0%2Bdeb10u3", Licences: []string{"OpenSSL"}, Vendor: "Debian OpenSSL Team", DependsOn: []string{"libc6"}, Path: "var/lib/dpkg/status", Layer: layer},
			{Type: "deb", Name: "zlib1g", Version: "1:1.2.11.dfsg-1", Arch: "amd64", Source: "zlib", Layer: layer},
		},
		Findings: []assay.Finding{
			{ID: "CVE-2022-0001", Package: 0, FixedIn: "1.1.1n-0+deb10u4", VendorIDs: []string{"DSA-1"}, Status: assay.StatusFixed, Severity: assay.SeverityCritical, SeveritySource: "nvd", Risk: 20.3, Stream: "debian:10", Feed: "debian", URL: "https://security-tracker.debian.org/tracker/CVE-2022-0001", Because: "debian:10: below",
				Detail: assay.Detail{ID: "CVE-2022-0001", Title: "A title that goes on and on, longer than any terminal that is eighty columns wide would have room for", Text: "Long.", CWEs: []string{"CWE-79"}, References: []string{"https://example.org"}, Published: day, Modified: day,
					CVSS: []assay.CVSS{{Source: "nvd", Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8}, {Source: "nvd", Version: "2.0", Vector: "AV:N", Score: 7.5}, {Source: "cna", Version: "4.0", Vector: "CVSS:4.0/AV:N", Score: 8}}}},
			{ID: "CVE-2022-0002", Package: 1, Status: assay.StatusWillNotFix, Severity: assay.SeverityNegligible, SeveritySource: "debian", Stream: "debian:10", Feed: "debian", Because: "debian:10: in every version", Detail: assay.Detail{Text: "First sentence. Second."}},
		},
		Gaps:     []assay.Gap{{Where: "layer 1: opt/a", What: "malformed"}},
		Database: assay.Database{Built: day.Add(-3 * time.Hour), Shards: []assay.Shard{{Stream: "debian:10", Records: 2, Built: day.Add(-3 * time.Hour)}, {Stream: "eol", Built: day}, {Stream: "details:2022", Built: day}}},
	}
}

// evil is small with hostile text in all that comes from images and publishers.
func evil() *assay.Report { return filled(hostile, hostile+strings.Repeat("w", 300)) }

func filled(hostile, long string) *assay.Report {
	r := small()
	r.Image.Name, r.Release.ID, r.Release.Version = long, long, long
	r.Image.Layers[1].CreatedBy, r.Image.RepoTags[0] = long, long
	for i := range r.Packages {
		p := &r.Packages[i]
		p.Name, p.Version, p.Arch, p.Source, p.Vendor, p.Path, p.PURL, p.State, p.ThirdParty = long, long, hostile, long, long, long, long, hostile, long
		p.Layer.CreatedBy = long
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.ID, f.FixedIn, f.Status, f.URL, f.Detail.Title, f.Detail.Text, f.Because = long, long, assay.Status(hostile), "https://"+long, long, long, long
	}
	r.Suppressed = []assay.Suppressed{{Finding: r.Findings[0], Suppression: assay.Suppression{As: assay.Status(hostile), By: long, Reason: long}}}
	r.Gaps[0] = assay.Gap{Where: long, What: long}
	r.Database.Shards[0].Stream = assay.Stream(hostile)
	return r
}

func write(t testing.TB, format string, r *assay.Report, o assay.FormatOptions) string {
	t.Helper()
	i := slices.IndexFunc(report.All(), func(f assay.Format) bool { return f.Name == format })
	var b bytes.Buffer
	f := report.All()[i]
	if err := f.Write(&b, r, f.Keep(o)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTableList(t *testing.T) {
	const want = `
app:1 (debian 10.13)
====================
debian 10.13 reached its end of life on 2024-06-30: its advisories are no longer
complete; move to a supported release.
Total 2: CRITICAL 1, NEGLIGIBLE 1

libssl1.1 1.1.1n-0+deb10u3
  CRITICAL    CVE-2022-0001     fixed in 1.1.1n-0+deb10u4, risk 20.3
              A title that goes on and on, longer than any terminal that is eig…
              https://security-tracker.debian.org/tracker/CVE-2022-0001
zlib1g 1:1.2.11.dfsg-1
  NEGLIGIBLE  CVE-2022-0002     won't fix
              First sentence

Not read or not judged (1)
  - layer 1: opt/a: malformed

2 layers: 2 packages, 2 vulnerabilities in 2 packages, 1 with a fix.
1 gap: something could not be read or judged, so this report may be incomplete.
Advisories: debian:10 (2 records, built 3 hours ago).
Hide findings without a fix with --ignore-unfixed.
`
	if diff := cmp.Diff(want, write(t, "table", small(), assay.FormatOptions{Width: 80})); diff != "" {
		t.Error(diff)
	}
}

func TestTableWide(t *testing.T) {
	got := write(t, "table", small(), assay.FormatOptions{Width: 200, ShowLayers: true, AllPkgs: true})
	for _, want := range []string{
		"│ Package   │ Vulnerability │ Severity   │ Risk │ Status    │ Installed        │ Fixed in         │ Title ",
		"│ libssl1.1 │ CVE-2022-0001 │ CRITICAL   │ 20.3 │ fixed     │ 1.1.1n-0+deb10u3 │ 1.1.1n-0+deb10u4 │ A title that goes on",
		"│ https://security-tracker.debian.org/tracker/CVE-2022-0001 ",
		"│ layer 1: apt-get install -y openssl ",
		"\nPackages (2)\n  deb   libssl1.1 1.1.1n-0+deb10u3 amd64   layer 1: apt-get install -y openssl\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestTableVerdict(t *testing.T) {
	tests := []struct {
		name   string
		change func(*assay.Report)
		want   string
		not    string
	}{
		{"nothing found", func(r *assay.Report) { r.Findings = nil }, "2 packages, no vulnerabilities to report.", "Total"},
		{"nothing asked", func(r *assay.Report) { r.Findings, r.Database = nil, assay.Database{} }, "2 packages, not matched with any advisories.", "Advisories:"},
		{"only the end of life asked", func(r *assay.Report) { r.Findings, r.Database.Shards = nil, r.Database.Shards[1:2] }, "2 packages, not matched with any advisories.", "Advisories:"},
		{"supported", func(r *assay.Report) { r.Release.EOL = "2024-07-03" }, "app:1 (debian 10.13)", "end of life"},
		{"end not known", func(r *assay.Report) { r.Release.EOL = "" }, "app:1 (debian 10.13)", "end of life"},
		{"ended, no date", func(r *assay.Report) { r.Release.EOL = "ended" }, "debian 10.13 has reached its end of life: its advisories", "life on"},
		{"no release", func(r *assay.Report) { r.Release = assay.Release{} }, "\napp:1\n=====\nTotal", "debian 10.13"},
		{"many gaps", func(r *assay.Report) {
			r.Gaps = nil
			for i := range 25 {
				r.Gaps = append(r.Gaps, assay.Gap{Where: "a", What: fmt.Sprint("cause ", i)})
			}
		}, "… and 5 more: see -f json", ""},
		{"one cause of many gaps", func(r *assay.Report) { r.Gaps = slices.Repeat([]assay.Gap{{Where: "a", What: "malformed"}}, 25) }, "judged (25, 1 cause)\n  - a, a, a and 22 more: malformed\n", "see -f json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := small()
			tt.change(r)
			got := write(t, "table", r, assay.FormatOptions{Width: 200})
			if !strings.Contains(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("want %q and not %q in\n%s", tt.want, tt.not, got)
			}
		})
	}
}

var escape = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func TestTableLines(t *testing.T) {
	for name, r := range map[string]*assay.Report{"small": small(), "evil": evil()} {
		for _, width := range []int{40, 80, 109, 200} {
			for _, color := range []bool{false, true} {
				got := write(t, "table", r, assay.FormatOptions{Width: width, Color: color, ShowLayers: true, AllPkgs: true})
				plain := got
				if color {
					if !strings.Contains(got, "\x1b[1m") {
						t.Errorf("%s: no colour", name)
					}
					plain = escape.ReplaceAllString(got, "")
				}
				if i := strings.IndexFunc(plain, func(c rune) bool {
					return c != '\n' && (c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x202e || c == 0xfffd)
				}); i >= 0 {
					t.Errorf("%s at %d: %q is shown", name, width, plain[i:min(len(plain), i+10)])
				}
				for line := range strings.Lines(plain) {
					if n := text.StringWidth(strings.TrimRight(line, "\n")); width < 110 && n > width {
						t.Errorf("%s: %d columns of %d: %s", name, n, width, line)
					}
				}
			}
		}
	}
}

func TestDeterministic(t *testing.T) {
	for _, f := range report.All() {
		o := assay.FormatOptions{AllPkgs: true, ShowLayers: true, Suppressed: true, Template: "{{toJson .}}"}
		if a, b := write(t, f.Name, small(), o), write(t, f.Name, small(), o); a != b {
			t.Errorf("%s: two reports differ:\n%s", f.Name, cmp.Diff(a, b))
		}
	}
}

func TestJSON(t *testing.T) {
	for _, r := range []*assay.Report{small(), {Packages: []assay.Package{}, Findings: []assay.Finding{}}} {
		var back assay.Report
		text := write(t, "json", r, assay.FormatOptions{})
		if err := stdjson.Unmarshal([]byte(text), &back); err != nil || !strings.HasSuffix(text, "}\n") {
			t.Fatalf("%v\n%s", err, text)
		}
		back.Image.Config = r.Image.Config // indented
		if diff := cmp.Diff(r, &back); diff != "" {
			t.Errorf("it comes back otherwise:\n%s", diff)
		}
	}
	for _, name := range []string{"json", "trivy-json", "cyclonedx", "spdx-json", "sarif"} {
		if text := write(t, name, evil(), assay.FormatOptions{AllPkgs: true}); !stdjson.Valid([]byte(text)) || strings.ContainsAny(text, "\x1b\r\t") || !utf8.ValidString(text) {
			t.Errorf("%s: not to be shown: %.1000s", name, text)
		}
	}
	for _, name := range []string{"cyclonedx-xml", "spdx", "junit", "markdown"} {
		if text := write(t, name, evil(), assay.FormatOptions{}); strings.ContainsAny(text, "\x1b\r") || !utf8.ValidString(text) {
			t.Errorf("%s: not to be shown: %.1000s", name, text)
		}
	}
}

// keys collects the names in a JSON value by their path; [] is any element and
// {} any name of those that are data.
func keys(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			keys(e, path+"[]", into)
		}
	case map[string]any:
		for k, e := range v {
			p := path + "." + k
			if strings.HasSuffix(path, ".CVSS") || strings.HasSuffix(path, ".VendorSeverity") {
				p = path + ".{}"
			}
			into[p] = true
			if k != "ImageConfig" {
				keys(e, p, into)
			}
		}
	}
}

func keysOf(t *testing.T, text []byte) map[string]bool {
	t.Helper()
	var v any
	if err := stdjson.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	into := map[string]bool{}
	keys(v, "", into)
	return into
}

// TestTrivyKeys holds the names against those of a report of Trivy's own.
func TestTrivyKeys(t *testing.T) {
	golden, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/alpine-310.json.golden"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := keysOf(t, golden), keysOf(t, []byte(write(t, "trivy-json", small(), assay.FormatOptions{AllPkgs: true})))
	// What that report has no case of, from Trivy's documentation and its
	// types of packages and vulnerabilities.
	const pkg, vuln = ".Results[].Packages[]", ".Results[].Vulnerabilities[]"
	for _, k := range []string{
		".Metadata.RepoDigests", ".Metadata.Layers[].CreatedBy", pkg + ".Release", pkg + ".Epoch", pkg + ".SrcRelease", pkg + ".SrcEpoch", pkg + ".Maintainer", pkg + ".Modularitylabel", pkg + ".FilePath", pkg + ".Layer.CreatedBy",
		pkg, pkg + ".ID", pkg + ".Name", pkg + ".Identifier", pkg + ".Identifier.PURL", pkg + ".Version", pkg + ".Arch", pkg + ".SrcName", pkg + ".SrcVersion", pkg + ".Licenses", pkg + ".DependsOn", pkg + ".Layer", pkg + ".Layer.Digest", pkg + ".Layer.DiffID", ".Results[].Packages",
		vuln + ".VendorIDs", vuln + ".Layer.CreatedBy", vuln + ".CVSS.{}.V40Vector", vuln + ".CVSS.{}.V40Score", vuln + ".CVSS.{}.V2Vector", vuln + ".CVSS.{}.V2Score",
	} {
		theirs[k] = true
	}
	for k := range ours {
		if !theirs[k] {
			t.Errorf("%s is not Trivy's", k)
		}
	}
	for _, k := range []string{".SchemaVersion", ".CreatedAt", ".ArtifactName", ".ArtifactType", ".Metadata.OS.Family", ".Metadata.OS.Name", ".Metadata.OS.EOSL", ".Metadata.ImageID", ".Metadata.DiffIDs", ".Metadata.ImageConfig",
		".Results[].Target", ".Results[].Class", ".Results[].Type", vuln + ".VulnerabilityID", vuln + ".PkgID", vuln + ".PkgName", vuln + ".PkgIdentifier.PURL", vuln + ".InstalledVersion", vuln + ".FixedVersion", vuln + ".Status", vuln + ".Layer.DiffID",
		vuln + ".SeveritySource", vuln + ".PrimaryURL", vuln + ".DataSource.ID", vuln + ".DataSource.Name", vuln + ".DataSource.URL", vuln + ".Title", vuln + ".Description", vuln + ".Severity", vuln + ".CweIDs", vuln + ".VendorSeverity.{}", vuln + ".CVSS.{}.V3Vector",
		vuln + ".CVSS.{}.V3Score", vuln + ".References", vuln + ".PublishedDate", vuln + ".LastModifiedDate"} {
		if !ours[k] {
			t.Errorf("no %s", k)
		}
	}
}

func TestTrivy(t *testing.T) {
	var got struct {
		SchemaVersion int
		Metadata      struct{ OS map[string]any }
		Results       []struct {
			Target, Class, Type string
			Packages            []struct {
				ID, Version, Release, SrcName string
				Epoch                         int
			}
			Vulnerabilities []struct {
				VulnerabilityID, PkgID, InstalledVersion, FixedVersion, Status, Severity string
				VendorSeverity                                                           map[string]int
				CVSS                                                                     map[string]struct{ V2Score, V3Score, V40Score float64 }
			}
		}
	}
	if err := stdjson.Unmarshal([]byte(write(t, "trivy-json", small(), assay.FormatOptions{AllPkgs: true})), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"Family": "debian", "Name": "10.13", "EOSL": true}, got.Metadata.OS); diff != "" {
		t.Error(diff)
	}
	r := got.Results[0]
	if got.SchemaVersion != 2 || len(got.Results) != 1 || r.Target != "app:1 (debian 10.13)" || r.Class != "os-pkgs" || r.Type != "debian" {
		t.Errorf("%+v", got)
	}
	if p := r.Packages[1]; p.ID != "zlib1g@1:1.2.11.dfsg-1" || p.Epoch != 1 || p.Version != "1.2.11.dfsg" || p.Release != "1" || p.SrcName != "zlib" {
		t.Errorf("%+v", p)
	}
	a, b := r.Vulnerabilities[0], r.Vulnerabilities[1]
	if a.Status != "fixed" || a.FixedVersion != "1.1.1n-0+deb10u4" || a.Severity != "CRITICAL" || b.Status != "will_not_fix" || b.Severity != "LOW" || b.FixedVersion != "" {
		t.Errorf("%+v\n%+v", a, b)
	}
	if diff := cmp.Diff(map[string]int{"nvd": 4, "cna": 3}, a.VendorSeverity); diff != "" {
		t.Error(diff)
	}
	if a.CVSS["nvd"].V3Score != 9.8 || a.CVSS["nvd"].V2Score != 7.5 || a.CVSS["cna"].V40Score != 8 {
		t.Errorf("%+v", a.CVSS)
	}
	if text := write(t, "trivy-json", ruled(), assay.FormatOptions{}); !strings.Contains(text, `"ExperimentalModifiedFindings"`) || !strings.Contains(text, `"Source": ".assayignore:3"`) {
		t.Error("no word of what was ruled out of the system's packages")
	}
	supported := small()
	supported.Release.EOL = "2024-07-03"
	if text := write(t, "trivy-json", supported, assay.FormatOptions{}); strings.Contains(text, "EOSL") {
		t.Error("EOSL of a supported release")
	}
	empty := &assay.Report{Created: time.Unix(0, 0).UTC()}
	if text := write(t, "trivy-json", empty, assay.FormatOptions{}); !stdjson.Valid([]byte(text)) || strings.Contains(text, "Results") {
		t.Error(text)
	}
}

// FuzzFormats: whatever images and publishers call things, each form for
// pipelines stays one.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{hostile, "a", "", "]]>", "|", "<script>", "\x00\xff\xfe", "\ufffe\uffff", "https://a/b?c=[d](e)", "- x", "{0}", "a!/b", "../../x", "%zz", "C:\\x", strings.Repeat("\u00e9`", 5000)} {
		f.Add(s, s)
	}
	schema := sarifSchema(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		r := filled(a, b)
		for _, kind := range []assay.TargetKind{assay.KindImage, assay.KindFilesystem} {
			r.Kind = kind
			o := assay.FormatOptions{Suppressed: true, ShowLayers: true}
			if err := validate(schema, write(t, "sarif", r, o)); err != nil {
				t.Errorf("sarif: %v", err)
			}
			if err := checkJUnit([]byte(write(t, "junit", r, o))); err != nil {
				t.Errorf("junit: %v", err)
			}
			if err := contract.CheckMarkdown([]byte(write(t, "markdown", r, o))); err != nil {
				t.Errorf("markdown: %v", err)
			}
			o.MaxChars = 8192
			if text := write(t, "markdown", r, o); utf8.RuneCountInString(text) > 8192 {
				t.Errorf("markdown: %d characters", utf8.RuneCountInString(text))
			}
		}
	})
}
