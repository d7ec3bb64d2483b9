package redhat

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// packed makes an archive of names and contents.
func packed(files ...string) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))})
		w.Write([]byte(files[i+1]))
	}
	w.Close()
	z.Close()
	return buf.Bytes()
}

// A product of a test's document: its status, the CPE, the component's ID and
// purl, and what else is said of it.
type product struct{ group, cpe, id, purl, more string }

// sampleDocument is one about a CVE. More of a product is a category, details and a
// URL, or a flag.
func sampleDocument(id string, products ...product) string {
	var branches, relations, more, impact []string
	groups := map[string][]string{}
	for i, p := range products {
		name := fmt.Sprintf("P%d:%s", i, p.id)
		branches = append(branches, fmt.Sprintf(`{"category":"product_name","name":"P%d","product":{"product_id":"P%d","name":"P","product_identification_helper":{"cpe":%q}}}`, i, i, p.cpe),
			fmt.Sprintf(`{"category":"product_version","name":%q,"product":{"product_id":%q,"name":"c","product_identification_helper":{"purl":%q}}}`, p.id, p.id, p.purl))
		relations = append(relations, fmt.Sprintf(`{"category":"default_component_of","full_product_name":{"product_id":%q,"name":"n"},"product_reference":%q,"relates_to_product_reference":"P%d"}`, name, p.id, i))
		groups[p.group] = append(groups[p.group], fmt.Sprintf("%q", name))
		if w := strings.Split(p.more, "|"); len(w) == 3 {
			more = append(more, fmt.Sprintf(`{"category":%q,"details":%q,"url":%q,"date":"2024-05-01T00:00:00Z","product_ids":[%q]}`, w[0], w[1], w[2], name))
		} else if p.more != "" {
			impact = append(impact, fmt.Sprintf(`{"category":"impact","details":%q,"product_ids":[%q]}`, p.more, name))
		}
	}
	var status []string
	for _, g := range []string{"fixed", "known_affected", "known_not_affected", "under_investigation"} {
		if len(groups[g]) > 0 {
			status = append(status, fmt.Sprintf("%q:[%s]", g, strings.Join(groups[g], ",")))
		}
	}
	return fmt.Sprintf(`{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"T","aggregate_severity":{"text":"Important"},"tracking":{"id":%q,"status":"final","current_release_date":"2024-06-01T00:00:00Z"}},
		"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[%s]}],"relationships":[%s]},
		"vulnerabilities":[{"cve":%q,"cwe":{"id":"CWE-79"},"release_date":"2024-04-01T00:00:00Z","product_status":{%s},"remediations":[%s],"threats":[%s],"flags":[{"label":"component_not_present","product_ids":["P0:%s"]}],
		"scores":[{"products":[],"cvss_v3":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}]}]}`,
		id, strings.Join(branches, ","), strings.Join(relations, ","), id, strings.Join(status, ","), strings.Join(more, ","), strings.Join(impact, ","), products[0].id)
}

const repositories = `{"data": {
	"rhel-9-for-x86_64-baseos-rpms": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"], "repo_relative_urls": ["content/dist/rhel9"]},
	"rhel-10-for-x86_64-baseos-rpms": {"cpes": ["cpe:/o:redhat:enterprise_linux:10.0"]},
	"rhocp-4.14-for-rhel-9-x86_64-rpms": {"cpes": ["cpe:/a:redhat:openshift:4.14::el9"]},
	"rhocp-4.1-for-rhel-8-x86_64-rpms": {"cpes": ["cpe:/a:redhat:openshift:4.1::el8"]}}}`

const (
	baseos9 = "cpe:/o:redhat:enterprise_linux:9::baseos"
	curl    = "pkg:rpm/redhat/curl@7.76.1-26.el9_3.2?arch=x86_64&epoch=1"
	fix     = "vendor_fix|For details|https://access.redhat.com/errata/RHSA-2024:1"
)

// docs has one archive, of a day.
func docs(day string, files ...string) contract.Documents {
	name := "csaf_vex_" + day + ".tar.zst"
	return contract.Documents{Repositories: []byte(repositories), Latest: []byte(name), Directory + name: packed(files...)}
}

func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %v: %s %s{%s}[%s] %s %q", a.ID, strings.Join(a.VendorIDs, " "), p.Stream, p.Name, p.Qualifiers.Module, strings.Join(p.Qualifiers.Arches, " "), p.Status, p.Reason)
			for _, r := range p.Ranges {
				s += " <" + r.Fixed
			}
			for _, v := range p.Versions {
				s += " =" + v
			}
			if p.Severity != assay.SeverityUnknown {
				s += " " + p.Severity.String()
			}
			for _, c := range p.Qualifiers.CPEs {
				s += " " + strings.TrimPrefix(c, "cpe:/")
			}
			out = append(out, s)
		}
	}
	return out
}

func TestProducts(t *testing.T) {
	const el8 = "cpe:/o:redhat:enterprise_linux:8"
	for _, tt := range []struct {
		name     string
		products []product
		want     []string
	}{
		{"fixed", []product{{"fixed", baseos9, "a", curl, fix}, {"fixed", baseos9, "b", strings.Replace(curl, "x86_64", "s390x", 1), fix}, {"fixed", baseos9, "c", strings.Replace(curl, "x86_64", "src", 1), fix},
			{"fixed", "cpe:/a:redhat:enterprise_linux:9::appstream", "d", curl, fix}, {"fixed", baseos9, "e", "pkg:rpm/redhat/curl-debuginfo@7-1?arch=x86_64", fix}},
			[]string{`CVE-2024-1 RHSA-2024:1: rhel:9 curl{}[s390x x86_64] affected "" <1:7.76.1-26.el9_3.2 o:redhat:enterprise_linux:9::baseos`,
				`CVE-2024-1 RHSA-2024:1: rhel:9 curl{}[x86_64] affected "" <1:7.76.1-26.el9_3.2 a:redhat:enterprise_linux:9::appstream`}},
		{"two errata", []product{{"fixed", baseos9, "a", curl, strings.Replace(fix, ":1", ":2", 1)}, {"fixed", "cpe:/o:redhat:rhel_eus:9.2::baseos", "b", "pkg:rpm/redhat/curl@7.76.1-23.el9_2.4?arch=noarch&epoch=0", fix}},
			[]string{`CVE-2024-1 RHSA-2024:1: rhel:9 curl{}[] affected "" <7.76.1-23.el9_2.4 o:redhat:rhel_eus:9.2::baseos`,
				`CVE-2024-1 RHSA-2024:2: rhel:9 curl{}[x86_64] affected "" <1:7.76.1-26.el9_3.2 o:redhat:enterprise_linux:9::baseos`}},
		{"module", []product{{"fixed", "cpe:/a:redhat:enterprise_linux:8::appstream", "a", "pkg:rpm/redhat/perl-FCGI@0.78-12.module%2Bel8.10.0%2B23147%2B20b7d289?arch=x86_64&rpmmod=perl-FCGI:0.78:8100020250529111000:2f1c5fa1", fix}},
			[]string{`CVE-2024-1 RHSA-2024:1: rhel:8 perl-FCGI{perl-FCGI:0.78}[x86_64] affected "" <0.78-12.module+el8.10.0+23147+20b7d289 a:redhat:enterprise_linux:8::appstream`}},
		{"module's stream for a version", []product{{"known_affected", el8, "a", "pkg:rpm/redhat/go-toolset@rhel8?rpmmod=go-toolset:rhel8", "none_available|Affected|"}, {"known_not_affected", el8, "b", "pkg:rpm/redhat/golang@rhel8?arch=src&rpmmod=go-toolset:rhel8", ""},
			{"fixed", el8, "c", "pkg:rpm/redhat/delve@rhel8?arch=x86_64&rpmmod=go-toolset:rhel8", fix}, {"known_not_affected", el8, "d", "pkg:rpm/redhat/go-toolset@1.20.6-1.module%2Bel8?arch=x86_64&rpmmod=go-toolset:rhel8", ""}},
			[]string{`CVE-2024-1 : rhel:8 go-toolset{go-toolset:rhel8}[] affected "Affected" < o:redhat:enterprise_linux:8`,
				`CVE-2024-1 : rhel:8 go-toolset{go-toolset:rhel8}[x86_64] not_affected "" =1.20.6-1.module+el8 o:redhat:enterprise_linux:8`,
				`CVE-2024-1 : rhel:8 golang{go-toolset:rhel8}[src] not_affected "" < o:redhat:enterprise_linux:8`}},
		{"open", []product{{"known_affected", el8, "a", "pkg:rpm/redhat/a", "none_available|Affected|"}, {"known_affected", el8, "b.src", "pkg:rpm/redhat/b?arch=src", "none_available|Fix deferred|"},
			{"known_affected", el8, "c", "pkg:rpm/redhat/c", "no_fix_planned|Will not fix|"}, {"known_affected", el8, "d", "pkg:rpm/redhat/d?rpmmod=m:1", "no_fix_planned|Out of support scope|"},
			{"known_affected", el8, "e", "pkg:rpm/redhat/e", "workaround|Do not|"}, {"under_investigation", el8, "f", "pkg:rpm/redhat/f", "Low"}},
			[]string{`CVE-2024-1 : rhel:8 a{}[] affected "Affected" < o:redhat:enterprise_linux:8`, `CVE-2024-1 : rhel:8 b{}[src] fix_deferred "Fix deferred" < o:redhat:enterprise_linux:8`,
				`CVE-2024-1 : rhel:8 c{}[] will_not_fix "Will not fix" < o:redhat:enterprise_linux:8`, `CVE-2024-1 : rhel:8 d{m:1}[] end_of_life "Out of support scope" < o:redhat:enterprise_linux:8`,
				`CVE-2024-1 : rhel:8 e{}[] affected "" < o:redhat:enterprise_linux:8`, `CVE-2024-1 : rhel:8 f{}[] under_investigation "Under investigation" < LOW o:redhat:enterprise_linux:8`}},
		{"not affected", []product{{"known_not_affected", el8, "a", "pkg:rpm/redhat/a", ""}, {"known_not_affected", el8, "b", "pkg:rpm/redhat/b@2-1?arch=noarch", ""}},
			[]string{`CVE-2024-1 : rhel:8 a{}[] not_affected "component_not_present" < o:redhat:enterprise_linux:8`, `CVE-2024-1 : rhel:8 b{}[] not_affected "" =2-1 o:redhat:enterprise_linux:8`}},
		{"without purls", []product{{"known_affected", el8, "kernel", "", ""}, {"known_affected", el8, "nodejs:18/nodejs", "", ""}, {"fixed", el8, "openssl-1:3.0.7-27.el8.x86_64", "", fix}, {"known_affected", el8, "io.quarkus/quarkus", "", ""}},
			[]string{`CVE-2024-1 : rhel:8 kernel{}[src] affected "" < o:redhat:enterprise_linux:8`, `CVE-2024-1 : rhel:8 nodejs{nodejs:18}[src] affected "" < o:redhat:enterprise_linux:8`,
				`CVE-2024-1 RHSA-2024:1: rhel:8 openssl{}[x86_64] affected "" <1:3.0.7-27.el8 o:redhat:enterprise_linux:8`}},
		{"layered", []product{{"known_affected", "cpe:/a:redhat:openshift:4", "a", "pkg:rpm/redhat/a", ""}, {"known_affected", "cpe:/a:redhat:openshift:4.1", "b", "pkg:rpm/redhat/b", ""},
			{"fixed", "cpe:/a:redhat:openshift:4.1::el9", "c", "pkg:rpm/redhat/c@1-1.el9?arch=x86_64", fix}, {"fixed", "cpe:/a:redhat:openshift:4.1", "d", "pkg:rpm/redhat/d@1-1.el7?arch=x86_64", fix}},
			[]string{`CVE-2024-1 : rhel:8 a{}[] affected "" < a:redhat:openshift:4`, `CVE-2024-1 : rhel:8 b{}[] affected "" < a:redhat:openshift:4.1`, `CVE-2024-1 : rhel:9 a{}[] affected "" < a:redhat:openshift:4`,
				`CVE-2024-1 RHSA-2024:1: rhel:7 d{}[x86_64] affected "" <1-1.el7 a:redhat:openshift:4.1`, `CVE-2024-1 RHSA-2024:1: rhel:9 c{}[x86_64] affected "" <1-1.el9 a:redhat:openshift:4.1::el9`}},
		{"ten", []product{{"fixed", "cpe:/o:redhat:enterprise_linux:10.1", "a", "pkg:rpm/redhat/a@1-1.el10_1?arch=x86_64", fix}, {"fixed", "cpe:/o:redhat:enterprise_linux_eus:10.0", "b", "pkg:rpm/redhat/a@1-1.el10_0?arch=x86_64", fix}},
			[]string{`CVE-2024-1 RHSA-2024:1: rhel:10 a{}[x86_64] affected "" <1-1.el10_0 o:redhat:enterprise_linux_eus:10.0`, `CVE-2024-1 RHSA-2024:1: rhel:10 a{}[x86_64] affected "" <1-1.el10_1 o:redhat:enterprise_linux:10`}},
		{"containers", []product{{"fixed", el8, "a", "pkg:oci/a@sha256%3A01?arch=amd64", fix}}, []string{"no RPM package"}},
		{"hardened images", []product{{"fixed", "cpe:/a:redhat:hummingbird:1", "a", "pkg:rpm/redhat/go@1-1.hum1?arch=x86_64&distro=hummingbird-20251124", fix}}, []string{"no RPM package"}},
		{"no repository", []product{{"known_affected", "cpe:/a:redhat:enterprise_linux_ai:3", "a", "pkg:rpm/redhat/go", ""}}, []string{"products in no repository"}},
		{"symbols", []product{{"fixed", el8, "a", "pkg:rpm/redhat/a-debugsource@1-1?arch=x86_64", fix}}, []string{"only packages of debug symbols or sources"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, docs("2024-08-04", "2024/cve-2024-1.json", sampleDocument("CVE-2024-1", tt.products...)), "rhel:*")
			got := brief(r.Advisories)
			for why := range r.Skipped {
				got = append(got, why)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestModules holds that a module is read from its purl, whatever else that has.
func TestModules(t *testing.T) {
	for purl, want := range map[string]string{
		"pkg:rpmmod/redhat/go-toolset@rhel8":                                            "go-toolset:rhel8",
		"pkg:rpmmod/redhat/go-toolset@rhel8?rpmmod=go-toolset:rhel8":                    "go-toolset:rhel8",
		"pkg:rpmmod/redhat/perl-FCGI@0.78:8100020250529111000:2f1c5fa1?arch=x86_64":     "perl-FCGI:0.78",
		"pkg:rpmmod/redhat/perl-FCGI@0.78%3A8100020250529111000%3A2f1c5fa1?arch=x86_64": "perl-FCGI:0.78",
		"pkg:rpmmod/redhat/go-toolset":                                                  "",
		"pkg:rpm/redhat/go-toolset@rhel8":                                               "",
	} {
		if got := moduleOf(purl); got != want {
			t.Errorf("%s: %q, want %q", purl, got, want)
		}
	}
}

func TestWhole(t *testing.T) {
	d := docs("2024-08-04", "2024/a.json", sampleDocument("CVE-2024-1", product{"fixed", baseos9, "a", curl, fix}), "2024/b.json", "{}", "2024/c.json", `{"document":{"tracking":{"id":"CVE-2024-2","status":"deleted"}}}`,
		"2024/d.json", `{"document":{"tracking":{"id":"CVE-2024-3"}}}`)
	r := contract.Fetch(t, Feed{}, d)
	if diff := cmp.Diff(map[string][]string{"malformed record": {"b.json"}, "withdrawn": {"CVE-2024-2"}, "document without a vulnerability": {"CVE-2024-3"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	got := r.Advisories[len(r.Advisories)-1]
	if got.URL != page+"CVE-2024-1" || got.Title != "T" || got.Severity != assay.SeverityHigh || len(got.CVSS) != 1 || got.CVSS[0].Score != 7.5 || got.CWEs[0] != "CWE-79" ||
		got.Published.Month() != 4 || got.Modified.Month() != 6 || got.Affected[0].FixDate.Month() != 5 {
		t.Errorf("%+v", got)
	}
	want := []string{ // content sets
		`rhel-9-for-x86_64-baseos-rpms : rhel-cpe rhel-9-for-x86_64-baseos-rpms{}[] unknown "" < o:redhat:enterprise_linux:9::baseos`,
		`rhel-10-for-x86_64-baseos-rpms : rhel-cpe rhel-10-for-x86_64-baseos-rpms{}[] unknown "" < o:redhat:enterprise_linux:10`,
		`rhocp-4.14-for-rhel-9-x86_64-rpms : rhel-cpe rhocp-4.14-for-rhel-9-x86_64-rpms{}[] unknown "" < a:redhat:openshift:4.14::el9`,
		`rhocp-4.1-for-rhel-8-x86_64-rpms : rhel-cpe rhocp-4.1-for-rhel-8-x86_64-rpms{}[] unknown "" < a:redhat:openshift:4.1::el8`,
	}
	if diff := cmp.Diff(want, brief(r.Advisories[:len(r.Advisories)-1])); diff != "" {
		t.Error(diff)
	}
	delete(d, Latest) // not needed for content sets
	d[RepositoriesNew] = d[Repositories]
	delete(d, Repositories)
	if diff := cmp.Diff(want, brief(contract.Fetch(t, Feed{}, d, StreamRepositories).Advisories)); diff != "" {
		t.Error(diff)
	}
}

func TestContract(t *testing.T) {
	d := docs("2024-08-04", "2024/cve-2024-1.json", sampleDocument("CVE-2024-1", product{"fixed", baseos9, "a", curl, fix}, product{"known_affected", "cpe:/o:redhat:enterprise_linux:8", "b", "pkg:rpm/redhat/a", ""}))
	d[Changes] = []byte("\"2024/cve-2024-1.json\",\"2024-08-01T00:00:00+00:00\"\n")
	d[Deletions] = []byte("\"2024/cve-2024-2.json\",\"2024-08-01T00:00:00+00:00\"\n")
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: d, Wanted: "rhel:9"})
}

// keeper holds documents and counts what is got.
type keeper struct {
	contract.Documents
	held contract.Documents
	got  []string
}

func (k *keeper) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	k.got = append(k.got, strings.TrimPrefix(url, Directory))
	return k.Documents.Get(ctx, url)
}

func (k *keeper) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return k.held.Get(ctx, url)
}

func (k *keeper) GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error) {
	k.got = append(k.got, strings.TrimPrefix(url, Directory)+" "+version)
	return k.Documents.Get(ctx, url)
}

func TestIncrements(t *testing.T) {
	one := func(id, version string) string {
		return sampleDocument(id, product{"fixed", baseos9, "a", "pkg:rpm/redhat/a@" + version, fix})
	}
	held := docs("2024-08-04", "2024/cve-2024-1.json", one("CVE-2024-1", "1"), "2024/cve-2024-2.json", one("CVE-2024-2", "1"), "2024/cve-2024-3.json", one("CVE-2024-3", "1"), "./2024/cve-2024-4.json", one("CVE-2024-4", "1"))
	many := ""
	for i := range maxChanged + 1 {
		many += fmt.Sprintf("2024/cve-2024-1%03d.json,2024-08-09T00:00:00Z\n", i)
	}
	const before, after, later = ",2024-08-01T00:00:00Z\n", ",2024-08-05T00:00:00Z\n", ",2024-08-06T00:00:00Z\n"
	for _, tt := range []struct {
		name, changes, deletions string
		held                     bool
		want, got                []string
	}{
		{"nothing held", "2024/cve-2024-1.json" + before, "", false, []string{"CVE-2024-1 <9"}, []string{"changes.csv", "deletions.csv", "archive_latest.txt", "csaf_vex_2024-08-10.tar.zst"}},
		{"no list", "", "", true, []string{"CVE-2024-1 <9"}, []string{"changes.csv", "deletions.csv", "archive_latest.txt", "csaf_vex_2024-08-10.tar.zst"}},
		{"nothing changed", "2024/cve-2024-1.json" + before, "", true, []string{"CVE-2024-1 <1", "CVE-2024-2 <1", "CVE-2024-3 <1", "CVE-2024-4 <1"}, []string{"changes.csv", "deletions.csv"}},
		{"changed, new, deleted, gone, back", "2024/cve-2024-2.json" + after + "2024/cve-2024-5.json" + after + "2024/cve-2024-1.json" + after + "2024/cve-2024-4.json" + later,
			"2024/cve-2024-3.json" + after + "2024/cve-2024-4.json" + after, true,
			[]string{"CVE-2024-2 <2", "CVE-2024-4 <2", "CVE-2024-5 <2", "CVE-2024-1 <1", "withdrawn"},
			[]string{"changes.csv", "deletions.csv", "2024/cve-2024-1.json 2024-08-05T00:00:00Z", "2024/cve-2024-2.json 2024-08-05T00:00:00Z", "2024/cve-2024-4.json 2024-08-06T00:00:00Z", "2024/cve-2024-5.json 2024-08-05T00:00:00Z"}},
		{"much changed", many, "", true, []string{"CVE-2024-1 <9"}, []string{"changes.csv", "deletions.csv", "archive_latest.txt", "csaf_vex_2024-08-10.tar.zst"}},
		{"newer than today's", strings.ReplaceAll(many, "2024-08-09", "2024-08-07") + "2024/cve-2024-2.json,2024-08-11T00:00:00Z", "", true, []string{"CVE-2024-2 <2", "CVE-2024-1 <9"},
			[]string{"changes.csv", "deletions.csv", "archive_latest.txt", "csaf_vex_2024-08-10.tar.zst", "2024/cve-2024-2.json 2024-08-11T00:00:00Z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &keeper{Documents: docs("2024-08-10", "2024/cve-2024-1.json", one("CVE-2024-1", "9")), held: contract.Documents{}}
			for _, id := range []string{"2", "4", "5"} {
				k.Documents[Directory+"2024/cve-2024-"+id+".json"] = []byte(one("CVE-2024-"+id, "2"))
			}
			if tt.held {
				k.held = held
			}
			if tt.changes != "" {
				k.Documents[Changes] = []byte(tt.changes)
			}
			if tt.deletions != "" {
				k.Documents[Deletions] = []byte(tt.deletions)
			}
			r := contract.Fetch(t, Feed{}, k, "rhel:*")
			var got []string
			for _, a := range r.Advisories {
				got = append(got, a.ID+" <"+a.Affected[0].Ranges[0].Fixed)
			}
			for why := range r.Skipped {
				got = append(got, why)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.got, k.got[1:]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTooMany: of documents newer than today's archive the newest are got; the
// others stay as they were had last, and never go back behind that.
func TestTooMany(t *testing.T) {
	one := func(id, version, modified string) []byte {
		d := sampleDocument(id, product{"fixed", baseos9, "a", "pkg:rpm/redhat/a@" + version, fix})
		return []byte(strings.Replace(d, "2024-06-01T", modified+"T", 1))
	}
	k := &keeper{Documents: docs("2024-08-10", "2024/cve-2024-1.json", string(one("CVE-2024-1", "1", "2024-08-10")), "2024/cve-2024-2.json", string(one("CVE-2024-2", "1", "2024-08-10")),
		"2024/cve-2024-3.json", string(one("CVE-2024-3", "1", "2024-08-10")))}
	k.held = contract.Documents{
		Directory + "2024/cve-2024-1.json": one("CVE-2024-1", "2", "2024-08-11"), // newer than the archive's
		Directory + "2024/cve-2024-2.json": one("CVE-2024-2", "0", "2024-08-09"),
		Directory + "2024/cve-2024-4.json": one("CVE-2024-4", "2", "2024-08-11"), // not in the archive
	}
	var changes strings.Builder
	for i := range maxNewer {
		fmt.Fprintf(&changes, "2025/cve-2025-%d.json,2024-08-13T00:00:00Z\n", 1000+i)
	}
	for i := range 5 {
		fmt.Fprintf(&changes, "2024/cve-2024-%d.json,2024-08-12T00:00:00Z\n", 1+i)
	}
	k.Documents[Changes] = []byte(changes.String())
	k.Documents[Directory+"2025/cve-2025-1000.json"] = one("CVE-2025-1000", "9", "2024-08-13")
	r := contract.Fetch(t, Feed{}, k, "rhel:*")
	var got []string
	for _, a := range r.Advisories {
		got = append(got, a.ID+" <"+a.Affected[0].Ranges[0].Fixed)
	}
	if diff := cmp.Diff([]string{"CVE-2025-1000 <9", "CVE-2024-1 <2", "CVE-2024-2 <1", "CVE-2024-3 <1", "CVE-2024-4 <2"}, got); diff != "" {
		t.Error(diff)
	}
	if n := r.Reasons()["changed after the archive, with too many other documents"]; n != 5 || len(k.got) < maxNewer {
		t.Errorf("skipped %v, got %d", r.Skipped, len(k.got))
	}
}

// TestCorpus reads the archive of 2024 with its list of deletions, and the
// content sets of 2023.
func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	sets, rows := 0, 0
	for _, a := range r.Advisories {
		if a.Affected[0].Stream == StreamRepositories {
			sets++
		} else {
			rows += len(a.Affected)
		}
	}
	if sets != 8564 || rows != 250 {
		t.Errorf("%d content sets, %d rows", sets, rows)
	}
	if diff := cmp.Diff(map[string][]string{"withdrawn": {"cve-2023-6237.json"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

// TestDocuments reads the documents that are there one by one. How many
// packages, with their versions, each names as fixed, open and not affected was
// counted by another program.
func TestDocuments(t *testing.T) {
	sets, err := os.ReadFile(corpus.Path(t, "feeds/security.access.redhat.com/data/metrics/repository-to-cpe.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want, line string }{
		{"2023/cve-2023-38545.json", "25 0 102", `CVE-2023-38545 RHSA-2023:5763: rhel:9 curl{}[aarch64 ppc64le s390x x86_64] affected "" <7.76.1-23.el9_2.4 a:redhat:enterprise_linux:9::appstream o:redhat:enterprise_linux:9::baseos`},
		{"2023/cve-2023-4154.json", "0 0 62", `CVE-2023-4154 : rhel:7 samba{}[src] not_affected "vulnerable_code_not_present" < a:redhat:storage:3 o:redhat:enterprise_linux:7`},
		{"2024/cve-2024-0727-openssl.json", "8 13 5", `CVE-2024-0727 : rhel:8 compat-openssl10{}[src] fix_deferred "Fix deferred" < o:redhat:enterprise_linux:8`},
		{"2025/cve-2025-40907-perl.json", "24 0 0", `CVE-2025-40907 RHSA-2025:8698: rhel:8 perl-FCGI{perl-FCGI:0.78}[x86_64] affected "" <1:0.78-11.module+el8.8.0+23188+11a20ed6.1 a:redhat:rhel_tus:8.8::appstream`},
		{"2025/cve-2025-6176.json", "41 2 4", `CVE-2025-6176 : rhel:8 python-brotli{satellite:el8}[src] affected "Affected" < a:redhat:satellite:6`},
		{"2026/cve-2026-0968.json", "0 4 4", `CVE-2026-0968 : rhel:10 libssh-config{}[] affected "Affected" < o:redhat:enterprise_linux:10`},
		{"2026/cve-2026-2673.json", "0 23 0", `CVE-2026-2673 : rhel:9 openssl-libs{}[] fix_deferred "Fix deferred" < o:redhat:enterprise_linux:9`},
		{"2026/cve-2026-27142.json", "0 9 0", `CVE-2026-27142 : rhel:8 golang{go-toolset:rhel8}[src] fix_deferred "Fix deferred" < o:redhat:enterprise_linux:8`},
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/security.access.redhat.com/data/csaf/v2/vex/"+tt.name))
		if err != nil {
			t.Fatal(err)
		}
		d := docs("2026-04-01", tt.name, string(b))
		d[Repositories] = sets
		r := contract.Fetch(t, Feed{}, d, "rhel:*")
		n := map[string]map[string]bool{"fixed": {}, "open": {}, "not": {}}
		for _, a := range r.Advisories {
			for _, p := range a.Affected {
				group, version := "open", strings.Join(p.Versions, " ")
				if version == "" {
					version = p.Ranges[0].Fixed
				}
				if p.Status == assay.StatusNotAffected {
					group = "not"
				} else if version != "" {
					group = "fixed"
				}
				n[group][fmt.Sprint(p.Name, version, slices.Equal(p.Qualifiers.Arches, []string{"src"}))] = true
			}
		}
		lines := brief(r.Advisories)
		if got := fmt.Sprint(len(n["fixed"]), len(n["open"]), len(n["not"])); got != tt.want || !slices.Contains(lines, tt.line) {
			t.Errorf("%s: %s, want %s, and %s among %d lines", tt.name, got, tt.want, tt.line, len(lines))
		}
	}
}

func TestBroken(t *testing.T) {
	for name, d := range map[string]contract.Documents{
		"no documents": docs("2024-08-04", "README", "x"),
		"no archive":   {Repositories: []byte(repositories), Latest: []byte("https://example.org/a.tar.zst")},
	} {
		if err := (Feed{}).Fetch(t.Context(), d, nil, &contract.Records{}); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(sampleDocument("CVE-2024-1", product{"fixed", baseos9, "a", curl, fix}, product{"known_affected", "cpe:/a:redhat:openshift:4", "b", "pkg:rpm/redhat/a?rpmmod=m:1:2", ""})))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &contract.Records{}
		e := &emitter{s: r, releases: map[string][]string{}, products: []string{"cpe:/a:redhat:openshift:4.14::el9"}}
		if err := e.document("x", b, nil); err != nil {
			t.Error(err)
		}
		for _, a := range r.Advisories {
			for _, p := range a.Affected {
				if a.ID == "" || p.Name == "" || p.Status == "" || len(p.Ranges)+len(p.Versions) == 0 || len(p.Qualifiers.CPEs) == 0 {
					t.Errorf("%+v", a)
				}
			}
		}
	})
}
