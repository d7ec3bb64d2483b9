package scan_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

// exampleSystem is the root of a system with one vulnerable package, and what its
// publisher says.
func exampleSystem() (root, mirror string, done func()) {
	dir, err := os.MkdirTemp("", "assay-example-*")
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range map[string]string{
		"root/etc/os-release":      "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
		"root/var/lib/dpkg/status": "Package: libfoo1\nStatus: install ok installed\nArchitecture: amd64\nSource: foo\nVersion: 1.0-1\n\n",
		"mirror/security-tracker.debian.org/tracker/data/json": `{"foo": {"CVE-2024-0001": {"description": "A made-up vulnerability", "releases": {"bookworm": ` +
			`{"status": "resolved", "fixed_version": "1.0-2", "urgency": "high", "repositories": {}}}}}}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	return filepath.Join(dir, "root"), filepath.Join(dir, "mirror"), func() { os.RemoveAll(dir) }
}

func ExampleScan() {
	root, mirror, done := exampleSystem()
	defer done()
	ctx := context.Background()
	target, err := scan.OpenDirectory(root)
	if err != nil {
		log.Fatal(err)
	}
	defer target.Close()
	database, err := scan.OpenDatabase(scan.DatabaseOptions{CacheDir: filepath.Join(root, "../cache"), Fetch: scan.FetchOptions{Mirrors: []string{mirror}}})
	if err != nil {
		log.Fatal(err)
	}
	defer database.Close()

	report, err := scan.Scan(ctx, scan.Request{Image: target, Database: database})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f.ID, f.Severity, "in", report.Packages[f.Package].Name, "fixed in", f.FixedIn)
	}
	// Output: CVE-2024-0001 HIGH in libfoo1 fixed in 1.0-2
}

// exampleReport is what ExampleScan does.
func exampleReport() (request scan.Request, report *assay.Report, done func()) {
	root, mirror, remove := exampleSystem()
	target, err := scan.OpenDirectory(root)
	if err != nil {
		log.Fatal(err)
	}
	database, err := scan.OpenDatabase(scan.DatabaseOptions{CacheDir: filepath.Join(root, "../cache"), Fetch: scan.FetchOptions{Mirrors: []string{mirror}}})
	if err != nil {
		log.Fatal(err)
	}
	request = scan.Request{Image: target, Database: database}
	if report, err = scan.Scan(context.Background(), request); err != nil {
		log.Fatal(err)
	}
	return request, report, func() {
		database.Close()
		target.Close()
		remove()
	}
}

func ExampleRejudge() {
	_, saved, done := exampleReport()
	defer done()

	// The same report, later, with rules that ignore findings.
	rules := filepath.Join(os.TempDir(), "example.assayignore")
	defer os.Remove(rules)
	if err := os.WriteFile(rules, []byte("CVE-2024-0001 # the module is not loaded\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	suppressors, err := scan.LoadRules(scan.RuleOptions{IgnoreFiles: []string{rules}})
	if err != nil {
		log.Fatal(err)
	}
	report, err := scan.Rejudge(context.Background(), saved, scan.Request{Suppressors: suppressors})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(report.Findings), "findings,", len(report.Suppressed), "suppressed:", report.Suppressed[0].Reason)
	// Output: 0 findings, 1 suppressed: the module is not loaded
}

func ExampleExplain() {
	request, report, done := exampleReport()
	defer done()

	explanation, err := scan.Explain(context.Background(), "CVE-2024-0001", report, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(explanation.Verdict)
	// Output: affected: 1 finding
}

// TestEmbed builds the module examples/embed, which uses the public packages only,
// and scans an archive with it.
func TestEmbed(t *testing.T) {
	_, mirror, done := exampleSystem()
	defer done()
	dir := t.TempDir()
	program, archive := filepath.Join(dir, "embed"), filepath.Join(dir, "app.tar")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../examples/embed"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	img := testimage.Parse(t, "-- 1/etc/os-release --\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n-- 1/var/lib/dpkg/status --\nPackage: libfoo1\nStatus: install ok installed\nArchitecture: amd64\nSource: foo\nVersion: 1.0-1\n\n")
	var tars [][]byte
	for _, l := range img.Layers {
		tars = append(tars, tarOf(t, l))
	}
	if err := os.WriteFile(archive, contract.Tar(contract.ImageOf("example.test/app:1", tars, []string{""}).DockerSave()...), 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(program, archive, mirror)
	run.Env = append(os.Environ(), "XDG_CACHE_HOME="+dir, "HOME="+dir)
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "HIGH     CVE-2024-0001    libfoo1 1.0-1, fixed in \"1.0-2\", layer 0") {
		t.Errorf("%v\n%s", err, out)
	}
}

func tarOf(t *testing.T, l assay.Layer) []byte {
	t.Helper()
	r, err := l.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
