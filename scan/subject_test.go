package scan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

func TestRecognize(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"app/go.mod":            "module x\n",
		"app/package-lock.json": `{"lockfileVersion":3}`,
		"app/pom.xml":           "<project/>",
		"layout/index.json":     `{"schemaVersion":2}`,
		"layout/oci-layout":     `{"imageLayoutVersion":"1.0.0"}`,
		"bill.json":             `{"bomFormat":"CycloneDX","specVersion":"1.6"}`,
		"bill.xml":              "\xef\xbb\xbf <bom/>",
		"bill.spdx":             "SPDXVersion: SPDX-2.3\n",
		"purls":                 "pkg:npm/a@1\n",
		"disk":                  "QFI\xfb\x00\x00\x00\x03",
		"disk.raw":              "\x00",
		"report.json":           `{"schema":1,"target":{"name":"x"}}`,
		"text":                  "hello",
		"24-dind":               "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	abs, _ := filepath.Abs("app")
	for _, tt := range []struct {
		name string
		kind assay.TargetKind
		ref  string // "" means the name
	}{
		{"debian:12", assay.KindImage, ""},
		{"app", assay.KindImage, ""}, // may be an image's name
		{"layout", assay.KindImage, ""},
		{"./layout", assay.KindImage, ""},
		{"./layout:1", assay.KindImage, ""},
		{"text", assay.KindImage, ""},
		{"none", assay.KindImage, ""},
		{"registry:5000/app", assay.KindImage, ""},
		{"alpine@sha256:" + strings.Repeat("0", 64), assay.KindImage, ""},
		{"repo:24", assay.KindImage, ""}, // a tag
		{"./app", assay.KindFilesystem, ""},
		{"app/", assay.KindFilesystem, ""},
		{".", assay.KindFilesystem, ""},
		{abs, assay.KindFilesystem, ""},
		{"dir:app", assay.KindFilesystem, "app"},
		{"fs:24-dind", assay.KindFilesystem, "24-dind"},
		{"rootfs:/", assay.KindFilesystem, "/"},
		{"app/package-lock.json", assay.KindFilesystem, ""},
		{"app/pom.xml", assay.KindFilesystem, ""},
		{"app/go.mod", assay.KindFilesystem, ""},
		{"repo:app", assay.KindRepository, "app"},
		{"https://example.com/org/app", assay.KindRepository, ""},
		{"git@example.com:org/app.git", assay.KindRepository, ""},
		{"sbom:app/package-lock.json", assay.KindSBOM, "app/package-lock.json"},
		{"bill.json", assay.KindSBOM, ""},
		{"bill.xml", assay.KindSBOM, ""},
		{"bill.spdx", assay.KindSBOM, ""},
		{"purls", assay.KindSBOM, ""},
		{"disk", assay.KindVM, ""},
		{"disk.raw", assay.KindVM, ""},
		{"vm:text", assay.KindVM, "text"},
	} {
		s, err := Recognize(tt.name, nil)
		want := tt.ref
		if want == "" {
			want = tt.name
		}
		if err != nil || s.Kind != tt.kind || s.Ref != want || s.Report != nil {
			t.Errorf("%s: %s %q (report %v), %v; want %s %q", tt.name, s.Kind, s.Ref, s.Report != nil, err, tt.kind, want)
		}
	}
	for name, want := range map[string]assay.Scope{"rootfs:app": Scopes(assay.KindImage), "dir:app": 0} {
		if s, _ := Recognize(name, nil); s.Scopes != want {
			t.Errorf("%s: scopes %v, want %v", name, s.Scopes, want)
		}
	}
	for content, report := range map[string]bool{`{"bomFormat":"CycloneDX"}`: false, "pkg:npm/a@1": false} {
		s, err := Recognize("-", strings.NewReader(content))
		if err != nil || (s.Report != nil) != report || s.Kind != assay.KindSBOM || s.Pipe == nil {
			t.Errorf("-: %+v, %v", s, err)
		}
	}
	if s, err := Recognize("report.json", nil); err != nil || s.Report == nil {
		t.Errorf("a report: %+v, %v", s, err)
	}
}
