package scan_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/suppress/ignore"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

// mixed is an image with gaps, and with a language package that an OS package owns.
const mixed = `
-- 1/etc/os-release --
ID=debian
VERSION_ID="12"
VERSION_CODENAME=bookworm
-- 1/var/lib/dpkg/status --
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.7-1

Package: broken
Status: install ok installed
Architecture: amd64
Version: 1:2:3:not a version

Package: python3-urllib3
Status: install ok installed
Architecture: all
Source: python-urllib3
Version: 1.26.12-1

-- 1/var/lib/dpkg/info/python3-urllib3.list --
/.
/usr/lib/python3/dist-packages/urllib3-1.26.12.dist-info/METADATA
-- 1/usr/lib/python3/dist-packages/urllib3-1.26.12.dist-info/METADATA --
Metadata-Version: 2.1
Name: urllib3
Version: 1.26.12
-- 2/opt/venv/lib/python3.11/site-packages/urllib3-1.26.12.dist-info/METADATA --
Metadata-Version: 2.1
Name: urllib3
Version: 1.26.12
-- 2/app/node_modules/lodash/package.json --
{"name": "lodash", "version": "4.17.15"}
-- 2/app/node_modules/broken/package.json --
{"name": "broken", "version":
`

// locked is a project with a development dependency.
const locked = `{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {
 "": {"name": "app", "version": "1.0.0", "dependencies": {"lodash": "4"}, "devDependencies": {"minimist": "1"}},
 "node_modules/lodash": {"version": "4.17.15"},
 "node_modules/minimist": {"version": "1.2.0", "dev": true}}}
`

// project is a directory with a project in it.
func project(t *testing.T) *assay.Image {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(locked), 0o600); err != nil {
		t.Fatal(err)
	}
	return openRoot(t, dir)
}

// saved is a report after a round trip through assay's own format, as
// `assay convert` reads it.
func saved(t *testing.T, r *assay.Report) *assay.Report {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.json")
	var b bytes.Buffer
	if err := scan.Write(&b, r, "json", assay.FormatOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := scan.ReadReport(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if read, err = scan.Rejudge(context.Background(), read, scan.Request{}); err != nil {
		t.Fatal(err)
	}
	return read
}

// TestConvertKeepsAll: a saved report that is converted to an SBOM and scanned again
// gives the findings, suppressed entries and gaps of the image's scan.
func TestConvertKeepsAll(t *testing.T) {
	db := database(t, t.TempDir())
	file, err := ignore.Read("rules.yaml", []byte("vulnerabilities:\n  - id: CVE-2023-0286\n    statement: accepted\n"))
	if err != nil {
		t.Fatal(err)
	}
	mixedImage := func(t *testing.T) *assay.Image { return testimage.Parse(t, mixed) }
	built := func(name string) func(t *testing.T) *assay.Image {
		return func(t *testing.T) *assay.Image { return open(t, corpus.Image(t, name+".docker.tar")) }
	}
	for name, img := range map[string]func(*testing.T) *assay.Image{
		"mixed": mixedImage, "project": project, "debian-old": built("debian-old"), "alpine": built("alpine"), "rpm-sqlite": built("rpm-sqlite"),
		"python": built("python"), "node": built("node"), "java": built("java"), "go": built("go"), "polyglot": built("polyglot"),
	} {
		for _, dev := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				request := scan.Request{Database: db, Packages: scan.Packages{Dev: dev}, Suppressors: []assay.Suppressor{ignore.New(file)}}
				again := request
				again.Image = img(t)
				whole, err := scan.Scan(context.Background(), again)
				if err != nil {
					t.Fatal(err)
				}
				if name == "mixed" && (len(whole.Findings) == 0 || len(whole.Suppressed) == 0 || len(whole.Gaps) < 2) || name == "project" && !dev && whole.DevLeftOut != 1 {
					t.Fatalf("%d findings, %d suppressed, %d left out, gaps %v", len(whole.Findings), len(whole.Suppressed), whole.DevLeftOut, whole.Gaps)
				}
				for _, f := range report.All() {
					if !f.SBOM {
						continue
					}
					var b bytes.Buffer
					if err := f.Write(&b, saved(t, whole), assay.FormatOptions{}); err != nil {
						t.Fatal(err)
					}
					again.Scopes = assay.ScopeSBOM
					if again.Image, err = source.SBOM("-", &b); err != nil {
						t.Fatal(err)
					}
					r, err := scan.Scan(context.Background(), again)
					if err != nil {
						t.Fatal(f.Name, err)
					}
					if d := cmp.Diff(held(whole), held(r)); d != "" {
						t.Errorf("%s (-image +SBOM):\n%.3000s", f.Name, d)
					}
					if whole.DevLeftOut != r.DevLeftOut {
						t.Errorf("%s: %d development dependencies left out, want %d", f.Name, r.DevLeftOut, whole.DevLeftOut)
					}
				}
			})
		}
	}
}
