package suse

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// doc is a document with one definition; its tests are of what the criteria
// name: "NAME-VERSION is installed", "NAME is affected", "PRODUCT is installed".
func doc(criteria string) []byte {
	var tests, objects, states strings.Builder
	test := func(id, name, field string) {
		fmt.Fprintf(&tests, `<rpminfo_test id="t:%s"><object object_ref="o:%s"/><state state_ref="s:%s"/></rpminfo_test>`, id, id, id)
		fmt.Fprintf(&objects, `<rpminfo_object id="o:%s"><name>%s</name></rpminfo_object>`, id, name)
		fmt.Fprintf(&states, `<rpminfo_state id="s:%s">%s</rpminfo_state>`, id, field)
	}
	test("sle", "sles-release", `<version operation="equals">15.4</version>`)
	test("a", "a", `<arch operation="pattern match">(x86_64|aarch64)</arch><evr operation="less than">0:1-2</evr>`)
	test("a2", "a", `<arch operation="pattern match">(x86_64|aarch64)</arch><evr operation="less than">0:2-2</evr>`)
	test("b", "b", `<evr operation="less than">1:1-2</evr>`)
	test("zero", "a", `<version operation="equals">0</version>`)
	test("any", "a", `<version operation="greater than">0</version>`)
	test("key", "a", `<signature_keyid operation="equals">b88b2fd43dbdc284</signature_keyid>`)
	return fmt.Appendf(nil, `<oval_definitions><definitions><definition id="d:1" class="vulnerability"><metadata><title>CVE-2024-0001</title>
		<reference ref_id="Mitre CVE-2024-0001" source="CVE"/><reference ref_id="SUSE-SU-2024:1-1" source="SUSE-SU"/><reference ref_id="SUSE-CU-2024:9-1" source="SUSE-SU"/><reference ref_id="TID7" source="SUSE-SU"/>
		<advisory><issued date="2024-01-02"/><updated date="2024-01-03"/><severity>Important</severity><cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H" href="https://www.suse.com/security/cve/CVE-2024-0001/">CVE-2024-0001 at SUSE</cve>
		<cve cvss3="3.7/CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N" href="https://nvd.nist.gov/vuln/detail/CVE-2024-0001">CVE-2024-0001 at NVD</cve></advisory></metadata>%s</definition></definitions>
		<tests>%s</tests><objects>%s</objects><states>%s</states></oval_definitions>`, criteria, &tests, &objects, &states)
}

// is writes a criterion.
func is(test, comment string) string {
	return `<criterion test_ref="t:` + test + `" comment="` + comment + `"/>`
}

func and(all ...string) string {
	return `<criteria operator="AND">` + strings.Join(all, "") + `</criteria>`
}

func or(all ...string) string {
	return `<criteria operator="OR">` + strings.Join(all, "") + `</criteria>`
}

const (
	base4 = "SUSE Linux Enterprise Module for Basesystem 15 SP4 is installed"
	ltss4 = "SUSE Linux Enterprise Server 15 SP4-LTSS is installed"
	sles5 = "SUSE Linux Enterprise Server 15 SP5 is installed"
)

func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %v %s: %s %s%v %s %q", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Qualifiers.Arches, p.Status, p.Reason)
			for _, r := range p.Ranges {
				s += " <" + r.Fixed
			}
			out = append(out, s)
		}
	}
	return out
}

func TestCriteria(t *testing.T) {
	for _, tt := range []struct {
		name, criteria string
		want           []string // behind the identifiers
	}{
		{"fixed, in two products", or(and(or(is("sle", base4), is("sle", sles5)), or(is("a", "a-1-2 is installed"), is("b", "b-1-2 is installed"))), and(is("sle", ltss4), or(is("a", "a-1-2 is installed")))),
			[]string{`sles:15.4 a[aarch64 x86_64] affected "" <1-2`, `sles:15.4 b[] affected "" <1:1-2`, `sles:15.5 a[aarch64 x86_64] affected "" <1-2`, `sles:15.5 b[] affected "" <1:1-2`}},
		{"signed", and(is("sle", base4), and(is("a", "a-1-2 is installed"), is("key", "a is signed with openSUSE key"))), []string{`sles:15.4 a[aarch64 x86_64] affected "" <1-2`}},
		{"two fixes", or(and(is("sle", base4), is("a", "a-1-2 is installed")), and(is("sle", ltss4), is("a2", "a-2-2 is installed"))), []string{`sles:15.4 a[aarch64 x86_64] affected "" <1-2 <2-2`}},
		{"not fixed", and(is("sle", base4), is("any", "a is affected")), []string{`sles:15.4 a[] affected "affected" <`}},
		{"not affected", and(or(is("sle", base4)), is("zero", "a is not affected")), []string{`sles:15.4 a[] not_affected "not affected" <`}},
		{"not of one mind", or(and(is("sle", base4), is("zero", "a is not affected")), and(is("sle", ltss4), is("a", "a-1-2 is installed")), and(is("sle", ltss4), is("any", "a is affected"))), []string{`sles:15.4 a[aarch64 x86_64] affected "" <1-2`}},
		{"another product", and(is("sle", "SUSE Manager Server 4.1 is installed"), is("a", "a-1-2 is installed")), []string{"no package of a known product"}},
		{"no product", is("a", "a"), []string{"no package of a known product"}},
		{"no test", and(is("sle", base4), is("none", "a-1-2 is installed")), []string{"no package of a known product"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, contract.Documents{Directory + "suse.linux.enterprise.15-affected.xml.gz": doc(`<criteria>` + tt.criteria + `</criteria>`)})
			var got []string
			for _, s := range brief(r.Advisories) {
				got = append(got, strings.TrimPrefix(s, "CVE-2024-0001 [SUSE-SU-2024:1-1] HIGH: "))
			}
			for why := range r.Skipped {
				got = append(got, why)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			for _, a := range r.Advisories {
				if a.URL != page+"CVE-2024-0001.html" || len(a.CVSS) != 1 || a.CVSS[0].Score != 7.5 || a.Published.Day() != 2 || a.Modified.Day() != 3 {
					t.Errorf("%+v", a)
				}
			}
		})
	}
	r := contract.Fetch(t, Feed{}, contract.Documents{Directory + "opensuse.leap.15.2.xml.gz": doc(or(is("a", "a-1-2 is installed")))}, "opensuse-leap:15.2")
	if diff := cmp.Diff([]string{`CVE-2024-0001 [SUSE-SU-2024:1-1] HIGH: opensuse-leap:15.2 a[aarch64 x86_64] affected "" <1-2`}, brief(r.Advisories)); diff != "" {
		t.Errorf("the only product is not named: %s", diff)
	}
}

func TestStreams(t *testing.T) {
	for product, want := range map[string]string{
		"openSUSE Tumbleweed": "[opensuse-tumbleweed]", "openSUSE Leap 15.6": "[opensuse-leap:15.6]", "openSUSE Leap 15.6 NonFree": "[opensuse-leap:15.6]", "openSUSE 13.2": "[opensuse-leap:13.2]", "openSUSE Leap Micro 5.2": "[]",
		"SUSE Linux Enterprise Micro 5.5": "[sle-micro:5.5]", "SUSE Linux Enterprise Micro for Rancher 5.2": "[sle-micro:5.2]", "SUSE Linux Micro 6.1": "[sle-micro:6.1]", "SUSE Linux Micro Extras 6.0": "[]",
		"SUSE Linux Enterprise Server 15": "[sles:15]", "SUSE Linux Enterprise Server 15-LTSS": "[sles:15]", "SUSE Linux Enterprise Server 15 SP1-BCL": "[sles:15.1]", "SUSE Linux Enterprise Server for SAP Applications 15 SP3": "[sles:15.3]",
		"SUSE Linux Enterprise Module for Live Patching 15 SP3": "[sles:15.3]", "SUSE Linux Enterprise High Performance Computing 15 SP1-ESPOS": "[sles:15.1]", "SUSE Linux Enterprise Server LTSS Extended Security 12 SP5": "[sles:12.5]",
		"SUSE Linux Enterprise Server 16.0": "[sles:16.0]", "SUSE Linux Enterprise Server 12 SP5": "[sles:12.5]", "SUSE Linux Enterprise Module for Containers 12": "[sles:12 sles:12.1 sles:12.2 sles:12.3 sles:12.4 sles:12.5]",
		"SUSE Linux Enterprise Storage 7": "[]", "SUSE Manager Server 4.1": "[]", "SUSE Package Hub 15 SP4": "[]",
	} {
		if got := fmt.Sprint(streams(product)); got != want {
			t.Errorf("%s: %s, want %s", product, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, tt := range []struct{ wanted, want string }{
		{"sles:15.4", "sles:15.4 suse.linux.enterprise.15-sp4 suse.linux.enterprise.15 suse.linux.enterprise.server.15"},
		{"sles:15", "sles:15 suse.linux.enterprise.15 suse.linux.enterprise.server.15"},
		{"sles:16.0", "sles:16.0 suse.linux.enterprise.16.0 suse.linux.enterprise.16 suse.linux.enterprise.server.16"},
		{"sle-micro:5.5", "sle-micro:5.5 suse.linux.enterprise.micro.5.5 suse.linux.enterprise.micro.5"},
		{"sle-micro:6.1", "sle-micro:6.1 suse.linux.micro.6.1 suse.linux.micro.6"},
		{"opensuse-leap:15.6", "opensuse-leap:15.6 opensuse.leap.15.6 opensuse.15.6"},
		{"opensuse-tumbleweed", "opensuse-tumbleweed opensuse.tumbleweed"},
		{"sles:../../x", ""}, {"debian:12", ""},
	} {
		var got []string
		for _, p := range places([]assay.Stream{assay.Stream(tt.wanted)}) {
			got = append(append(got, string(p.streams)), p.names...)
			if !p.needed || p.major {
				t.Errorf("%+v", p)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s, want %s", tt.wanted, got, tt.want)
		}
	}
	if n := len(places(nil)); n != 4+2+11+1 {
		t.Errorf("%d places of all", n)
	}
	if n := len(places([]assay.Stream{"sles:*", "sles:15.4", "sle-micro:6.0"})); n != 4+1 {
		t.Errorf("%d places of a family and one more", n)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Wanted: "sles:15.4", Documents: contract.Documents{
		Directory + "suse.linux.enterprise.15-affected.xml.gz": doc(and(or(is("sle", base4), is("sle", sles5)), or(is("a", "a-1-2 is installed")))),
		Directory + "opensuse.tumbleweed.xml.gz":               doc(and(is("sle", "openSUSE Tumbleweed is installed"), is("b", "b-1-2 is installed"))),
	}})
}

// TestCorpus reads the samples of documents. One was edited so that a section
// has another name, and one operation is a number.
func TestCorpus(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(corpus.Path(t, "feeds/ftp.suse.com/pub/projects/security/oval/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	mirror := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if n := len(brief(mirror.Advisories)); n != 25 || mirror.Reasons()["no package of a known product"] != 4 {
		t.Errorf("%d rows, skipped %v", n, mirror.Skipped)
	}
	edited := strings.NewReplacer("<state>", "<states>", "</state>\n</oval", "</states>\n</oval", `<evr operation="6">`, `<evr operation="less than">`).Replace(string(read("suse.linux.enterprise.server.15.xml")))
	r := contract.Fetch(t, Feed{}, contract.Documents{Directory + "suse.linux.enterprise.server.15.xml": []byte(edited)})
	got := append(brief(mirror.Advisories), brief(r.Advisories)...)
	for _, want := range []string{
		`CVE-2001-1267 [SUSE-SR:2007:019] MEDIUM: sles:16.0 tar[aarch64 ppc64le s390x x86_64] affected "" <1.35-160000.2.2`,
		`CVE-2001-0405 [] HIGH: sle-micro:6.1 kernel-source-rt[] not_affected "not affected" <`,
		`CVE-2010-2322 [SUSE-SU-2021:2635-1 openSUSE-SU-2021:1107-1 openSUSE-SU-2021:2565-1] LOW: opensuse-leap:15.2 fastjar[i586 x86_64] affected "" <0.98-lp152.4.3.1`,
		`CVE-2001-1267 [SUSE-SR:2007:019] MEDIUM: opensuse-tumbleweed tar-lang[] affected "" <1.34-2.2`,
		`CVE-2010-1323 [SUSE-SR:2010:023 SUSE-SR:2010:024] MEDIUM: sles:15 krb5-server[] affected "" <1.15.2-4.25`,
		`CVE-1999-0524 [] MEDIUM: sles:15 kernel-default[] not_affected "not affected" <`,
		`CVE-2026-34073 [] MEDIUM: sles:15 python3-cryptography[] not_affected "not affected" <`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, p := range r.Advisories[1].Affected { // a kernel's, with some forty notices
		if r.Advisories[1].ID != "CVE-2021-29154" || len(r.Advisories[1].VendorIDs) != 25 || p.Name != "kernel-default" || p.Ranges[0].Fixed != map[assay.Stream]string{"sles:15": "4.12.14-150.72.1", "sles:15.1": "4.12.14-197.89.2"}[p.Stream] {
			t.Errorf("%v %+v", r.Advisories[1].VendorIDs, p)
		}
	}
	old := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")), "opensuse-leap:13.2", "opensuse-leap:12.1", "opensuse-leap:10.2")
	if got := brief(old.Advisories); len(got) != 8 || !slices.Contains(got, `CVE-2002-2443 [] UNKNOWN: opensuse-leap:13.2 krb5-client[] affected "" <1.12.2-3.1`) {
		t.Error(strings.Join(got, "\n"), old.Skipped)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Directory+"suse.linux.enterprise.15-affected.xml.gz", nil, string(doc(and(or(is("sle", base4), is("sle", sles5)), or(is("a", "a-1-2 is installed"))))))
}
