package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// goldens lists what Trivy's test suite scans, and its report; with VEX documents,
// where it has any.
var goldens = []struct {
	report, command, target string
	args                    []string // a file after --vex is below the suite's directory
}{
	{"bun", "repo", "repo/bun", nil}, {"composer.lock", "repo", "repo/composer", nil}, {"conan", "repo", "repo/conan", nil}, {"dotnet", "repo", "repo/dotnet", nil},
	{"gomod", "repo", "repo/gomod", nil}, {"gomod-vex", "repo", "repo/gomod", []string{"--vex", "vex/file/openvex.json"}}, {"npm", "repo", "repo/npm", nil}, {"npm-ubuntu-severity", "repo", "repo/npm", []string{"--vuln-severity-source", "alpine,ubuntu"}}, {"pip", "repo", "repo/pip", nil}, {"pipenv", "repo", "repo/pipenv", nil}, {"pom", "repo", "repo/pom", nil},
	{"pubspec.lock", "repo", "repo/pubspec", nil}, {"swift", "repo", "repo/swift", nil}, {"test-repo", "repo", "repo/trivy-ci-test", nil}, {"uv", "repo", "repo/uv", nil}, {"yarn", "repo", "repo/yarn", nil},
	{"license-cyclonedx", "sbom", "sbom/license-cyclonedx.json", nil}, {"minikube-kbom", "sbom", "sbom/minikube-kbom.json", nil},
}

// contested lists the rows of goldens that say something else than the record
// that they were made from, with what is right and why.
var contested = map[string]struct{ right, because string }{
	"github.com/apple/swift-nio CVE-2022-3215 MEDIUM ": {"github.com/apple/swift-nio CVE-2022-3215 MEDIUM ghsa", "ghsa alone rates it in the record; the suite's database names no publisher of Swift's advisories, so that the report has a severity of nobody's"},
}

// A trivyReport is the part of a report in Trivy's format that is compared.
type trivyReport struct {
	ArtifactType string
	Results      []struct {
		Target, Class, Type string
		Packages            []struct {
			ID, Name, Version, Relationship string
			Dev, Indirect                   bool
			DependsOn                       []string
		}
		Vulnerabilities []struct{ VulnerabilityID, PkgID, PkgName, PkgPath, InstalledVersion, FixedVersion, Status, Severity, SeveritySource string }
	}
}

// rows lists the findings of a report.
func (r *trivyReport) rows(name, target string) (out []string) {
	for _, res := range r.Results {
		for _, v := range res.Vulnerabilities {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s %s %s %s %s", name, base(res.Target, target), res.Type, v.PkgName, v.InstalledVersion, v.VulnerabilityID, v.Status, fixes(v.FixedVersion))))
		}
	}
	slices.Sort(out)
	return out
}

// severities lists how bad each finding is called, and by whom.
func (r *trivyReport) severities() (out []string) {
	for _, res := range r.Results {
		for _, v := range res.Vulnerabilities {
			out = append(out, fmt.Sprintf("%s %s %s %s", v.PkgName, v.VulnerabilityID, v.Severity, v.SeveritySource))
		}
	}
	slices.Sort(out)
	return out
}

// packages lists the packages of a report, where it has them.
func (r *trivyReport) packages() (out []string) {
	for _, res := range r.Results {
		for _, p := range res.Packages {
			slices.Sort(p.DependsOn)
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %v %v", p.Name, p.Version, p.Relationship, p.Dev, p.DependsOn)))
		}
	}
	slices.Sort(out)
	return out
}

// base is a target without the directory that was scanned, which a distribution's
// has in it.
func base(target, scanned string) string {
	if strings.Contains(target, " (") {
		_, system, _ := strings.Cut(target, " (")
		return "(" + system
	}
	return strings.TrimPrefix(target, scanned+"/")
}

// fixes writes fixed versions in order; Cargo's are requirements in Trivy's
// database (">= 2.1.3, < 3.0.0"), of which each begins with a fix.
func fixes(s string) string {
	var out []string
	for _, f := range strings.Split(s, ", ") {
		if !strings.HasPrefix(f, "<") && f != "" {
			out = append(out, strings.TrimPrefix(f, ">= "))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestTrivyGoldens runs the command as Trivy's test suite runs Trivy, with that
// suite's database: the same findings, fixed versions, severities and statuses
// must come out, and the same packages where the golden lists them.
func TestTrivyGoldens(t *testing.T) {
	cache := t.TempDir()
	db := contract.TrivyDB(t, contract.TrivyNodes(t))
	runAssay(t, 0, "db", "import", db, "--cache-dir", cache)
	rows, used := 0, 0
	for _, g := range goldens {
		t.Run(g.report, func(t *testing.T) {
			var want, got trivyReport
			b, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/"+g.report+".json.golden"))
			if err == nil {
				err = json.Unmarshal(b, &want)
			}
			if err != nil {
				t.Fatal(err)
			}
			target := corpus.Path(t, "conformance/trivy/"+g.target)
			args := []string{g.command, target, "-f", "trivy-json", "--offline", "--cache-dir", cache}
			for i, a := range g.args {
				if i > 0 && g.args[i-1] == "--vex" {
					a = corpus.Path(t, "conformance/trivy/"+a)
				}
				args = append(args, a)
			}
			out := runAssay(t, 0, args...)
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			right := func(rows []string) []string {
				for i, row := range rows {
					if c, ok := contested[row]; ok {
						used++
						rows[i] = c.right
					}
				}
				return rows
			}
			wanted := right(want.rows(g.report, g.target))
			rows += len(wanted)
			if d := cmp.Diff(wanted, got.rows(g.report, g.target)); d != "" {
				t.Errorf("findings (-golden +ours):\n%s", d)
			}
			if d := cmp.Diff(right(want.severities()), got.severities()); d != "" {
				t.Errorf("severities (-golden +ours):\n%s", d)
			}
			if p := want.packages(); p != nil {
				if d := cmp.Diff(p, got.packages()); d != "" {
					t.Errorf("packages (-golden +ours):\n%s", d)
				}
			}
			if want.ArtifactType != got.ArtifactType {
				t.Errorf("a %s, and ours %s", want.ArtifactType, got.ArtifactType)
			}
		})
	}
	t.Logf("%d rows of %d reports, %d contested", rows, len(goldens), used)
	if used != len(contested) {
		t.Errorf("%d of %d contested rows are there", used, len(contested))
	}
}

// runAssay runs the command in this process and returns what it writes.
func runAssay(t *testing.T, code int, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(context.Background(), args, streams{strings.NewReader(""), &out, &errs, nil}); got != code {
		t.Fatalf("assay %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, errs.String())
	}
	return out.Bytes()
}

// TestTrivyBills compares the packages of the SBOMs that Trivy's test suite
// expects, by purl, with those of ours.
func TestTrivyBills(t *testing.T) {
	for _, tt := range []struct{ golden, command, target, form string }{
		{"conda-cyclonedx", "rootfs", "repo/conda", "cyclonedx"}, {"conda-spdx", "rootfs", "repo/conda", "spdx-json"}, {"conda-environment-cyclonedx", "fs", "repo/conda-environment", "cyclonedx"},
		{"npm-cyclonedx", "repo", "repo/npm", "cyclonedx"}, {"pom-cyclonedx", "repo", "repo/pom", "cyclonedx"},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			want, err := os.ReadFile(corpus.Path(t, "conformance/trivy/golden/"+tt.golden+".json.golden"))
			if err != nil {
				t.Fatal(err)
			}
			got := runAssay(t, 0, tt.command, corpus.Path(t, "conformance/trivy/"+tt.target), "-f", tt.form, "--cache-dir", t.TempDir())
			if d := cmp.Diff(purls(t, want), purls(t, got)); d != "" {
				t.Errorf("-golden +ours:\n%s", d)
			}
		})
	}
}

// purls lists the purls of an SBOM, in either format.
func purls(t *testing.T, b []byte) (out []string) {
	t.Helper()
	var bill struct {
		Components []struct{ PURL string }
		Packages   []struct {
			ExternalRefs []struct{ ReferenceType, ReferenceLocator string }
		}
	}
	if err := json.Unmarshal(b, &bill); err != nil {
		t.Fatal(err)
	}
	for _, c := range bill.Components {
		out = append(out, c.PURL)
	}
	for _, p := range bill.Packages {
		for _, r := range p.ExternalRefs {
			if r.ReferenceType == "purl" {
				out = append(out, r.ReferenceLocator)
			}
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	slices.Sort(out)
	return out
}
