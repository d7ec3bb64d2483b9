package sbom

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const (
	cyclone = `{"bomFormat":"CycloneDX","specVersion":"1.4","metadata":{"component":{"type":"application","name":"app","version":"1","purl":"pkg:npm/app@1"}},
"components":[{"type":"operating-system","name":"debian","version":"12"},{"type":"file","name":"readme"},
{"type":"library","bom-ref":"a","name":"openssl","version":"3.0","purl":"pkg:deb/debian/libssl3@3.0-1?arch=amd64&distro=debian-12&upstream=openssl%403.0","cpe":"cpe:2.3:a:o:o:3.0:*:*:*:*:*:*:*","licenses":[{"license":{"id":"MIT"}}]},
{"type":"library","bom-ref":"b","group":"@x","name":"y","version":"2","purl":"pkg:npm/%40x/y@2","components":[{"type":"library","name":"inner","version":"3","purl":"pkg:npm/inner@3"}]},
{"type":"library","name":"nameless","version":"9"},{"type":"application","name":"package-lock.json"}],
"dependencies":[{"ref":"b","dependsOn":["a","gone"]}]}`
	cycloneXML = `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1"><components><component type="library"><name>y</name><version>2</version><purl>pkg:pypi/y@2</purl></component></components></bom>`
	spdxJSON   = `{"spdxVersion":"SPDX-2.2","SPDXID":"SPDXRef-DOCUMENT","packages":[
{"SPDXID":"SPDXRef-a","name":"curl","versionInfo":"8-r0","licenseDeclared":"curl","externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/alpine/curl@8-r0?distro=alpine-3.20.1"}],"sourceInfo":"built package from: curl-src 8-r0"},
{"SPDXID":"SPDXRef-b","name":"b","versionInfo":"1","licenseConcluded":"NOASSERTION","attributionTexts":["FilePath: app/b"],"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:gem/b@1"}]},
{"SPDXID":"SPDXRef-i","name":"image","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:oci/image@sha256:1"}]}],
"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-b"}]}`
	spdxTags = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n\n## a comment: x\nPackageName: b\nSPDXID: SPDXRef-b\nPackageVersion: 1\nPackageLicenseDeclared: MIT\n" +
		"PackageDescription: <text>many\nPackageName: lines\n</text>\nExternalRef: PACKAGE-MANAGER purl pkg:gem/b@1\n\nPackageName: c\nSPDXID: SPDXRef-c\nPackageVersion: 2\nExternalRef: PACKAGE-MANAGER purl pkg:gem/c@2\nRelationship: SPDXRef-b DEPENDS_ON SPDXRef-c\n"
	spdxThree = `{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1"},
{"type":"software_Package","spdxId":"https://x/1","name":"b","software_packageVersion":"1","software_packageUrl":"pkg:cargo/b@1"},
{"type":"software_Package","spdxId":"https://x/2","name":"c","software_packageVersion":"2","externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:cargo/c@2"}]},
{"type":"simplelicensing_LicenseExpression","spdxId":"https://x/3","simplelicensing_licenseExpression":"MIT"},
{"type":"Relationship","spdxId":"https://x/4","relationshipType":"hasDeclaredLicense","from":"https://x/1","to":["https://x/3"]},
{"type":"Relationship","spdxId":"https://x/5","relationshipType":"dependsOn","from":"https://x/1","to":["https://x/2"]}]}`
	syftJSON = `{"artifacts":[{"id":"1","name":"python3-x","version":"1-1","type":"deb","purl":"pkg:deb/debian/python3-x@1-1?arch=all&distro=debian-12","locations":[{"path":"/var/lib/dpkg/status","layerID":"sha256:1"}],"licenses":[{"value":"MIT"}],"metadata":{"source":"x","sourceVersion":"1-0"}},
{"id":"2","name":"x","version":"1","type":"python","purl":"pkg:pypi/x@1","cpes":[{"cpe":"cpe:2.3:a:x:x:1:*:*:*:*:*:*:*"}],"licenses":["BSD"],"locations":[{"path":"/usr/lib/x/METADATA"}]}],
"artifactRelationships":[{"parent":"1","child":"2","type":"ownership-by-file-overlap"}],"distro":{"id":"debian","versionID":"12"},"descriptor":{"name":"syft"}}`
	purls = "# a list\npkg:npm/lodash@4.17.4\n\npkg:deb/debian/curl@8?distro=debian-12\ncpe:2.3:a:apache:http_server:2.4.54:*:*:*:*:*:*:*\n"
)

// wrapped is an SBOM as attestations have it: in a statement, in an envelope, in
// a bundle.
func wrapped(bill string) string {
	statement := `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://cyclonedx.org/bom","predicate":` + bill + `}`
	envelope := `{"payloadType":"application/vnd.in-toto+json","payload":"` + base64.StdEncoding.EncodeToString([]byte(statement)) + `","signatures":[]}`
	return `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":` + envelope + `}`
}

// told lists "type name version licences path owner on:dependencies".
func told(ps []assay.Package) (out []string) {
	for _, p := range ps {
		s := strings.Join([]string{p.Type, p.Name, p.Version}, " ")
		for _, x := range []struct{ name, value string }{{"source", strings.TrimSpace(p.Source + " " + p.SourceVersion)}, {"licence", strings.Join(p.Licences, "|")}, {"path", p.Path}, {"owner", p.Owner},
			{"relation", string(p.Relation)}, {"on", strings.Join(p.DependsOn, "|")}, {"cpe", strings.Join(p.CPEs, "|")}} {
			if x.value != "" {
				s += " " + x.name + ":" + x.value
			}
		}
		if p.Release != nil {
			s += " of:" + p.Release.ID + " " + p.Release.Version
		}
		out = append(out, s)
	}
	return out
}

func TestForms(t *testing.T) {
	cyclones := []string{"npm app 1 relation:root", "deb libssl3 3.0-1 source:openssl 3.0 licence:MIT", "npm @x/y 2 on:libssl3", "npm inner 3"}
	for _, tt := range []struct {
		name, text string
		want       []string
		release    string
		err        string // part of
	}{
		{"CycloneDX", cyclone, cyclones, "debian 12", "not matched: nameless 9"},
		{"CycloneDX in an attestation", wrapped(cyclone), cyclones, "debian 12", "not matched: nameless 9"},
		{"CycloneDX as old cosign attests it", `{"_type":"https://in-toto.io/Statement/v0.1","predicate":{"Data":` + cyclone + `}}`, cyclones, "debian 12", "not matched"},
		{"CycloneDX in XML", cycloneXML, []string{"pypi y 2"}, "", ""},
		{"SPDX", spdxJSON, []string{"apk curl 8-r0 source:curl-src 8-r0 licence:curl", "gem b 1 path:app/b on:curl"}, "alpine 3.20.1", ""},
		{"SPDX in an attestation", wrapped(spdxJSON), []string{"apk curl 8-r0 source:curl-src 8-r0 licence:curl", "gem b 1 path:app/b on:curl"}, "alpine 3.20.1", ""},
		{"SPDX with tags", spdxTags, []string{"gem b 1 licence:MIT on:c@2", "gem c 2"}, "", ""},
		{"SPDX 3", spdxThree, []string{"cargo b 1 licence:MIT on:c@2", "cargo c 2"}, "", ""},
		{"Syft", syftJSON, []string{"deb python3-x 1-1 source:x 1-0 licence:MIT path:var/lib/dpkg/status", "pypi x 1 licence:BSD path:usr/lib/x/METADATA owner:pkg:deb/debian/python3-x@1-1?arch=all&distro=debian-12"}, "debian 12", ""},
		{"modules whose purls are in lower case", `{"bomFormat":"CycloneDX","components":[{"type":"library","name":"github.com/Masterminds/goutils","version":"v1.1.0","purl":"pkg:golang/github.com/masterminds/goutils@v1.1.0"},
			{"type":"library","group":"github.com/BurntSushi","name":"toml","version":"v1.0.0","purl":"pkg:golang/github.com/burntsushi/toml@v1.0.0"},{"type":"library","name":"other","version":"v1.0.0","purl":"pkg:golang/a.example/B@v1.0.0"}]}`,
			[]string{"golang github.com/Masterminds/goutils v1.1.0", "golang github.com/BurntSushi/toml v1.0.0", "golang a.example/B v1.0.0"}, "", ""},
		{"a list", purls, []string{"npm lodash 4.17.4", "deb curl 8", "generic http_server 2.4.54 cpe:cpe:2.3:a:apache:http_server:2.4.54:*:*:*:*:*:*:*"}, "debian 12", "names its source package, which the distribution's advisories are about; those whose source has another name are not matched: curl"},
		{"a list that names sources", "pkg:deb/debian/libssl3@3?distro=debian-12&upstream=openssl\npkg:deb/debian/curl@8?distro=debian-12\n", []string{"deb libssl3 3 source:openssl", "deb curl 8"}, "debian 12", ""},
		{"rpms of a distribution that lists source packages", "pkg:rpm/azurelinux/curl-libs@8-1?distro=azurelinux-3.0\n", []string{"rpm curl-libs 8-1"}, "azurelinux 3.0", "not matched: curl-libs"},
		{"rpms of a distribution that lists binary packages", "pkg:rpm/fedora/curl-libs@8-1?distro=fedora-42\n", []string{"rpm curl-libs 8-1"}, "fedora 42", ""},
		{"CPE names of version 2.2", "cpe:/a:haxx:curl:8.21.0\ncpe:/a:v:p:1.0:sp1\ncpe:/a:v\ncpe:2.3:a:v:p:1.0\n", []string{"generic curl 8.21.0 cpe:cpe:/a:haxx:curl:8.21.0", "generic p 1.0:sp1 cpe:cpe:/a:v:p:1.0:sp1"}, "", "line 3: invalid CPE name"},
		{"a CPE name without a version", "cpe:2.3:a:haxx:curl:*:*:*:*:*:*:*:*\n", nil, "", "without a purl, or a version, so not matched: curl"},
		{"provenance first", provenance + line(cyclone), cyclones, "debian 12", "not matched: nameless 9"},
		{"provenance last", line(cyclone) + provenance, cyclones, "debian 12", "not matched: nameless 9"},
		{"two SBOMs", line(cycloneXMLasJSON) + provenance + line(spdxJSON), []string{"pypi y 2", "apk curl 8-r0 source:curl-src 8-r0 licence:curl", "gem b 1 path:app/b on:curl"}, "", ""},
		{"statements", statement(`"x"`) + "\n" + statement(cyclone) + "\n", cyclones, "debian 12", "nameless"},
		{"provenance only", provenance + provenance, nil, "", "none of 2 attestations is of an SBOM"},
		{"a broken line", line(cyclone) + `{"payload`, cyclones, "debian 12", "malformed"},
		{"SPDX as text in an attestation", statement(quote(spdxTags)), []string{"gem b 1 licence:MIT on:c@2", "gem c 2"}, "", ""},
		{"GitHub's export", `{"sbom":` + spdxJSON + `}`, []string{"apk curl 8-r0 source:curl-src 8-r0 licence:curl", "gem b 1 path:app/b on:curl"}, "alpine 3.20.1", ""},
		{"GitHub's export of something else", `{"sbom":{"a":1}}`, nil, "", "not an SBOM"},
		{"SPDX by CPE names only", `{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-a","name":"curl","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:haxx:curl:8.21.0:*:*:*:*:*:*:*"}]},{"SPDXID":"SPDXRef-b","name":"p","versionInfo":"1.0","externalRefs":[{"referenceType":"cpe22Type","referenceLocator":"cpe:/a:v:p:1.0"}]}]}`,
			[]string{"generic curl 8.21.0 cpe:cpe:2.3:a:haxx:curl:8.21.0:*:*:*:*:*:*:*", "generic p 1.0 cpe:cpe:/a:v:p:1.0"}, "", ""},
		{"Syft's older schema", `{"artifacts":[{"id":"1","name":"x","version":"1","purl":"pkg:pypi/x@1"}],"distro":{"name":"debian","version":"11","idLike":"debian"},"descriptor":{"name":"syft"}}`, []string{"pypi x 1"}, "debian 11", ""},
		{"a list with a mistake", "pkg:npm/a@1\nnonsense\ncpe:2.3:a:b\npkg:npm/nov\n", []string{"npm a 1"}, "", "line 2"},
		{"two distributions", "pkg:deb/debian/a@1?distro=debian-12\npkg:deb/debian/c@1?distro=debian-12\npkg:deb/debian/b@1?distro=debian-11\n", []string{"deb a 1", "deb c 1", "deb b 1 of:debian 11"}, "debian 12", "names its source package"},
		{"two distributions, one of them named", `{"bomFormat":"CycloneDX","components":[{"type":"operating-system","name":"debian","version":"12"},{"type":"library","name":"a","version":"1","purl":"pkg:apk/alpine/a@1?distro=alpine-3.20.1"},
			{"type":"library","name":"b","version":"1","purl":"pkg:deb/debian/b@1?distro=debian-12.5"},{"type":"library","name":"c","version":"1","purl":"pkg:deb/debian/c@1"},{"type":"library","name":"d","version":"1","purl":"pkg:rpm/plan9/d@1?distro=plan9-4"}]}`,
			[]string{"apk a 1 of:alpine 3.20.1", "deb b 1", "deb c 1", "rpm d 1 of:plan9 4"}, "debian 12", "names its source package"},
		{"nothing", "", nil, "", "empty"},
		{"something else", "<html/>", nil, "", "not an SBOM"},
		{"another JSON", `{"a":1}`, nil, "", "not an SBOM"},
		{"cut", cyclone[:300], nil, "", "malformed"},
		{"too many envelopes", wrapped(wrapped(wrapped(cyclone))), nil, "", "too large"},
		{"a text without end", spdxTags + "PackageComment: <text>x", []string{"gem b 1 licence:MIT on:c@2", "gem c 2"}, "", "unterminated text"},
		{"components too deep", `{"bomFormat":"CycloneDX","components":[` + strings.Repeat(`{"type":"library","name":"x","version":"1","purl":"pkg:npm/x@1","components":[`, 100) + strings.Repeat("]}", 100) + "]}", nil, "", "64 levels deep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Reader{}, "bill", tt.text)
			if diff := cmp.Diff(tt.want, told(facts.Packages)); diff != "" && tt.want != nil {
				t.Error(diff)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			release := ""
			if facts.Release != nil {
				release = facts.Release.ID + " " + facts.Release.Version
			}
			if release != tt.release {
				t.Errorf("release %q, want %q", release, tt.release)
			}
		})
	}
}

const (
	provenance       = `{"payloadType":"application/vnd.in-toto+json","payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjAuMSIsInByZWRpY2F0ZVR5cGUiOiJodHRwczovL3Nsc2EuZGV2L3Byb3ZlbmFuY2UvdjAuMiIsInByZWRpY2F0ZSI6e319","signatures":[]}` + "\n"
	cycloneXMLasJSON = `{"bomFormat":"CycloneDX","components":[{"type":"library","name":"y","version":"2","purl":"pkg:pypi/y@2"}]}`
)

// statement is an in-toto statement with a predicate, line an envelope around one with
// the end of its line.
func statement(predicate string) string {
	return `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"x","predicate":` + strings.ReplaceAll(predicate, "\n", " ") + `}`
}

func line(sbom string) string {
	return `{"payloadType":"application/vnd.in-toto+json","payload":"` + base64.StdEncoding.EncodeToString([]byte(statement(sbom))) + `","signatures":[]}` + "\n"
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestDev holds that properties of other tools say what is for development only.
func TestDev(t *testing.T) {
	facts, err := contract.Read(t, Reader{}, "x", `{"bomFormat":"CycloneDX","components":[
{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1","properties":[{"name":"cdx:npm:package:development","value":"true"}]},
{"type":"library","name":"b","version":"1","purl":"pkg:npm/b@1","properties":[{"name":"cdx:npm:package:development","value":"false"}]},
{"type":"library","name":"c","version":"1","purl":"pkg:composer/x/c@1","properties":[{"name":"cdx:composer:package:isDevRequirement","value":"true"}]}]}`)
	got := ""
	for _, p := range facts.Packages {
		got += fmt.Sprint(p.Name, " ", p.Dev, " ")
	}
	if got != "a true b false x/c true " || err != nil {
		t.Error(got, err)
	}
}

func TestContract(t *testing.T) {
	samples := map[string]string{"a.cdx.json": cyclone, "b.cdx.xml": cycloneXML, "c.spdx.json": spdxJSON, "d.spdx": spdxTags, "e.spdx.json": spdxThree, "f.syft.json": syftJSON, "g.cdx": purls, "h.cdx": wrapped(cyclone)}
	contract.Reader(t, Reader{}, samples)
	contract.Reader(t, Embedded{}, samples)
}

// TestEmbedded: what an SBOM inside an image says of layers is of another image.
func TestEmbedded(t *testing.T) {
	facts, err := Embedded{}.Read(context.Background(), &assay.File{Path: "x", Size: int64(len(syftJSON)), ReaderAt: strings.NewReader(syftJSON)})
	if err != nil || facts.Release != nil || len(facts.Packages) != 2 || facts.Packages[0].Path != "" || facts.Packages[1].Owner != "" {
		t.Errorf("%v %+v", err, facts)
	}
}

// TestShared reads the SBOMs of the shared data.
func TestShared(t *testing.T) {
	for _, tt := range []struct {
		path  string
		some  string
		count int
	}{
		{"conformance/trivy/sbom/license-cyclonedx.json", "maven org.eclipse.sisu:org.eclipse.sisu.plexus 0.3.0.M1 licence:EPL-1.0", 3},
		{"conformance/trivy/sbom/minikube-kbom.json", "k8s k8s.io/kubelet 1.27.0", 7},
		{"conformance/syft/bitnami/tag-value/opt/bitnami/redis/.spdx-apache.spdx", "bitnami redis 7.4.1-0 licence:RSALv2", 1},
		{"conformance/syft/bitnami/json/opt/bitnami/postgresql/.spdx-postgresql.spdx", "bitnami geos 3.13.0 licence:LGPL-2.1-only", 19},
	} {
		b, err := os.ReadFile(corpus.Path(t, tt.path))
		if err != nil {
			t.Fatal(err)
		}
		facts, err := contract.Read(t, Reader{}, tt.path, string(b))
		if got := told(facts.Packages); err != nil || len(got) != tt.count || !strings.Contains(strings.Join(got, "\n"), tt.some) {
			t.Errorf("%s: %v, %d: %s", tt.path, err, len(got), strings.Join(got, "\n"))
		}
	}
	b, err := os.ReadFile(corpus.Path(t, "conformance/syft/bitnami/invalid/opt/bitnami/redis/.spdx-redis.spdx"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contract.Read(t, Embedded{}, "x", string(b)); !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("a broken bill: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{cyclone, cycloneXML, spdxJSON, spdxTags, spdxThree, syftJSON, purls, wrapped(cyclone), provenance + line(cyclone), "cpe:/a:v:p:1.0", `{"sbom":` + spdxJSON + `}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		facts, _ := contract.Read(t, Reader{}, "x", s)
		for _, p := range facts.Packages {
			_ = fmt.Sprint(p.Ref())
		}
	})
}
