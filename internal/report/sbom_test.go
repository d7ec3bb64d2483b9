package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/sbom"
	"github.com/assaysec/assay/internal/report"
)

// billed is a report that has all that SBOMs are to keep.
func billed() *assay.Report {
	deb := "pkg:deb/debian/libssl3@3.0.1-1?arch=amd64&distro=debian-12&upstream=openssl%403.0.1"
	layer := assay.LayerRef{Index: 1, DiffID: "sha256:2", Digest: "sha256:d2", CreatedBy: "RUN <b>make</b> \"x\""}
	return &assay.Report{Schema: 1, Kind: assay.KindImage, Tool: assay.Tool{Name: "assay", Version: "1.0"}, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Release:    assay.Release{ID: "debian", Version: "12", Codename: "bookworm", IDLike: []string{"x"}, ESM: true, Repos: []string{"a"}, ContentSets: []string{"b"}, Path: "etc/os-release", EOL: "2028-01-01"},
		Image:      assay.ImageInfo{Name: "app:1", ID: "sha256:aa", RepoDigests: []string{"example.com/team/app@sha256:bb"}, Layers: []assay.LayerInfo{{DiffID: "sha256:1"}, {DiffID: "sha256:2", Digest: "sha256:d2", CreatedBy: layer.CreatedBy}}},
		Gaps:       []assay.Gap{{Where: "layer 1: a/b", What: "npm: not read, \"quoted\""}},
		DevLeftOut: 2,
		Packages: []assay.Package{
			{Type: "deb", Name: "libssl3", Version: "3.0.1-1", Arch: "amd64", Source: "openssl", SourceVersion: "3.0.1", Vendor: "Ann <ann@example.com>", State: "unpacked", DependsOn: []string{"libc6"}, Licences: []string{"Apache-2.0", "GPL-2+ with a clause"}, Path: "var/lib/dpkg/status", PURL: deb, FoundBy: "dpkg", Layer: layer},
			{Type: "deb", Name: "libc6", Version: "2.36", Arch: "amd64", Path: "var/lib/dpkg/status", PURL: "pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12", FoundBy: "dpkg", Layer: assay.LayerRef{DiffID: "sha256:1"}},
			{Type: "rpm", Name: "perl", Version: "4:5.26-1.el8", Arch: "x86_64", Module: "perl:5.26:1:c:x86_64", Path: "var/lib/rpm/Packages", PURL: "pkg:rpm/redhat/perl@5.26-1.el8?arch=x86_64&epoch=4", FoundBy: "rpm", Layer: layer},
			{Type: "npm", Name: "@a/b", Version: "1.0.0", Licences: []string{"MIT OR Apache-2.0"}, DependsOn: []string{"c@2.0.0"}, Relation: assay.RelationDirect, Path: "app/package-lock.json", PURL: "pkg:npm/%40a/b@1.0.0", FoundBy: "npm", Layer: layer},
			{Type: "npm", Name: "c", Version: "2.0.0", Dev: true, Relation: assay.RelationIndirect, Path: "app/package-lock.json", PURL: "pkg:npm/c@2.0.0", FoundBy: "npm", Layer: layer},
			{Type: "npm", Name: "c", Version: "2.0.0", Path: "other/package-lock.json", PURL: "pkg:npm/c@2.0.0", FoundBy: "npm", Owner: deb, Layer: layer},
			{Type: "golang", Name: "example.com/x/v2", Version: "v2.0.0", Arch: "arm64", OS: "linux", Symbols: assay.Symbols{1, 2, 4294967295}, Path: "bin/x", PURL: "pkg:golang/example.com/x/v2@v2.0.0", FoundBy: "go-binary", Layer: layer},
			{Type: "golang", Name: "example.com/main", Relation: assay.RelationRoot, Symbols: assay.Symbols{}, Path: "bin/x", PURL: "pkg:golang/example.com/main", FoundBy: "go-binary", Layer: layer},
			{Type: "maven", Name: "asm", Version: "9.1", Digest: "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", Path: "opt/a.war!/WEB-INF/lib/asm.jar", PURL: "pkg:maven/asm@9.1", FoundBy: "java", Layer: layer},
			{Type: "generic", Name: "httpd", Version: "2.4.54", CPEs: []string{"cpe:2.3:a:apache:http_server:2.4.54:*:*:*:*:*:*:*", "cpe:2.3:a:x:y:2.4.54:*:*:*:*:*:*:*"}, Path: "usr/bin/httpd", PURL: "pkg:generic/httpd@2.4.54", FoundBy: "binary", Layer: layer},
		}}
}

// SBOMs writes a report in every form of an SBOM.
func bills(t *testing.T, r *assay.Report) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, f := range report.All() {
		if !f.SBOM {
			continue
		}
		for _, v := range f.Versions {
			var b, again bytes.Buffer
			if err := f.Write(&b, r, assay.FormatOptions{Version: v}); err != nil {
				t.Fatal(f.Name, v, err)
			}
			if err := f.Write(&again, r, assay.FormatOptions{Version: v}); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Errorf("%s %s: not the same twice, %v", f.Name, v, err)
			}
			out[f.Name+"@"+v] = b.Bytes()
		}
	}
	if len(out) != 6 {
		t.Fatalf("%d forms", len(out))
	}
	return out
}

// TestSBOMRoundTrip: what is read of an SBOM is what it was made of.
func TestSBOMRoundTrip(t *testing.T) {
	r := billed()
	for name, b := range bills(t, r) {
		facts, err := sbom.Reader{}.Read(context.Background(), &assay.File{Path: name, Size: int64(len(b)), ReaderAt: bytes.NewReader(b)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := *r
		want.Release.EOL = ""
		if diff := cmp.Diff(want.Packages, facts.Packages); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(&want.Release, facts.Release); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(r.Gaps, facts.Gaps); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// schemas finds the schemas that come with the module for CycloneDX.
func schemas(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	if _, missing := os.Stat(filepath.Join(dir, "bom-1.7.schema.json")); err != nil || missing != nil {
		t.Skip("no schemas of CycloneDX: ", err, missing)
	}
	return dir
}

func TestCycloneDXSchema(t *testing.T) {
	dir := schemas(t)
	empty := billed()
	empty.Packages, empty.Release, empty.Gaps, empty.Image = nil, assay.Release{}, nil, assay.ImageInfo{Name: "x"}
	for _, r := range []*assay.Report{billed(), empty} {
		for name, b := range bills(t, r) {
			form, version, _ := strings.Cut(name, "@")
			switch form {
			case "cyclonedx":
				s, err := compiler(t, dir, version).Compile("http://cyclonedx.org/schema/bom-" + version + ".schema.json")
				if err != nil {
					t.Fatal(err)
				}
				doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
				if err == nil {
					err = s.Validate(doc)
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case "cyclonedx-xml":
				if !bytes.Contains(b, []byte("http://cyclonedx.org/schema/bom/"+version)) {
					t.Errorf("%s: another namespace: %.200s", name, b)
				}
				validXML(t, name, filepath.Join(dir, "bom-"+version+".xsd"), b)
			}
		}
	}
}

// compiler knows the schema of a version and those that it refers to.
func compiler(t *testing.T, dir, version string) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	for id, file := range map[string]string{
		"http://cyclonedx.org/schema/bom-" + version + ".schema.json": "bom-" + version + ".schema.json",
		"http://cyclonedx.org/schema/spdx.schema.json":                "spdx.schema.json", "http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
		"http://cyclonedx.org/schema/cryptography-defs.schema.json": "cryptography-defs.schema.json",
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if os.IsNotExist(err) { // of algorithms, of which our SBOMs tell nothing
			b, err = []byte(`{"definitions": {"algorithmFamiliesEnum": {}, "ellipticCurvesEnum": {}}}`), nil
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err == nil {
			err = c.AddResource(id, doc)
		}
		if err != nil {
			t.Fatal(file, err)
		}
	}
	return c
}

// validXML asks libxml2, where it is installed.
func validXML(t *testing.T, name, schema string, b []byte) {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Error("no xmllint")
		}
		t.Logf("%s: not validated: no xmllint", name)
		return
	}
	catalogue := filepath.Join(t.TempDir(), "catalogue.xml")
	text := `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog"><uri name="http://cyclonedx.org/schema/spdx" uri="file://` + filepath.Dir(schema) + `/spdx.xsd"/><system systemId="http://cyclonedx.org/schema/spdx" uri="file://` + filepath.Dir(schema) + `/spdx.xsd"/></catalog>`
	if err := os.WriteFile(catalogue, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("xmllint", "--nonet", "--noout", "--schema", schema, "-")
	cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+catalogue)
	cmd.Stdin = bytes.NewReader(b)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// TestSPDXForm holds what the specification demands of every document and
// package, by section 6 to 11.
func TestSPDXForm(t *testing.T) {
	var d struct {
		SPDXVersion, DataLicense, SPDXID, Name, DocumentNamespace string
		CreationInfo                                              struct {
			Created  string
			Creators []string
		}
		Packages []struct {
			SPDXID, Name, DownloadLocation, LicenseDeclared string
			FilesAnalyzed                                   *bool
			ExternalRefs                                    []struct{ ReferenceCategory, ReferenceType, ReferenceLocator string }
		}
		HasExtractedLicensingInfos []struct{ LicenseID, ExtractedText string }
		Relationships              []struct{ SPDXElementID, RelationshipType, RelatedSPDXElement string }
	}
	if err := json.Unmarshal(bills(t, billed())["spdx-json@2.3"], &d); err != nil {
		t.Fatal(err)
	}
	if d.SPDXVersion != "SPDX-2.3" || d.DataLicense != "CC0-1.0" || d.SPDXID != "SPDXRef-DOCUMENT" || d.Name == "" || !strings.HasPrefix(d.DocumentNamespace, "https://") || strings.Contains(d.DocumentNamespace, "#") ||
		d.CreationInfo.Created != "2026-01-02T03:04:05Z" || len(d.CreationInfo.Creators) != 1 || d.CreationInfo.Creators[0] != "Tool: assay-1.0" {
		t.Errorf("%+v", d)
	}
	ids := map[string]bool{"SPDXRef-DOCUMENT": true}
	for _, p := range d.Packages {
		if ids[p.SPDXID] || !strings.HasPrefix(p.SPDXID, "SPDXRef-") || p.Name == "" || p.DownloadLocation == "" || p.FilesAnalyzed == nil || *p.FilesAnalyzed {
			t.Errorf("%+v", p)
		}
		ids[p.SPDXID] = true
	}
	for _, r := range d.Relationships {
		if !ids[r.SPDXElementID] || !ids[r.RelatedSPDXElement] {
			t.Errorf("a relationship of what is not there: %+v", r)
		}
	}
	if len(d.HasExtractedLicensingInfos) != 1 || d.Packages[2].LicenseDeclared != "Apache-2.0 AND "+d.HasExtractedLicensingInfos[0].LicenseID {
		t.Errorf("%+v %q", d.HasExtractedLicensingInfos, d.Packages[2].LicenseDeclared)
	}
}
