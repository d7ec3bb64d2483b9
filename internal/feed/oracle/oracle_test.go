package oracle

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// packages is criteria of "name version" for an architecture, or any.
func packages(arch string, all ...string) string {
	var out strings.Builder
	for _, p := range all {
		name, version, _ := strings.Cut(p, " ")
		fmt.Fprintf(&out, `<criteria operator="AND"><criterion test_ref="t:1" comment="%s is earlier than %s"/><criterion test_ref="t:2" comment="%[1]s is signed with the Oracle Linux 8 key"/></criteria>`, name, version)
	}
	s := `<criteria operator="OR">` + out.String() + `</criteria>`
	if arch == "" {
		return s
	}
	return `<criteria operator="AND"><criterion test_ref="t:3" comment="Oracle Linux arch is ` + arch + `"/>` + s + `</criteria>`
}

// definition is an erratum of Oracle Linux 8; Oracle's tests stand in the comments.
func definition(notice string, cves []string, criteria ...string) string {
	var refs, details string
	for _, id := range cves {
		refs += `<reference source="CVE" ref_id="` + id + `"/>`
		details += `<cve cvss3="7.8/CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H">` + id + `</cve>`
	}
	return `<definition id="d:1" class="patch"><metadata><title>
		ELSA-2024-1:  curl security update (IMPORTANT)</title><affected><platform>Oracle Linux 8</platform></affected>
		<reference source="elsa" ref_id="` + notice + `"/>` + refs + `<advisory><severity>IMPORTANT</severity><issued date="2024-05-15"/>` + details + `</advisory></metadata>
		<criteria operator="AND"><criterion test_ref="t:4" comment="Oracle Linux 8 is installed"/><criteria operator="OR">` + strings.Join(criteria, "") + `</criteria></criteria></definition>`
}

func document(definitions ...string) contract.Documents {
	return contract.Documents{Document: []byte(`<oval_definitions xmlns="urn:o"><definitions>` + strings.Join(definitions, "") + `</definitions></oval_definitions>`)}
}

// brief writes advisories as "ID notices: stream name{module}flavour[arches] <fixed …".
func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %v: %s %s{%s}%s%v", a.ID, a.VendorIDs, p.Stream, p.Name, p.Qualifiers.Module, p.Qualifiers.Flavour, p.Qualifiers.Arches)
			for _, g := range p.Ranges {
				s += " <" + g.Fixed
			}
			out = append(out, s)
		}
	}
	return out
}

func TestErrata(t *testing.T) {
	one := []string{"CVE-2024-0001"}
	for _, tt := range []struct {
		name, definition string
		want             []string
		skipped          string
	}{
		{"no architecture", definition("ELSA-2024-1", one, packages("", "curl 0:7-1.el8", "libcurl 1:7-1.el8")), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 curl{}[] <7-1.el8", "CVE-2024-0001 [ELSA-2024-1]: oracle:8 libcurl{}[] <1:7-1.el8"}, ""},
		{"the same on all", definition("ELSA-2024-1", one, packages("x86_64", "curl 0:7-1.el8"), packages("aarch64", "curl 0:7-1.el8")), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 curl{}[] <7-1.el8"}, ""},
		{"another on each", definition("ELSA-2024-1", one, packages("x86_64", "curl 0:7-1.el8"), packages("aarch64", "curl 0:7-2.el8")), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 curl{}[aarch64] <7-2.el8", "CVE-2024-0001 [ELSA-2024-1]: oracle:8 curl{}[x86_64 i686] <7-1.el8"}, ""},
		{"two builds", definition("ELSA-2024-1", one, packages("x86_64", "curl 0:7-1.0.1.el8", "curl 0:7-1.el8")), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 curl{}[x86_64 i686] <7-1.0.1.el8 <7-1.el8"}, ""},
		{"flavours", definition("ELSA-2024-1", one, packages("", "openssl 2:1.1.1g-15.ksplice1.el8_3", "openssl 1:1.1.1g-15.el8_3", "openssl 10:3.0-1.el8_fips")), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 openssl{}ksplice[] <2:1.1.1g-15.ksplice1.el8_3", "CVE-2024-0001 [ELSA-2024-1]: oracle:8 openssl{}[] <1:1.1.1g-15.el8_3",
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 openssl{}fips[] <10:3.0-1.el8_fips"}, ""},
		{"module", definition("ELSA-2024-1", one, `<criteria operator="AND"><criterion test_ref="t:5" comment="Module virt:ol is enabled"/>`+packages("", "hivex 0:1-1.module+el8")+`</criteria>`), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 hivex{virt:ol}[] <1-1.module+el8"}, ""},
		{"two CVEs", definition("ELSA-2024-1", []string{"CVE-2024-0002", "CVE-2024-0001"}, packages("", "curl 0:7-1.el8")), []string{
			"CVE-2024-0001 [ELSA-2024-1]: oracle:8 curl{}[] <7-1.el8", "CVE-2024-0002 [ELSA-2024-1]: oracle:8 curl{}[] <7-1.el8"}, ""},
		{"no CVE", definition("ELSA-2024-1", nil, packages("", "curl 0:7-1.el8")), []string{"ELSA-2024-1 []: oracle:8 curl{}[] <7-1.el8"}, ""},
		{"no package", definition("ELSA-2024-1", one), nil, "no package with a fixed version"},
		{"not an erratum", strings.ReplaceAll(definition("ELSA-2024-1", one, packages("", "curl 0:7")), `"elsa"`, `"other"`), nil, "not an erratum"},
		{"a release by platform", strings.ReplaceAll(definition("ELSA-2024-1", nil, packages("", "curl 0:7")), `8 is installed`, `is`), []string{"ELSA-2024-1 []: oracle:8 curl{}[] <7"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, document(tt.definition))
			if diff := cmp.Diff(tt.want, brief(r.Advisories)); diff != "" {
				t.Error(diff)
			}
			if len(r.Skipped[tt.skipped]) != len(r.Skipped) {
				t.Errorf("skipped %v, want %s", r.Skipped, tt.skipped)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Wanted: "oracle:8", Documents: document(
		definition("ELSA-2024-1", []string{"CVE-2024-0001"}, packages("x86_64", "curl 0:7-1.el8")),
		strings.ReplaceAll(definition("ELSA-2024-2", []string{"CVE-2024-0001"}, packages("x86_64", "curl 0:7-1.el9")), "Linux 8", "Linux 9"))})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if len(r.Skipped) > 0 {
		t.Errorf("skipped %v", r.Skipped)
	}
	want := []string{}
	for _, id := range []string{"CVE-2007-0493", "CVE-2007-0494"} {
		for _, name := range []string{"bind", "bind-chroot", "bind-devel", "bind-libbind-devel", "bind-libs", "bind-sdb", "bind-utils", "caching-nameserver"} {
			want = append(want, id+" [ELSA-2007-0057]: oracle:5 "+name+"{}[] <30:9.3.3-8.el5")
		}
	}
	for _, id := range []string{"CVE-2022-4144", "CVE-2023-0664"} {
		want = append(want, id+" [ELSA-2023-12342]: oracle:8 hivex{virt:kvm_utils}[aarch64] <1.3.18-21.module+el8.7.0+21037+8ee66348")
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
	a := r.Advisories[3]
	a.Affected = nil
	if diff := cmp.Diff(assay.Advisory{
		ID: "CVE-2023-0664", VendorIDs: []string{"ELSA-2023-12342"}, Feed: "oracle", Title: "virt:kvm_utils security update", Severity: assay.SeverityHigh,
		CVSS: []assay.CVSS{{Source: "oracle", Version: "3.1", Vector: "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", Score: 7.8}},
		URL:  "https://linux.oracle.com/errata/ELSA-2023-12342.html", Published: time.Date(2023, 5, 15, 0, 0, 0, 0, time.UTC),
	}, a); diff != "" {
		t.Error(diff)
	}
}

// TestSamples reads excerpts in place of the document.
func TestSamples(t *testing.T) {
	for name, want := range map[string]string{
		"ELSA-2007-0057.xml":     "2, 16, skipped map[]; CVE-2007-0494 [ELSA-2007-0057]: oracle:5 caching-nameserver{}[] <30:9.3.3-8.el5",
		"mock_data.xml":          "6, 40, skipped map[]; CVE-2018-7566 [ELSA-2018-4250]: oracle:6 kernel-uek-firmware{}[] <2.6.39-400.302.2.el6uek",
		"mock_ksplice_data.xml":  "2, 12, skipped map[]; CVE-2021-3450 [ELSA-2021-9151]: oracle:8 openssl-static{}ksplice[aarch64] <2:1.1.1g-15.ksplice1.el8_3",
		"mock_per_arch_data.xml": "6, 50, skipped map[]; CVE-2024-2307 [ELSA-2024-2961]: oracle:8 python3-osbuild{}[] <110-1.0.1.el8 <110-1.el8",
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/linux.oracle.com/security/oval/"+name))
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Fetch(t, Feed{}, contract.Documents{Document: b})
		all := brief(r.Advisories)
		if got := fmt.Sprintf("%d, %d, skipped %v; %s", len(r.Advisories), len(all), r.Reasons(), all[len(all)-1]); got != want {
			t.Errorf("%q: %q,", name, got)
		}
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, nil, string(document(definition("ELSA-2024-1", []string{"CVE-2024-0001"}, packages("x86_64", "curl 0:7-1.el8"), packages("aarch64", "curl 0:7-2.el8")))[Document]))
}
