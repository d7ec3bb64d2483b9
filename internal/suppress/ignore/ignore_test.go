package ignore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// report has findings in packages of several kinds.
func report() *assay.Report {
	return &assay.Report{
		Created: time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC),
		Image: assay.ImageInfo{Name: "registry.example:5000/team/app:1.4", RepoTags: []string{"docker.io/library/app:1.4"}, RepoDigests: []string{"team/other@sha256:aa"},
			Layers: make([]assay.LayerInfo, 3), Base: &assay.BaseImage{Layers: 1}},
		Packages: []assay.Package{
			{Type: "deb", Name: "libssl3", Version: "3.0.11-1", Source: "openssl", Path: "var/lib/dpkg/status", PURL: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12",
				Layer: assay.LayerRef{Index: 0, DiffID: "sha256:0123456789abcdef"}},
			{Type: "npm", Name: "@babel/core", Version: "7.0.0", Path: "srv/node_modules/@babel/core/package.json", PURL: "pkg:npm/%40babel/core@7.0.0", Layer: assay.LayerRef{Index: 2, Digest: "sha256:fedcba9876543210"}},
			{Type: "maven", Name: "org.x:lib", Version: "1.0", Path: "opt/a.war!/WEB-INF/lib/lib.jar", PURL: "pkg:maven/org.x/lib@1.0", Layer: assay.LayerRef{Index: 1}},
			{Type: "generic", Name: "nginx", Version: "1.25.0", Path: "usr/sbin/nginx", Layer: assay.LayerRef{Index: 1}},
		},
		Findings: []assay.Finding{
			{ID: "CVE-2024-0001", VendorIDs: []string{"DSA-5000-1"}, Package: 0, Status: assay.StatusWillNotFix, Severity: assay.SeverityLow, Stream: "debian:12", Feed: "debian",
				Detail: assay.Detail{EPSS: &assay.EPSS{Score: 0.001}}},
			{ID: "CVE-2024-0002", Aliases: []string{"GHSA-2222-2222-2222"}, Package: 1, Status: assay.StatusFixed, FixedIn: "7.1", Severity: assay.SeverityHigh, Stream: "npm", Feed: "osv", Publisher: "ghsa",
				Detail: assay.Detail{EPSS: &assay.EPSS{Score: 0.5}}},
			{ID: "CVE-2024-0003", Package: 2, Status: assay.StatusAffected, Severity: assay.SeverityUnknown, Stream: "maven", Feed: "ghsa"},
			{ID: "CVE-2024-0004", Package: 3, Status: assay.StatusUnknown, Severity: assay.SeverityCritical, Stream: assay.StreamCPE, Feed: "nvd"},
		},
	}
}

// suppressed lists what the set suppresses: the last digit of the finding, the
// place and the reason.
func suppressed(t testing.TB, s *Set, r *assay.Report) []string {
	t.Helper()
	out, _ := judged(t, s, r)
	return out
}

// judged is suppressed with the warnings.
func judged(t testing.TB, s *Set, r *assay.Report) (out, warnings []string) {
	t.Helper()
	j, err := s.ForReport(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Findings {
		suppression, ok, err := j.Suppress(t.Context(), &r.Findings[i])
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			id := r.Findings[i].ID
			out = append(out, strings.TrimSpace(id[len(id)-1:]+" "+suppression.By+" "+suppression.Reason))
		}
		if ok != (suppression.As == assay.StatusIgnored) {
			t.Errorf("suppression %+v, %v", suppression, ok)
		}
	}
	if warnings, err = j.Warnings(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out, warnings
}

func read(t testing.TB, name, text string) *File {
	t.Helper()
	f, err := Read(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, file, in string
		want           []string
	}{
		{"nothing", ".assayignore", "\n# nothing\n\n", nil},
		{"ids", ".assayignore", "\ufeffCVE-2024-0001\r\ncve-2024-0002 # not reachable\n", []string{"1 .assayignore:1", "2 .assayignore:2 not reachable"}},
		{"a comment above", ".assayignore", "# of the file\n\n# no\n# way\nCVE-2024-0001\nCVE-2024-0002 # but this\n\nCVE-2024-0003\n",
			[]string{"1 .assayignore:5 no way", "2 .assayignore:6 but this", "3 .assayignore:8"}},
		{"an alias and a notice", ".assayignore", "GHSA-2222-2222-2222\nDSA-5000-1\n", []string{"1 .assayignore:2", "2 .assayignore:1"}},
		{"the first counts", ".assayignore", "CVE-2024-0001 package:curl\nCVE-2024-0001 package:openssl # a\nCVE-2024-0001 # b\n", []string{"1 .assayignore:2 a"}},
		{"its last day", ".assayignore", "CVE-2024-0001 exp:2026-06-30\nCVE-2024-0002 exp:2026-06-29\n", []string{"1 .assayignore:1"}},
		{"words", ".assayignore", "CVE-2024-0001 type:deb layer:base stream:debian:* # a\ntype:npm layer:base\npath:opt/**/lib.jar statement:x\n", []string{"1 .assayignore:1 a", "3 .assayignore:3 x"}},
		{"Trivy's", ".trivyignore", "CVE-2024-0001 exp:2027-01-01 we accept\nDSA-5000-1\nGHSA-2222-2222-2222 # x\nAVD-DS-0002\n", []string{"1 .trivyignore:1 we accept", "2 .trivyignore:3 x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, suppressed(t, New(read(t, tt.file, tt.in)), report())); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestCriteria holds which findings each criterion is about.
func TestCriteria(t *testing.T) {
	for in, want := range map[string]string{
		"id: CVE-2024-0001": "1", "ids: [CVE-2024-0001, GHSA-2222-2222-2222]": "12", "id: DSA-5000-1": "1",
		"package: openssl": "1", "package: libssl3": "1", "package: lib*": "1", "package: '@babel/*'": "2", "package: /lib.*/": "1", "package: /ib/": "", "package: [nginx, openssl]": "14",
		"version: 1.*": "34", "type: npm": "2", "purl: pkg:npm/%40babel/core": "2", "purl: pkg:npm/%40babel/core@7.0.1": "", "purl: 'pkg:npm/%40babel/core#lib'": "", "purl: pkg:deb/debian/libssl3?distro=debian-12": "1",
		"purl: pkg:deb/debian/libssl3?distro=debian-11": "", "path: usr/**": "4", "path: /opt/a.war": "3", "path: opt/a.war/**/*.jar": "3", "path: [srv/**, usr/sbin/*]": "24",
		"layer: base": "1", "layer: 0": "1", "layer: 0123456789ab": "1", "layer: sha256:fedcba9876543210": "2", "stream: debian:12": "1", "stream: debian:*": "1", "stream: npm": "2",
		"feed: ghsa": "23", "feed: debian": "1", "severity-below: HIGH": "1", "severity-below: critical": "12", "status: fixed": "2", "status: [affected, will_not_fix]": "13",
		"epss-below: 0.01": "1", "fix-state: fixed": "2", "fix-state: wont-fix": "1", "fix-state: not-fixed": "3", "fix-state: unknown": "4",
		"type: deb\n  severity-below: LOW": "", "type: deb\n  severity-below: MEDIUM\n  expires: 2026-07-01": "1", "type: deb\n  expires: 2026-06-30T23:30:00Z": "",
		"type: deb\n  expires: 2026-06-30T23:59:00Z\n  statement: x": "1", "statement: only": "",
	} {
		t.Run(in, func(t *testing.T) {
			got := ""
			for _, s := range suppressed(t, New(read(t, "a.yaml", "- "+in+"\n")), report()) {
				got += s[:1]
			}
			if got != want {
				t.Errorf("holds of %q, want %q", got, want)
			}
		})
	}
}

func TestTrivy(t *testing.T) {
	f := read(t, ".trivyignore.yaml", `
vulnerabilities:
  - id: CVE-2024-0001
    purls: ["pkg:deb/debian/libssl3"]
    statement: why
  - id: CVE-2024-0002
    paths: ["srv/**", "x"]
    expired_at: 2026-07-01
  - id: CVE-2024-0003
    paths: ["x"]
  - {id: CVE-2024-0004, paths: , expired_at: 2026-01-01}
misconfigurations:
  - id: AVD-DS-0001
    paths: [Dockerfile]
secrets:
  - id: aws-access-key-id
  - id: generic
licenses:
`)
	out, warnings := judged(t, New(f), report())
	if d := cmp.Diff([]string{"1 .trivyignore.yaml:3 why", "2 .trivyignore.yaml:6"}, out); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{
		".trivyignore.yaml:12: 1 rule under misconfigurations: assay does not report such results",
		".trivyignore.yaml:15: 2 rules under secrets: assay does not report such results",
		".trivyignore.yaml: expired rules, which were ignored (1): CVE-2024-0004 (line 11) until 2026-01-01",
		".trivyignore.yaml: unused rules (1): CVE-2024-0003 (line 9)",
	}, warnings); d != "" {
		t.Error(d)
	}
}

// TestGrype holds which findings each rule of Grype's is about; "-" where it
// cannot count.
func TestGrype(t *testing.T) {
	for in, want := range map[string]string{
		"{vulnerability: CVE-2024-0001, reason: x}": "1", "{vulnerability: GHSA-2222-2222-2222}": "2", "{vulnerability: DSA-5000-1}": "",
		"{vulnerability: CVE-2024-0002, include-aliases: true}": "2", "{namespace: 'debian:distro:debian:12'}": "1", "{namespace: 'debian:distro:debian:11'}": "", "{namespace: 'github:language:javascript'}": "2",
		"{namespace: 'nvd:cpe'}": "4", "{match-type: cpe-match}": "4", "{match-type: exact-direct-match}": "-", "{namespace: 'x:y'}": "-", "{fix-state: wont-fix}": "1", "{fix-state: ''}": "", "{}": "",
		"{package: {name: libssl3}}": "1", "{package: {name: 'lib.*'}}": "13", "{package: {name: ib}}": "", "{package: {name: lib, version: '1.0'}}": "3", "{package: {language: javascript}}": "2",
		"{package: {type: deb}}": "1", "{package: {type: java-archive}}": "3", "{package: {name: libssl3, type: '', language: ''}}": "1", "{package: {type: sparkle}}": "-", "{package: {upstream-name: open.*}}": "1", "{package: {location: /srv/**}}": "2",
		"{vex-status: not_affected}": "-", "{vulnerability: CVE-2024-0001, vex-justification: vulnerable_code_not_present}": "-",
	} {
		t.Run(in, func(t *testing.T) {
			f := read(t, ".grype.yaml", "check-for-app-update: false\nignore:\n  - "+in+"\n")
			got := ""
			for _, s := range suppressed(t, New(f), report()) {
				got += s[:1]
			}
			if len(f.Notes) > 0 {
				got += "-"
			}
			if got != want {
				t.Errorf("holds of %q, want %q; %q", got, want, f.Notes)
			}
		})
	}
}

func TestNamespace(t *testing.T) {
	for in, want := range map[string]assay.Stream{
		"debian:distro:debian:12": "debian:12", "redhat:distro:redhat:9": "rhel:9", "ubuntu:distro:ubuntu:22.04": "ubuntu:22.04", "alpine:distro:alpine:3.18": "alpine:3.18", "alpine:distro:alpine:edge": "alpine:edge",
		"amazon:distro:amazonlinux:2023": "amazon:2023", "oracle:distro:oraclelinux:8": "oracle:8", "sles:distro:sles:15.4": "sles:15.4", "mariner:distro:mariner:2.0": "azurelinux:2.0",
		"wolfi:distro:wolfi:rolling": "wolfi", "chainguard:distro:chainguard:rolling": "chainguard", "alma:distro:almalinux:9": "almalinux:9", "github:language:rust": "crates.io", "nvd:cpe": "nvd-cpe",
		"github:language:cobol": "", "x": "", "debian:distro:plan9:4": "",
	} {
		if got, ok := namespace(in); got != want || ok != (want != "") {
			t.Errorf("namespace %s: %q, want %q", in, got, want)
		}
	}
}

func TestWhitelist(t *testing.T) {
	f, err := ReadWhitelist("w.yaml", []byte(`generalwhitelist:
  CVE-2024-0001: known
  CVE-2024-0009:
images:
  app: {CVE-2024-0002: short}
  registry.example:5000/team/app: {CVE-2024-0003: with a port}
  team/other: {CVE-2024-0004: 1}
  app:1.5: {CVE-2024-0004: another tag}
  registry.example: {CVE-2024-0004: no}
`))
	if err != nil {
		t.Fatal(err)
	}
	out, warnings := judged(t, New(f), report())
	if d := cmp.Diff([]string{"1 w.yaml:2 known", "2 w.yaml:5 short", "3 w.yaml:6 with a port", "4 w.yaml:7 1"}, out); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"w.yaml: unused rules (1): CVE-2024-0009 (line 3)", "w.yaml: sections for other images (2): app:1.5, registry.example"},
		warnings); d != "" {
		t.Error(d)
	}
}

// TestWhitelistDigest: a section that has a digest is for that one.
func TestWhitelistDigest(t *testing.T) {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	r := report()
	r.Image = assay.ImageInfo{Name: "registry.example/app:2@" + digest("a"), Digest: digest("b"), RepoDigests: []string{"docker.io/library/app@" + digest("c")}}
	for key, want := range map[string]bool{
		"app@" + digest("a"):                  true,
		"app@" + digest("b"):                  true,
		"app:1@" + digest("c"):                true, // the digest says which
		"registry.example/app@" + digest("c"): true,
		"app@" + digest("d"):                  false,
		"other@" + digest("a"):                false,
		"app:2@" + digest("d"):                false,
		"app":                                 true,
		"registry.example/app:2":              true,
		"registry.example/app:3":              false,
		"library/":                            false,
	} {
		f, err := ReadWhitelist("w.yaml", []byte("images:\n  "+key+":\n    CVE-2024-0001: x\n"))
		if err != nil {
			t.Fatal(err)
		}
		out, warnings := judged(t, New(f), r)
		if got := len(out) == 1; got != want {
			t.Errorf("%s: %v", key, got)
		}
		if warned := len(warnings) == 1; warned == want {
			t.Errorf("%s: %v", key, warnings)
		}
	}
	r.Kind = assay.KindFilesystem
	f, err := ReadWhitelist("w.yaml", []byte("images:\n  app:\n    CVE-2024-0001: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := suppressed(t, New(f), r); got != nil {
		t.Errorf("%v, for a folder's name", got)
	}
	for _, key := range []string{"app@sha256:12", "app@", "app@latest"} {
		if _, err := ReadWhitelist("w.yaml", []byte("images:\n  "+key+":\n    CVE-2024-0001: x\n")); !errors.Is(err, assay.ErrMalformed) || !strings.HasPrefix(err.Error(), "w.yaml:2: ") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	warned := func(r *assay.Report, files ...*File) []string {
		_, warnings := judged(t, New(files...), r)
		return warnings
	}
	undated := report()
	undated.Created = time.Time{}
	converted := report()
	converted.Suppressed = []assay.Suppressed{{Finding: converted.Findings[0]}}
	converted.Findings = converted.Findings[1:]
	for _, tt := range []struct {
		name string
		r    *assay.Report
		in   []*File
		want []string
	}{
		{"none", report(), []*File{read(t, "a", "CVE-2024-0001\nRHSA-2024:0001 package:openssl\n")}, []string{"a: unused rules (1): RHSA-2024:0001 (line 2)"}},
		{"of use before", converted, []*File{read(t, "a", "CVE-2024-0001\n")}, nil},
		{"forms", report(), []*File{read(t, "a", "CVE-24-1\nopenssl\nAVD-DS-0001\nGHSA-2222-2222-2222\n")},
			[]string{"a: unknown ids, neither CVE-YEAR-NUMBER nor an advisory id (3): CVE-24-1 (line 1), openssl (line 2), AVD-DS-0001 (line 3)"}},
		{"twice", report(), []*File{read(t, "a", "CVE-2024-0001\n"), read(t, "b.yaml", "- id: cve-2024-0001\n  reason: x\n")}, []string{"duplicate rules (1): b.yaml:1 as a:1"}},
		{"everything", report(), []*File{read(t, "a.yaml", "- package: ['**', '**/*']\n- reason: x\n")},
			[]string{"a.yaml: rules without criteria, which match nothing (1): line 2"}},
		{"no date", undated, []*File{read(t, "a", "CVE-2024-0001 exp:2030-01-01\n")},
			[]string{"a: rules with an expiry date, which were ignored because the report has no date (1): CVE-2024-0001 (line 1)"}},
		{"many", report(), []*File{read(t, "a", strings.Repeat("CVE-2020-0001 type:x\n", 1)+"CVE-2020-0002\nCVE-2020-0003\nCVE-2020-0004\nCVE-2020-0005\nCVE-2020-0006\nCVE-2020-0007\nCVE-2020-0008\nCVE-2020-0009\n")},
			[]string{"a: unused rules (9): CVE-2020-0001 (line 1), CVE-2020-0002 (line 2), CVE-2020-0003 (line 3), CVE-2020-0004 (line 4), CVE-2020-0005 (line 5), CVE-2020-0006 (line 6), CVE-2020-0007 (line 7), CVE-2020-0008 (line 8) and 1 more"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, warned(tt.r, tt.in...)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for _, tt := range []struct{ file, in, want string }{
		{".assayignore", "CVE-2024-0001 exp:soon", `.assayignore:1: "soon" is not a date`},
		{".assayignore", "\nCVE-2024-0001 because", `.assayignore:2: "because" is neither a criterion`},
		{".assayignore", "CVE-2024-0001 pakage:x", `:1: unknown key "pakage"`},
		{".assayignore", "CVE-2024-0001 package:", `:1: package has no value`},
		{".assayignore", "CVE-2024-0001 status:bad", `:1: status "bad" is not one of`},
		{".assayignore", "a\x00", `.assayignore:1: not UTF-8 text`},
		{"a.yaml", "- id: x\n- id: \xff\n", `a.yaml:2: not UTF-8 text`},
		{"A.YAML", "- id: x\n- pakage: y\n", `A.YAML:2: unknown key "pakage" (did you mean package?); known: id`},
		{".assayignore", "packge:libssl3", `.assayignore:1: unknown key "packge" (did you mean package?); known: exp, id`},
		{".assayignore", "Package:libssl3", `.assayignore:1: unknown key "Package" (did you mean package?)`},
		{".assayignore", "fix_state:fixed", `.assayignore:1: unknown key "fix_state" (did you mean fix-state?)`},
		{".assayignore", "expire:2026-01-01", `.assayignore:1: unknown key "expire" (did you mean expires?)`},
		{".assayignore", "CVE-2024-0001 what:x", `:1: unknown key "what"; known: exp`},
		{".trivyignore", "x\nCVE-2024-0001 exp:2024-13-01", `.trivyignore:2: "2024-13-01" is not a date`},
		{"a.yaml", "- id: x\n- pakage: y\n", `a.yaml:2: unknown key "pakage"`},
		{"a.yaml", "- id: x\n  id: y\n", `a.yaml:2: duplicate key "id"`},
		{"a.yaml", "- id: x\n- text\n", `a.yaml:2: a rule is not a mapping`},
		{"a.yaml", "- {id: x, expires: 12}\n", `a.yaml:1: "12" is not a date`},
		{"a.yaml", "- {id: []}\n", `a.yaml:1: id is empty`},
		{"a.yaml", "- {id: }\n", `a.yaml:1: id is empty`},
		{"a.yaml", "- {package: /(/}\n", `a.yaml:1: error parsing regexp`},
		{"a.yaml", "- {package: '[a'}\n", `a.yaml:1: pattern "[a"`},
		{"a.yaml", "- {purl: libssl3}\n", `a.yaml:1: purl "libssl3"`},
		{"a.yaml", "- {layer: top}\n", `a.yaml:1: layer "top"`},
		{"a.yaml", "- {epss-below: 10}\n", `a.yaml:1: epss-below "10"`},
		{"a.yaml", "- {severity-below: bad}\n", `a.yaml:1: severity-below "bad"`},
		{"a.yaml", "- a: [\n", `a.yaml:2: `},
		{"a.yaml", "rules: []\n", `a.yaml:1: neither a list`},
		{"a.yaml", "[]\n---\n[]\n", `more than one document`},
		{"a.yaml", "vulnerabilities:\n - id: x\nvulns: []\n", `a.yaml:3: unknown section "vulns"`},
		{"a.yaml", "vulnerabilities:\n - purls: [pkg:npm/a]\n", `a.yaml:2: a rule must have one id`},
		{"a.yaml", "vulnerabilities:\n - {id: x, purl: y}\n", `a.yaml:2: unknown key "purl"`},
		{"a.yaml", "ignore:\n - {cve: x}\n", `a.yaml:2: unknown key "cve"`},
		{"a.yaml", "ignore:\n - {package: {nam: x}}\n", `a.yaml:2: package: unknown key "nam"`},
		{"a.yaml", "ignore:\n - {fix-state: maybe}\n", `a.yaml:2: fix-state "maybe"`},
		{"a.yaml", "images:\n  a:\n    - CVE-2024-0001\n", `a.yaml:3: a whitelist is not a mapping`},
		{"a.yaml", "generalwhitelist:\n  CVE-2024-0001: [x]\n", `a.yaml:2: want text`},
	} {
		t.Run(tt.in, func(t *testing.T) {
			_, err := Read(tt.file, []byte(tt.in))
			if err == nil || !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// TestIdentifiers: what has a colon may be a publisher's notice.
func TestIdentifiers(t *testing.T) {
	for _, id := range []string{"RHSA-2024:1234", "rhsa-2024:1234", "ALSA-2023:0001", "openSUSE-SU-2019:0123-1", "SUSE-SU-2024:1234-1", "RHBA-2024:1"} {
		if f := read(t, ".assayignore", id+"\n"); len(f.Rules) != 1 || f.Rules[0].IDs[0] != id {
			t.Errorf("%s: %v", id, f.Rules)
		}
	}
	if f := read(t, ".trivyignore", "packge:libssl3\n"); len(f.Rules) != 1 {
		t.Errorf("Trivy's: %v", f.Rules)
	}
	for _, in := range []string{"generalwhitelist:\n  CVE-2024-0001: \xfc\n", "generalwhitelist:\n  \x00\n"} {
		if _, err := ReadWhitelist("w.yaml", []byte(in)); !errors.Is(err, assay.ErrMalformed) || err.Error() != "w.yaml:2: not UTF-8 text: malformed" {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// TestBounds holds that what would take long is refused.
func TestBounds(t *testing.T) {
	for name, in := range map[string]string{
		"rules":       strings.Repeat("a\n", maxRules+1),
		"a pattern":   "package:" + strings.Repeat("*a", maxPattern),
		"braces":      "package:" + strings.Repeat("{a,a}", 20) + "b",
		"expression":  "package:/" + strings.Repeat("a", maxPattern+1) + "/",
		"repetitions": "package:/(abcdefghijklmnop){1000}/",
		"expressions": strings.Repeat("package:/(a|b|c)*x.*(y|z)*/\n", 50_000),
		"bytes":       strings.Repeat(" ", MaxFile+1),
	} {
		if _, err := Read("a", []byte(in)); !errors.Is(err, assay.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	laugh := "- &a {ids: &b [" + strings.Repeat("CVE-2024-0001, ", 10_000) + "x]}\n" + strings.Repeat("- {ids: *b}\n", 1000)
	if _, err := Read("a.yaml", []byte(laugh)); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("aliases: %v", err)
	}
}

// TestExpressions holds that rules are compared with each package once, and that
// whoever waits can give up.
func TestExpressions(t *testing.T) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "package:/(a|b|c)*x%d.*(y|z)*/\n", i)
	}
	text.WriteString("package:/lib.*/ severity-below:HIGH\npackage:/lib.*/ severity-below:CRITICAL\n")
	f := read(t, ".assayignore", text.String())
	r := &assay.Report{Packages: []assay.Package{{Name: "libx"}, {Name: "other"}}}
	for i := range 20_000 {
		r.Findings = append(r.Findings, assay.Finding{ID: fmt.Sprint(i), Package: i % 2, Severity: assay.SeverityMedium + assay.Severity(i/2%2)})
	}
	start := time.Now()
	all := suppressed(t, New(f), r)
	if took := time.Since(start); len(all) != 10_000 || !strings.HasPrefix(all[0], "0 .assayignore:10001") || !strings.HasPrefix(all[1], "2 .assayignore:10002") || took > 10*time.Second {
		t.Errorf("%d, %v after %v", len(all), all[:min(2, len(all))], took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j, err := New(f).ForReport(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.(*judge).first(ctx, &r.Findings[0]); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(".assayignore", "# why\nCVE-2024-0001 exp:2026-01-01 package:a* # x\n")
	f.Add(".trivyignore", "CVE-2024-0001 exp:2026-01-01 x\n")
	f.Add("a.yaml", "- {id: CVE-2024-0001, package: /a|b/, layer: base, path: ['a/**', '{b,c}']}\n")
	f.Add("a.yaml", "vulnerabilities:\n- {id: x, paths: ['**'], purls: ['pkg:npm/a'], expired_at: 2024-01-01}\nsecrets: []\n")
	f.Add("a.yaml", "ignore:\n- {vulnerability: x, namespace: 'debian:distro:debian:12', package: {name: 'a.*', location: '/**'}}\n")
	f.Add("a.yaml", "generalwhitelist: {a: b}\nimages: {'a:5000/b': {c: d}}\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		file, err := Read(name, []byte(text))
		if err != nil {
			if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) {
				t.Errorf("error %v wraps no sentinel", err)
			}
			return
		}
		if _, warnings := judged(t, New(file), report()); len(warnings) > 2*len(file.Rules)+len(file.Notes)+8 {
			t.Error("too many warnings")
		}
	})
}

func FuzzWhitelist(f *testing.F) {
	f.Add([]byte("generalwhitelist: {a: b}\nimages: {'a:5000/b': {c: d}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ReadWhitelist("w.yaml", b)
		if err != nil {
			if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) {
				t.Errorf("error %v wraps no sentinel", err)
			}
			return
		}
		suppressed(t, New(file), report())
	})
}

// FuzzGlob checks that the comparison of a pattern's fixed beginning and end
// excludes no text that the pattern matches.
func FuzzGlob(f *testing.F) {
	for _, s := range []string{"a/**", "**/a", "a*b", "a{b,c/}d", "[a-c]x", `\*a`, "{a,b}", "a/**/b", "**"} {
		for _, t := range []string{"a", "a/b", "x/a", "acb", "acd", "bx", "*a"} {
			f.Add(s, t)
		}
	}
	f.Fuzz(func(t *testing.T, s, text string) {
		p, err := glob(s)
		if err != nil || !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
			return // files of rules are UTF-8
		}
		want := s == text
		if strings.ContainsAny(s, special) {
			want, _ = doublestar.Match(s, text)
		}
		if p(text) != want {
			t.Errorf("%q of %q: %v", s, text, !want)
		}
	})
}

// BenchmarkRule judges 10,000 findings by 10,000 rules: with identifiers, with
// names of packages, and with patterns.
func BenchmarkRule(b *testing.B) {
	for _, of := range []string{"CVE-2024-%05d package:lib* # because\n", "package:lib%d # because\n", "package:lib*%d # because\n"} {
		b.Run(of[:11], func(b *testing.B) {
			var text strings.Builder
			for i := range 10_000 {
				fmt.Fprintf(&text, of, i)
			}
			f := read(b, ".assayignore", text.String())
			r := report()
			for i := range 10_000 {
				x := r.Findings[0]
				x.ID, x.Package = fmt.Sprintf("CVE-2024-%05d", 5000+i), len(r.Packages)
				r.Findings = append(r.Findings, x)
				r.Packages = append(r.Packages, assay.Package{Type: "deb", Name: fmt.Sprintf("lib%d", i)})
			}
			for b.Loop() {
				if out := suppressed(b, New(f), r); len(out) < 5000 {
					b.Fatal(len(out))
				}
			}
		})
	}
}
