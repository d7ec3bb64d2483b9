package rocky

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// packed is a record; packages are "product-without-Rocky-Linux|nevra|module".
func packed(name, kind, cves string, packages ...string) string {
	var pkgs, ids []string
	for _, p := range packages {
		f := strings.Split(p, "|")
		module, stream := "null", "null"
		if m, s, ok := strings.Cut(f[2], ":"); ok {
			module, stream = `"`+m+`"`, `"`+s+`"`
		}
		pkgs = append(pkgs, fmt.Sprintf(`{"nevra":%q,"module_name":%s,"module_stream":%s,"product_name":"Rocky Linux %s"}`, f[1], module, stream, f[0]))
	}
	for _, c := range strings.Fields(cves) {
		ids = append(ids, fmt.Sprintf(`{"cve":%q,"cvss3_scoring_vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","cwe":"CWE-770->CWE-1"}`, c))
	}
	return fmt.Sprintf(`{"name":%q,"synopsis":"Moderate: x security update","kind":%q,"severity":"Moderate","published_at":"2025-11-27T09:11:22.820964+00:00","updated_at":"2025-11-28T00:00:00Z","cves":[%s],"packages":[%s]}`,
		name, kind, strings.Join(ids, ","), strings.Join(pkgs, ","))
}

func pages(all ...string) contract.Documents {
	d := contract.Documents{}
	for i, p := range all {
		next := "null"
		if i+1 < len(all) {
			next = fmt.Sprintf(`"/api/v3/advisories/?page=%d"`, i+2)
		}
		d[Page(i+1)] = []byte(`{"advisories":[` + p + `],"total":1,"links":{"first":"/","next":` + next + `}}`)
	}
	return d
}

func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %v %s: %s %s{%s}%v", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Qualifiers.Module, p.Qualifiers.Arches)
			for _, r := range p.Ranges {
				s += " <" + r.Fixed
			}
			out = append(out, s)
		}
	}
	return out
}

func TestErrata(t *testing.T) {
	for _, tt := range []struct {
		name, record string
		want         []string
	}{
		{"two CVEs, two releases", packed("RLSA-2025:1", "Security", "CVE-2025-0002 CVE-2025-0001 odd", "9 x86_64|a-0:1-2.el9_4.x86_64.rpm|", "9 aarch64|a-0:1-2.el9_4.aarch64.rpm|", "10 x86_64|a-1:1-2.el10_1.x86_64.rpm|", "9 x86_64|a-0:1-2.el9_4.src.rpm|", "9 x86_64|a-debuginfo-0:1-2.el9_4.x86_64.rpm|"), []string{
			"CVE-2025-0001 [RLSA-2025:1] MEDIUM: rocky:10 a{}[x86_64] <1:1-2.el10_1", "CVE-2025-0002 [RLSA-2025:1] MEDIUM: rocky:10 a{}[x86_64] <1:1-2.el10_1",
			"CVE-2025-0001 [RLSA-2025:1] MEDIUM: rocky:9 a{}[aarch64 x86_64] <1-2.el9_4", "CVE-2025-0002 [RLSA-2025:1] MEDIUM: rocky:9 a{}[aarch64 x86_64] <1-2.el9_4"}},
		{"no CVE", packed("RLSA-2025:2", "Security", "", "8.4 x86_64 (Legacy)|a-0:1-2.el8_4.noarch.rpm|"), []string{"RLSA-2025:2 [] MEDIUM: rocky:8 a{}[] <1-2.el8_4"}},
		{"module, built again", packed("RLSA-2025:3", "Security", "CVE-2025-0001", "8 x86_64|node-1:18-2.module+el8.7.0+1108+b9.x86_64.rpm|nodejs:18", "8.4 x86_64 (Legacy)|node-1:18-2.module+el8.4.0+557+48.x86_64.rpm|nodejs:18"), []string{
			"CVE-2025-0001 [RLSA-2025:3] MEDIUM: rocky:8 node{nodejs:18}[x86_64] <1:18-2.module+el8.4.0+557+48"}},
		{"two source versions", packed("RLSA-2025:4", "Security", "CVE-2025-0001", "9 x86_64|a-0:1-2.el9.x86_64.rpm|", "9 x86_64|a-0:2-2.el9.x86_64.rpm|", "9 s390x|a-0:1-2.el9.s390x.rpm|"), []string{
			"CVE-2025-0001 [RLSA-2025:4] MEDIUM: rocky:9 a{}[s390x] <1-2.el9", "CVE-2025-0001 [RLSA-2025:4] MEDIUM: rocky:9 a{}[x86_64] <1-2.el9 <2-2.el9"}},
		{"bug fix", packed("RLBA-2025:1", "Bug Fix", "", "9 x86_64|a-0:1-2.el9.x86_64.rpm|"), []string{"not a security erratum"}},
		{"special interest group", packed("RXSA-2025:1", "Security", "", "9 x86_64|a-0:1-2.el9.x86_64.rpm|"), []string{"not a security erratum"}},
		{"no packages", packed("RLSA-2025:5", "Security", "", "SIG Cloud 9|a-0:1-2.el9.x86_64.rpm|", "9 x86_64|a|"), []string{"no package with a fixed version"}},
		{"malformed", `{"name": 7}`, []string{"malformed record"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, pages(tt.record, tt.record))
			if n := len(r.Advisories) / 2; tt.name == "two CVEs, two releases" && n != 2 {
				t.Errorf("%d: an erratum on two pages", n)
			}
			got := brief(r.Advisories)
			for why := range r.Skipped {
				got = append(got, why)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	a := contract.Fetch(t, Feed{}, pages(packed("RLSA-2025:1", "Security", "CVE-2025-0001", "9 x86_64|a-0:1-2.el9_4.x86_64.rpm|"))).Advisories[0]
	if a.Title != "x security update" || a.URL != "https://errata.rockylinux.org/RLSA-2025:1" || a.CVSS[0].Score != 7.5 || a.CWEs[0] != "CWE-770" || a.Published.Day() != 27 || a.Affected[0].FixDate.Day() != 27 {
		t.Errorf("%+v", a)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Wanted: "rocky:9", Documents: pages(packed("RLSA-2025:1", "Security", "CVE-2025-0001", "9 x86_64|a-0:1-2.el9.x86_64.rpm|", "8 x86_64|a-0:1-2.el8.x86_64.rpm|"), packed("RLBA-2025:1", "Bug Fix", ""))})
}

const small = `<oval_definitions><definitions><definition class="patch" id="d:1"><metadata><title>RLSA-2022:4582: gzip security update (Important)</title><reference ref_id="RLSA-2022:4582" source="RLSA"/>
	<description>gzip: a (CVE-2022-1271), b (CVE-2022-1271)</description><advisory><severity>Important</severity><issued date="2022-05-17"/></advisory></metadata>
	<criteria operator="OR"><criterion test_ref="t:1" comment="gzip is earlier than 0:1.9-9.el9_0"/><criterion test_ref="t:2" comment="gzip is earlier than 0:1.9-9.el8_0"/></criteria></definition></definitions></oval_definitions>`

func TestOVALContract(t *testing.T) {
	d := contract.Documents{Document("9"): []byte(small)}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Wanted: "rocky:9", Documents: d})
	if diff := cmp.Diff([]string{"CVE-2022-1271 [RLSA-2022:4582] HIGH: rocky:9 gzip{}[] <1.9-9.el9_0"}, brief(contract.Fetch(t, Feed{}, d).Advisories)); diff != "" {
		t.Error(diff)
	}
}

// TestOVALCorpus reads documents of 2023 and 2024, which have part of the errata;
// that of release 8 has none but those of 9.
func TestOVALCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n, notices, cves := map[assay.Stream]int{}, map[string]bool{}, 0
	for _, a := range r.Advisories {
		n[a.Affected[0].Stream] += len(a.Affected)
		if len(a.VendorIDs) > 0 {
			notices[a.VendorIDs[0]] = true
			cves++
		} else {
			notices[a.ID] = true
		}
		if a.Severity == assay.SeverityUnknown || a.Published.IsZero() || a.Title == "" {
			t.Errorf("%+v", a)
		}
	}
	if n["rocky:9"] != 5238 || len(n) != 1 || len(notices) != 175 || cves != 519 || r.Reasons()["no package with a fixed version"] != 64 {
		t.Errorf("%v, %d errata, %d of CVEs, %v", n, len(notices), cves, r.Reasons())
	}
}

// TestCorpus reads the samples of pages under their addresses, of which there
// are more.
func TestCorpus(t *testing.T) {
	d := contract.Documents{}
	for i, name := range []string{"page1.json", "page2.json"} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/apollo.build.resf.org/api/v3/advisories/"+name))
		if err != nil {
			t.Fatal(err)
		}
		d[Page(i+1)] = b
	}
	r := contract.Fetch(t, Feed{}, d)
	got := brief(r.Advisories)
	if len(got) != 9 || got[0] != "CVE-2025-58183 [RLSA-2025:21816] MEDIUM: rocky:10 delve{}[aarch64 ppc64le x86_64] <1.25.2-1.el10_1" || len(r.Skipped["not a security erratum"]) != 1 {
		t.Errorf("%d\n%s\n%v", len(got), strings.Join(got, "\n"), r.Skipped)
	}
}

func FuzzPage(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Page(1), func(b []byte) []byte { return []byte(`{"advisories":[` + string(b) + `],"links":{"next":null}}`) },
		packed("RLSA-2025:3", "Security", "CVE-2025-0001", "8 x86_64|node-1:18-2.module+el8.7.0+1108+b9.x86_64.rpm|nodejs:18"))
}

func FuzzOVAL(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document("9"), nil, small) }
