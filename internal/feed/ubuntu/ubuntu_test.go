package ubuntu

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// packed is an archive of files: name, content, name, content.
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

const head = `Candidate: CVE-2020-0001
PublicDate: 2020-03-10 20:15:00 UTC
References:
 https://www.cve.org/CVERecord?id=CVE-2020-0001
 https://usn.ubuntu.com/usn/usn-4132-1
 https://ubuntu.com/security/notices/USN-4132-2
Description:
 Words, with_a_colon: here.
Priority: medium (heap-protector)
Priority_zlib: low
 Nobody uses it.
CVSS:
 nvd: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N [7.5 HIGH]
Tags_curl: universe-binary

Patches_curl:
 upstream: https://curl.example/1
upstream_curl: released (7.9)
`

func tracker(rows ...string) []byte {
	return packed("t/active/CVE-2020-0001", head+strings.Join(rows, "\n"), "t/active/00boilerplate", "x", "t/README", "x")
}

// brief writes advisories as "ID name notices severity: stream{flavour} status reason <fixed date; …".
func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		s := fmt.Sprintf("%s %s %v %s:", a.ID, a.Affected[0].Name, a.VendorIDs, a.Severity)
		for i, p := range a.Affected {
			if i > 0 {
				s += ";"
			}
			s += " " + strings.TrimPrefix(string(p.Stream), "ubuntu")
			if p.Qualifiers.Flavour != "" {
				s += "{" + p.Qualifiers.Flavour + "}"
			}
			s += " " + string(p.Status)
			if p.Reason != "" {
				s += fmt.Sprintf(" %q", p.Reason)
			}
			if p.Ranges[0].Fixed != "" {
				s += " <" + p.Ranges[0].Fixed
			}
			if !p.FixDate.IsZero() {
				s += p.FixDate.Format(" 0102")
			}
		}
		out = append(out, s)
	}
	return out
}

func skipped(r *contract.Records) string {
	var out []string
	for why, ids := range r.Skipped {
		out = append(out, fmt.Sprintf("%s %d", why, len(ids)))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestTracker(t *testing.T) {
	const curl = "CVE-2020-0001 curl [USN-4132-1 USN-4132-2] MEDIUM: "
	for _, tt := range []struct {
		name    string
		rows    []string
		want    []string
		skipped string
	}{
		{"released", []string{"artful_curl: released (7.8-1ubuntu1)"}, []string{curl + ":17.10 affected <7.8-1ubuntu1"}, ""},
		{"in brackets, no blank", []string{"artful_curl:released [7.8-1]"}, []string{curl + ":17.10 affected <7.8-1"}, ""},
		{"released, who knows when", []string{"artful_curl: released", "eoan_curl: released (unknown version)", "disco_curl: released (CVE-2010-1)"}, nil, "released without a version 3"},
		{"needed", []string{"artful_curl: needed"}, []string{curl + `:17.10 affected "needed"`}, ""},
		{"pending", []string{"artful_curl: pending (7.8-2)", "eoan_curl: pending"}, []string{curl + `:17.10 affected "pending (7.8-2)" <7.8-2`, curl + `:19.10 affected "pending"`}, ""},
		{"needs triage", []string{"artful_curl: needs-triage"}, []string{curl + `:17.10 under_investigation "needs-triage"`}, ""},
		{"deferred", []string{"artful_curl: deferred (2020-01-01)"}, []string{curl + `:17.10 fix_deferred "deferred (2020-01-01)"`}, ""},
		{"ignored", []string{"artful_curl: ignored (see notes)", "eoan_curl: ignored"}, []string{curl + `:17.10 will_not_fix "ignored (see notes)"`, curl + `:19.10 will_not_fix "ignored"`}, ""},
		{"at its end", []string{"artful_curl: ignored (reached end-of-life)", "eoan_curl: ignored (end of life, was needed)", "disco_curl: ignored (out of standard support)", "cosmic_curl: ignored (was needs-triage now end-of-life)"}, []string{
			curl + `:17.10 end_of_life "ignored (reached end-of-life)"`, curl + `:19.10 end_of_life "ignored (end of life, was needed)"`,
			curl + `:19.04 end_of_life "ignored (out of standard support)"`, curl + `:18.10 end_of_life "ignored (was needs-triage now end-of-life)"`}, ""},
		{"not affected", []string{"artful_curl: not-affected (code not present)"}, []string{curl + `:17.10 not_affected "not-affected (code not present)"`}, ""},
		{"not there", []string{"artful_curl: DNE"}, nil, "package not in the release 1"},
		{"a new state", []string{"artful_curl: solved", "eoan_curl:"}, nil, "unknown status 2"},
		{"long term", []string{"xenial_curl: needed"}, []string{curl + `:16.04 affected "needed"; -esm:16.04 affected "needed"`}, ""},
		{"ESM alone", []string{"trusty/esm_curl: released (7-1+esm1)"}, []string{curl + `-esm:14.04 affected <7-1+esm1`}, ""},
		{"ESM decides", []string{"xenial_curl: ignored (out of standard support)", "esm-infra/xenial_curl: released (7-1+esm1)"}, []string{
			curl + `:16.04 end_of_life "ignored (out of standard support)"; -esm:16.04 affected <7-1+esm1`}, ""},
		{"a fix for everybody", []string{"trusty_curl: released (7-1)", "trusty/esm_curl: not-affected (7-1)"}, []string{curl + `:14.04 affected <7-1; -esm:14.04 affected <7-1`}, ""},
		{"not in ESM", []string{"trusty_curl: needed", "trusty/esm_curl: DNE"}, []string{curl + `:14.04 affected "needed"; -esm:14.04 affected "needed"`}, "package not in the release 1"},
		{"two pockets of ESM", []string{"esm-infra/focal_curl: needed", "esm-apps/focal_curl: released (1+esm1)"}, []string{curl + `-esm:20.04 affected <1+esm1`}, ""},
		{"FIPS", []string{"jammy_curl: needed", "fips-updates/jammy_curl: released (1+Fips1)"}, []string{
			curl + `:22.04 affected "needed"; -esm:22.04 affected "needed"; :22.04{fips} affected <1+Fips1; -esm:22.04{fips} affected <1+Fips1`}, ""},
		{"other products", []string{"vivid/ubuntu-core_curl: needed", "bluefield/jammy_curl: needed", "snap_curl: needed"}, nil, "product other than a release 2, unknown release name 1"},
		{"a package's priority", []string{"artful_zlib: needed"}, []string{`CVE-2020-0001 zlib [USN-4132-1 USN-4132-2] LOW: :17.10 affected "needed"`}, ""},
		{"the next release", []string{"devel_curl: needed", "eoan_zlib: DNE"}, []string{curl + `:20.04 affected "needed"; -esm:20.04 affected "needed"`}, "package not in the release 1"},
		{"after which nobody knows", []string{"devel_curl: needed"}, nil, "release under development 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, contract.Documents{Tracker: tracker(tt.rows...)})
			if diff := cmp.Diff(tt.want, brief(r.Advisories)); diff != "" || skipped(r) != tt.skipped {
				t.Errorf("skipped %s, want %s\n%s", skipped(r), tt.skipped, diff)
			}
			for _, a := range r.Advisories {
				if len(a.CVSS) != 1 || a.CVSS[0].Score != 7.5 || a.Published.Format("0102") != "0310" || a.URL != page+"CVE-2020-0001" {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}

// entry is a package in a record of OSV.
func entry(ecosystem, name, fixed, more string) string {
	events := `{"introduced":"0"}`
	if fixed != "" {
		events += `,{"fixed":"` + fixed + `"}`
	}
	return fmt.Sprintf(`{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[%s]}]%s}`, ecosystem, name, events, more)
}

func osvRecord(id, more string, entries ...string) string {
	return fmt.Sprintf(`{"id":%q,"published":"2022-09-15T16:43:06Z"%s,"affected":[%s]}`, id, more, strings.Join(entries, ","))
}

func TestOSV(t *testing.T) {
	const rated = `,"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N"},{"type":"Ubuntu","score":"negligible"}],"related":["USN-1-1"]`
	const cves = `,"upstream":["UBUNTU-CVE-2022-0001"]`
	for _, tt := range []struct {
		name    string
		records []string
		want    []string
		skipped string
	}{
		{"fixed", []string{osvRecord("UBUNTU-CVE-2022-0001", rated, entry("Ubuntu:22.10", "curl", "7-2", ""))}, []string{
			"CVE-2022-0001 curl [USN-1-1] NEGLIGIBLE: :22.10 affected <7-2"}, ""},
		{"no fix", []string{osvRecord("UBUNTU-CVE-2022-0001", rated, entry("Ubuntu:22.10", "curl", "", ""))}, []string{
			"CVE-2022-0001 curl [USN-1-1] NEGLIGIBLE: :22.10 affected"}, ""},
		{"long term and Pro", []string{osvRecord("UBUNTU-CVE-2022-0001", "", entry("Ubuntu:22.04:LTS", "curl", "", ""), entry("Ubuntu:Pro:22.04:LTS", "curl", "7-2+esm1", ""), entry("Ubuntu:Pro:FIPS-updates:22.04:LTS", "curl", "7-2+Fips", ""))}, []string{
			"CVE-2022-0001 curl [] UNKNOWN: :22.04 affected; -esm:22.04 affected <7-2+esm1; :22.04{fips} affected <7-2+Fips; -esm:22.04{fips} affected <7-2+Fips"}, ""},
		{"an older form", []string{osvRecord("UBUNTU-CVE-2022-0001", "", entry("Ubuntu:22.10", "curl", "7-2", `,"ecosystem_specific":{"ubuntu_priority":"high"}`))}, []string{
			"CVE-2022-0001 curl [] HIGH: :22.10 affected <7-2"}, ""},
		{"a notice takes the record's place", []string{osvRecord("USN-1-1", cves, entry("Ubuntu:22.10", "curl", "7-2", ""))}, []string{
			"CVE-2022-0001 curl [USN-1-1] UNKNOWN: :22.10 affected <7-2 0915"}, ""},
		{"a notice mends", []string{osvRecord("USN-2-1", cves, entry("Ubuntu:22.04:LTS", "curl", "7-2", "")), osvRecord("USN-2-2", cves, entry("Ubuntu:22.04:LTS", "curl", "7-10", "")),
			osvRecord("USN-2-3", cves, entry("Ubuntu:Pro:20.04:LTS", "curl", "6-1+esm1", "")),
			osvRecord("UBUNTU-CVE-2022-0001", "", entry("Ubuntu:22.04:LTS", "curl", "", ""), entry("Ubuntu:20.04:LTS", "curl", "", ""))}, []string{
			"CVE-2022-0001 curl [USN-2-1 USN-2-2] UNKNOWN: :22.04 affected <7-10 0915; -esm:22.04 affected <7-10 0915",
			"CVE-2022-0001 curl [USN-2-3] UNKNOWN: :20.04 affected; -esm:20.04 affected <6-1+esm1 0915"}, ""},
		{"a notice of several", []string{osvRecord("USN-1-1", cves, entry("Ubuntu:22.10", "curl", "7-2", `,"database_specific":{"cves_map":{"cves":[{"id":"CVE-2022-0002","severity":[{"type":"Ubuntu","score":"low"}]}]}}`))}, []string{
			"CVE-2022-0002 curl [USN-1-1] LOW: :22.10 affected <7-2 0915"}, ""},
		{"a notice without CVE", []string{osvRecord("USN-1-1", `,"summary":"curl vulnerability"`, entry("Ubuntu:22.10", "curl", "7-2", "")), osvRecord("USN-1-2", `,"summary":"curl regression"`, entry("Ubuntu:22.10", "curl", "7-3", ""))}, []string{
			"USN-1-1 curl [] UNKNOWN: :22.10 affected <7-2 0915"}, "notice without CVE 1"},
		{"others", []string{osvRecord("LSN-1-1", cves, entry("Ubuntu:22.10", "linux", "1", "")), osvRecord("UBUNTU-CVE-2022-0001", `,"withdrawn":"2023-01-01T00:00:00Z"`), osvRecord("UBUNTU-1", ""), `{"id":5}`,
			osvRecord("UBUNTU-CVE-2022-0002", ""), osvRecord("UBUNTU-CVE-2022-0003", "", entry("Ubuntu:Pro:Realtime:22.04:LTS", "linux", "1", ""))}, nil,
			"live patch notice 1, malformed record 1, no CVE 1, no affected package 1, product other than a release 1, withdrawn 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var files []string
			for i, rec := range tt.records {
				name := "UBUNTU-" + fmt.Sprint(i)
				for _, prefix := range []string{"USN", "LSN"} {
					if strings.Contains(rec, `"id":"`+prefix) {
						name = prefix + "-" + fmt.Sprint(i)
					}
				}
				files = append(files, "osv/"+name+".json", rec)
			}
			r := contract.Fetch(t, Feed{}, contract.Documents{OSV: packed(files...)})
			if diff := cmp.Diff(tt.want, brief(r.Advisories)); diff != "" || skipped(r) != tt.skipped {
				t.Errorf("skipped %s, want %s\n%s", skipped(r), tt.skipped, diff)
			}
		})
	}
}

// ovalOf is a document whose tests and objects are numbered alike; packages are "names version".
func ovalOf(definitions string, packages ...string) []byte {
	var tests, objects, states, variables string
	for i, p := range packages {
		names, version, _ := strings.Cut(p, " ")
		tests += fmt.Sprintf(`<l:dpkginfo_test id="t:%d"><l:object object_ref="o:%[1]d"/><l:state state_ref="s:%[1]d"/></l:dpkginfo_test>`, i)
		objects += fmt.Sprintf(`<l:dpkginfo_object id="o:%d"><l:name var_ref="v:%[1]d"/></l:dpkginfo_object>`, i)
		states += fmt.Sprintf(`<l:dpkginfo_state id="s:%d"><l:evr datatype="debian_evr_string" operation="less than">0:%s</l:evr></l:dpkginfo_state>`, i, version)
		variables += fmt.Sprintf(`<constant_variable id="v:%d"><value>%s</value></constant_variable>`, i, strings.ReplaceAll(names, ",", "</value><value>"))
	}
	return []byte(`<oval_definitions xmlns="urn:o" xmlns:l="urn:l"><definitions><definition class="inventory" id="d:100"/>` + definitions + `</definitions><tests>` + tests +
		`</tests><objects>` + objects + `</objects><states>` + states + `</states><variables>` + variables + `</variables></oval_definitions>`)
}

const ovalUSN = `<definition class="patch" id="d:1"><metadata><title>USN-3-1 -- curl vulnerability</title><advisory><issued date="2023-12-19"/>
	<cve priority="medium" cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N">CVE-2023-0001</cve><cve priority="low">CVE-2023-0002</cve></advisory></metadata>
	<criteria operator="OR"><criterion test_ref="t:0"/><criterion test_ref="t:1"/><criterion test_ref="t:2"/></criteria></definition>
	<definition class="patch" id="d:2"><metadata><title>USN-3-2 -- curl regression</title></metadata><criteria><criterion test_ref="t:0"/></criteria></definition>
	<definition class="patch" id="d:3"><metadata><title>LSN-3-3 -- live</title></metadata><criteria/></definition>
	<definition class="patch" id="d:4"><metadata><title>USN-3-4 -- Linux kernel vulnerabilities</title><advisory><cve>CVE-2023-0003</cve></advisory></metadata><criteria/></definition>
	<definition class="patch" id="d:5"><metadata><title>USN-3-5 -- zlib vulnerability</title></metadata><criteria><criterion test_ref="t:1"/></criteria></definition>
	<definition class="patch" id="d:6"><metadata><title>x</title></metadata><criteria/></definition>`

func ovalCVE(comments ...string) string {
	var all string
	for _, c := range comments {
		all += `<criterion test_ref="t:0" comment="` + c + `"/>`
	}
	return `<definition class="vulnerability" id="d:1"><metadata><title>x</title><reference ref_id="CVE-2023-0001"/><advisory><severity>High</severity>
		<public_date>2023-12-18 15:00:00 UTC</public_date><cve cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N">CVE-2023-0001</cve></advisory></metadata>
		<criteria><extend_definition definition_ref="d:100" comment="installed"/><criterion test_ref="t:9" comment="Ubuntu is installed"/><criteria operator="OR">` + all + `</criteria></criteria></definition>`
}

func TestOVAL(t *testing.T) {
	const lunar = OVAL + "com.ubuntu.lunar."
	usn := ovalOf(ovalUSN, "libcurl4,curl-doc 8-1", "zlib1g,zlib-dev 1:1-2", "libfoo1 3")
	usn = bytes.ReplaceAll(usn, []byte("0:1:"), []byte("1:"))
	docs := contract.Documents{lunar + "usn.oval.xml.bz2": usn, Tracker: tracker("artful_curl: needed", "artful_zlib: DNE", "eoan_zlib: needed")}
	r := contract.Fetch(t, Feed{}, docs, "ubuntu:23.04")
	want := []string{
		"CVE-2023-0001 curl [USN-3-1] MEDIUM: :23.04 affected <8-1 1219",
		"CVE-2023-0001 zlib [USN-3-1] MEDIUM: :23.04 affected <1:1-2 1219",
		"CVE-2023-0002 curl [USN-3-1] LOW: :23.04 affected <8-1 1219",
		"CVE-2023-0002 zlib [USN-3-1] LOW: :23.04 affected <1:1-2 1219",
		"USN-3-5 zlib [] UNKNOWN: :23.04 affected <1:1-2",
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
	if got, want := skipped(r), "live patch notice 1, not a notice 1, notice about the running kernel 1, notice without CVE 1, unknown source package 1"; got != want {
		t.Errorf("skipped %s, want %s", got, want)
	}
	docs[lunar+"cve.oval.xml.bz2"] = ovalOf(ovalCVE("(CVE-2023-0001) curl package in lunar was vulnerable but has been fixed (note: '8-1')."), "libcurl4 8-1")
	delete(docs, Tracker)
	r = contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff([]string{"CVE-2023-0001 curl [USN-3-1] HIGH: :23.04 affected <8-1 1219", "CVE-2023-0002 curl [USN-3-1] LOW: :23.04 affected <8-1 1219"}, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
}

func TestSentences(t *testing.T) {
	for _, tt := range []struct{ comment, want string }{
		{"potrace package in bionic, is related to the CVE in some way and has been fixed (note: '1.14-2').", "potrace: affected <8-1"},
		{"(CVE-2023-0001) potrace package in jammy is affected and needs fixing.", `potrace: affected "needed"`},
		{"potrace package in jammy is affected, but a decision has been made to defer addressing it (note: '2020-01-01').", `potrace: fix_deferred "deferred (2020-01-01)"`},
		{"potrace package in jammy is affected. An update containing the fix has been completed and is pending publication (note: '2-1').", `potrace: affected "pending (2-1)" <2-1`},
		{"potrace package in jammy, while related to the CVE in some way, a decision has been made to ignore this issue (note: 'end of life').", `potrace: end_of_life "ignored (end of life)"`},
		{"potrace package in jammy is not affected (note: 'code not present').", `potrace: not_affected "not-affected (code not present)"`},
		{"The vulnerability of the 'potrace' package in jammy is not known (status: 'needs-triage'). It is pending evaluation.", `potrace: under_investigation "needs-triage"`},
		{"potrace package in jammy may be odd.", "unknown status 1"},
		{"Ubuntu 22.04 LTS (jammy) is installed.", ""},
	} {
		r := contract.Fetch(t, Feed{}, contract.Documents{OVAL + "com.ubuntu.lunar.cve.oval.xml.bz2": ovalOf(ovalCVE(tt.comment), "libpotrace0 8-1")})
		got := skipped(r)
		for _, a := range r.Advisories {
			b := brief([]assay.Advisory{a})[0]
			got += a.Affected[0].Name + ": " + b[strings.Index(b, "23.04 ")+6:]
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.comment, got, tt.want)
		}
	}
}

// all is one of each document.
func all() contract.Documents {
	return contract.Documents{
		Tracker: tracker("xenial_curl: needed", "esm-infra/xenial_curl: released (7-1+esm1)", "eoan_zlib: needed", "devel_curl: needed"),
		OSV: packed("osv/UBUNTU-CVE-2022-0001.json", osvRecord("UBUNTU-CVE-2022-0001", "", entry("Ubuntu:22.04:LTS", "curl", "", "")),
			"osv/UBUNTU-CVE-2020-0001.json", osvRecord("UBUNTU-CVE-2020-0001", "", entry("Ubuntu:16.04:LTS", "curl", "", "")),
			"osv/USN-1-1.json", osvRecord("USN-1-1", `,"upstream":["CVE-2020-0001"]`, entry("Ubuntu:16.04:LTS", "curl", "7-2", ""), entry("Ubuntu:22.04:LTS", "zlib", "7-2", ""))),
		OVAL + "com.ubuntu.jammy.usn.oval.xml.bz2": ovalOf(ovalUSN, "curl 8-1", "zlib 1-2", "foo 3"),
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: all(), Wanted: "ubuntu-esm:16.04"})
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: all(), Wanted: "ubuntu:22.04"})
}

// TestMerged puts all documents together.
func TestMerged(t *testing.T) {
	r := contract.Fetch(t, Feed{}, all())
	want := []string{
		"CVE-2020-0001 curl [USN-1-1 USN-4132-1 USN-4132-2] MEDIUM: :16.04 affected <7-2 0915; -esm:16.04 affected <7-1+esm1",
		`CVE-2020-0001 zlib [USN-4132-1 USN-4132-2] LOW: :19.10 affected "needed"`,
		`CVE-2020-0001 curl [USN-4132-1 USN-4132-2] MEDIUM: :20.04 affected "needed"; -esm:20.04 affected "needed"`,
		"CVE-2022-0001 curl [] UNKNOWN: :22.04 affected; -esm:22.04 affected",
		"CVE-2020-0001 zlib [USN-1-1] UNKNOWN: :22.04 affected <7-2 0915; -esm:22.04 affected <7-2 0915",
		"CVE-2023-0001 curl [USN-3-1] MEDIUM: :22.04 affected <8-1 1219; -esm:22.04 affected <8-1 1219",
		"CVE-2023-0001 zlib [USN-3-1] MEDIUM: :22.04 affected <1-2 1219; -esm:22.04 affected <1-2 1219",
		"CVE-2023-0002 curl [USN-3-1] LOW: :22.04 affected <8-1 1219; -esm:22.04 affected <8-1 1219",
		"CVE-2023-0002 zlib [USN-3-1] LOW: :22.04 affected <1-2 1219; -esm:22.04 affected <1-2 1219",
		"USN-3-5 zlib [] UNKNOWN: :22.04 affected <1-2; -esm:22.04 affected <1-2",
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
	if got, want := skipped(r), "already in the tracker 1, live patch notice 1, not a notice 1, notice about the running kernel 1, notice without CVE 1, unknown source package 1"; got != want {
		t.Errorf("skipped %s, want %s", got, want)
	}
}

// TestCorpus: the tracker there is of April 2020, when 20.04 was being
// developed; OSV is an excerpt of three records, OVAL of 2023 and 2024. The
// tracker's numbers were counted by another program.
func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n, facts := map[assay.Stream]int{}, map[string]string{}
	want := map[string]string{
		"openssl CVE-2019-1547 ubuntu-esm:14.04":           `CVE-2019-1547 openssl [] LOW: :14.04 end_of_life "ignored (out of standard support)"; -esm:14.04 affected "needed"`,
		"openssl CVE-2019-1547 ubuntu-esm:20.04":           `CVE-2019-1547 openssl [] LOW: :20.04 affected <1.1.1d-2ubuntu1; -esm:20.04 affected <1.1.1d-2ubuntu1`,
		"openssl CVE-2019-1547 ubuntu:19.10":               `CVE-2019-1547 openssl [] LOW: :19.10 affected "needed"`,
		"nodejs CVE-2019-1547 ubuntu:19.10":                `CVE-2019-1547 nodejs [] LOW: :19.10 not_affected "not-affected (uses system openssl1.1)"`,
		"libvpx CVE-2020-0034 ubuntu-esm:16.04":            `CVE-2020-0034 libvpx [] LOW: :16.04 affected "needed"; -esm:16.04 affected "needed"`,
		"expat CVE-2024-45490 ubuntu-esm:24.04":            `CVE-2024-45490 expat [USN-7000-1] MEDIUM: :24.04 affected <2.6.1-2ubuntu0.1 0912; -esm:24.04 affected <2.6.1-2ubuntu0.1 0912`,
		"less CVE-2024-32487 ubuntu-esm:24.04":             `CVE-2024-32487 less [USN-6756-1] MEDIUM: :24.04 affected <590-2ubuntu2.1 0429; -esm:24.04 affected <590-2ubuntu2.1 0429`,
		"rabbitmq-server CVE-2024-51988 ubuntu:24.10":      `CVE-2024-51988 rabbitmq-server [] MEDIUM: :24.10 affected <3.12.1-1ubuntu2`,
		"linux-nvidia-6.8 CVE-2024-41090 ubuntu-esm:22.04": `CVE-2024-41090 linux-nvidia-6.8 [USN-7095-1] UNKNOWN: :22.04 affected <6.8.0-1017.19~22.04.1 1107; -esm:22.04 affected <6.8.0-1017.19~22.04.1 1107`,
	}
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			n[p.Stream]++
		}
		key := a.Affected[0].Name + " " + a.ID + " " + string(a.Affected[len(a.Affected)-1].Stream)
		if _, ok := want[key]; ok {
			facts[key] = brief([]assay.Advisory{a})[0]
		}
	}
	for stream, want := range map[assay.Stream]int{
		"ubuntu:14.04": 46809, "ubuntu-esm:14.04": 46966, "ubuntu-esm:12.04": 32995, "ubuntu:16.04": 44467, "ubuntu-esm:16.04": 44467,
		"ubuntu:20.04": 46377 + 1, "ubuntu:22.04": 1061, "ubuntu:24.04": 617, "ubuntu:23.04": 401, "ubuntu:24.10": 71,
	} {
		if n[stream] != want {
			t.Errorf("%s: %d, want %d", stream, n[stream], want)
		}
	}
	if got, want := skipped(r), "live patch notice 17, no CVE 9, notice about the running kernel 212, notice without CVE 38, package not in the release 553095, "+
		"product other than a release 94804, released without a version 132, unknown release name 2457, unknown source package 498"; got != want {
		t.Errorf("skipped %s, want %s", got, want)
	}
	for key, want := range want {
		if facts[key] != want {
			t.Errorf("%s: %s, want %s", key, facts[key], want)
		}
	}
}

// TestSamples reads what other places have, in place of the publisher's.
func TestSamples(t *testing.T) {
	dir := corpus.Path(t, "feeds")
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var files, corners []string
	records := filepath.Join(dir, "raw.githubusercontent.com/canonical/ubuntu-security-notices/main/osv")
	filepath.WalkDir(records, func(path string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			files = append(files, "osv/"+filepath.Base(path), string(must(os.ReadFile(path))))
		}
		return nil
	})
	filepath.WalkDir(filepath.Join(dir, "git.launchpad.net/ubuntu-cve-tracker/_more"), func(path string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			b := must(os.ReadFile(path))
			_, id, _ := strings.Cut(string(b), "Candidate: ")
			id, _, _ = strings.Cut(id, "\n")
			corners = append(corners, "t/active/"+id, string(b))
		}
		return nil
	})
	const oci = "security-metadata.canonical.com/oval/oci.com.ubuntu."
	for name, tt := range map[string]struct {
		docs    contract.Documents
		kept    int
		skipped string
		some    []string
	}{
		"OSV": {contract.Documents{OSV: packed(files...)}, 46, "withdrawn 2", []string{
			"CVE-2021-3782 wayland [USN-5614-1 USN-5614-2] MEDIUM: -esm:16.04 affected <1.12.0-1~ubuntu16.04.3+esm1",
			"CVE-2021-3782 wayland [USN-5614-1 USN-5614-2] MEDIUM: :22.04 affected <1.20.0-1ubuntu0.1 0915; -esm:22.04 affected <1.20.0-1ubuntu0.1 0915",
			"CVE-2014-9913 unzip [USN-4672-1] NEGLIGIBLE: -esm:14.04 affected <6.0-9ubuntu1.6",
			"CVE-2026-1403 gitlab [] MEDIUM: :16.04 affected; -esm:16.04 affected"}},
		"corner cases": {contract.Documents{Tracker: packed(corners...)}, 22, "package not in the release 12", []string{
			`CVE-2019-15903 vnc4 [USN-4132-1 USN-4132-2 USN-4165-1 USN-4202-1 USN-4335-1] MEDIUM: :14.04 end_of_life "ignored (out of standard support)"; -esm:14.04 affected "needed"`,
			"CVE-2017-9228 php5 [USN-3382-1 USN-3382-2] MEDIUM: -esm:12.04 affected <5.3.10-1ubuntu3.28",
			`CVE-2022-22965 libspring-java [] HIGH: :24.04 affected "needed"; -esm:24.04 affected "needed"`}},
		"OVAL of old": {contract.Documents{OVAL + "com.ubuntu.bionic.cve.oval.xml.bz2": read("security-metadata.canonical.com/oval/_more/ubuntu_oval_data.xml")}, 2, "", []string{
			"CVE-2016-8703 potrace [] MEDIUM: :18.04 affected <1.14-2; -esm:18.04 affected <1.14-2"}},
		"images": {contract.Documents{OVAL + "com.ubuntu.jammy.cve.oval.xml.bz2": read(oci + "jammy.cve.oval.xml.bz2"), OVAL + "com.ubuntu.jammy.usn.oval.xml.bz2": read(oci + "jammy.usn.oval.xml.bz2")}, 2, "", []string{
			"CVE-2023-48795 libssh [USN-6560-2 USN-6561-1] MEDIUM: :22.04 affected <0.9.6-2ubuntu0.22.04.2 1219; -esm:22.04 affected <0.9.6-2ubuntu0.22.04.2 1219"}},
	} {
		r := contract.Fetch(t, Feed{}, tt.docs)
		got := brief(r.Advisories)
		if len(got) != tt.kept || skipped(r) != tt.skipped {
			t.Errorf("%s: %d, skipped %s, want %d, %s", name, len(got), skipped(r), tt.kept, tt.skipped)
		}
		for _, want := range tt.some {
			if !slices.Contains(got, want) {
				t.Errorf("%s: not %s in\n%s", name, want, strings.Join(got, "\n"))
			}
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func FuzzTracker(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Tracker, func(b []byte) []byte { return packed("t/active/CVE-2020-0001", string(b)) },
		head+"xenial_curl: needed\nesm-infra/xenial_curl: released (7-1+esm1)\nfips/xenial_curl: ignored (end of life)\ndevel_curl: pending")
}

func FuzzOSV(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, OSV, func(b []byte) []byte { return packed("UBUNTU-1.json", string(b), "USN-1.json", string(b)) },
		osvRecord("UBUNTU-CVE-2022-0001", "", entry("Ubuntu:22.04:LTS", "curl", "1", "")), osvRecord("USN-1-1", `,"upstream":["CVE-2020-0001"]`, entry("Ubuntu:Pro:16.04:LTS", "curl", "7-2", "")))
}

func FuzzOVAL(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, OVAL+"com.ubuntu.jammy.usn.oval.xml.bz2", nil, string(ovalOf(ovalUSN, "curl 8-1", "zlib 1-2", "foo 3")))
}
