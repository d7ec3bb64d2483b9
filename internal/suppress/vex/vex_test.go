package vex

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

var (
	day   = time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
	later = time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)
)

const openvex = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://h.example/1","author":"H","version":1,"statements":[
{"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-2024-1","name":"CVE-2024-1","aliases":["GHSA-1","CVE-2024-1"]},
 "products":[{"@id":"pkg:oci/a@sha256%3A12","identifiers":{"cpe22":"cpe:/a:h:a:1"},"subcomponents":[{"@id":"pkg:apk/alpine/b"},{"identifiers":{"purl":"pkg:apk/alpine/c@1"}}]}],
 "status":"not_affected","justification":"vulnerable_code_not_present","impact_statement":"It is not there."},
{"vulnerability":{"@id":"CVE-2024-2"},"timestamp":"2024-01-03T00:00:00Z","status":"affected","action_statement":"Upgrade.",
 "products":[{"@id":"pkg:npm/a@1","identifiers":{"purl":"pkg:npm/b@1"}},{"@id":"https://h.example/c"},{"hashes":{"sha-1":"0","sha-256":"12"}}]},
{"vulnerability":{"@id":"https://h.example/CVE-2024-3"},"status":"under_investigation"}],
"timestamp":"2024-01-02T00:00:00Z"}`

const openvexOld = "\xef\xbb\xbf" + `{"id":"d","author":"H","timestamp":"2024-01-01T18:00:00-06:00","statements":[
{"vulnerability":"CVE-2024-1","products":["pkg:apk/wolfi/git@1?arch=armv7","git"],"subcomponents":["pkg:generic/x"],"status":"fixed"}]}`

const csafDoc = `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"H"},"title":"T","tracking":{"id":"H-1","status":"final","current_release_date":"2024-01-02T00:00:00Z"}},
"product_tree":{"branches":[{"category":"vendor","name":"H","branches":[
 {"category":"product_version","name":"1","product":{"product_id":"P1","name":"a 1","product_identification_helper":{"purl":"pkg:oci/a@1","cpe":"cpe:/a:h:a:1"}}},
 {"category":"product_version","name":"1","product":{"product_id":"P2","name":"b 1","product_identification_helper":{"purl":"pkg:golang/h.example/b@v1"}}},
 {"category":"product_version","name":"1","product":{"product_id":"P3","name":"c 1"}}]}],
 "product_groups":[{"group_id":"G","product_ids":["P3"]}],
 "relationships":[{"category":"default_component_of","full_product_name":{"product_id":"P1:P2","name":"b in a"},"product_reference":"P2","relates_to_product_reference":"P1"},
 {"category":"default_component_of","full_product_name":{"product_id":"P1:P3","name":"c in a"},"product_reference":"P3","relates_to_product_reference":"P1"}]},
"vulnerabilities":[{"cve":"CVE-2024-1","ids":[{"system_name":"H","text":"H-7"}],
 "flags":[{"label":"vulnerable_code_not_present","product_ids":["P1:P2"]},{"label":"component_not_present","group_ids":["G"]}],
 "threats":[{"category":"impact","details":"It is not there.","product_ids":["P1:P2"]},{"category":"exploit_status","details":"None.","product_ids":["P3"]}],
 "remediations":[{"category":"vendor_fix","details":"Upgrade.","product_ids":["P1"]}],
 "product_status":{"known_not_affected":["P1:P2","P3","P1:P3"],"known_affected":["P1"],"fixed":["P9"],"under_investigation":["P2"],"recommended":["P1"]}},
 {"ids":[{"system_name":"H","text":"H-8"}],"product_status":{"first_fixed":["P2"]}}]}`

const cyclonedx = `{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e67-41","version":2,
"metadata":{"timestamp":"2024-01-02T00:00:00Z","supplier":{"name":"H"},"component":{"bom-ref":"app","name":"app","cpe":"cpe:2.3:a:h:app:1:*:*:*:*:*:*:*"}},
"vulnerabilities":[
{"id":"CVE-2024-1","references":[{"id":"GHSA-1"}],"analysis":{"state":"not_affected","justification":"code_not_reachable","response":["will_not_fix","update"],"detail":"Not called.","lastUpdated":"2024-01-03T00:00:00Z"},
 "affects":[{"ref":"app"},{"ref":"lib"},{"ref":"pkg:npm/c@1"},{"ref":"urn:cdx:3e67-41/2#lib"},{"ref":"urn:cdx:other/1#pkg:npm/%40d/d@1"},{"ref":"urn:cdx:other/1#pkg%3Anpm%2Fe%401"},{"ref":"urn:cdx:other/1"}]},
{"id":"CVE-2024-2","analysis":{"state":"exploitable","response":"update"},"recommendation":"Upgrade.",
 "affects":[{"ref":"lib","versions":[{"version":"2","status":"affected"},{"version":"3","status":"unaffected"},{"version":"4","status":"unknown"}]},{"ref":"any","versions":{"range":"vers:npm/<3"}}]},
{"id":"CVE-2024-3","analysis":{"state":"resolved"},"affects":[{"ref":"any","versions":[{"version":"5"}]}]},
{"id":"CVE-2024-4","affects":[{"ref":"app"}]}],
"components":[{"bom-ref":"group","components":[{"bom-ref":"lib","purl":"pkg:npm/b@2"},{"bom-ref":"any","purl":"pkg:npm/any"}]}]}`

func TestParse(t *testing.T) {
	app := Product{CPE: "cpe:2.3:a:h:app:1:*:*:*:*:*:*:*", Local: "app"}
	lib := Product{PURL: "pkg:npm/b@2", Local: "lib"}
	part := []string{"pkg:golang/h.example/b@v1"}
	for _, tt := range []struct {
		name, in string
		want     Document
	}{
		{"OpenVEX", openvex, Document{Format: "openvex", ID: "https://h.example/1", Author: "H", Timestamp: day, Statements: []Statement{
			{Vulnerability: "CVE-2024-1", Aliases: []string{"GHSA-1"}, Status: assay.StatusNotAffected, Timestamp: day,
				Justification: "vulnerable_code_not_present", Impact: "It is not there.",
				Products: []Product{{PURL: "pkg:oci/a@sha256%3A12", CPE: "cpe:/a:h:a:1", Subcomponents: []string{"pkg:apk/alpine/b", "pkg:apk/alpine/c@1"}}}},
			{Vulnerability: "CVE-2024-2", Status: assay.StatusAffected, Timestamp: later, ActionStatement: "Upgrade.",
				Products: []Product{{PURL: "pkg:npm/b@1"}, {PURL: "pkg:npm/a@1"}, {ID: "https://h.example/c"}, {ID: "sha-256:12"}}},
			{Vulnerability: "CVE-2024-3", Status: assay.StatusUnderInvestigation, Timestamp: day},
		}}},
		{"OpenVEX before 0.2.0", openvexOld, Document{Format: "openvex", ID: "d", Author: "H", Timestamp: day, Statements: []Statement{
			{Vulnerability: "CVE-2024-1", Status: assay.StatusFixed, Timestamp: day, Products: []Product{
				{PURL: "pkg:apk/wolfi/git@1?arch=armv7", Subcomponents: []string{"pkg:generic/x"}}, {Local: "git", Subcomponents: []string{"pkg:generic/x"}}}},
		}}},
		{"CSAF", csafDoc, Document{Format: "csaf", ID: "H-1", Author: "H", Timestamp: day, Statements: []Statement{
			{Vulnerability: "CVE-2024-1", Aliases: []string{"H-7"}, Status: assay.StatusNotAffected, Timestamp: day,
				Justification: "vulnerable_code_not_present", Impact: "It is not there.",
				Products: []Product{{PURL: "pkg:oci/a@1", CPE: "cpe:/a:h:a:1", Local: "P1", Subcomponents: part}}},
			{Vulnerability: "CVE-2024-1", Aliases: []string{"H-7"}, Status: assay.StatusNotAffected, Timestamp: day,
				Justification: "component_not_present", Products: []Product{{Local: "P3"}}},
			{Vulnerability: "CVE-2024-1", Aliases: []string{"H-7"}, Status: assay.StatusNotAffected, Timestamp: day,
				Products: []Product{{PURL: "pkg:oci/a@1", CPE: "cpe:/a:h:a:1", Local: "P1", Subcomponents: []string{"#P3"}}}},
			{Vulnerability: "CVE-2024-1", Aliases: []string{"H-7"}, Status: assay.StatusFixed, Timestamp: day, Products: []Product{{Local: "P9"}}},
			{Vulnerability: "CVE-2024-1", Aliases: []string{"H-7"}, Status: assay.StatusAffected, Timestamp: day, ActionStatement: "Upgrade.",
				Products: []Product{{PURL: "pkg:oci/a@1", CPE: "cpe:/a:h:a:1", Local: "P1"}}},
			{Vulnerability: "CVE-2024-1", Aliases: []string{"H-7"}, Status: assay.StatusUnderInvestigation, Timestamp: day,
				Products: []Product{{PURL: part[0], Local: "P2"}}},
			{Vulnerability: "H-8", Status: assay.StatusFixed, Timestamp: day, Products: []Product{{PURL: part[0], Local: "P2"}}},
		}}},
		{"CycloneDX", cyclonedx, Document{Format: "cyclonedx", ID: "urn:uuid:3e67-41/2", Author: "H", Timestamp: day, Statements: []Statement{
			{Vulnerability: "CVE-2024-1", Aliases: []string{"GHSA-1"}, Status: assay.StatusNotAffected, Timestamp: later,
				Justification: "code_not_reachable", Impact: "Not called.", ActionStatement: "will_not_fix, update",
				Products: []Product{app, lib, {PURL: "pkg:npm/c@1"}, lib,
					{ID: "urn:cdx:other/1#pkg:npm/%40d/d@1"}, {ID: "urn:cdx:other/1#pkg%3Anpm%2Fe%401"}, {ID: "urn:cdx:other/1"}}},
			{Vulnerability: "CVE-2024-2", Status: assay.StatusNotAffected, Timestamp: day, Products: []Product{{Local: "lib 3"}}},
			{Vulnerability: "CVE-2024-2", Status: assay.StatusAffected, Timestamp: day, ActionStatement: "Upgrade.",
				Products: []Product{{PURL: "pkg:npm/b@2", Local: "lib 2"}, {PURL: "pkg:npm/any", Local: "any vers:npm/<3", Range: "vers:npm/<3"}}},
			{Vulnerability: "CVE-2024-3", Status: assay.StatusFixed, Timestamp: day, Products: []Product{{PURL: "pkg:npm/any@5", Local: "any 5"}}},
			{Vulnerability: "CVE-2024-4", Status: assay.StatusUnknown, Timestamp: day, Products: []Product{app}},
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(strings.NewReader(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVersions: a version that is reported beside a package URL or CPE name counts
// as if it were in it.
func TestVersions(t *testing.T) {
	csaf := func(branch, group string) string {
		return `{"document":{"csaf_version":"2.0","tracking":{"id":"1"}},"product_tree":{"branches":[{"category":"vendor","name":"v","branches":[` + branch + `]}],
"relationships":[{"category":"default_component_of","product_reference":"P","relates_to_product_reference":"P","full_product_name":{"product_id":"R","name":"r"}}]},
"vulnerabilities":[{"cve":"CVE-2024-1","product_status":{"` + group + `"` + `:["P","R"]}}]}`
	}
	branch := func(category, name, helper string) string {
		return `{"category":"` + category + `","name":"` + name + `","branches":[{"category":"architecture","name":"x86","product":{"product_id":"P","name":"p","product_identification_helper":` + helper + `}}]}`
	}
	bom := func(component, state, affects string) string {
		return `{"bomFormat":"CycloneDX","components":[{"bom-ref":"P",` + component + `}],"vulnerabilities":[{"id":"CVE-2024-1","analysis":{"state":"` + state + `"},"affects":[{"ref":"P"` + affects + `}]}]}`
	}
	in := func(p Product, part string) []Product {
		q := p
		q.Subcomponents = []string{part}
		return []Product{p, q}
	}
	const versions = `,"versions":[{"version":"1","status":"affected"},{"version":"2","status":"unaffected"},{"range":"vers:pypi/>=3","status":"affected"},{"version":"4"},{"version":"5","status":"unknown"}]`
	lib := `"purl":"pkg:pypi/a","cpe":"cpe:/a:v:a"`
	for _, tt := range []struct {
		name, in string
		want     map[assay.Status][]Product
	}{
		{"CSAF: a version", csaf(branch("product_version", "9.0", `{"purl":"pkg:pypi/a?x=y","cpe":"cpe:2.3:a:v:a:*:*:*:*:*:*:*:*"}`), "fixed"), map[assay.Status][]Product{
			assay.StatusFixed: in(Product{PURL: "pkg:pypi/a@9.0?x=y", CPE: "cpe:2.3:a:v:a:9.0:*:*:*:*:*:*:*", Local: "P"}, "pkg:pypi/a@9.0?x=y")}},
		{"CSAF: its own version", csaf(branch("product_version", "9.0", `{"purl":"pkg:pypi/a@9.0.post1","cpe":"cpe:/a:v:a:9"}`), "fixed"), map[assay.Status][]Product{
			assay.StatusFixed: in(Product{PURL: "pkg:pypi/a@9.0.post1", CPE: "cpe:/a:v:a:9", Local: "P"}, "pkg:pypi/a@9.0.post1")}},
		{"CSAF: a name for a version", csaf(branch("product_version", "team/a", `{"purl":"pkg:rpm/redhat/a?arch=src"}`), "known_not_affected"), map[assay.Status][]Product{
			assay.StatusNotAffected: in(Product{PURL: "pkg:rpm/redhat/a?arch=src", Local: "P"}, "pkg:rpm/redhat/a?arch=src")}},
		{"CSAF: a name of a module's source for a version", csaf(branch("product_version", "a.src::m:rhel8", `{"purl":"pkg:rpm/redhat/a?arch=src"}`), "known_not_affected"), map[assay.Status][]Product{
			assay.StatusNotAffected: in(Product{PURL: "pkg:rpm/redhat/a?arch=src", Local: "P"}, "pkg:rpm/redhat/a?arch=src")}},
		{"CSAF: a name and a version", csaf(branch("product_version", "a-1.1-2.x86_64", `{"purl":"pkg:rpm/suse/a"}`), "fixed"), map[assay.Status][]Product{
			assay.StatusFixed: in(Product{PURL: "pkg:rpm/suse/a@a-1.1-2.x86_64", Local: "P"}, "pkg:rpm/suse/a@a-1.1-2.x86_64")}},
		{"CSAF: a tag", csaf(branch("product_version", "9.0", `{"purl":"pkg:oci/a?repository_url=h.example/a"}`), "fixed"), map[assay.Status][]Product{
			assay.StatusFixed: in(Product{PURL: "pkg:oci/a?repository_url=h.example%2Fa&tag=9.0", Local: "P"}, "pkg:oci/a?repository_url=h.example%2Fa&tag=9.0")}},
		{"CSAF: a range", csaf(branch("product_version_range", "vers:pypi/>=9", `{"purl":"pkg:pypi/a"}`), "fixed"), map[assay.Status][]Product{
			assay.StatusFixed: in(Product{PURL: "pkg:pypi/a", Local: "P", Range: "vers:pypi/>=9"}, "#P")}},
		{"CSAF: a range that is affected", csaf(branch("product_version_range", "before 9", `{"cpe":"cpe:/a:v:a","purl":"pkg:pypi/a"}`), "known_affected"), map[assay.Status][]Product{
			assay.StatusAffected: in(Product{PURL: "pkg:pypi/a", CPE: "cpe:/a:v:a", Local: "P", Range: "before 9"}, "pkg:pypi/a")}},
		{"CycloneDX: a version", bom(`"version":"9+b","purl":"pkg:pypi/a","cpe":"cpe:2.3:a:v:a"`, "not_affected", ""), map[assay.Status][]Product{
			assay.StatusNotAffected: {{PURL: "pkg:pypi/a@9%2Bb", CPE: `cpe:2.3:a:v:a:9\+b`, Local: "P"}}}},
		{"CycloneDX: all is well but with some", bom(lib, "resolved", versions), map[assay.Status][]Product{
			assay.StatusFixed:    {{PURL: "pkg:pypi/a@2", CPE: "cpe:/a:v:a:2", Local: "P 2"}, {PURL: "pkg:pypi/a@4", CPE: "cpe:/a:v:a:4", Local: "P 4"}},
			assay.StatusAffected: {{PURL: "pkg:pypi/a@1", CPE: "cpe:/a:v:a:1", Local: "P 1"}, {PURL: "pkg:pypi/a", CPE: "cpe:/a:v:a", Local: "P vers:pypi/>=3", Range: "vers:pypi/>=3"}}}},
		{"CycloneDX: only some affected", bom(lib, "not_affected", `,"versions":[{"version":"1","status":"affected"}]`), map[assay.Status][]Product{
			assay.StatusAffected: {{PURL: "pkg:pypi/a@1", CPE: "cpe:/a:v:a:1", Local: "P 1"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Read(strings.NewReader(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			got := map[assay.Status][]Product{}
			for _, s := range d.Statements {
				got[s.Status] = append(got[s.Status], s.Products...)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRanges(t *testing.T) {
	for _, tt := range []struct {
		purl, within string
		in, known    bool
	}{
		{"pkg:pypi/a@6.2.0", "vers:pypi/>=9.0.0", false, true},
		{"pkg:pypi/a@9.0.0", "vers:pypi/>=9.0.0", true, true},
		{"pkg:pypi/a@6.2.0", "vers:pypi/<6", false, true},
		{"pkg:pypi/a@5.9", "vers:pypi/<6", true, true},
		{"pkg:pypi/a@5.9", "vers:pypi/*", true, true},
		{"pkg:pypi/a@2.5", "vers:pypi/>=1|<2|>=3|<4", false, true},
		{"pkg:pypi/a@3.5", "vers:pypi/>=3|<4|>=1|<2", true, true},
		{"pkg:pypi/a@3.5", "vers:pypi/>=3|!=3.5|<4", false, true},
		{"pkg:pypi/a@3.0", "vers:pypi/1|3|>5", true, true},
		{"pkg:pypi/a@4", "vers:pypi/1|3", false, true},
		{"pkg:pypi/a@4", "vers:pypi/!=3", true, true},
		{"pkg:golang/h.example/a@v1.2.3", "vers:golang/>v1.2.2", true, true},
		{"pkg:golang/h.example/a@v1.2.3", "vers:golang/<=1.2.3", true, true},
		{"pkg:pypi/a@1%2Bb", "vers:pypi/1%2Bb", true, true},
		{"pkg:pypi/a@1%2Bb", "vers:pypi/1", true, true},
		{"pkg:pypi/a@1", "vers:pypi/1%2Bb", false, true},
		{"pkg:pypi/a@1%2Bb", "vers:pypi/<=1", true, true},
		{"pkg:golang/stdlib@1.22.3b7", "vers:golang/<=1.22.3", true, true},
		{"pkg:gem/a@1.2-x86_64-linux", "vers:gem/>=1.2", true, true},
		{"pkg:githubactions/a/b@v7", "vers:githubactions/<7.1", false, true},
		{"pkg:github/a/b@v7", "vers:githubactions/<7.1", false, true},
		{"pkg:githubactions/a/b@7.0.1", "vers:github/<7.1", true, true},
		{"pkg:pypi/a@98ed4a1", "vers:pypi/<6", false, false},
		{"pkg:composer/a/b@dev-main", "vers:composer/<6", false, false},
		{"pkg:pypi/a@6.2.0", "<6", false, false},
		{"pkg:pypi/a@6.2.0", "vers:npm/<6", false, false},
		{"pkg:pypi/a", "vers:pypi/<6", false, false},
		{"pkg:pypi/a@1.5", "vers:pypi/>=1|>=2", false, false},
		{"pkg:pypi/a@2", "vers:pypi/<2|>=2", false, false},
		{"pkg:pypi/a@2", "vers:pypi/<x y", false, false},
		{"pkg:pypi/a@2", "vers:pypi/", false, false},
		{"pkg:oci/a@sha256:12", "vers:oci/<2", false, false},
		{"pkg:pypi/a@2", "vers:pypi/1" + strings.Repeat("|1", maxConstraints), false, false},
	} {
		u, err := ParsePURL(tt.purl)
		if err != nil {
			t.Fatal(err)
		}
		if in, known := u.In(tt.within); in != tt.in || known != tt.known {
			t.Errorf("%s in %.60s: %t, known %t", tt.purl, tt.within, in, known)
		}
	}
}

// TestActions holds that both types of an action's purl name the same package.
func TestActions(t *testing.T) {
	for _, pattern := range []string{"pkg:githubactions/Actions/Checkout", "pkg:github/actions/checkout@v4", "pkg:githubactions/actions/checkout@v4"} {
		for _, of := range []string{"pkg:github/actions/checkout@v4", "pkg:githubactions/Actions/Checkout@v4"} {
			p, bad := ParsePURL(pattern)
			q, err := ParsePURL(of)
			if bad != nil || err != nil || !p.Matches(q) || p.Key() != q.Key() {
				t.Errorf("%s does not match %s: %v, %v", pattern, of, bad, err)
			}
		}
	}
}

func FuzzRange(f *testing.F) {
	f.Add("pkg:pypi/a@2", "vers:pypi/>=1|!=3|<4")
	f.Fuzz(func(t *testing.T, purl, within string) {
		u, err := ParsePURL(purl)
		if err != nil {
			return
		}
		if in, known := u.In(within); in && !known {
			t.Errorf("%s in %s is not known, and so", purl, within)
		}
	})
}

func TestMalformed(t *testing.T) {
	vex := func(statement string) string {
		return `{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-2024-1","status":"fixed","products":["pkg:npm/a"]},` + statement + `]}`
	}
	bom := func(v string) string { return `{"bomFormat":"CycloneDX","vulnerabilities":[` + v + `]}` }
	csaf := func(tracking, v string) string {
		return `{"document":{"csaf_version":"2.0","tracking":{"id":"1"` + tracking + `}},"product_tree":{"full_product_names":[{"product_id":"P","name":"p","product_identification_helper":{"purl":"pkg:maven/@1.3.4"}}]},"vulnerabilities":[` + v + `]}`
	}
	for _, tt := range []struct {
		name, in, says string
		want           error
	}{
		{"empty", "", "line 1, column 1: ", assay.ErrMalformed},
		{"a page", "<!DOCTYPE html>", "line 1, column 1: ", assay.ErrMalformed},
		{"cut off", openvex[:len(openvex)-40], "line ", assay.ErrMalformed},
		{"followed", openvexOld + "{}", "unexpected data after the document", assay.ErrMalformed},
		{"an array", "[1]", "expected {", assay.ErrMalformed},
		{"something else", `{"a":1}`, "neither OpenVEX nor CSAF nor CycloneDX", assay.ErrUnsupported},
		{"an attestation", `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://openvex.dev/ns","predicate":{}}`, "attestation", assay.ErrUnsupported},
		{"no statements", `{"@context":"https://openvex.dev/ns"}`, "no statements", assay.ErrMalformed},
		{"statements of another shape", `{"statements":{}}`, "expected [", assay.ErrMalformed},
		{"no time", `{"timestamp":"today","statements":[]}`, `timestamp: malformed time: "today"`, assay.ErrMalformed},
		{"author of another shape", `{"author":{},"statements":[]}`, "author", assay.ErrMalformed},
		{"statement of another shape", vex(`7`), "statements[1]: unexpected value: number", assay.ErrMalformed},
		{"member of another shape", vex(`{"vulnerability":"CVE-2024-1","status":7}`), "statements[1].status: unexpected value: number", assay.ErrMalformed},
		{"status", vex(`{"vulnerability":"CVE-2024-1","status":"not-affected"}`), `statements[1].status: unknown status: "not-affected"`, assay.ErrMalformed},
		{"no status", vex(`{"vulnerability":"CVE-2024-1"}`), "statements[1].status", assay.ErrMalformed},
		{"no vulnerability", vex(`{"status":"fixed"}`), "statements[1].vulnerability: no vulnerability", assay.ErrMalformed},
		{"time", vex(`{"vulnerability":"CVE-2024-1","status":"fixed","timestamp":"1"}`), "statements[1].timestamp", assay.ErrMalformed},
		{"nameless product", vex(`{"vulnerability":"CVE-2024-1","status":"fixed","products":["pkg:npm/a",{}]}`), "statements[1].products[1]: no identifier", assay.ErrMalformed},
		{"nameless part", vex(`{"vulnerability":"CVE-2024-1","status":"fixed","products":[{"@id":"pkg:npm/a","subcomponents":[{}]}]}`), "statements[1].products[0]: no identifier", assay.ErrMalformed},
		{"purl", vex(`{"vulnerability":"CVE-2024-1","status":"fixed","products":["pkg:npm/a","pkg:npm"]}`), `statements[1]: product 2: malformed package URL: "pkg:npm"`, assay.ErrMalformed},
		{"purl of a part", vex(`{"vulnerability":"CVE-2024-1","status":"fixed","products":[{"@id":"pkg:npm/a","subcomponents":["pkg:npm"]}]}`), "malformed package URL", assay.ErrMalformed},
		{"CSAF: cut off", csafDoc[:len(csafDoc)-1], "line ", assay.ErrMalformed},
		{"CSAF: another shape", `{"document":{"csaf_version":"2.0","tracking":{"id":"1"}},` + "\n" + `"vulnerabilities":[{"cve":7}]}`, "line 2, column 28: vulnerabilities.cve: unexpected number: malformed", assay.ErrMalformed},
		{"CSAF: withdrawn", csaf(`,"status":"deleted"`, ""), "withdrawn", assay.ErrMalformed},
		{"CSAF: no vulnerability", csaf("", "{}"), "vulnerabilities[0]: no vulnerability", assay.ErrMalformed},
		{"CSAF: purl", csaf("", `{"cve":"CVE-2024-1","product_status":{"fixed":["P"]}}`), `malformed package URL: "pkg:maven/@1.3.4"`, assay.ErrMalformed},
		{"CycloneDX: state", bom(`{"id":"CVE-2024-1","analysis":{"state":"fixed"}}`), "vulnerabilities[0].analysis.state", assay.ErrMalformed},
		{"CycloneDX: no vulnerability", bom(`{"id":"CVE-2024-1"},{}`), "vulnerabilities[1].id", assay.ErrMalformed},
		{"CycloneDX: no reference", bom(`{"id":"CVE-2024-1","affects":[{}]}`), "vulnerabilities[0].affects", assay.ErrMalformed},
		{"CycloneDX: time", bom(`{"id":"CVE-2024-1","analysis":{"firstIssued":"x"}}`), "vulnerabilities[0].analysis", assay.ErrMalformed},
		{"CycloneDX: another shape", bom(`{"id":"CVE-2024-1","affects":{}}`), "vulnerabilities[0].affects: unexpected value: object", assay.ErrMalformed},
		{"too many objects", `{"statements":[` + strings.Repeat("{},", maxObjects) + `{}]}`, "objects", assay.ErrTooLarge},
		{"too large a statement", `{"statements":["` + strings.Repeat("a", maxValue) + `"]}`, "statements[0]", assay.ErrTooLarge},
		{"too many errors", `{"statements":[` + strings.Repeat("1,", maxFaults+1) + `1]}`, "errors", assay.ErrMalformed},
		{"nested", strings.Repeat("[", 100_000), "line 1, column 2: ", assay.ErrMalformed},
		{"nested parts", vex(strings.Repeat(`{"products":[{"subcomponents":[`, 100_000)), "line 1, column 125: ", assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tt.in))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q, %v", err, tt.says, tt.want)
			}
		})
	}
}

// TestFaults: what is right is read from a document that has faults.
func TestFaults(t *testing.T) {
	d, faults, err := Parse([]byte(`{"statements":[7,{"vulnerability":"CVE-2024-1","status":"fixed","products":["pkg:npm/a",{},"pkg:npm"]},{"vulnerability":"CVE-2024-2","status":"fixed","products":["pkg:npm"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Statement{{Vulnerability: "CVE-2024-1", Status: assay.StatusFixed, Products: []Product{{PURL: "pkg:npm/a"}}}}
	if diff := cmp.Diff(want, d.Statements); diff != "" || len(faults) != 4 {
		t.Errorf("%v\n%s", faults, diff)
	}
}

// TestCycloneDXUnplaced: what is said of no part is one statement, whatever the state.
func TestCycloneDXUnplaced(t *testing.T) {
	for _, state := range []string{"not_affected", "false_positive", "exploitable", "resolved", "in_triage"} {
		d, err := Read(strings.NewReader(`{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-2024-1","analysis":{"state":"` + state + `"}}]}`))
		if err != nil || len(d.Statements) != 1 {
			t.Errorf("%s: %v, %v", state, d, err)
		}
	}
}

// TestPlace: a fault knows where in the document it is.
func TestPlace(t *testing.T) {
	for _, tt := range []struct{ name, in, at string }{
		{"a member", `{"a":[{}],"statements": [ {"vulnerability":"CVE-1","status":"fixed"} ,` + "\n" + `{"vulnerability":"CVE-2","status" : "well"}]}`, `"well"`},
		{"a member that is not there", `{"statements":[{"status":"fixed"}]}`, `{"status"`},
		{"an element", `{"statements":[{"vulnerability":"CVE-1","status":"fixed","products":["pkg:npm/a", {"x":1}]}]}`, `{"x"`},
		{"of another shape", "\xef\xbb\xbf" + `{"statements":[{"vulnerability":"CVE-1","status":"fixed"},7]}`, `7`},
		{"deep in another shape", `{"statements":[{"vulnerability":{"name":7}}]}`, `7`},
		{"a time", `{"statements":[], "timestamp": "today"}`, `"today"`},
		{"an author", `{"author": {}, "statements":[]}`, `{}`},
		{"a product", `{"statements":[{"vulnerability":"CVE-1","status":"fixed","products":["pkg:x"]}]}`, `{"vuln`},
		{"CycloneDX", `{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"x"}}]}`, `"x"`},
		{"CycloneDX: a time", `{"bomFormat":"CycloneDX","metadata":{"timestamp":"x"}}`, `"x"`},
		{"CSAF", `{"document":{"csaf_version":"2.0","tracking":{"id":"1"}},"vulnerabilities":[{"cve":"CVE-1"}, {"cwe":{}}]}`, `{"cwe`},
	} {
		_, err := Read(strings.NewReader(tt.in))
		var f *ParseError
		if !errors.As(err, &f) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got, want := f.Offset([]byte(tt.in)), strings.Index(tt.in, tt.at); got != want {
			t.Errorf("%s: %v is at %.20q", tt.name, err, tt.in[got:])
		}
	}
}

// TestCorpus reads the documents of other projects: products and statements by
// status.
func TestCorpus(t *testing.T) {
	const one, fixed, not, seen, bad = 1, assay.StatusFixed, assay.StatusNotAffected, assay.StatusUnderInvestigation, assay.StatusAffected
	type counts map[assay.Status]int
	for _, tt := range []struct {
		file, format string
		products     int
		want         counts
	}{
		{"feeds/openvex/samples/test.vex.json", "openvex", 0, counts{not: one, bad: one}},
		{"feeds/openvex/samples/document1.vex.json", "openvex", 1, counts{seen: one}},
		{"feeds/openvex/samples/document2.vex.json", "openvex", 1, counts{bad: one}},
		{"feeds/openvex/samples/csaf.json", "csaf", 1, counts{not: one}},
		{"feeds/openvex/samples/go-vex/v0.0.1.json", "openvex", 2, counts{fixed: one}},
		{"feeds/openvex/samples/go-vex/v0.0.1-noversion.json", "openvex", 2, counts{fixed: one}},
		{"feeds/openvex/samples/go-vex/v0.2.0.json", "openvex", 5, counts{fixed: 3, not: 2}},
		{"feeds/openvex/samples/go-vex/v001-1.vex.json", "openvex", 1, counts{seen: one}},
		{"feeds/openvex/samples/go-vex/v001-2.vex.json", "openvex", 1, counts{fixed: one}},
		{"feeds/openvex/samples/go-vex/v020-1.vex.json", "openvex", 1, counts{seen: one}},
		{"feeds/openvex/samples/go-vex/v020-2.vex.json", "openvex", 1, counts{seen: one}},
		{"feeds/_alt/openvex+go-vex/openvex/samples/go-vex/csaf.json", "csaf", 1, counts{not: one}},
		{"conformance/trivy/vex/file/openvex.json", "openvex", 1, counts{not: one}},
		{"feeds/security.access.redhat.com/data/csaf/v2/vex/2026/cve-2026-0968.json", "csaf", 21, counts{bad: 2, not: 1}},
	} {
		t.Run(filepath.Base(tt.file), func(t *testing.T) {
			b, err := os.ReadFile(corpus.Path(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			d, err := Read(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			got, products := counts{}, 0
			for _, s := range d.Statements {
				got[s.Status]++
				products += len(s.Products)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || products != tt.products || d.Format != tt.format {
				t.Errorf("%s, %d products\n%s", d.Format, products, diff)
			}
		})
	}
}

// TestTrivy is Trivy's own example: the statement is about a part of a module.
func TestTrivy(t *testing.T) {
	f, err := os.Open(corpus.Path(t, "conformance/trivy/vex/file/openvex.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	s := d.Statements[0]
	if s.Vulnerability != "CVE-2022-23628" || s.Justification != "vulnerable_code_not_in_execute_path" {
		t.Errorf("%+v", s)
	}
	if p := s.Products[0]; !matches(p.PURL, "pkg:golang/github.com/testdata/testdata@v1") || !matches(p.Subcomponents[0], "pkg:golang/github.com/open-policy-agent/opa@v0.35.0") {
		t.Errorf("%+v", p)
	}
}

func TestBOMLink(t *testing.T) {
	for _, s := range []string{"", "urn:cdx:", "urn:cdx:a", "urn:cdx:/1", "urn:cdx:a/b", "urn:uuid:a/1"} {
		if _, _, _, ok := BOMLink(s); ok {
			t.Errorf("%q is one", s)
		}
	}
	serial, version, ref, ok := BOMLink("urn:cdx:f08a6ccd/3#a%2Fb")
	if serial != "f08a6ccd" || version != 3 || ref != "a/b" || !ok {
		t.Error(serial, version, ref, ok)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{openvex, openvexOld, csafDoc, cyclonedx} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, faults, err := Parse(b)
		if err != nil {
			return
		}
		for _, s := range d.Statements {
			if s.Vulnerability == "" || s.Status == "" {
				t.Errorf("incomplete: %+v", s)
			}
			for _, p := range s.Products {
				if p.PURL+p.CPE+p.ID+p.Local+p.Ref == "" {
					t.Errorf("nameless: %+v", s)
				}
				matches(p.PURL, p.PURL)
			}
		}
		for _, f := range faults {
			if at := f.Offset(b); f.Where == "" || f.Why == "" || at < 0 || at > len(b) {
				t.Errorf("fault of nothing: %+v at %d", f, at)
			}
		}
	})
}
